/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for sessions and layouts. On handlers' threads. */
#include "control/api/api-sessions.h"

#include "control/accounts/secret.h"
#include "control/api/api-media.h"
#include "control/catalog/layout-parts.h"
#include "control/config.h"
#include "control/monitor/fault-watch.h"
#include "control/sessions/sessions.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/format/pmss-layout.h"

static void
add_lease (PmssApiCall * call, PmssJsonWriter * json,
    const PmssViewing * session, const GArray * nodes)
{
  gint64 start_in = pmss_sessions_get_start_in (call->context->sessions,
      session->id);

  pmss_api_add_int (json, "lease",
      pmss_sessions_get_lease (call->context->sessions));
  pmss_api_add_time (json, "expires", session->expires);
  if (start_in > 0) {
    pmss_api_add_int (json, "start_in_ns", start_in);
  } else {
    g_autofree char *token = pmss_sessions_mint (call->context->sessions,
        session, nodes);

    pmss_api_add_string (json, "token", token);
  }
  /* a server that does not say this refuses a renewal with a body */
  pmss_api_add_bool (json, "measured", TRUE);
}

/* Its start is to come: it has no token until then. */
static void
respond_later (PmssApiCall * call, const PmssOpened * opened)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();

  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "id", opened->session->id);
  pmss_api_add_int (json, "lease",
      pmss_sessions_get_lease (call->context->sessions));
  pmss_api_add_time (json, "expires", opened->session->expires);
  pmss_api_add_int (json, "start_in_ns", opened->start_in);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, opened->how == PMSS_OPENING_AGAIN ? 200 : 201, json);
}

static void
respond_opened (PmssApiCall * call, const PmssOpened * opened)
{
  g_autoptr (PmssJsonWriter) json = NULL;

  if (opened->start_in > 0) {
    respond_later (call, opened);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "id", opened->session->id);
  add_lease (call, json, opened->session, opened->nodes);
  pmss_api_add_string (json, "user", opened->session->user);
  pmss_json_writer_set_member_name (json, "medium");
  pmss_api_add_medium (json, opened->medium);
  pmss_json_writer_set_member_name (json, "layout");
  pmss_layout_part_write (opened->layout, json);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, opened->how == PMSS_OPENING_AGAIN ? 200 : 201, json);
}

gboolean
pmss_api_get_session_id (JsonObject * body, const char **id, GError ** error)
{
  if (!pmss_json_get_string (body, "id", 32, id, error))
    return FALSE;
  if (pmss_secret_is_id (*id))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "id: has to be 32 hex digits in lower case");
  return FALSE;
}

static gboolean
get_class (JsonObject * body, gboolean * bulk, GError ** error)
{
  const char *class;

  *bulk = FALSE;
  if (!pmss_json_has (body, "class"))
    return TRUE;
  if (!pmss_json_get_string (body, "class", 16, &class, error))
    return FALSE;
  *bulk = g_str_equal (class, "bulk");
  if (*bulk || g_str_equal (class, "stream"))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "class: has to be stream or bulk");
  return FALSE;
}

static gboolean
get_wanted (JsonObject * body, const char **name, PmssViewer * viewer,
    GError ** error)
{
  static const char *const members[] = {
    "id", "medium", "class", "max_wait_ns", NULL
  };

  return pmss_json_check_members (body, members, error)
      && pmss_json_get_string (body, "medium", PMSS_MAX_NAME, name, error)
      && pmss_medium_name_check (*name, error)
      && (!pmss_json_has (body, "id")
      || pmss_api_get_session_id (body, &viewer->id, error))
      && get_class (body, &viewer->bulk, error)
      && (!pmss_json_has (body, "max_wait_ns")
      || pmss_json_get_int (body, "max_wait_ns", 0, G_MAXINT64,
          &viewer->max_wait, error));
}

