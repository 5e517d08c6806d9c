/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Matches requests with routes, and checks who calls. On handlers' threads. */
#include "control/api/router.h"

#include <string.h>

#include "control/accounts/links.h"
#include "control/api/caller.h"
#include "control/nodes/nodes.h"
#include "control/sessions/tickets.h"
#include "control/web/web-routes.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-types.h"

#define MAX_JSON (64 * 1024)
/* For so long a look at the rights is good. */
#define RIGHTS_LAST G_USEC_PER_SEC

const PmssRoute *const pmss_route_tables[] = {
  pmss_routes_artwork,
  pmss_routes_capacity,
  pmss_routes_clients,
  pmss_routes_cluster,
  pmss_routes_events,
  pmss_routes_gateway,
  pmss_routes_history,
  pmss_routes_ingest,
  pmss_routes_jobs,
  pmss_routes_layouts,
  pmss_routes_links,
  pmss_routes_login,
  pmss_routes_media,
  pmss_routes_media_change,
  pmss_routes_my_logins,
  pmss_routes_nodes,
  pmss_routes_overview,
  pmss_routes_policies,
  pmss_routes_positions,
  pmss_routes_reports,
  pmss_routes_sessions,
  pmss_routes_uploads,
  pmss_routes_users,
  pmss_routes_verify,
  NULL
};

/* The pages: they are served like the API and are no part of it. */
static const PmssRoute *const page_tables[] = { pmss_routes_pages, NULL };

/* Decodes one component of a path. NULL if it hides a slash or a NUL: what it is called would then depend on who decodes it. */
static char *
decode_component (const char *text, gsize length)
{
  g_autofree char *encoded = g_strndup (text, length);
  char *decoded = g_uri_unescape_string (encoded, "/");

  if (decoded != NULL && g_utf8_validate (decoded, -1, NULL))
    return decoded;
  g_free (decoded);
  return NULL;
}

static char *
decode_path (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  for (char **part = parts; *part != NULL; part++) {
    char *decoded = decode_component (*part, strlen (*part));

    if (decoded == NULL)
      return NULL;
    g_free (*part);
    *part = decoded;
  }
  return g_strjoinv ("/", parts);
}

/* Whether @path has the form of @pattern. @place, @length: what stands in the pattern's place; not set if it has none. */
static gboolean
match_path (const char *pattern, const char *path, const char **place,
    gsize * length)
{
  const char *open = strchr (pattern, '{'), *rest;
  gsize head, tail, n;

  *place = NULL;
  if (open == NULL)
    return g_str_equal (pattern, path);
  head = (gsize) (open - pattern);
  if (strncmp (pattern, path, head) != 0)
    return FALSE;
  path += head;
  rest = strchr (open, '}') + 1;
  tail = strlen (rest);
  n = strlen (path);
  if (n <= tail || strcmp (path + n - tail, rest) != 0)
    return FALSE;
  n -= tail;
  if (rest[-2] != '+' && memchr (path, '/', n) != NULL)
    return FALSE;
  *place = path;
  *length = n;
  return TRUE;
}

typedef struct
{
  const PmssRoute *route;
  const char *place;
  gsize length;
  GString *allowed;             /* methods that the path has */
} Match;

static gboolean
method_matches (const PmssRoute * route, const char *method, gboolean as_get)
{
  return g_str_equal (route->method, as_get ? "GET" : method);
}

/* HEAD goes where GET goes, unless it has a route of its own; the engine leaves the body out. */
static void
consider_route (const char *method, const PmssRoute * route,
    const char *place, gsize length, Match * match)
{
  gboolean as_get = g_str_equal (method, "HEAD") && match->route == NULL;

  g_string_append_printf (match->allowed, "%s%s",
      match->allowed->len > 0 ? ", " : "", route->method);
  if (method_matches (route, method, FALSE)
      || (as_get && method_matches (route, method, TRUE))) {
    match->route = route;
    match->place = place;
    match->length = length;
  }
}

