/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/node/pmss-node-client.h"

G_BEGIN_DECLS

/**
 * PmssNodeCalls:
 *
 * Many requests to many nodes at once, for work that blocks: deletion, verification,
 * reconciliation. Queue calls, then run() them. Keeps a client for each node, mints the capability
 * tokens, and sends no more than four requests to a node at a time. The first call of a run that
 * finds its node unreachable ends the run's other calls to that node with the same error. A node
 * that did not answer in time is remembered over runs: see #PmssAvoidance.
 *
 * Threads: one worker thread at a time; runs a main context of its own inside its calls.
 */
typedef struct _PmssNodeCalls PmssNodeCalls;

PmssNodeCalls *pmss_node_calls_new  (PmssControlContext *context);
void           pmss_node_calls_free (PmssNodeCalls *calls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssNodeCalls, pmss_node_calls_free)

/* @tag comes back with the result. A node that is down or unknown: PMSS_ERROR_UNREACHABLE. */
void           pmss_node_calls_delete  (PmssNodeCalls *calls, guint node, const char *shard,
    guint tag);
void           pmss_node_calls_compare (PmssNodeCalls *calls, guint node, const char *shard,
    GBytes *expected, guint tag);
void           pmss_node_calls_put     (PmssNodeCalls *calls, guint node, const char *shard,
    GBytes *bytes, guint tag);
/* See pmss_node_client_replace_async(). */
void           pmss_node_calls_replace (PmssNodeCalls *calls, guint node, const char *shard,
    GBytes *bytes, guint tag);
/* @into: see pmss_node_client_get_async(). */
void           pmss_node_calls_get     (PmssNodeCalls *calls, guint node, const char *shard,
    GByteArray *into, gsize max, guint tag);

/* @error: NULL for success. In the thread of run(). */
typedef void (*PmssNodeCallDone) (guint node, const char *shard, guint tag, const GError *error,
    gpointer user_data);

/* Runs the queued calls, and those that @done queues meanwhile, until all have succeeded or failed.
 * FALSE: cancelled (all calls are over then, too). */
gboolean       pmss_node_calls_run  (PmssNodeCalls *calls, PmssNodeCallDone done,
    gpointer user_data, GCancellable *cancellable, GError **error);

/* One page of a node's shards: see pmss_node_client_list_async(). */
GPtrArray     *pmss_node_calls_list (PmssNodeCalls *calls, guint node, const char *after,
    gboolean *more, GCancellable *cancellable, GError **error);

G_END_DECLS