/* What is in the way, and when it is likely not to be any more. */
static void
refuse_full (PmssApiCall * call, const char *name, const PmssRefusal * refusal,
    const GError * error)
{
  g_autofree char *after = g_strdup_printf ("%u", refusal->retry_after);
  g_autoptr (JsonBuilder) json = json_builder_new_immutable ();
  const char *resource = pmss_resource_to_string (refusal->resource);

  call->action = "session refuse";
  pmss_api_note (call, name, error->message);
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "binds");
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "node");
  json_builder_add_int_value (json, refusal->node);
  if (resource != NULL) {
    json_builder_set_member_name (json, "resource");
    json_builder_add_string_value (json, resource);
  }
  json_builder_end_object (json);
  if (refusal->start_in >= 0) {
    json_builder_set_member_name (json, "start_in_ns");
    json_builder_add_int_value (json, refusal->start_in);
  }
  json_builder_end_object (json);
  pmss_http_request_add_header (call->request, "Retry-After", after);
  pmss_http_request_respond_problem_with (call->request, 503, error->message,
      json_builder_get_root (json));
}

static void
refuse_session (PmssApiCall * call, PmssOpening opening, const GError * error)
{
  if (opening != PMSS_OPENING_CAPPED) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_http_request_add_header (call->request, "Retry-After", "1");
  pmss_http_request_respond_problem (call->request, 429, "%s", error->message);
}

static guint
get_cap (PmssApiCall * call, const PmssUser * user)
{
  const PmssControlConfig *config = call->context->config;

  return user->role == PMSS_ROLE_ADMIN ? config->max_sessions_admin
      : config->max_sessions;
}

static void
open_session (PmssApiCall * call, const char *name, const PmssViewer * viewer)
{
  g_autoptr (GError) error = NULL;
  g_auto (PmssOpened) opened = { 0 };

  if (pmss_sessions_create (call->context->sessions, name, viewer, &opened,
          &error)) {
    /* who asks again begins nothing */
    if (opened.how == PMSS_OPENING_NEW)
      call->action = "session begin";
    pmss_api_note (call, name, opened.session->id);
    respond_opened (call, &opened);
  } else {
    if (opened.how == PMSS_OPENING_REFUSED)
      refuse_full (call, name, &opened.refusal, error);
    else
      refuse_session (call, opened.how, error);
  }
}

void
pmss_api_open_by_ticket (PmssApiCall * call, const PmssTicket * ticket,
    const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssUser) user = pmss_accounts_get_user (call->context->accounts,
      ticket->user, &error);
  PmssViewer viewer = {
    .user = ticket->user,.ticket = ticket,.address = ticket->address,.id = id
  };

  if (user == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  viewer.cap = get_cap (call, user);
  open_session (call, ticket->name, &viewer);
}

static void
create_session (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  PmssViewer viewer = {
    .user = call->user->name,
    .login = call->login,
    .address = pmss_http_request_get_address (call->request),
    .client = pmss_http_request_get_header (call->request, "User-Agent"),
    .cap = get_cap (call, call->user)
  };
  const char *name;

  if (get_wanted (pmss_http_request_get_json (call->request), &name, &viewer,
          &error))
    open_session (call, name, &viewer);
  else
    pmss_http_request_respond_error (call->request, error);
}

static gboolean
check_id (PmssApiCall * call)
{
  if (pmss_secret_is_id (call->param))
    return TRUE;
  pmss_http_request_respond_problem (call->request, 404,
      "There is no such session, or it has ended");
  return FALSE;
}

/* By which the reader knows whether its layout is the present one. */
static void
add_generation (PmssJsonWriter * json, const PmssViewing * session)
{
  char version[PMSS_VERSION_ID_STRLEN];

  pmss_version_id_to_string (&session->version, version);
  pmss_json_writer_set_member_name (json, "layout");
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "version", version);
  pmss_api_add_int (json, "generation", (gint64) session->generation);
  pmss_json_writer_end_object (json);
}

/* Members that are absent are 0. */
static gboolean
get_count (JsonObject * object, const char *name, guint64 * count,
    GError ** error)
{
  gint64 number = 0;

  if (pmss_json_has (object, name)
      && !pmss_json_get_int (object, name, 0, G_MAXINT64, &number, error))
    return FALSE;
  *count = (guint64) number;
  return TRUE;
}