/* Routes whose path has a place, or those whose path has none. */
static void
find_among (const PmssRoute * const *tables, gboolean with_place,
    const char *method, const char *path, Match * match)
{
  for (guint i = 0; tables[i] != NULL; i++) {
    for (const PmssRoute * r = tables[i]; r->method != NULL; r++) {
      const char *place;
      gsize length = 0;

      if ((strchr (r->path, '{') != NULL) == with_place
          && match_path (r->path, path, &place, &length))
        consider_route (method, r, place, length, match);
    }
  }
}

/* A path that is there as it stands is no other's place: "/nodes/join" is not the node "join". */
static void
find_route (const char *method, const char *path, Match * match)
{
  const PmssRoute *const *const all[] = { pmss_route_tables, page_tables };

  for (guint i = 0; i < G_N_ELEMENTS (all) && match->allowed->len == 0; i++) {
    find_among (all[i], FALSE, method, path, match);
    if (match->allowed->len == 0)
      find_among (all[i], TRUE, method, path, match);
  }
}

static void
refuse_token (PmssApiCall * call, const GError * error)
{
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED)
      && pmss_api_lead_to_sign_in (call))
    return;
  pmss_http_request_add_header (call->request, "WWW-Authenticate",
      "Bearer error=\"invalid_token\"");
  pmss_http_request_respond_error (call->request, error);
}

/* FALSE: answered. */
static gboolean
check_rights (PmssApiCall * call, const PmssUser * user)
{
  if (user->one_time && !call->route->one_time) {
    pmss_http_request_respond_problem (call->request, 403,
        "The one-time password of “%s” is good for changing it and nothing "
        "else: choose another with 'pmss login' or 'pmss user passwd' (PUT "
        "/api/v1/users/%s/password)", user->name, user->name);
    return FALSE;
  }
  if (user->role >= call->route->role)
    return TRUE;
  pmss_http_request_respond_problem (call->request, 403,
      "This is for the role %s; “%s” is a %s",
      pmss_role_to_string (call->route->role), user->name,
      pmss_role_to_string (user->role));
  return FALSE;
}

/* Whether a storage server calls, by its secret. Whose session it is about is looked at later. */
static gboolean
is_gateway (PmssApiCall * call)
{
  if (call->route->gateway && !call->by_cookie)
    call->node = pmss_nodes_find_by_secret (call->context->nodes, call->login);
  if (call->node != 0)
    pmss_api_set_node_class (call, call->node);
  return call->node != 0;
}

static gboolean
authenticate (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (call->route->role == PMSS_ROLE_NONE)
    return TRUE;
  if (!pmss_api_find_login (call))
    return FALSE;
  if (call->login == NULL && pmss_api_lead_to_sign_in (call))
    return FALSE;
  if (call->login == NULL) {
    pmss_http_request_add_header (call->request, "WWW-Authenticate", "Bearer");
    pmss_http_request_respond_problem (call->request, 401,
        "This needs a token: log in first");
    return FALSE;
  }
  /* a link is looked at when it is known what for */
  if (call->by_link || is_gateway (call))
    return TRUE;
  call->user = pmss_accounts_authenticate (call->context->accounts,
      call->login, &error);
  if (call->user == NULL) {
    refuse_token (call, error);
    return FALSE;
  }
  call->checked = g_get_monotonic_time ();
  pmss_http_request_set_class (call->request, PMSS_PLACE_USER,
      call->user->name);
  return check_rights (call, call->user);
}

/* While a body comes in, for a minute or for hours, the login may end and the role change: what it
 * asks for is done with the rights of now. */
static gboolean
check_again (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssUser) user = NULL;

  if (call->user == NULL || call->node != 0 || call->by_link
      || g_get_monotonic_time () - call->checked < RIGHTS_LAST)
    return TRUE;
  user = pmss_accounts_authenticate (call->context->accounts, call->login,
      &error);
  if (user != NULL)
    return check_rights (call, user);
  refuse_token (call, error);
  return FALSE;
}

