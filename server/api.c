/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The requests for shards. On the listener's threads. */
#include "api.h"

#include <string.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "libpmss/node/pmss-proof.h"

#define SHARDS "/v1/shards"
#define MEDIA "/v1/media/"
#define MAX_PAGE 10000
#define DEFAULT_PAGE 1000
/* An extent of 256 MiB in one shard of the smallest units. */
#define MAX_SHARD (PMSS_SHARD_HEADER_SIZE + (guint64) PMSS_MAX_EXTENT \
    + (guint64) (PMSS_MAX_EXTENT / PMSS_MIN_UNIT) * PMSS_RECORD_HEADER_SIZE)

/* What a request is about. */
typedef struct
{
  char name[PMSS_SHARD_NAME_SIZE];
  PmssVersionId version;
  PmssStorePut *put;
  int fd;                       /* of the shard; -1: none */
  PmssHttpPart part;            /* that is to be sent */
  gint64 since;                 /* monotonic: it waits for the disk */
  PmssGatewayAnswer *play;      /* nullable: it is for a whole medium */
} Call;

/* --- who may --- */

static void
respond (PmssHttpRequest * request, const GError * error)
{
  /* To whoever sends it, a shard that is not what it should be is a bad
   * request. */
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT))
    pmss_http_request_respond_problem (request, 400, "%s", error->message);
  else
    pmss_http_request_respond_error (request, error);
}

/* Whether there is a valid token that allows @op; else answers. The name is
 * looked at in between: without a token nobody learns anything. */
static gboolean
check_access (PmssStorageApi * api, PmssHttpRequest * request, PmssTokenOps op,
    const Call * call)
{
  const PmssWanted wanted = {
    op, call != NULL ? &call->version : NULL, call != NULL ? call->name : NULL
  };
  g_autoptr (GError) error = NULL;

  if (pmss_access_check (api->access, pmss_http_request_get_bearer (request),
          &wanted, &error)) {
    pmss_http_request_set_class (request, PMSS_PLACE_USER, NULL);
    return TRUE;
  }
  respond (request, error);
  return FALSE;
}

/* --- one shard --- */

/* A shard's bytes never change. */
static char *
make_etag (const char *name)
{
  return g_strdup_printf ("\"%s\"", name);
}

static void
send_range (PmssHttpRequest * request, Call * call)
{
  g_autofree char *etag = make_etag (call->name);
  int fd = call->fd;

  call->fd = -1;
  pmss_http_request_add_part (request, etag, &call->part);
  pmss_http_request_respond_fd (request, call->part.status,
      "application/octet-stream", fd, call->part.first, call->part.length);
}

/* Deferred: waits for the disk, as sendfile() on a worker would, which has
 * other viewers to serve. */
static void
fetch_range (PmssHttpRequest * request, gpointer data)
{
  PmssStorageApi *api = data;
  Call *call = pmss_http_request_get_data (request);
  g_autoptr (GError) error = NULL;

  pmss_store_fetch (call->fd, call->part.first, call->part.length, &error);
  pmss_store_note_wait (api->store, call->since);
  if (error == NULL)
    send_range (request, call);
  else
    respond (request, error);
}

static void
answer_range (PmssStorageApi * api, PmssHttpRequest * request, Call * call)
{
  gboolean cached = pmss_store_is_cached (call->fd, call->part.first,
      call->part.length);

  pmss_store_note_read (api->store, cached);
  if (cached) {
    send_range (request, call);
    return;
  }
  call->since = g_get_monotonic_time ();
  pmss_http_request_defer (request, PMSS_HTTP_WAIT_READ, fetch_range);
}

static void
get_shard (PmssStorageApi * api, PmssHttpRequest * request, Call * call)
{
  gboolean wants_bytes =
      g_str_equal (pmss_http_request_get_method (request), "GET");
  g_autofree char *etag = make_etag (call->name);
  g_autoptr (GError) error = NULL;
  guint64 size;

  call->fd = pmss_store_open_shard (api->store, call->name, &size, &error);
  if (call->fd < 0)
    respond (request, error);
  else if (!pmss_http_request_find_part (request, etag, size, &call->part))
    return;
  else if (wants_bytes && call->part.length > 0)
    answer_range (api, request, call);
  else
    send_range (request, call);
}