static gboolean
get_node (JsonArray * array, guint index, GArray * nodes, GError ** error)
{
  static const char *const members[] = {
    "id", "bytes", "units", "rebuilt", "late", "rtt_ns", NULL
  };
  JsonObject *object = pmss_json_object (json_array_get_element (array, index),
      "nodes", error);
  PmssNodeMeasure node = { 0 };
  gint64 id;

  if (object == NULL || !pmss_json_check_members (object, members, error)
      || !pmss_json_get_int (object, "id", 1, G_MAXINT, &id, error)
      || !get_count (object, "bytes", &node.bytes, error)
      || !get_count (object, "units", &node.units, error)
      || !get_count (object, "rebuilt", &node.rebuilt, error)
      || !get_count (object, "late", &node.late, error)
      || !get_count (object, "rtt_ns", &node.time, error))
    return FALSE;
  node.node = (guint) id;
  g_array_append_val (nodes, node);
  return TRUE;
}

static gboolean
get_nodes (JsonObject * body, PmssMeasure * told, GError ** error)
{
  JsonArray *array;

  if (!pmss_json_has (body, "nodes"))
    return TRUE;
  if (!pmss_json_get_array (body, "nodes", PMSS_MAX_MEASURED_NODES, &array,
          error))
    return FALSE;
  told->nodes = g_array_new (FALSE, FALSE, sizeof (PmssNodeMeasure));
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!get_node (array, i, told->nodes, error))
      return FALSE;
  return TRUE;
}

/* What a reader tells with its renewal. */
static gboolean
get_told (JsonObject * body, PmssMeasure * told, GError ** error)
{
  static const char *const members[] = {
    "position", "buffer_bytes", "idle", "nodes", NULL
  };

  told->position = told->buffer = -1;
  return pmss_json_check_members (body, members, error)
      && (!pmss_json_has (body, "position")
      || pmss_json_get_int (body, "position", 0, G_MAXINT64, &told->position,
          error))
      && (!pmss_json_has (body, "buffer_bytes")
      || pmss_json_get_int (body, "buffer_bytes", 0, G_MAXINT64,
          &told->buffer, error))
      && (!pmss_json_has (body, "idle")
      || pmss_json_get_boolean (body, "idle", &told->idle, error))
      && get_nodes (body, told, error);
}

/* All that read by a gateway are one viewer: it tells of them what it likes. @told: nullable. */
static void
note_view (PmssApiCall * call, const PmssViewing * session,
    const PmssMeasure * told, const GArray * layout)
{
  g_autofree char *viewer = NULL;

  if (told == NULL || told->nodes == NULL || call->context->faults == NULL)
    return;
  viewer = call->node != 0 ? g_strdup_printf ("node %u", call->node)
      : g_strdup_printf ("user %s", session->user);
  pmss_fault_watch_note (call->context->faults, viewer, told->nodes, layout);
}

