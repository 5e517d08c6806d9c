/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests for whole shards of a node. In the client's main context. */

#include "pmss-node-client-private.h"

#include <string.h>

#include "libpmss/pmss-error.h"

/* An answer that is collected: a problem document. */
#define MAX_ANSWER (64 * 1024)
/* A request may last twice the time without progress, and longer by what its bytes need at so many a ms. */
#define SLOWEST 32

G_DEFINE_TYPE (PmssNodeClient, pmss_node_client, G_TYPE_OBJECT);

static void
operation_free (PmssNodeOperation * operation)
{
  if (operation->message != NULL)
    g_signal_handlers_disconnect_by_data (operation->message, operation);
  g_clear_object (&operation->message);
  g_clear_pointer (&operation->expected, g_bytes_unref);
  g_clear_pointer (&operation->into, g_byte_array_unref);
  g_free (operation->name);
  g_free (operation->after);
  g_free (operation->instance);
  g_free (operation);
}

/* Says who and what in text and details. */
static void
describe (PmssNodeClient * self, PmssNodeOperation * operation, GError ** error)
{
  PmssErrorDetails *details;
  PmssVersionId version;
  guint32 extent;
  guint index;

  if ((*error)->domain != PMSS_ERROR)
    return;
  g_prefix_error (error, "node %u cannot %s %s: ", self->node.id,
      operation->verb, operation->name ? operation->name : "its shards");
  details = pmss_error_get_details (*error);
  details->node = self->node.id;
  if (operation->name != NULL
      && pmss_shard_name_parse (operation->name, &version, &extent, &index)) {
    details->extent = extent;
    details->shard = index;
  }
  if (details->peer == NULL)
    details->peer = g_strdup (self->peer);
}

static gboolean
is_good (PmssNodeOperation * operation, guint status)
{
  for (const guint * good = operation->good; *good != 0; good++)
    if (status == *good)
      return TRUE;
  return FALSE;
}

/* libsoup (3.2) loses its way when a request that expects "100 Continue" gets a final status: it begins to read headers once more, and finds the end of the
 * connection. The status has been seen all the same; what is lost is the problem's text. */
static gpointer
judge_refusal (PmssNodeOperation * operation, GError ** error)
{
  PmssErrorDetails *details;

  if (operation->refusal == 0
      || !g_error_matches (*error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE))
    return NULL;
  g_clear_error (error);
  if (is_good (operation, operation->refusal))
    return GINT_TO_POINTER (TRUE);
  *error = g_error_new (PMSS_ERROR,
      pmss_error_from_status (operation->refusal), "refused: %s",
      soup_status_get_phrase (operation->refusal));
  details = pmss_error_get_details (*error);
  details->http_status = operation->refusal;
  return NULL;
}

/* The answer is what was wrong, or it had begun when the connection broke. */
static gboolean
is_about_answer (PmssNodeOperation * operation, GBytes * body,
    const GError * error)
{
  if (error->domain != PMSS_ERROR)
    return FALSE;
  return body != NULL || (operation->into != NULL
      && error->code == PMSS_ERROR_UNREACHABLE);
}

static void
on_exchanged (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  PmssNodeClient *self = g_task_get_source_object (task);
  PmssNodeOperation *operation = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) body = pmss_exchange_finish (result, &error);
  gpointer value = NULL;

  if (body == NULL)
    value = judge_refusal (operation, &error);
  else if (is_good (operation, soup_message_get_status (operation->message)))
    value = operation->judge (task, body, &error);
  else
    error = pmss_exchange_problem (operation->message, body, self->peer);
  if (error == NULL) {
    g_task_return_pointer (task, value, operation->free_value);
  } else {
    describe (self, operation, &error);
    if (is_about_answer (operation, body, error))
      pmss_error_get_details (error)->http_status =
          soup_message_get_status (operation->message);
    g_task_return_error (task, error);
  }
}

/* What most operations come to: it is done. */
static gpointer
judge_done (GTask * task, GBytes * body, GError ** error)
{
  return GINT_TO_POINTER (TRUE);
}

GTask *
pmss_node_operation_new (PmssNodeClient * self, const char *method,
    const char *verb, const char *name, const char *query,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  PmssNodeOperation *operation = g_new0 (PmssNodeOperation, 1);
  g_autofree char *uri = g_strconcat (self->url, name != NULL ? "/" : "",
      name != NULL ? name : "", query != NULL ? query : "", NULL);

  operation->verb = verb;
  operation->name = g_strdup (name);
  operation->judge = judge_done;
  operation->message = pmss_exchange_message_new (method, uri, self->token);
  g_task_set_task_data (task, operation, (GDestroyNotify) operation_free);
  return task;
}

