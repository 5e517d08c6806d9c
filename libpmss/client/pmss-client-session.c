/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions at control: opened, renewed, given back. In the caller's main
 * context. */

#include "pmss-client-private.h"

#include <sodium.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "pmss-exchange.h"
#include "libpmss/pmss-json.h"
#include "pmss-busy.h"

/* s; longer would leave a dead client's reservation for too long */
#define MAX_LEASE (24 * 3600)
/* ns; a start further ahead is senseless */
#define MAX_START ((gint64) 24 * 3600 * G_GINT64_CONSTANT (1000000000))
#define MAX_TEXT 4096

void
pmss_session_free (PmssSession * session)
{
  if (session == NULL)
    return;
  g_free (session->id);
  pmss_secret_free (session->token);
  g_free (session->user);
  g_free (session->title);
  g_free (session->content_type);
  g_free (session->sha256);
  g_clear_pointer (&session->layout, pmss_layout_unref);
  g_free (session);
}

PmssSession *
pmss_session_copy (const PmssSession * session)
{
  PmssSession *copy = g_memdup2 (session, sizeof *session);

  copy->id = g_strdup (session->id);
  copy->token = g_strdup (session->token);
  copy->user = g_strdup (session->user);
  copy->title = g_strdup (session->title);
  copy->content_type = g_strdup (session->content_type);
  copy->sha256 = g_strdup (session->sha256);
  copy->layout = pmss_layout_ref (session->layout);
  return copy;
}

char *
pmss_client_new_session_id (void)
{
  guint8 bytes[16];
  char *id = g_malloc (2 * sizeof (bytes) + 1);

  randombytes_buf (bytes, sizeof (bytes));
  return sodium_bin2hex (id, 2 * sizeof (bytes) + 1, bytes, sizeof (bytes));
}

/* What is being opened. */
typedef struct
{
  char *id;
  char *medium;
  char *ticket;                 /* (nullable): that the session is opened by */
  gint64 max_wait;              /* ns */
  gboolean bulk;
  PmssSession *session;         /* (nullable): without its layout so far */
} Opening;

static void
opening_free (gpointer data)
{
  Opening *opening = data;

  g_free (opening->id);
  g_free (opening->medium);
  g_free (opening->ticket);
  pmss_session_free (opening->session);
  g_free (opening);
}

/* What may be unknown: absent or null. Of another type or out of range it is an error. */
static gboolean
optional_string (JsonObject * object, const char *name, char **value,
    GError ** error)
{
  const char *text = NULL;

  if (pmss_json_has (object, name)
      && !pmss_json_get_string (object, name, MAX_TEXT, &text, error))
    return FALSE;
  *value = g_strdup (text);
  return TRUE;
}

/* Programs make names of it. */
static gboolean
optional_sum (JsonObject * object, char **sum, GError ** error)
{
  if (!optional_string (object, "sha256", sum, error))
    return FALSE;
  if (*sum == NULL || (strlen (*sum) == 64
          && strspn (*sum, "0123456789abcdef") == 64))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "sha256 is not 64 hex digits in lower case");
  return FALSE;
}

static gboolean
optional_number (JsonObject * object, const char *name, guint64 * value,
    GError ** error)
{
  gint64 number = 0;

  if (pmss_json_has (object, name)
      && !pmss_json_get_int (object, name, 0, G_MAXINT64, &number, error))
    return FALSE;
  *value = number;
  return TRUE;
}

static gboolean
parse_medium (PmssSession * session, JsonObject * session_object,
    GError ** error)
{
  JsonObject *medium;

  return pmss_json_get_object (session_object, "medium", &medium, error)
      && optional_string (medium, "title", &session->title, error)
      && optional_string (medium, "content_type", &session->content_type, error)
      && optional_sum (medium, &session->sha256, error)
      && optional_number (medium, "avg_bitrate", &session->avg_bitrate, error)
      && optional_number (medium, "peak_bitrate_10s", &session->peak_bitrate,
      error)
      && optional_number (medium, "duration_ns", &session->duration, error);
}