static void
renew_session (PmssApiCall * call)
{
  JsonObject *body = pmss_http_request_get_json (call->request);
  g_autoptr (PmssMeasure) told = body != NULL ? g_new0 (PmssMeasure, 1) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssViewing) session = NULL;
  g_autoptr (GArray) nodes = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;

  if (!check_id (call))
    return;
  if (body != NULL && !get_told (body, told, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  session = pmss_sessions_renew (call->context->sessions, call->param,
      call->user->name, &error);
  if (session != NULL)
    nodes = pmss_catalog_list_version_nodes (call->context->catalog,
        &session->version, &error);
  if (nodes == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_sessions_note_measure (call->context->sessions, session->id, told);
  note_view (call, session, told, nodes);
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  add_lease (call, json, session, nodes);
  add_generation (json, session);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 200, json);
}

static gboolean
get_part (PmssApiCall * call, guint64 * first, guint64 * count, guint64 * since)
{
  return pmss_api_get_query_uint (call, "first", 0, G_MAXUINT32, 0, first)
      && pmss_api_get_query_uint (call, "count", 1, PMSS_MAX_PART_EXTENTS,
      PMSS_SESSION_EXTENTS, count)
      && pmss_api_get_query_uint (call, "since", 0, G_MAXINT64, 0, since);
}

static PmssLayoutPart *
load_part (PmssCatalog * catalog, const PmssViewing * session, guint64 first,
    guint64 count, guint64 since, GError ** error)
{
  g_autoptr (GArray) nodes = NULL;

  if (since == 0)
    return pmss_layout_parts_load_page (catalog, &session->version,
        (guint32) first, (guint) count, error);
  nodes = pmss_catalog_list_version_nodes (catalog, &session->version, error);
  if (nodes == NULL)
    return NULL;
  return pmss_layout_parts_load_changes (catalog, &session->version, since,
      (guint) count, nodes, error);
}

static void
get_layout (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssViewing) session = NULL;
  g_autoptr (PmssLayoutPart) part = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  guint64 first, count, since;

  if (!check_id (call) || !get_part (call, &first, &count, &since))
    return;
  session = pmss_sessions_get (call->context->sessions, call->param,
      call->user->name, &error);
  if (session != NULL)
    part = load_part (call->context->catalog, session, first, count, since,
        &error);
  if (part == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_layout_part_write (part, json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 200, json);
}

static gboolean
end_session (PmssApiCall * call, GError ** error)
{
  PmssSessions *sessions = call->context->sessions;

  if (call->node != 0)
    return pmss_sessions_let_go (sessions, call->param, call->user->name,
        error);
  return pmss_sessions_end (sessions, call->param,
      call->user->role >= PMSS_ROLE_OPERATOR ? NULL : call->user->name, error);
}

static void
delete_session (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (!check_id (call))
    return;
  if (end_session (call, &error)) {
    call->action = "session end";
    pmss_http_request_respond_empty (call->request, 204);
  } else {
    pmss_http_request_respond_error (call->request, error);
  }
}

static void
add_measured_nodes (PmssJsonWriter * json, const GArray * nodes)
{
  pmss_json_writer_set_member_name (json, "nodes");
  if (nodes == NULL) {
    pmss_json_writer_add_null_value (json);
    return;
  }
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeMeasure *node = &g_array_index (nodes, PmssNodeMeasure, i);

    pmss_json_writer_begin_object (json);
    pmss_api_add_int (json, "id", node->node);
    pmss_api_add_int (json, "bytes", (gint64) node->bytes);
    pmss_api_add_int (json, "rate", (gint64) node->rate);
    pmss_api_add_int (json, "units", (gint64) node->units);
    pmss_api_add_int (json, "rebuilt", (gint64) node->rebuilt);
    pmss_api_add_int (json, "late", (gint64) node->late);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
}

static void
add_measure (PmssJsonWriter * json, const PmssMeasure * measure)
{
  pmss_api_add_string (json, "client", measure != NULL ? measure->client
      : NULL);
  pmss_api_add_known (json, "position", measure != NULL ? measure->position
      : -1);
  pmss_api_add_known (json, "buffer_bytes", measure != NULL ? measure->buffer
      : -1);
  add_measured_nodes (json, measure != NULL ? measure->nodes : NULL);
}

static void
add_row (PmssApiCall * call, PmssJsonWriter * json, const PmssViewing * session)
{
  g_autoptr (PmssMeasure) measure = pmss_sessions_get_measure
      (call->context->sessions, session->id);
  char version[PMSS_VERSION_ID_STRLEN];

  pmss_version_id_to_string (&session->version, version);
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "id", session->id);
  pmss_api_add_string (json, "user", session->user);
  pmss_api_add_string (json, "address", session->address);
  pmss_api_add_string (json, "medium", session->medium_name);
  pmss_api_add_string (json, "version", version);
  pmss_api_add_int (json, "rate", (gint64) session->rate);
  pmss_api_add_time (json, "created", session->created);
  pmss_api_add_time (json, "expires", session->expires);
  pmss_api_add_int (json, "start_in_ns", pmss_sessions_get_start_in
      (call->context->sessions, session->id));
  add_measure (json, measure);
  pmss_json_writer_end_object (json);
}

static void
list_sessions (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sessions =
      pmss_sessions_list (call->context->sessions, &error);
  g_autoptr (PmssJsonWriter) json = NULL;

  if (sessions == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "sessions");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < sessions->len; i++)
    add_row (call, json, g_ptr_array_index (sessions, i));
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_sessions[] = {
  {"GET", "/api/v1/sessions", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      list_sessions},
  {"POST", "/api/v1/sessions", PMSS_ROLE_VIEWER, PMSS_BODY_JSON,
      create_session,.frequent = TRUE},
  {"PUT", "/api/v1/sessions/{id}", PMSS_ROLE_VIEWER, PMSS_BODY_OPTIONAL,
      renew_session,.gateway = TRUE},
  {"GET", "/api/v1/sessions/{id}/layout", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      get_layout,.gateway = TRUE},
  {"DELETE", "/api/v1/sessions/{id}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      delete_session,.gateway = TRUE,.frequent = TRUE},
  {NULL}
};
