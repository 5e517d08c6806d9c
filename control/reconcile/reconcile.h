/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssReconciler:
 *
 * Brings what the nodes hold into line with the catalog, on a thread of its own: for each node that
 * comes up, and for all of them every five minutes,
 *  - carries out the pending deletions,
 *  - lists the node's shards and deletes those that no row has known for the grace period (every
 *    row is committed before its shard is sent, so such a shard is garbage, of a request that was
 *    answered too late; or a database was put back that is older than it, and somebody may want to
 *    think again). It becomes a pending deletion first, so that nobody places it there meanwhile.
 *    Where they are a large part of what the node holds, it stops and asks,
 *  - notes that the shards which should be there and are not are bad.
 * Every five seconds it tries again what deletions are pending at nodes that are up, and removes
 * expired uploads.
 */

/* Takes the nodes' watch. */
PmssReconciler *pmss_reconciler_start (PmssControlContext *context);
/* Ends at the request at hand; joins the thread. */
void            pmss_reconciler_stop  (PmssReconciler *reconciler);

/* One node as of its last complete reconciliation. */
typedef struct
{
  guint node;
  gint64 when;                  /* seconds since 1970 */
  guint64 shards;               /* listed */
  guint64 missing;              /* that the catalog has on it, and it has not */
  guint64 unknown;              /* that nobody knows, and that are left alone for now */
  guint64 held;                 /* of them: that are left alone until somebody confirms it */
} PmssReconciled;

/* How many of @node's shards would be deleted, and are so large a part of what it holds that it has
 * to be confirmed. Any thread. */
guint64         pmss_reconciler_get_held (PmssReconciler *reconciler, guint node);
/* Somebody has looked: up to @shards go, at the next comparison that comes to its end; one is made
 * now. PMSS_ERROR_CONFLICT unless so many are held. Any thread. */
gboolean        pmss_reconciler_confirm  (PmssReconciler *reconciler, guint node, guint64 shards,
    GError **error);

/* Totals since the start, and for each node what was found last: array of #PmssReconciled. Any
 * thread. */
GArray         *pmss_reconciler_get_stats (PmssReconciler *reconciler, guint64 *orphans,
    guint64 *deleted);

G_END_DECLS