/* A server that does not say so refuses a renewal with a body. */
static gboolean
parse_measured (JsonObject * object, gboolean * measured, GError ** error)
{
  return !pmss_json_has (object, "measured")
      || pmss_json_get_boolean (object, "measured", measured, error);
}

static gboolean
parse_members (PmssSession * session, const char *wanted, JsonObject * object,
    GError ** error)
{
  const char *id;
  const char *token;
  gint64 lease;

  if (!pmss_json_get_string (object, "id", 32, &id, error)
      || !pmss_client_token_member (object, &token, error)
      || !pmss_json_get_int (object, "lease", 1, MAX_LEASE, &lease, error)
      || !parse_measured (object, &session->measured, error)
      || !optional_string (object, "user", &session->user, error)
      || !parse_medium (session, object, error))
    return FALSE;
  if (!g_str_equal (id, wanted)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "id is not that of the session that was asked for");
    return FALSE;
  }
  session->id = g_strdup (id);
  session->token = g_strdup (token);
  session->lease = lease;
  if (session->user == NULL)
    session->user = g_strdup ("");
  if (session->title == NULL)
    session->title = g_strdup ("");
  return TRUE;
}

/* @page: (out): the layout's first. */
static PmssSession *
parse_session (const char *id, JsonObject * object, PmssLayoutPart ** page,
    GError ** error)
{
  g_autoptr (PmssSession) session = g_new0 (PmssSession, 1);

  if (!parse_members (session, id, object, error))
    return NULL;
  if (!json_object_has_member (object, "layout")) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "the session has no layout");
    return NULL;
  }
  *page = pmss_layout_part_from_json (json_object_get_member (object,
          "layout"), error);
  return *page != NULL ? g_steal_pointer (&session) : NULL;
}

/* How long until the start that control has granted, in ns; 0: now. */
static gboolean
parse_start (JsonObject * object, gint64 * start_in, gint64 * lease,
    GError ** error)
{
  *start_in = 0;
  return !pmss_json_has (object, "start_in_ns")
      || (pmss_json_get_int (object, "start_in_ns", 0, MAX_START, start_in,
          error)
      && pmss_json_get_int (object, "lease", 1, MAX_LEASE, lease, error));
}

/* Names the medium in the details of @error, as far as it has some. */
static void
name_medium (GError * error, const char *medium)
{
  PmssErrorDetails *details = pmss_error_get_details (error);

  if (details != NULL && details->medium == NULL)
    details->medium = g_strdup (medium);
}

static void
fail_opening (GTask * task, GError * error)
{
  const Opening *opening = g_task_get_task_data (task);

  name_medium (error, opening->medium);
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY))
    pmss_busy_explain (error);
  g_task_return_error (task, error);
  g_object_unref (task);
}

static void
fail_senseless (GTask * task, const GError * why)
{
  PmssClient *self = g_task_get_source_object (task);
  GError *error = NULL;

  pmss_exchange_senseless (self->peer, why->message, &error);
  fail_opening (task, error);
}

static void
on_layout_complete (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTask *task = user_data;
  Opening *opening = g_task_get_task_data (task);
  GError *error = NULL;

  opening->session->layout = pmss_client_complete_layout_finish
      (PMSS_CLIENT (source), result, &error);
  if (opening->session->layout == NULL) {
    fail_opening (task, error);
    return;
  }
  g_task_return_pointer (task, g_steal_pointer (&opening->session),
      (GDestroyNotify) pmss_session_free);
  g_object_unref (task);
}

/* No more than who and how long: token and layout come when it starts. */
static void
return_deferred (GTask * task, gint64 start_in, guint lease)
{
  const Opening *opening = g_task_get_task_data (task);
  PmssSession *session = g_new0 (PmssSession, 1);

  session->id = g_strdup (opening->id);
  session->lease = lease;
  session->start_in = start_in;
  g_task_return_pointer (task, session, (GDestroyNotify) pmss_session_free);
  g_object_unref (task);
}

