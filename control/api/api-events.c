/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for events. On handlers' threads. */
#include "control/api/router.h"

#include "control/events/event-log.h"

#define MAX_EVENTS 1000
#define DEFAULT_EVENTS 100

/* FALSE: answered. */
static gboolean
get_query (PmssApiCall * call, PmssEventQuery * query)
{
  const char *after = pmss_http_request_get_query (call->request, "after");
  guint64 limit, number;

  query->after = -1;
  query->before = G_MAXINT64;
  if (!pmss_api_get_query_uint (call, "limit", 1, MAX_EVENTS, DEFAULT_EVENTS,
          &limit)
      || !pmss_api_get_query_uint (call, after != NULL ? "after" : "before", 0,
          G_MAXINT64, G_MAXINT64, &number))
    return FALSE;
  query->limit = (guint) limit;
  *(after != NULL ? &query->after : &query->before) = (gint64) number;
  if (after == NULL
      || pmss_http_request_get_query (call->request, "before") == NULL)
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400,
      "after and before are given one at a time");
  return FALSE;
}

/* What the next page is asked for by. */
static gint64
get_next (const PmssEventQuery * query, GPtrArray * events, gboolean more)
{
  const PmssEvent *last;

  if (!more)
    return -1;
  last = g_ptr_array_index (events, query->after >= 0 ? events->len - 1 : 0);
  return last->id;
}

/* Administrators read all, others what they have done. */
static void
list_events (PmssApiCall * call)
{
  PmssEventQuery query = {
    .user = call->user->role == PMSS_ROLE_ADMIN ? NULL : call->user->name
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  gboolean more;

  if (!get_query (call, &query))
    return;
  events = pmss_event_log_list (call->context->database, &query, &more, &error);
  if (events == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "events");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < events->len; i++)
    pmss_event_write (g_ptr_array_index (events, i), json);
  pmss_json_writer_end_array (json);
  pmss_api_add_known (json, "next", get_next (&query, events, more));
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_events[] = {
  {"GET", "/api/v1/events", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, list_events},
  {NULL}
};
