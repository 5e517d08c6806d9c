/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for where the caller left off. On handlers' threads. */
#include "control/api/router.h"

#include "control/accounts/positions.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 1000

static void
add_position (PmssJsonWriter * json, gconstpointer element)
{
  const PmssPosition *position = element;

  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "medium", position->medium);
  pmss_api_add_int (json, "position_ns", position->position_ns);
  pmss_api_add_known (json, "duration_ns", position->duration_ns);
  pmss_api_add_time (json, "updated", position->updated);
  pmss_json_writer_end_object (json);
}

static void
list_positions (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autofree char *next = NULL;
  guint64 limit;

  if (!pmss_api_get_query_uint (call, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT,
          &limit))
    return;
  list = pmss_positions_list (call->context->database, call->user->name,
      pmss_http_request_get_query (call->request, "after"), (guint) limit,
      &next, &error);
  pmss_api_respond_list (call, "positions", list, add_position, &next, error);
}

static gboolean
set_position (PmssApiCall * call, GError ** error)
{
  static const char *const members[] = { "position_ns", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  gint64 position_ns;

  return pmss_json_check_members (body, members, error)
      && pmss_json_get_int (body, "position_ns", 0, G_MAXINT64, &position_ns,
      error)
      && pmss_positions_set (call->context->database, call->user->name,
      call->param, position_ns, error);
}

static void
put_position (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  gboolean done;

  if (!pmss_api_check_medium_name (call))
    return;
  done = set_position (call, &error);
  pmss_api_respond_done (call, done, error);
}

static void
delete_position (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  gboolean done;

  if (!pmss_api_check_medium_name (call))
    return;
  done = pmss_positions_remove (call->context->database, call->user->name,
      call->param, &error);
  pmss_api_respond_done (call, done, error);
}

const PmssRoute pmss_routes_positions[] = {
  {"GET", "/api/v1/me/positions", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      list_positions},
  {"PUT", "/api/v1/me/positions/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_JSON,
      put_position,.frequent = TRUE},
  {"DELETE", "/api/v1/me/positions/{name+}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      delete_position},
  {NULL}
};
