/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a request goes into the audit log, when it is over. On a handler's thread. */
#include "control/api/router.h"

#include "control/audit/audit.h"

void
pmss_api_note (PmssApiCall * call, const char *object, const char *detail)
{
  if (object != NULL) {
    g_free (call->object);
    call->object = g_strdup (object);
  }
  if (detail != NULL) {
    g_free (call->detail);
    call->detail = g_strdup (detail);
  }
}

static gboolean
is_refusal (guint status)
{
  return status == 401 || status == 403 || status == 429;
}

/* People type their password where the name belongs: only what is a user's name is written. */
static char *
find_user (PmssApiCall * call)
{
  g_autoptr (PmssUser) known = NULL;

  if (call->user != NULL)
    return g_strdup (call->user->name);
  if (call->claimed_user == NULL)
    return NULL;
  known = pmss_accounts_get_user (call->context->accounts, call->claimed_user,
      NULL);
  return g_strdup (known != NULL ? known->name : "(unknown)");
}

void
pmss_api_audit (PmssApiCall * call)
{
  const PmssRoute *route = call->route;
  guint status = pmss_http_request_get_status (call->request);
  g_autofree char *other = NULL, *user = NULL;
  PmssAuditEntry entry = {.status = status,.frequent = route->frequent };
  guint64 missed;

  /* 0: cut off before there was an answer, so nothing was done */
  entry.action = call->action != NULL ? call->action : route->audit;
  if (call->context->audit == NULL || status == 0 || route->unaudited
      || (entry.action == NULL && !is_refusal (status)))
    return;
  if (entry.action == NULL)
    entry.action = other = g_strdup_printf ("%s %s", route->method,
        route->path);
  entry.address = pmss_http_request_get_address (call->request);
  entry.object = call->object != NULL ? call->object : call->param;
  entry.detail = call->detail;
  if (!pmss_audit_take (call->context->audit, &entry, g_get_monotonic_time (),
          &missed))
    return;
  entry.user = user = find_user (call);
  pmss_audit_write (&entry, missed);
}
