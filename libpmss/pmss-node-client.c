/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pmss-node-client.h"

#include <string.h>

#include "pmss-error.h"
#include "pmss-exchange.h"
#include "pmss-json.h"

/* Shards in a page of a list. */
#define PAGE 1000
/* An answer that is collected: a page with 200 bytes a shard, or a problem document. */
#define MAX_ANSWER (200u * PAGE + 1024)

struct _PmssNodeClient
{
  GObject parent_instance;

  PmssNode node;                /* strings are ours */
  guint timeout;                /* s */
  char *url;                    /* "http://host:port/v1/shards" */
  char *peer;
  char *token;                  /* nullable */
  SoupSession *session;
};

G_DEFINE_TYPE (PmssNodeClient, pmss_node_client, G_TYPE_OBJECT);

/* Returns the task's value for @body, or NULL and an error; the status has been found good. */
typedef gpointer (*Judge) (GTask * task, GBytes * body, GError ** error);

typedef struct
{
  SoupMessage *message;
  const char *verb;             /* for errors: "store" */
  char *name;                   /* (nullable): the shard */
  const guint *good;            /* statuses that are success, ended by 0 */
  guint refusal;                /* put: a final status that came before the body was sent, 0: none */
  Judge judge;
  GDestroyNotify free_value;    /* of what `judge` returns */
  GBytes *expected;             /* compare: what it should be */
  gsize compared;               /* compare: bytes so far */
  char *after;                  /* list: the page's names come after it */
} Operation;

/* What list_finish hands out in two parts. */
typedef struct
{
  GPtrArray *names;
  gboolean more;
} Page;

static void
operation_free (Operation * operation)
{
  if (operation->message != NULL)
    g_signal_handlers_disconnect_by_data (operation->message, operation);
  g_clear_object (&operation->message);
  g_clear_pointer (&operation->expected, g_bytes_unref);
  g_free (operation->name);
  g_free (operation->after);
  g_free (operation);
}

/* Says who and what in text and details. */
static void
describe (PmssNodeClient * self, Operation * operation, GError ** error)
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
is_good (Operation * operation, guint status)
{
  for (const guint * good = operation->good; *good != 0; good++)
    if (status == *good)
      return TRUE;
  return FALSE;
}

/* libsoup (3.2) loses its way when a request that expects "100 Continue" gets a final status: it begins to read headers once more, and finds the end of the
 * connection. The status has been seen all the same; what is lost is the problem's text. */
static gpointer
judge_refusal (Operation * operation, GError ** error)
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

static void
on_exchanged (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  PmssNodeClient *self = g_task_get_source_object (task);
  Operation *operation = g_task_get_task_data (task);
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
    if (body != NULL && error->domain == PMSS_ERROR)
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

/* A task for a request; @name, @query: (nullable) */
static GTask *
prepare (PmssNodeClient * self, const char *method, const char *verb,
    const char *name, const char *query, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Operation *operation = g_new0 (Operation, 1);
  g_autofree char *uri = g_strconcat (self->url, name ? "/" : "",
      name ? name : "", query ? query : "", NULL);

  operation->verb = verb;
  operation->name = g_strdup (name);
  operation->judge = judge_done;
  operation->message = pmss_exchange_message_new (method, uri, self->token);
  g_task_set_task_data (task, operation, (GDestroyNotify) operation_free);
  return task;
}

/* Takes @task. */
static void
start (GTask * task, PmssExchangeSink sink)
{
  PmssNodeClient *self = g_task_get_source_object (task);
  Operation *operation = g_task_get_task_data (task);
  PmssExchangeOptions options = {
    .timeout = self->timeout * 1000,
    .idle = TRUE,
    .max_body = MAX_ANSWER,
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
  Operation *operation = user_data;

  if (soup_message_get_status (message) >= 400)
    operation->refusal = soup_message_get_status (message);
}

void
pmss_node_client_put_async (PmssNodeClient * self, const char *name,
    GBytes * shard, GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  static const guint good[] = { 201, 409, 0 };
  GTask *task;
  Operation *operation;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task = prepare (self, "PUT", "store", name, NULL, cancellable, callback,
      user_data);
  g_task_set_source_tag (task, pmss_node_client_put_async);
  operation = g_task_get_task_data (task);
  operation->good = good;
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
  start (task, NULL);
}

gboolean
pmss_node_client_put_finish (PmssNodeClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

/* --- compare --- */

static gboolean
fail_difference (Operation * operation, gsize offset, const char *how,
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
  Operation *operation = user_data;
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
  Operation *operation = g_task_get_task_data (task);

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
  Operation *operation;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task = prepare (self, "GET", "give back", name, NULL, cancellable, callback,
      user_data);
  g_task_set_source_tag (task, pmss_node_client_compare_async);
  operation = g_task_get_task_data (task);
  operation->good = good;
  operation->judge = judge_comparison;
  operation->expected = g_bytes_ref (expected);
  start (task, compare_piece);
}

gboolean
pmss_node_client_compare_finish (PmssNodeClient * self, GAsyncResult * result,
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
  task = prepare (self, "DELETE", "delete", name, NULL, cancellable, callback,
      user_data);
  g_task_set_source_tag (task, pmss_node_client_delete_async);
  ((Operation *) g_task_get_task_data (task))->good = good;
  start (task, NULL);
}

gboolean
pmss_node_client_delete_finish (PmssNodeClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error) != NULL;
}

/* --- list --- */

static void
page_free (Page * page)
{
  g_ptr_array_unref (page->names);
  g_free (page);
}

/* Takes the names of @shards, which have to be names of shards, in order, and after the last one. */
static gboolean
take_names (Page * page, JsonArray * shards, const char *after, GError ** error)
{
  for (guint i = 0; i < json_array_get_length (shards); i++) {
    JsonObject *shard = pmss_json_object (json_array_get_element (shards, i),
        "a shard", error);
    PmssVersionId version;
    guint32 extent;
    guint index;
    const char *name;

    if (shard == NULL || !pmss_json_get_string (shard, "name",
            PMSS_SHARD_NAME_SIZE, &name, error))
      return FALSE;
    if (!pmss_shard_name_parse (name, &version, &extent, &index)
        || (after != NULL && strcmp (name, after) <= 0)) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "shard %u of the page is no shard or out of order", i);
      return FALSE;
    }
    g_ptr_array_add (page->names, g_strdup (name));
    after = g_ptr_array_index (page->names, page->names->len - 1);
  }
  return TRUE;
}

