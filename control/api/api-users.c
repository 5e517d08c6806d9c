/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for users. On handlers' threads. */
#include "control/api/router.h"

#include "control/accounts/admin-password.h"
#include "control/accounts/logins.h"
#include "control/api/api-login.h"
#include "control/config.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

static void
add_user_json (PmssJsonWriter * json, const PmssUser * user)
{
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "name", user->name);
  pmss_api_add_string (json, "role", pmss_role_to_string (user->role));
  pmss_api_add_bool (json, "one_time_password", user->one_time);
  pmss_api_add_time (json, "created", user->created);
  pmss_json_writer_end_object (json);
}

static void
add_user (PmssJsonWriter * json, gconstpointer user)
{
  add_user_json (json, user);
}

static void
list_users (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) users =
      pmss_accounts_list_users (call->context->accounts, &error);

  pmss_api_respond_list (call, "users", users, add_user, NULL, error);
}

static PmssUser *
create_user (PmssApiCall * call, GError ** error)
{
  static const char *const members[] = { "name", "password", "role", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  PmssAccounts *accounts = call->context->accounts;
  const char *name, *password, *role_name;
  PmssRole role;

  if (!pmss_json_check_members (body, members, error)
      || !pmss_json_get_string (body, "name", PMSS_MAX_USER, &name, error)
      || !pmss_json_get_string (body, "password", PMSS_MAX_PASSWORD,
          &password, error)
      || !pmss_json_get_string (body, "role", 16, &role_name, error)
      || !pmss_role_parse (role_name, &role, error)
      || !pmss_accounts_add_user (accounts, name, password, role, FALSE, error))
    return NULL;
  pmss_api_note (call, name, pmss_role_to_string (role));
  return pmss_accounts_get_user (accounts, name, error);
}

/* @user NULL: @error says why. */
static void
respond_user (PmssApiCall * call, guint status, const PmssUser * user,
    const GError * error)
{
  g_autoptr (PmssJsonWriter) json = NULL;

  if (user == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  add_user_json (json, user);
  pmss_api_respond (call, status, json);
}

static void
post_user (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssUser) user = create_user (call, &error);

  respond_user (call, 201, user, error);
}

/* The role is all that can be set so. One's own can be, too: another administrator is left. */
static PmssUser *
change_user (PmssApiCall * call, GError ** error)
{
  static const char *const members[] = { "role", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  PmssAccounts *accounts = call->context->accounts;
  const char *role_name;
  PmssRole role;

  if (!pmss_json_check_members (body, members, error)
      || !pmss_json_get_string (body, "role", 16, &role_name, error)
      || !pmss_role_parse (role_name, &role, error)
      || !pmss_accounts_set_role (accounts, call->param, role, error))
    return NULL;
  pmss_api_note (call, NULL, pmss_role_to_string (role));
  return pmss_accounts_get_user (accounts, call->param, error);
}

static void
patch_user (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssUser) user = change_user (call, &error);

  respond_user (call, 200, user, error);
}

static void
delete_user (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (pmss_accounts_remove_user (call->context->accounts, call->param, &error))
    pmss_http_request_respond_empty (call->request, 204);
  else
    pmss_http_request_respond_error (call->request, error);
}

/* Whoever changes the own password has to know the old one: a stolen token alone must not take an account over. */
static gboolean
check_old_password (PmssApiCall * call, JsonObject * body)
{
  const char *old;
  guint retry_after = 0;
  g_autoptr (GError) error = NULL;

  if (!pmss_json_get_string (body, "old_password", PMSS_MAX_PASSWORD, &old,
          &error)) {
    pmss_http_request_respond_error (call->request, error);
    return FALSE;
  }
  if (pmss_accounts_check_password (call->context->accounts, call->param,
          old, pmss_http_request_get_address (call->request), &retry_after,
          &error))
    return TRUE;
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED))
    pmss_http_request_respond_problem (call->request, 403,
        "The old password is wrong");
  else
    pmss_api_respond_login_error (call, error, retry_after);
  return FALSE;
}

/* Whether the new password is the old one, which has been checked. */
static gboolean
is_same (JsonObject * body, const char *password)
{
  const char *old;

  return pmss_json_get_string (body, "old_password", PMSS_MAX_PASSWORD, &old,
      NULL) && g_str_equal (old, password);
}

static void
put_password (PmssApiCall * call)
{
  static const char *const members[] = { "password", "old_password", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  gboolean oneself = g_str_equal (call->user->name, call->param);
  const char *password;
  g_autoptr (GError) error = NULL;

  if (!oneself && call->user->one_time) {
    pmss_http_request_respond_problem (call->request, 403,
        "Change your own one-time password first");
    return;
  }
  if (!oneself && call->user->role < PMSS_ROLE_ADMIN) {
    pmss_http_request_respond_problem (call->request, 403,
        "Only an administrator changes the passwords of others");
    return;
  }
  if (!pmss_json_check_members (body, members, &error)
      || !pmss_json_get_string (body, "password", PMSS_MAX_PASSWORD,
          &password, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  if (oneself && !check_old_password (call, body))
    return;
  if (oneself && call->user->one_time && is_same (body, password)) {
    pmss_http_request_respond_problem (call->request, 400,
        "The new password is the one-time one: choose another");
    return;
  }
  if (!pmss_accounts_set_password (call->context->accounts, call->param,
          password, oneself ? call->login : NULL, &error)
      || !pmss_admin_password_tidy (call->context->accounts,
          call->context->config->data, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_http_request_respond_empty (call->request, 204);
}

static void
list_logins (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssUser) user = pmss_accounts_get_user (call->context->accounts,
      call->param, &error);

  if (user != NULL)
    pmss_api_respond_logins (call, user->name);
  else
    pmss_http_request_respond_error (call->request, error);
}

/* One of them, or all: but for the caller's own. */
static gboolean
end_logins (PmssApiCall * call, GError ** error)
{
  PmssAccounts *accounts = call->context->accounts;
  const char *id = pmss_http_request_get_query (call->request, "id");
  g_autoptr (PmssUser) user = pmss_accounts_get_user (accounts, call->param,
      error);

  if (user == NULL)
    return FALSE;
  return id != NULL ? pmss_logins_remove (accounts, user->name, id, error)
      : pmss_logins_remove_others (accounts, user->name, call->login, error);
}

static void
delete_logins (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (end_logins (call, &error))
    pmss_http_request_respond_empty (call->request, 204);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_users[] = {
  {"GET", "/api/v1/users", PMSS_ROLE_ADMIN, PMSS_BODY_NONE, list_users},
  {"POST", "/api/v1/users", PMSS_ROLE_ADMIN, PMSS_BODY_JSON, post_user,
      .audit = "user add"},
  {"PATCH", "/api/v1/users/{name}", PMSS_ROLE_ADMIN, PMSS_BODY_JSON,
      patch_user,.audit = "user set"},
  {"DELETE", "/api/v1/users/{name}", PMSS_ROLE_ADMIN, PMSS_BODY_NONE,
      delete_user,.audit = "user remove"},
  {"GET", "/api/v1/users/{name}/logins", PMSS_ROLE_ADMIN, PMSS_BODY_NONE,
      list_logins},
  {"DELETE", "/api/v1/users/{name}/logins", PMSS_ROLE_ADMIN, PMSS_BODY_NONE,
      delete_logins,.audit = "login remove"},
  {"PUT", "/api/v1/users/{name}/password", PMSS_ROLE_VIEWER, PMSS_BODY_JSON,
      put_password,.audit = "user password",.one_time = TRUE},
  {NULL}
};
