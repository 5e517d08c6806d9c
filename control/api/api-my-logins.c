/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for the caller's own logins. On handlers' threads. */
#include "control/api/api-login.h"

#include "control/accounts/logins.h"
#include "libpmss/pmss-error.h"

static void
add_login (PmssJsonWriter * json, gconstpointer element)
{
  const PmssLoginRow *row = element;

  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "id", row->id);
  pmss_api_add_time (json, "created", row->created);
  pmss_api_add_time (json, "last_used", row->last_used);
  pmss_api_add_time (json, "expires", row->expires);
  pmss_api_add_string (json, "address", row->address);
  pmss_api_add_string (json, "client", row->client);
  pmss_api_add_bool (json, "current", row->current);
  pmss_json_writer_end_object (json);
}

void
pmss_api_respond_logins (PmssApiCall * call, const char *user)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = pmss_logins_list (call->context->accounts, user,
      call->login, &error);

  pmss_api_respond_list (call, "logins", list, add_login, NULL, error);
}

static void
list_logins (PmssApiCall * call)
{
  pmss_api_respond_logins (call, call->user->name);
}

static void
delete_login (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  gboolean done = pmss_logins_remove (call->context->accounts,
      call->user->name, call->param, &error);

  pmss_api_respond_done (call, done, error);
}

static void
delete_others (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  gboolean done = pmss_logins_remove_others (call->context->accounts,
      call->user->name, call->login, &error);

  pmss_api_respond_done (call, done, error);
}

const PmssRoute pmss_routes_my_logins[] = {
  {"GET", "/api/v1/me/logins", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, list_logins},
  {"DELETE", "/api/v1/me/logins", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      delete_others,.audit = "login remove"},
  {"DELETE", "/api/v1/me/logins/{id}", PMSS_ROLE_VIEWER, PMSS_BODY_NONE,
      delete_login,.audit = "login remove"},
  {NULL}
};