static void
take_session (GTask * task, JsonNode * json)
{
  Opening *opening = g_task_get_task_data (task);
  g_autoptr (PmssLayoutPart) page = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *object = pmss_json_object (json, "the session", &error);
  gint64 start_in = 0, lease = 0;

  if (object == NULL || !parse_start (object, &start_in, &lease, &error)) {
    fail_senseless (task, error);
    return;
  }
  if (start_in > 0) {
    return_deferred (task, start_in, (guint) lease);
    return;
  }
  opening->session = parse_session (opening->id, object, &page, &error);
  if (opening->session == NULL)
    fail_senseless (task, error);
  else
    pmss_client_complete_layout_async (g_task_get_source_object (task),
        opening->id, page, g_task_get_cancellable (task), on_layout_complete,
        task);
}

static void
on_session_opened (GObject * source, GAsyncResult * result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  g_autoptr (JsonNode) json = pmss_client_request_finish (PMSS_CLIENT (source),
      result, &error);

  if (json != NULL)
    take_session (task, json);
  else
    fail_opening (task, error);
}

/* A ticket names its medium. What is as always is not said: an older control
 * takes no member that it does not know. */
static void
add_wish (JsonObject * object, const Opening * opening)
{
  if (opening->ticket != NULL)
    return;
  json_object_set_string_member (object, "medium", opening->medium);
  if (opening->bulk)
    json_object_set_string_member (object, "class", "bulk");
  if (opening->max_wait > 0)
    json_object_set_int_member (object, "max_wait_ns", opening->max_wait);
}

static void
ask_for_session (GTask * task)
{
  const Opening *opening = g_task_get_task_data (task);
  g_autoptr (JsonNode) body = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autofree char *path = opening->ticket == NULL ? g_strdup ("/sessions")
      : g_strdup_printf ("/tickets/%s/sessions", opening->ticket);

  json_object_set_string_member (object, "id", opening->id);
  add_wish (object, opening);
  json_node_take_object (body, object);
  pmss_client_request_async (g_task_get_source_object (task), "POST",
      path, body, g_task_get_cancellable (task), on_session_opened, task);
}

void
pmss_client_open_session_async (PmssClient * self, const char *id,
    const char *medium, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  const PmssSessionWish wish = {.id = id,.medium = medium };

  pmss_client_ask_for_session_async (self, &wish, cancellable, callback,
      user_data);
}

void
pmss_client_ask_for_session_async (PmssClient * self,
    const PmssSessionWish * wish, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Opening *opening = g_new0 (Opening, 1);

  opening->id = wish->id != NULL ? g_strdup (wish->id)
      : pmss_client_new_session_id ();
  opening->medium = g_strdup (wish->medium);
  opening->ticket = g_strdup (wish->ticket);
  opening->max_wait = wish->max_wait;
  opening->bulk = wish->bulk;
  g_task_set_source_tag (task, pmss_client_open_session_async);
  g_task_set_task_data (task, opening, opening_free);
  ask_for_session (task);
}

