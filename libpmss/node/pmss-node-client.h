/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>

#include "libpmss/format/pmss-layout.h"
#include "pmss-proof.h"

G_BEGIN_DECLS

/**
 * PmssNodeClient:
 *
 * Whole-shard requests to one storage server, for writer, read-back, deletion and comparison of
 * lists. (The reader's streaming of ranges is in pmss-stream.h.)
 *
 * Threads: it belongs to the thread-default main context in which it was made. All calls and
 * answers are there. Every request has an idle timeout; errors are PMSS_ERRORs with node, extent,
 * shard and status in their details.
 */
#define PMSS_TYPE_NODE_CLIENT (pmss_node_client_get_type ())
G_DECLARE_FINAL_TYPE (PmssNodeClient, pmss_node_client, PMSS, NODE_CLIENT, GObject)

/* @timeout: seconds without progress after which a request fails. A request also fails after twice
 * @timeout and the time that its bytes need at 32 KB/s, even if bytes move. @tls_database:
 * (nullable) */
PmssNodeClient *pmss_node_client_new       (const PmssNode *node, guint timeout,
    GTlsDatabase *tls_database);
const PmssNode *pmss_node_client_get_node  (PmssNodeClient *client);
/* The capability token for requests from now on. */
void            pmss_node_client_set_token (PmssNodeClient *client, const char *token);

/* Stores @shard under @name. A shard that is there already counts as stored: shards are immutable,
 * and the caller reads them back. */
void     pmss_node_client_put_async     (PmssNodeClient *client, const char *name, GBytes *shard,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* The same, but replaces the shard that is there under @name, in one step. put_finish() ends this
 * one, too. */
void     pmss_node_client_replace_async (PmssNodeClient *client, const char *name, GBytes *shard,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean pmss_node_client_put_finish    (PmssNodeClient *client, GAsyncResult *result,
    GError **error);
/* Reads a whole shard and compares it with @expected. No more than one block of it is in memory.
 * PMSS_ERROR_CORRUPT tells the offset of the first difference. */
void     pmss_node_client_compare_async  (PmssNodeClient *client, const char *name,
    GBytes *expected, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean pmss_node_client_compare_finish (PmssNodeClient *client, GAsyncResult *result,
    GError **error);
/* Reads a shard from offset @into->len on, and appends its bytes to @into. PMSS_ERROR_CORRUPT: the
 * shard has more than @max bytes in all. The bytes that came before an error are in @into, too. The
 * status in the error's details tells whether an answer began at all. */
void     pmss_node_client_get_async     (PmssNodeClient *client, const char *name,
    GByteArray *into, gsize max, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean pmss_node_client_get_finish    (PmssNodeClient *client, GAsyncResult *result,
    GError **error);
/* A shard that is not there counts as deleted. */
void     pmss_node_client_delete_async  (PmssNodeClient *client, const char *name,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean pmss_node_client_delete_finish (PmssNodeClient *client, GAsyncResult *result,
    GError **error);
/* One page of the node's shards after @after (NULL: from the start), by name in byte order.
 * Unparsable names are an error. @more: whether there is another page. PMSS_ERROR_MISDIRECTED: the
 * answer is another node's, or, where @instance is set, of another start of it. */
void     pmss_node_client_list_async    (PmssNodeClient *client, const char *after,
    const char *instance, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
GPtrArray *pmss_node_client_list_finish (PmssNodeClient *client, GAsyncResult *result,
    gboolean *more, GError **error);
/* Asks whether the node answers. Any answer is TRUE. Here the client's timeout is for the whole
 * request. */
void     pmss_node_client_probe_async   (PmssNodeClient *client, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean pmss_node_client_probe_finish  (PmssNodeClient *client, GAsyncResult *result,
    GError **error);
/* Asks the server at the node's address for a proof, with the node's key, that it is that node and
 * is reached there (pmss-proof.h). PMSS_ERROR_MISDIRECTED: it is another one. The client's timeout
 * is for the whole request, here too. */
void     pmss_node_client_identify_async  (PmssNodeClient *client, const char *cluster,
    const guint8 key[PMSS_PROOF_KEY_SIZE], GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean pmss_node_client_identify_finish (PmssNodeClient *client, GAsyncResult *result,
    GError **error);

G_END_DECLS
