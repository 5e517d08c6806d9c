/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssReconciler:
 *
 * Brings the nodes' shards into line with the catalog, on a thread of its own. For each node that
 * comes up, and for all of them every five minutes, it
 *  - carries out the pending deletions,
 *  - deletes shards that no row has known for the grace period,
 *  - notes missing shards as bad.
 *
 * Every row is committed before its shard is sent. So an unknown shard is garbage, of a request
 * that was answered too late. Or the database is an older one that was put back; the grace period
 * leaves time to notice. The shard becomes a pending deletion first, so that it is not placed there
 * meanwhile. Where the unknown ones are a large part of a node's shards, the reconciler stops and
 * asks.
 *
 * Every five seconds it tries the pending deletions at nodes that are up again, and removes expired
 * uploads.
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
  guint64 unknown;              /* unknown ones that are left alone for now */
  guint64 held;                 /* of them: left alone until an administrator confirms it */
} PmssReconciled;

/* How many of @node's shards would be deleted, where they are so large a part that an administrator
 * has to confirm it. Any thread. */
guint64         pmss_reconciler_get_held (PmssReconciler *reconciler, guint node);
/* An administrator has confirmed: up to @shards go, at the next comparison that comes to its end.
 * One is made now. PMSS_ERROR_CONFLICT unless so many are held. Any thread. */
gboolean        pmss_reconciler_confirm  (PmssReconciler *reconciler, guint node, guint64 shards,
    GError **error);

/* Totals since the start, and for each node the last findings: array of #PmssReconciled. Any
 * thread. */
GArray         *pmss_reconciler_get_stats (PmssReconciler *reconciler, guint64 *orphans,
    guint64 *deleted);

G_END_DECLS
