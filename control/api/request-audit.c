/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a request becomes an event. On a handler's thread. */
#include "control/api/router.h"

#include "control/events/events.h"

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

/* People type their password where the name belongs: only what is a user's name is written. */
static char *
find_user (PmssApiCall * call, PmssRole * role)
{
  g_autoptr (PmssUser) known = NULL;

  *role = PMSS_ROLE_NONE;
  if (call->user == NULL && call->claimed_user == NULL)
    return NULL;
  if (call->user == NULL)
    known = pmss_accounts_get_user (call->context->accounts,
        call->claimed_user, NULL);
  else
    *role = call->user->role;
  if (known != NULL)
    *role = known->role;
  return g_strdup (call->user != NULL ? call->user->name
      : known != NULL ? known->name : "(unknown)");
}

/* Viewers and strangers displace no others: a node that joins has no user, and is neither. */
static gboolean
is_minor (const PmssEvent * event, PmssRole role)
{
  return event->status >= 400 || event->frequent
      || (event->user != NULL && role < PMSS_ROLE_OPERATOR);
}

static void
note (PmssApiCall * call, PmssEvent * event)
{
  PmssEvents *events = call->context->events;
  g_autofree char *user = NULL;
  guint64 missed;
  PmssRole role;

  if (!pmss_events_take (events, event, &missed))
    return;
  event->user = user = find_user (call, &role);
  event->minor = is_minor (event, role);
  pmss_events_add (events, event, missed);
}

void
pmss_api_audit (PmssApiCall * call)
{
  const PmssRoute *route = call->route;
  guint status = pmss_http_request_get_status (call->request);
  g_autofree char *other = NULL;
  PmssEvent event = {
    .status = status,.frequent = route->frequent,
    .result = pmss_event_result_of (status)
  };

  /* 0: cut off before there was an answer, so nothing was done */
  event.action = call->action != NULL ? call->action : route->audit;
  if (call->audited || call->context->events == NULL || status == 0
      || route->unaudited
      || (event.action == NULL && event.result != PMSS_EVENT_REFUSED))
    return;
  call->audited = TRUE;
  if (event.action == NULL)
    event.action = other = g_strdup_printf ("%s %s", route->method,
        route->path);
  event.address = pmss_http_request_get_address (call->request);
  event.object = call->object != NULL ? call->object : call->param;
  event.detail = call->detail;
  note (call, &event);
}

void
pmss_api_audit_done (PmssApiCall * call)
{
  pmss_api_audit (call);
  /* a change is answered when its event is durable; what happens all the time does not wait */
  if (call->audited && !call->route->frequent
      && pmss_http_request_get_status (call->request) < 400)
    pmss_events_settle (call->context->events);
}