static void
begin_put (PmssStorageApi * api, PmssHttpRequest * request, gboolean replace,
    Call * call)
{
  g_autoptr (GError) error = NULL;
  guint64 length;

  if (!pmss_http_request_accept_body (request, MAX_SHARD))
    return;
  pmss_http_request_get_content_length (request, &length);
  call->put = pmss_store_put_new (api->store, call->name, length, replace,
      &error);
  if (!call->put)
    respond (request, error);
}

/* FALSE: answered. */
static gboolean
check_replace (PmssStorageApi * api, PmssHttpRequest * request, Call * call,
    gboolean * replace)
{
  const char *text = pmss_http_request_get_query (request, "replace");

  *replace = text != NULL;
  if (text == NULL)
    return TRUE;
  /* what is there goes by it */
  if (!check_access (api, request, PMSS_TOKEN_DELETE, call))
    return FALSE;
  if (g_str_equal (text, "1"))
    return TRUE;
  pmss_http_request_respond_problem (request, 400,
      "replace is 1, or not there");
  return FALSE;
}

/* Deferred: waits for the disk. */
static void
finish_put (PmssHttpRequest * request, gpointer data)
{
  Call *call = pmss_http_request_get_data (request);
  g_autofree char *etag = NULL;
  g_autoptr (GError) error = NULL;

  pmss_store_put_commit (call->put, &error);
  /* Nothing of a refused shard stays, and that is so before anyone is told. */
  g_clear_pointer (&call->put, pmss_store_put_free);
  if (error != NULL) {
    respond (request, error);
    return;
  }
  etag = make_etag (call->name);
  pmss_http_request_add_header (request, "ETag", etag);
  pmss_http_request_add_header (request, "Accept-Ranges", "bytes");
  pmss_http_request_respond_empty (request, 201);
}

/* Deferred: waits for the disk. */
static void
delete_shard (PmssHttpRequest * request, gpointer data)
{
  PmssStorageApi *api = data;
  Call *call = pmss_http_request_get_data (request);
  g_autoptr (GError) error = NULL;

  if (pmss_store_delete (api->store, call->name, &error))
    pmss_http_request_respond_empty (request, 204);
  else
    respond (request, error);
}

static void
begin_shard (PmssStorageApi * api, PmssHttpRequest * request, const char *name,
    Call * call)
{
  const char *method = pmss_http_request_get_method (request);
  PmssTokenOps op = PMSS_TOKEN_READ;
  gboolean replace;
  guint32 extent;
  guint index;

  if (g_str_equal (method, "PUT"))
    op = PMSS_TOKEN_WRITE;
  else if (g_str_equal (method, "DELETE"))
    op = PMSS_TOKEN_DELETE;
  else if (!g_str_equal (method, "GET") && !g_str_equal (method, "HEAD")) {
    pmss_http_request_add_header (request, "Allow", "GET, HEAD, PUT, DELETE");
    pmss_http_request_respond_problem (request, 405, "not on a shard");
    return;
  }
  if (!pmss_shard_name_parse (name, &call->version, &extent, &index)) {
    pmss_http_request_respond_problem (request, 404,
        "that is not a shard's name");
    return;
  }
  g_strlcpy (call->name, name, sizeof call->name);
  if (!check_access (api, request, op, call))
    return;
  if (op == PMSS_TOKEN_READ)
    get_shard (api, request, call);
  else if (op == PMSS_TOKEN_DELETE)
    pmss_http_request_defer (request, PMSS_HTTP_WAIT_WRITE, delete_shard);
  else if (check_replace (api, request, call, &replace))
    begin_put (api, request, replace, call);
}

/* --- the list --- */

static gboolean
get_page (PmssHttpRequest * request, const char **after, guint * limit)
{
  const char *text = pmss_http_request_get_query (request, "limit");
  guint64 number = DEFAULT_PAGE;
  PmssVersionId version;
  guint32 extent;
  guint index;

  *after = pmss_http_request_get_query (request, "after");
  if (text != NULL
      && !g_ascii_string_to_unsigned (text, 10, 1, MAX_PAGE, &number, NULL)) {
    pmss_http_request_respond_problem (request, 400, "limit: 1 to %d",
        MAX_PAGE);
    return FALSE;
  }
  if (*after && !pmss_shard_name_parse (*after, &version, &extent, &index)) {
    pmss_http_request_respond_problem (request, 400,
        "after: that is not a shard's name");
    return FALSE;
  }
  *limit = number;
  return TRUE;
}