/* Bytes that the request or its answer has at most. */
static gsize
size_of (PmssNodeOperation * operation, gsize max_body)
{
  gsize shard = operation->max + operation->sent;

  if (operation->expected != NULL)
    shard += g_bytes_get_size (operation->expected);
  return shard > 0 ? shard : max_body;
}

void
pmss_node_operation_start (GTask * task, gsize max_body, PmssExchangeSink sink)
{
  PmssNodeClient *self = g_task_get_source_object (task);
  PmssNodeOperation *operation = g_task_get_task_data (task);
  PmssExchangeOptions options = {
    .timeout = self->timeout * 1000,
    .idle = TRUE,
    .deadline = 2000u * self->timeout + size_of (operation, max_body) / SLOWEST,
    .max_body = max_body,
    .sink = sink,
    .sink_data = operation,
    .peer = self->peer,
  };

  if (operation->message == NULL) {
    GError *error = g_error_new (PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s is not an address", self->peer);

    describe (self, operation, &error);
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  pmss_exchange_async (self->session, operation->message, &options,
      g_task_get_cancellable (task), on_exchanged, task);
}

/* --- put --- */

static void
note_refusal (SoupMessage * message, gpointer user_data)
{
  PmssNodeOperation *operation = user_data;

  if (soup_message_get_status (message) >= 400)
    operation->refusal = soup_message_get_status (message);
}

/* Takes @task. */
static void
send_shard (GTask * task, GBytes * shard, const guint * good)
{
  PmssNodeOperation *operation = g_task_get_task_data (task);

  operation->good = good;
  operation->sent = g_bytes_get_size (shard);
  if (operation->message != NULL) {
    pmss_exchange_set_body (operation->message,
        "application/octet-stream", shard);
    /* A refusal then comes before the body: after it the connection would be reset, and the reason lost. */
    soup_message_headers_set_expectations
        (soup_message_get_request_headers (operation->message),
        SOUP_EXPECTATION_CONTINUE);
    g_signal_connect (operation->message, "got-headers",
        G_CALLBACK (note_refusal), operation);
  }
  pmss_node_operation_start (task, MAX_ANSWER, NULL);
}

void
pmss_node_client_put_async (PmssNodeClient * self, const char *name,
    GBytes * shard, GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  static const guint good[] = { 201, 409, 0 };
  GTask *task;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task =
      pmss_node_operation_new (self, "PUT", "store", name, NULL, cancellable,
      callback, user_data);
  g_task_set_source_tag (task, pmss_node_client_put_async);
  send_shard (task, shard, good);
}

void
pmss_node_client_replace_async (PmssNodeClient * self, const char *name,
    GBytes * shard, GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  static const guint good[] = { 201, 0 };
  GTask *task;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task = pmss_node_operation_new (self, "PUT", "replace", name, "?replace=1",
      cancellable, callback, user_data);
  g_task_set_source_tag (task, pmss_node_client_replace_async);
  send_shard (task, shard, good);
}

gboolean
pmss_node_client_put_finish (PmssNodeClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

/* --- compare --- */

static gboolean
fail_difference (PmssNodeOperation * operation, gsize offset, const char *how,
    GError ** error)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "what is stored %s at byte %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT, how,
      offset, g_bytes_get_size (operation->expected));
  return FALSE;
}

static gboolean
compare_piece (const guint8 * data, gsize length, gpointer user_data,
    GError ** error)
{
  PmssNodeOperation *operation = user_data;
  gsize size;
  const guint8 *expected = g_bytes_get_data (operation->expected, &size);
  gsize same = MIN (length, size - operation->compared);

  expected += operation->compared;
  if (memcmp (data, expected, same) != 0) {
    gsize i = 0;

    while (data[i] == expected[i])
      i++;
    return fail_difference (operation, operation->compared + i, "differs",
        error);
  }
  if (same < length)
    return fail_difference (operation, size, "does not end", error);
  operation->compared += same;
  return TRUE;
}

static gpointer
judge_comparison (GTask * task, GBytes * body, GError ** error)
{
  PmssNodeOperation *operation = g_task_get_task_data (task);

  if (operation->compared < g_bytes_get_size (operation->expected)) {
    fail_difference (operation, operation->compared, "ends", error);
    return NULL;
  }
  return GINT_TO_POINTER (TRUE);
}

void
pmss_node_client_compare_async (PmssNodeClient * self, const char *name,
    GBytes * expected, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  static const guint good[] = { 200, 0 };
  GTask *task;
  PmssNodeOperation *operation;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task =
      pmss_node_operation_new (self, "GET", "give back", name, NULL,
      cancellable, callback, user_data);
  g_task_set_source_tag (task, pmss_node_client_compare_async);
  operation = g_task_get_task_data (task);
  operation->good = good;
  operation->judge = judge_comparison;
  operation->expected = g_bytes_ref (expected);
  pmss_node_operation_start (task, MAX_ANSWER, compare_piece);
}

gboolean
pmss_node_client_compare_finish (PmssNodeClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

/* --- get --- */

static gboolean
take_piece (const guint8 * data, gsize length, gpointer user_data,
    GError ** error)
{
  PmssNodeOperation *operation = user_data;
  gsize room = operation->max - operation->into->len;

  g_byte_array_append (operation->into, data, MIN (length, room));
  if (length <= room)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "what is stored is longer than %" G_GSIZE_FORMAT " bytes",
      operation->max);
  return FALSE;
}

void
pmss_node_client_get_async (PmssNodeClient * self, const char *name,
    GByteArray * into, gsize max, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  static const guint all[] = { 200, 0 }, rest[] = { 206, 0 };
  GTask *task;
  PmssNodeOperation *operation;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  g_return_if_fail (into->len <= max);
  task = pmss_node_operation_new (self, "GET", "give back", name, NULL,
      cancellable, callback, user_data);
  g_task_set_source_tag (task, pmss_node_client_get_async);
  operation = g_task_get_task_data (task);
  operation->good = into->len > 0 ? rest : all;
  operation->into = g_byte_array_ref (into);
  operation->max = max;
  if (into->len > 0 && operation->message != NULL)
    soup_message_headers_set_range (soup_message_get_request_headers
        (operation->message), into->len, -1);
  pmss_node_operation_start (task, MAX_ANSWER, take_piece);
}

gboolean
pmss_node_client_get_finish (PmssNodeClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

/* --- delete --- */

void
pmss_node_client_delete_async (PmssNodeClient * self, const char *name,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  static const guint good[] = { 204, 404, 0 };
  GTask *task;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task =
      pmss_node_operation_new (self, "DELETE", "delete", name, NULL,
      cancellable, callback, user_data);
  g_task_set_source_tag (task, pmss_node_client_delete_async);
  ((PmssNodeOperation *) g_task_get_task_data (task))->good = good;
  pmss_node_operation_start (task, MAX_ANSWER, NULL);
}

gboolean
pmss_node_client_delete_finish (PmssNodeClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

/* --- the object --- */

PmssNodeClient *
pmss_node_client_new (const PmssNode * node, guint timeout,
    GTlsDatabase * tls_database)
{
  PmssNodeClient *self;

  g_return_val_if_fail (node != NULL && node->address != NULL, NULL);
  g_return_val_if_fail (timeout > 0 && timeout <= 86400, NULL);
  self = g_object_new (PMSS_TYPE_NODE_CLIENT, NULL);
  self->node = *node;
  self->node.address = g_strdup (node->address);
  self->node.zone = g_strdup (node->zone ? node->zone : "");
  self->timeout = timeout;
  self->peer = pmss_exchange_peer (node->address, node->port);
  self->url = g_strconcat (node->tls ? "https://" : "http://", self->peer,
      "/v1/shards", NULL);
  self->session =
      pmss_exchange_session_new (PMSS_EXCHANGE_CONNECTIONS,
      PMSS_EXCHANGE_ALL_CONNECTIONS, NULL, tls_database, NULL);
  return self;
}

const PmssNode *
pmss_node_client_get_node (PmssNodeClient * self)
{
  g_return_val_if_fail (PMSS_IS_NODE_CLIENT (self), NULL);
  return &self->node;
}

void
pmss_node_client_set_token (PmssNodeClient * self, const char *token)
{
  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  g_free (self->token);
  self->token = g_strdup (token);
}

static void
pmss_node_client_init (PmssNodeClient * self)
{
}

static void
pmss_node_client_finalize (GObject * object)
{
  PmssNodeClient *self = PMSS_NODE_CLIENT (object);

  g_clear_object (&self->session);
  g_free (self->node.address);
  g_free (self->node.zone);
  g_free (self->token);
  g_free (self->url);
  g_free (self->peer);
  G_OBJECT_CLASS (pmss_node_client_parent_class)->finalize (object);
}

static void
pmss_node_client_class_init (PmssNodeClientClass * class)
{
  G_OBJECT_CLASS (class)->finalize = pmss_node_client_finalize;
}
