/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/client/pmss-client.h"

G_BEGIN_DECLS

typedef struct _PmssEngine PmssEngine;

/* When the layout is asked for anew, and what of the answers is taken over. All
 * of it in the I/O thread. */
typedef struct
{
  gpointer patience;            /* PmssPatience; NULL: nothing is asked */
  gint64 began;                 /* the request that is under way, monotonic */
  gint64 heard;                 /* when the last one that ended began; 0: none */
  gint64 next;                  /* while nodes are missing: not before */
  guint tries;                  /* in a row that brought nothing */
  char *refused;                /* (nullable): why a layout was, the last time */
} PmssRefresh;

/* Lock not held: a renewal tells which layout is the present one. */
void pmss_refresh_hear (PmssEngine *engine, const PmssRenewal *renewal);
/* Lock not held: @layout came with a new session of the same medium. */
void pmss_refresh_take (PmssEngine *engine, PmssLayout *layout);

/* Lock held: too few shards can be had. Asks at once, and then with pauses. */
void pmss_refresh_need (PmssEngine *engine, gint64 now);
/* Lock held: whether nothing has been heard that was asked for after @since. */
gboolean pmss_refresh_may_help (PmssEngine *engine, gint64 since);
/* Lock held: when need() asks again; G_MAXINT64: it is asked just now. */
gint64 pmss_refresh_get_due (PmssEngine *engine);

G_END_DECLS
