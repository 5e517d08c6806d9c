/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-link.h"

G_BEGIN_DECLS

/**
 * PmssHopeless:
 *
 * Decides when an awaited row is given up, and says why. Its owner gives a view of the row. For
 * each of its k + m units it has the node of the shard, and the result of asking it.
 *
 * Pure: no clock, no I/O. Times are in us on the clock of the owner. Threads: the owner's, under
 * the lock that protects the links.
 */
typedef struct
{
  PmssLink *link;               /* NULL: no node has the shard */
  gboolean is_bad;              /* this unit of it is damaged */
  guint tries;                  /* how often, in a row, the node did not give the shard */
  gint64 retry;                 /* when it is asked for that again; G_MAXINT64: nothing is wrong */
} PmssHopelessUnit;

typedef struct
{
  PmssRedundancy redundancy;
  gint64 timeout;               /* us; 0: none */
  int retries;                  /* of a node, or a shard, that never gave a byte; -1: for ever */
  gint64 stuck_since;           /* too few units can be asked for; 0: enough can */
  PmssHopelessUnit units[PMSS_MAX_SHARDS];      /* k + m */
} PmssHopelessRow;

/* Whether @row is given up. @layout_may_help: control was not asked yet where the shards are by
 * now. */
gboolean pmss_hopeless_is_over (const PmssHopelessRow *row, gint64 now,
    gboolean layout_may_help);
/* When something is to be tried for @row, or it is given up; G_MAXINT64: never. */
gint64 pmss_hopeless_get_due (const PmssHopelessRow *row);
/* Whether so many shards of @row are not given that it may be the reason why it
 * does not come. */
gboolean pmss_hopeless_is_doubtful (const PmssHopelessRow *row);
/* Says why @row, which is of @extent of @medium, cannot be had: a PMSS_ERROR_TOO_FEW_SHARDS with
 * details. */
GError *pmss_hopeless_new_error (const PmssHopelessRow *row,
    const char *medium, guint32 extent);

G_END_DECLS