static gboolean
take_param (PmssApiCall * call, const Match * match)
{
  g_autofree char *text = NULL;

  if (match->place == NULL)
    return TRUE;
  text = g_strndup (match->place, match->length);
  call->param = decode_path (text);
  if (call->param != NULL)
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400,
      "The path is not encoded component by component in UTF-8");
  return FALSE;
}

/* Whoever has a link may see its medium, as its maker may. */
static gboolean
take_link (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  call->user = pmss_links_open (call->context->database, call->login,
      call->param, &error);
  if (call->user == NULL)
    pmss_http_request_respond_error (call->request, error);
  return call->user != NULL;
}

/* A gateway has the rights of the session's user, in that session alone. */
static gboolean
take_viewer (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  char *name;

  if (call->by_link)
    return take_link (call);
  if (call->node == 0)
    return TRUE;
  name = pmss_tickets_get_session_user (call->context->database, call->param,
      call->node, &error);
  if (name == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return FALSE;
  }
  call->user = g_new0 (PmssUser, 1);
  call->user->name = name;
  call->user->role = PMSS_ROLE_VIEWER;
  return TRUE;
}

static void
accept_body (PmssApiCall * call)
{
  guint64 length;

  switch (call->route->body) {
    case PMSS_BODY_NONE:
      if (pmss_http_request_get_content_length (call->request, &length)
          && length > 0)
        pmss_http_request_respond_problem (call->request, 400,
            "This request has no body");
      break;
    case PMSS_BODY_JSON:
      pmss_http_request_accept_json (call->request, MAX_JSON);
      break;
    case PMSS_BODY_OPTIONAL:
      if (pmss_http_request_get_content_length (call->request, &length)
          && length > 0)
        pmss_http_request_accept_json (call->request, MAX_JSON);
      break;
    case PMSS_BODY_STREAM:
      call->route->begin (call);
      break;
  }
}

static void
on_begin (PmssHttpRequest * request, gpointer user_data)
{
  Match match = {.allowed = g_string_new (NULL) };
  PmssApiCall *call;

  find_route (pmss_http_request_get_method (request),
      pmss_http_request_get_path (request), &match);
  if (match.route != NULL) {
    call = g_new0 (PmssApiCall, 1);
    call->context = user_data;
    call->request = request;
    call->route = match.route;
    pmss_http_request_set_data (request, call);
    if (match.route->people)
      pmss_http_request_let_people_read (request);
    if (match.route->end == NULL)
      pmss_http_request_let_end_wait (request);
    if (authenticate (call) && take_param (call, &match)
        && take_viewer (call)) {
      call->begun = TRUE;
      accept_body (call);
    }
  } else if (match.allowed->len > 0) {
    pmss_http_request_add_header (request, "Allow", match.allowed->str);
    pmss_http_request_respond_problem (request, 405,
        "This knows only %s", match.allowed->str);
  } else if (!pmss_web_respond_unknown (request)) {
    pmss_http_request_respond_problem (request, 404,
        "There is nothing at this path");
  }
  g_string_free (match.allowed, TRUE);
}

static gboolean
on_body (PmssHttpRequest * request, const void *data, gsize length,
    gpointer user_data)
{
  PmssApiCall *call = pmss_http_request_get_data (request);

  return call->route->data (call, data, length);
}

static void
on_complete (PmssHttpRequest * request, gpointer user_data)
{
  PmssApiCall *call = pmss_http_request_get_data (request);

  if (check_again (call))
    call->route->run (call);
  pmss_api_audit_done (call);
}

static void
on_end (PmssHttpRequest * request, gboolean answered, gpointer user_data)
{
  PmssApiCall *call = pmss_http_request_get_data (request);

  if (call == NULL)
    return;
  if (call->begun && call->route->end != NULL)
    call->route->end (call, answered);
  pmss_api_audit (call);
  g_clear_pointer (&call->user, pmss_user_free);
  g_free (call->param);
  g_free (call->claimed_user);
  g_free (call->login);
  g_free (call->object);
  g_free (call->detail);
  g_free (call);
}

const PmssHttpdHandler pmss_router = {
  on_begin, on_body, on_complete, on_end
};
