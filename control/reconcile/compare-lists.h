/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/reconcile/unknown-shards.h"
#include "control/nodes/node-calls.h"

G_BEGIN_DECLS

/* A node's list of its shards against the catalog: the reconciler's larger half. Blocks; one
 * thread. */

typedef struct
{
  /* the list has come to its end; FALSE: it goes on the next time, and the rest is not known */
  gboolean whole;
  guint64 shards;               /* listed */
  /* that the catalog has on it, and it has not: noted as bad shards, at most 10,000 a comparison */
  guint64 missing;
  guint64 unknown;              /* unknown ones, for any time */
  /* of them, those that are too many to be remembered: their turn comes when others are gone */
  guint64 forgotten;
  /* unknown for the grace period: pending deletions from now on */
  guint64 orphans;
  /* all unknown ones, where they are so many that an administrator has to confirm it: left alone */
  guint64 held;
} PmssCompared;

/* Whether a clean-up of @orphans of the @shards that a node holds is so large that the catalog, or
 * the node's identity, may be wrong. That is more than 16 and 5 %, or at least four and more than
 * half. */
gboolean     pmss_cleanup_is_large (guint64 orphans, guint64 shards);

/* The rest of a confirmation of @allowed orphans after a whole list: 0, save where more are unknown
 * than were remembered. */
guint64      pmss_compared_get_rest (const PmssCompared *compared, guint64 allowed);

/* Brings @unknown up to date. @more: names that the list may have besides twice those of the
 * catalog. A longer or a slow list is left, and the next call goes on there.
 * @allowed: as many orphans may go, however large a part that is. On FALSE the next call goes on
 * after the last page that was compared. */
gboolean     pmss_compare_lists (PmssControlContext *context, PmssNodeCalls *calls, guint node,
    PmssUnknown *unknown, guint64 more, guint64 allowed,
    PmssCompared *compared, GCancellable *cancellable, GError **error);

G_END_DECLS
