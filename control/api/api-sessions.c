/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/api/router.h"

#include "control/accounts/secret.h"
#include "control/api/api-media.h"
#include "control/config.h"
#include "control/sessions/sessions.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-layout.h"

static void
add_lease (PmssApiCall * call, JsonBuilder * json, const PmssViewing * session,
    const GArray * nodes)
{
  g_autofree char *token = pmss_sessions_mint (call->context->sessions,
      session, nodes);

  pmss_api_add_int (json, "lease",
      pmss_sessions_get_lease (call->context->sessions));
  pmss_api_add_time (json, "expires", session->expires);
  pmss_api_add_string (json, "token", token);
}

static void
respond_session (PmssApiCall * call, const PmssViewing * session,
    const PmssMedium * medium, PmssLayout * layout, const GArray * nodes)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();

  json_builder_begin_object (json);
  pmss_api_add_string (json, "id", session->id);
  add_lease (call, json, session, nodes);
  pmss_api_add_string (json, "user", session->user);
  json_builder_set_member_name (json, "medium");
  pmss_api_add_medium (json, medium);
  json_builder_set_member_name (json, "layout");
  json_builder_add_value (json, pmss_layout_to_json (layout));
  json_builder_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 201, json);
}

static gboolean
get_name (JsonObject * body, const char **name, GError ** error)
{
  static const char *const members[] = { "medium", NULL };

  return pmss_json_check_members (body, members, error)
      && pmss_json_get_string (body, "medium", PMSS_MAX_NAME, name, error)
      && pmss_medium_name_check (*name, error);
}

/* The session is written first: from then on its version stays, so that the layout is of shards that are there. */
static void
create_session (PmssApiCall * call)
{
  PmssControlContext *context = call->context;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMedium) medium = NULL;
  g_autoptr (PmssViewing) session = NULL;
  g_autoptr (PmssLayout) layout = NULL;
  g_autoptr (GArray) nodes = NULL;
  const PmssViewer viewer = {
    call->user->name, pmss_http_request_get_bearer (call->request),
    pmss_http_request_get_address (call->request),
    call->user->role == PMSS_ROLE_ADMIN ? context->config->max_sessions_admin
        : context->config->max_sessions
  };
  gboolean capped = FALSE;
  const char *name;

  if (get_name (pmss_http_request_get_json (call->request), &name, &error))
    medium = pmss_catalog_get_medium (context->catalog, name, &error);
  if (medium != NULL)
    session = pmss_sessions_create (context->sessions, medium, &viewer,
        &capped, &error);
  if (session != NULL)
    layout = pmss_catalog_load_layout (context->catalog, &session->version,
        &error);
  if (layout != NULL)
    nodes = pmss_catalog_list_version_nodes (context->catalog,
        &session->version, &error);
  if (nodes != NULL) {
    respond_session (call, session, medium, layout, nodes);
    return;
  }
  if (session != NULL)
    pmss_sessions_end (context->sessions, session->id, NULL, NULL);
  if (!capped) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_http_request_add_header (call->request, "Retry-After", "1");
  pmss_http_request_respond_problem (call->request, 429, "%s", error->message);
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

static void
renew_session (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssViewing) session = NULL;
  g_autoptr (GArray) nodes = NULL;
  g_autoptr (JsonBuilder) json = NULL;

  if (!check_id (call))
    return;
  session = pmss_sessions_renew (call->context->sessions, call->param,
      call->user->name, &error);
  if (session != NULL)
    nodes = pmss_catalog_list_version_nodes (call->context->catalog,
        &session->version, &error);
  if (nodes == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = json_builder_new ();
  json_builder_begin_object (json);
  add_lease (call, json, session, nodes);
  json_builder_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 200, json);
}

static void
delete_session (PmssApiCall * call)
{
  gboolean anyones = call->user->role >= PMSS_ROLE_OPERATOR;
  g_autoptr (GError) error = NULL;

  if (!check_id (call))
    return;
  if (pmss_sessions_end (call->context->sessions, call->param,
          anyones ? NULL : call->user->name, &error))
    pmss_http_request_respond_empty (call->request, 204);
  else
    pmss_http_request_respond_error (call->request, error);
}

static void
add_row (JsonBuilder * json, const PmssViewing * session)
{
  char version[PMSS_VERSION_ID_STRLEN];

  pmss_version_id_to_string (&session->version, version);
  json_builder_begin_object (json);
  pmss_api_add_string (json, "id", session->id);
  pmss_api_add_string (json, "user", session->user);
  pmss_api_add_string (json, "address", session->address);
  pmss_api_add_string (json, "medium", session->medium_name);
  pmss_api_add_string (json, "version", version);
  pmss_api_add_int (json, "rate", (gint64) session->rate);
  pmss_api_add_time (json, "created", session->created);
  pmss_api_add_time (json, "expires", session->expires);
  json_builder_end_object (json);
}

static void
list_sessions (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) sessions =
      pmss_sessions_list (call->context->sessions, &error);
  g_autoptr (JsonBuilder) json = NULL;

  if (sessions == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = json_builder_new ();
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "sessions");
  json_builder_begin_array (json);
  for (guint i = 0; i < sessions->len; i++)
    add_row (json, g_ptr_array_index (sessions, i));
  json_builder_end_array (json);
  json_builder_end_object (json);
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_sessions[] = {
  {"GET", "/api/v1/sessions", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      list_sessions},
  {"POST", "/api/v1/sessions", PMSS_ROLE_VIEWER, PMSS_BODY_JSON,
      create_session},
  {"PUT", "/api/v1/sessions/{id}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      renew_session},
  {"DELETE", "/api/v1/sessions/{id}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      delete_session},
  {NULL}
};
