/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for login and logout. On handlers' threads. */
#include "control/api/api-login.h"

#include "control/api/router.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

void
pmss_api_respond_login_error (PmssApiCall * call, const GError * error,
    guint retry_after)
{
  g_autofree char *seconds = g_strdup_printf ("%u", retry_after);

  if (!g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_http_request_add_header (call->request, "Retry-After", seconds);
  pmss_http_request_respond_problem (call->request, 429, "%s", error->message);
}

static void
login (PmssApiCall * call)
{
  static const char *const members[] = { "user", "password", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  const char *user, *password;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssLogin) login = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  guint retry_after = 0;

  if (!pmss_json_check_members (body, members, &error)
      || !pmss_json_get_string (body, "user", PMSS_MAX_USER, &user, &error)
      || !pmss_json_get_string (body, "password", PMSS_MAX_PASSWORD,
          &password, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  call->claimed_user = g_strdup (user);
  login = pmss_accounts_login (call->context->accounts, user, password,
      pmss_http_request_get_address (call->request), &retry_after, &error);
  if (login == NULL) {
    pmss_api_respond_login_error (call, error, retry_after);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "token", login->token);
  pmss_api_add_string (json, "user", login->user);
  pmss_api_add_string (json, "role", pmss_role_to_string (login->role));
  pmss_api_add_time (json, "expires", login->expires);
  pmss_api_add_bool (json, "one_time_password", login->one_time);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 200, json);
}

static void
logout (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (pmss_accounts_logout (call->context->accounts,
          pmss_http_request_get_bearer (call->request), &error))
    pmss_http_request_respond_empty (call->request, 204);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_login[] = {
  {"POST", "/api/v1/login", PMSS_ROLE_NONE, PMSS_BODY_JSON, login,
      .audit = "login"},
  {"POST", "/api/v1/logout", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, logout,
      .audit = "logout",.one_time = TRUE},
  {NULL}
};