PmssSession *
pmss_client_open_session_finish (PmssClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
pmss_client_renewal_free (PmssRenewal * renewal)
{
  pmss_secret_free (renewal->token);
  g_free (renewal);
}

/* What is not said is not known. */
static gboolean
parse_layout (PmssRenewal * renewal, JsonObject * object, GError ** error)
{
  JsonObject *layout;
  const char *version;
  gint64 generation;

  if (!pmss_json_has (object, "layout"))
    return TRUE;
  if (!pmss_json_get_object (object, "layout", &layout, error)
      || !pmss_json_get_string (layout, "version", 32, &version, error)
      || !pmss_json_get_int (layout, "generation", 1, G_MAXINT64, &generation,
          error))
    return FALSE;
  renewal->generation = (guint64) generation;
  if (pmss_version_id_parse (version, &renewal->version))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“version” is not a version id");
  return FALSE;
}

PmssRenewal *
pmss_client_parse_renewal (JsonNode * json, GError ** error)
{
  g_autoptr (PmssRenewal) renewal = g_new0 (PmssRenewal, 1);
  JsonObject *object = pmss_json_object (json, "the session", error);
  const char *token;
  gint64 lease;

  if (object == NULL || !pmss_client_token_member (object, &token, error)
      || !pmss_json_get_int (object, "lease", 1, MAX_LEASE, &lease, error)
      || !parse_measured (object, &renewal->measured, error)
      || !parse_layout (renewal, object, error))
    return NULL;
  renewal->token = g_strdup (token);
  renewal->lease = (guint) lease;
  return g_steal_pointer (&renewal);
}

static void
on_session_renewed (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  PmssClient *self = PMSS_CLIENT (source);
  GError *error = NULL;
  g_autoptr (JsonNode) json = pmss_client_request_finish (self, result, &error);
  g_autoptr (GError) local = NULL;
  PmssRenewal *renewal =
      json != NULL ? pmss_client_parse_renewal (json, &local) : NULL;

  if (renewal != NULL) {
    g_task_return_pointer (task, renewal,
        (GDestroyNotify) pmss_client_renewal_free);
    return;
  }
  if (local != NULL)
    pmss_exchange_senseless (self->peer, local->message, &error);
  g_task_return_error (task, error);
}

/* "/sessions/ID", whatever the id is. */
static char *
session_path (const char *session)
{
  g_autofree char *id = g_uri_escape_string (session, NULL, FALSE);

  return g_strconcat ("/sessions/", id, NULL);
}

void
pmss_client_renew_session_async (PmssClient * self, const char *session,
    JsonNode * measure, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autofree char *path = session_path (session);

  g_task_set_source_tag (task, pmss_client_renew_session_async);
  pmss_client_request_async (self, "PUT", path, measure, cancellable,
      on_session_renewed, task);
}

PmssRenewal *
pmss_client_renew_session_finish (PmssClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* A request whose answer says no more than that it was done. */
static void
on_session_done (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (JsonNode) json = pmss_client_request_finish
      (PMSS_CLIENT (source), result, &error);

  if (json != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
pmss_client_close_session_async (PmssClient * self, const char *session,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autofree char *path = session_path (session);

  g_task_set_source_tag (task, pmss_client_close_session_async);
  pmss_client_request_async (self, "DELETE", path, NULL, cancellable,
      on_session_done, task);
}

gboolean
pmss_client_close_session_finish (PmssClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Reports --- */

static const char *
kind_to_string (PmssReportKind kind)
{
  static const char *const names[] = {
    "checksum", "length", "wrong", "missing", "unreadable", "unreachable"
  };

  return names[kind];
}

static JsonNode *
reports_to_json (const PmssReport * reports, guint n_reports)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  guint i;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "reports");
  json_builder_begin_array (builder);
  for (i = 0; i < n_reports; i++) {
    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "extent");
    json_builder_add_int_value (builder, reports[i].extent);
    json_builder_set_member_name (builder, "index");
    json_builder_add_int_value (builder, reports[i].index);
    json_builder_set_member_name (builder, "unit");
    if (reports[i].row >= 0)
      json_builder_add_int_value (builder, reports[i].row);
    else
      json_builder_add_null_value (builder);
    json_builder_set_member_name (builder, "node");
    json_builder_add_int_value (builder, reports[i].node);
    json_builder_set_member_name (builder, "kind");
    json_builder_add_string_value (builder, kind_to_string (reports[i].kind));
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

void
pmss_client_report_async (PmssClient * self, const char *session,
    const PmssReport * reports, guint n_reports, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;
  g_autofree char *path = NULL;
  g_autofree char *target = NULL;
  g_autoptr (JsonNode) body = NULL;

  g_return_if_fail (n_reports >= 1 && n_reports <= PMSS_MAX_REPORTS);

  path = session_path (session);
  target = g_strconcat (path, "/reports", NULL);
  body = reports_to_json (reports, n_reports);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, pmss_client_report_async);
  pmss_client_request_async (self, "POST", target, body, cancellable,
      on_session_done, task);
}

gboolean
pmss_client_report_finish (PmssClient * self, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
