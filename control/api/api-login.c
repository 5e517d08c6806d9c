/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for login and logout, of programs and of pages. On handlers' threads. */
#include "control/api/api-login.h"

#include "control/api/caller.h"
#include "control/api/router.h"
#include "control/config.h"
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

/* NULL: answered. */
static PmssLogin *
log_in (PmssApiCall * call)
{
  static const char *const members[] = { "user", "password", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  const char *user, *password;
  g_autoptr (GError) error = NULL;
  PmssLogin *login;
  guint retry_after = 0;

  if (!pmss_json_check_members (body, members, &error)
      || !pmss_json_get_string (body, "user", PMSS_MAX_USER, &user, &error)
      || !pmss_json_get_string (body, "password", PMSS_MAX_PASSWORD,
          &password, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return NULL;
  }
  call->claimed_user = g_strdup (user);
  login = pmss_accounts_login (call->context->accounts, user, password,
      pmss_http_request_get_address (call->request),
      pmss_http_request_get_header (call->request, "User-Agent"),
      &retry_after, &error);
  if (login == NULL)
    pmss_api_respond_login_error (call, error, retry_after);
  return login;
}

/* @token: nullable: the browser has it. */
static void
respond_login (PmssApiCall * call, const char *token, const char *user,
    PmssRole role, gint64 expires, gboolean one_time)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();

  pmss_json_writer_begin_object (json);
  if (token != NULL)
    pmss_api_add_string (json, "token", token);
  pmss_api_add_string (json, "user", user);
  pmss_api_add_string (json, "role", pmss_role_to_string (role));
  pmss_api_add_time (json, "expires", expires);
  pmss_api_add_bool (json, "one_time_password", one_time);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 200, json);
}

static void
login (PmssApiCall * call)
{
  g_autoptr (PmssLogin) got = log_in (call);

  if (got != NULL)
    respond_login (call, got->token, got->user, got->role, got->expires,
        got->one_time);
}

/* A page of somebody else must not sign a browser in, under whatever name. */
static void
sign_in (PmssApiCall * call)
{
  g_autoptr (PmssLogin) got = NULL;

  if (!pmss_api_check_origin (call))
    return;
  got = log_in (call);
  if (got == NULL)
    return;
  pmss_api_set_cookie (call, got->token, call->context->config->token_lifetime);
  respond_login (call, NULL, got->user, got->role, got->expires, got->one_time);
}

static void
logout (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (!pmss_accounts_logout (call->context->accounts, call->login, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  if (call->by_cookie)
    pmss_api_set_cookie (call, NULL, 0);
  pmss_http_request_respond_empty (call->request, 204);
}

static void
get_me (PmssApiCall * call)
{
  PmssLoginCheck check = { {0} }, *const checks[] = { &check };
  g_autoptr (GError) error = NULL;

  pmss_secret_hash (call->login, check.hash);
  if (pmss_accounts_check_logins (call->context->accounts, checks, 1, &error))
    respond_login (call, NULL, call->user->name, call->user->role,
        check.expires, call->user->one_time);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_login[] = {
  {"POST", "/api/v1/login", PMSS_ROLE_NONE, PMSS_BODY_JSON, login,
      .audit = "login"},
  {"POST", "/api/v1/sign-in", PMSS_ROLE_NONE, PMSS_BODY_JSON, sign_in,
      .audit = "login"},
  {"POST", "/api/v1/logout", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, logout,
      .audit = "logout",.one_time = TRUE},
  {"GET", "/api/v1/me", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, get_me,
      .one_time = TRUE},
  {NULL}
};