/* Whose answer it is. */
static void
add_owner (PmssSelf * self, JsonBuilder * builder)
{
  json_builder_set_member_name (builder, "node");
  json_builder_add_int_value (builder, pmss_self_get_node (self));
  json_builder_set_member_name (builder, "instance");
  json_builder_add_string_value (builder, pmss_self_get_instance (self));
}

static JsonNode *
page_to_json (PmssSelf * self, GArray * entries, const char *next)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_owner (self, builder);
  json_builder_set_member_name (builder, "shards");
  json_builder_begin_array (builder);
  for (guint i = 0; i < entries->len; i++) {
    PmssStoreEntry *entry = &g_array_index (entries, PmssStoreEntry, i);

    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "name");
    json_builder_add_string_value (builder, entry->name);
    json_builder_set_member_name (builder, "size");
    json_builder_add_int_value (builder, entry->size);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "next");
  if (next[0])
    json_builder_add_string_value (builder, next);
  else
    json_builder_add_null_value (builder);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* Deferred: reads folders. */
static void
list_shards (PmssHttpRequest * request, gpointer data)
{
  PmssStorageApi *api = data;
  char next[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GArray) entries = NULL;
  g_autoptr (GError) error = NULL;
  const char *after;
  guint limit;

  if (!get_page (request, &after, &limit))
    return;
  entries = pmss_store_list (api->store, after, limit, next, &error);
  if (entries != NULL)
    pmss_http_request_respond_json (request, 200, page_to_json (api->self,
            entries, next));
  else
    respond (request, error);
}

/* --- the rest --- */

static gboolean
is_get (PmssHttpRequest * request)
{
  const char *method = pmss_http_request_get_method (request);

  if (g_str_equal (method, "GET") || g_str_equal (method, "HEAD"))
    return TRUE;
  pmss_http_request_add_header (request, "Allow", "GET, HEAD");
  pmss_http_request_respond_problem (request, 405, "this can only be read");
  return FALSE;
}

static void
answer_health (PmssStorageApi * api, PmssHttpRequest * request)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  guint node = pmss_self_get_node (api->self);
  g_autofree char *trouble = pmss_store_explain (api->store);
  const char *status = "ok";

  if (node == 0)
    status = "has not joined a cluster yet";
  else if (trouble != NULL)
    status = trouble;
  else if (!pmss_access_is_whole (api->access))
    status = "waits for control: does not know which sessions have ended";
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "status");
  json_builder_add_string_value (builder, status);
  if (node != 0) {
    json_builder_set_member_name (builder, "node");
    json_builder_add_int_value (builder, node);
  }
  json_builder_end_object (builder);
  pmss_http_request_respond_json (request,
      g_str_equal (status, "ok") ? 200 : 503, json_builder_get_root (builder));
}

/* FALSE: answered. */
static gboolean
get_terms (PmssHttpRequest * request, const char **nonce, const char **address,
    guint64 * port)
{
  const char *text = pmss_http_request_get_query (request, "port");

  *nonce = pmss_http_request_get_query (request, "nonce");
  *address = pmss_http_request_get_query (request, "address");
  if (*nonce && strlen (*nonce) == PMSS_NONCE_LENGTH
      && strspn (*nonce, "0123456789abcdef") == PMSS_NONCE_LENGTH && *address
      && text != NULL
      && g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, port, NULL))
    return TRUE;
  pmss_http_request_respond_problem (request, 400,
      "nonce (32 hex digits), address and port are needed");
  return FALSE;
}

static void
answer_identity (PmssStorageApi * api, PmssHttpRequest * request)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *proof = NULL;
  const char *nonce, *address;
  guint64 port;

  if (!get_terms (request, &nonce, &address, &port))
    return;
  proof = pmss_self_prove (api->self, nonce, address, port,
      g_strcmp0 (pmss_http_request_get_query (request, "tls"), "1") == 0,
      &error);
  if (proof == NULL) {
    respond (request, error);
    return;
  }
  json_builder_begin_object (builder);
  add_owner (api->self, builder);
  json_builder_set_member_name (builder, "proof");
  json_builder_add_string_value (builder, proof);
  json_builder_end_object (builder);
  pmss_http_request_respond_json (request, 200,
      json_builder_get_root (builder));
}