static gboolean
take_page (Page * page, JsonNode * json, const char *after, GError ** error)
{
  JsonObject *object = pmss_json_object (json, "the list", error);
  JsonArray *shards;

  if (object == NULL
      || !pmss_json_get_array (object, "shards", PAGE, &shards, error)
      || !take_names (page, shards, after, error))
    return FALSE;
  page->more = pmss_json_has (object, "next");
  if (page->more && page->names->len == 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "an empty page says that there is more");
    return FALSE;
  }
  return TRUE;
}

static gpointer
judge_page (GTask * task, GBytes * body, GError ** error)
{
  PmssNodeClient *self = g_task_get_source_object (task);
  Operation *operation = g_task_get_task_data (task);
  g_autoptr (JsonNode) json = pmss_exchange_parse (body, self->peer, error);
  g_autoptr (GError) local = NULL;
  Page *page;

  if (json == NULL)
    return NULL;
  page = g_new0 (Page, 1);
  page->names = g_ptr_array_new_with_free_func (g_free);
  if (take_page (page, json, operation->after, &local))
    return page;
  pmss_exchange_senseless (self->peer, local->message, error);
  page_free (page);
  return NULL;
}

void
pmss_node_client_list_async (PmssNodeClient * self, const char *after,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  static const guint good[] = { 200, 0 };
  g_autofree char *start_at = after ? g_strconcat ("after=", after, "&", NULL)
      : g_strdup ("");
  g_autofree char *query = g_strdup_printf ("?%slimit=%u", start_at, PAGE);
  GTask *task;
  Operation *operation;

  g_return_if_fail (PMSS_IS_NODE_CLIENT (self));
  task = prepare (self, "GET", "list", NULL, query, cancellable, callback,
      user_data);
  g_task_set_source_tag (task, pmss_node_client_list_async);
  operation = g_task_get_task_data (task);
  operation->good = good;
  operation->judge = judge_page;
  operation->free_value = (GDestroyNotify) page_free;
  operation->after = g_strdup (after);
  start (task, NULL);
}

GPtrArray *
pmss_node_client_list_finish (PmssNodeClient * self, GAsyncResult * result,
    gboolean * more, GError ** error)
{
  Page *page = g_task_propagate_pointer (G_TASK (result), error);
  GPtrArray *names;

  if (page == NULL)
    return NULL;
  if (more != NULL)
    *more = page->more;
  names = g_ptr_array_ref (page->names);
  page_free (page);
  return names;
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
  self->session = pmss_exchange_session_new (node->address, tls_database, NULL);
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