static void
answer_metrics (PmssStorageApi * api, PmssHttpRequest * request)
{
  g_autoptr (GBytes) body = NULL;
  char *text;

  if (!pmss_http_request_may_watch (request, api->metrics_token))
    return;
  text = pmss_storage_metrics (api);
  body = g_bytes_new_take (text, strlen (text));
  pmss_http_request_respond (request, 200,
      "text/plain; version=0.0.4; charset=utf-8", body);
}

/* Set aside: the gateway answers. */
static void
start_play (PmssHttpRequest * request, gpointer data)
{
  Call *call = pmss_http_request_get_data (request);

  pmss_gateway_answer_start (call->play, request);
}

static void
begin_play (PmssStorageApi * api, PmssHttpRequest * request, const char *name,
    Call * call)
{
  if (g_str_equal (pmss_http_request_get_method (request), "OPTIONS")) {
    pmss_gateway_answer_options (api->gateway, request, name);
    return;
  }
  pmss_http_request_let_people_read (request);
  if (!is_get (request))
    return;
  call->play = pmss_gateway_answer_new (api->gateway, request, name);
  if (call->play != NULL)
    pmss_http_request_set_aside (request, start_play);
}

static void
on_begin (PmssHttpRequest * request, gpointer data)
{
  PmssStorageApi *api = data;
  const char *path = pmss_http_request_get_path (request);
  Call *call = g_new0 (Call, 1);

  call->fd = -1;
  pmss_http_request_set_data (request, call);
  if (g_str_has_prefix (path, SHARDS "/")) {
    begin_shard (api, request, path + strlen (SHARDS "/"), call);
  } else if (g_str_equal (path, SHARDS)) {
    if (is_get (request)
        && check_access (api, request, PMSS_TOKEN_LIST, NULL))
      pmss_http_request_defer (request, PMSS_HTTP_WAIT_READ, list_shards);
  } else if (g_str_has_prefix (path, MEDIA) && api->gateway != NULL) {
    begin_play (api, request, path + strlen (MEDIA), call);
  } else if (g_str_equal (path, "/healthz")) {
    if (is_get (request))
      answer_health (api, request);
  } else if (g_str_equal (path, "/v1/identity")) {
    if (is_get (request))
      answer_identity (api, request);
  } else if (g_str_equal (path, "/metrics")) {
    if (is_get (request))
      answer_metrics (api, request);
  } else {
    pmss_http_request_respond_problem (request, 404, "there is nothing here");
  }
}

static gboolean
on_body (PmssHttpRequest * request, const void *bytes, gsize length,
    gpointer data)
{
  Call *call = pmss_http_request_get_data (request);
  g_autoptr (GError) error = NULL;

  if (pmss_store_put_write (call->put, bytes, length, &error))
    return TRUE;
  g_clear_pointer (&call->put, pmss_store_put_free);
  respond (request, error);
  return FALSE;
}

static void
on_complete (PmssHttpRequest * request, gpointer data)
{
  pmss_http_request_defer (request, PMSS_HTTP_WAIT_WRITE, finish_put);
}

static void
on_end (PmssHttpRequest * request, gboolean answered, gpointer data)
{
  Call *call = pmss_http_request_get_data (request);

  g_clear_pointer (&call->put, pmss_store_put_free);
  if (call->fd >= 0)
    close (call->fd);
  g_clear_pointer (&call->play, pmss_gateway_answer_end);
  g_free (call);
}

const PmssHttpdHandler pmss_storage_handler = {
  on_begin, on_body, on_complete, on_end
};

void
pmss_storage_api_init (PmssStorageApi * api, PmssStore * store,
    PmssAccess * access, PmssScrub * scrub, PmssSelf * self,
    const PmssMachine * machine)
{
  memset (api, 0, sizeof *api);
  g_mutex_init (&api->lock);
  api->store = store;
  api->access = access;
  api->scrub = scrub;
  api->self = self;
  api->machine = machine;
}

void
pmss_storage_api_clear (PmssStorageApi * api)
{
  g_mutex_clear (&api->lock);
}
