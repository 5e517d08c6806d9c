/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for events. On handlers' threads. */
#include "control/api/router.h"

#include "control/events/event-log.h"
#include "control/events/events.h"
#include "control/monitor/load.h"

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

static gboolean
parse_topic (const char *name, guint * bits)
{
  PmssTopic topic;

  if (g_str_equal (name, "load"))
    *bits |= PMSS_STREAM_LOAD;
  else if (pmss_topic_parse (name, &topic))
    *bits |= 1u << topic;
  else
    return FALSE;
  return TRUE;
}

/* "nodes,jobs" as bits; those of events if absent. FALSE: answered. */
static gboolean
get_topics (PmssApiCall * call, guint * topics)
{
  const char *text = pmss_http_request_get_query (call->request, "topics");
  g_auto (GStrv) names = text != NULL ? g_strsplit (text, ",", -1) : NULL;

  *topics = text != NULL ? 0 : (1u << PMSS_N_TOPICS) - 1;
  for (guint i = 0; names != NULL && names[i] != NULL; i++) {
    if (!parse_topic (names[i], topics)) {
      *topics = 0;
      break;
    }
  }
  if (*topics != 0)
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400,
      "topics: “%s” has something else than nodes, jobs, sessions, media, "
      "health, uploads, accounts, load", text);
  return FALSE;
}

/* Whose load the stream tells; absent: of the first ones. FALSE: answered. */
static gboolean
get_nodes (PmssApiCall * call, guint topics, GArray ** nodes)
{
  const char *text = pmss_http_request_get_query (call->request, "nodes");

  if ((topics & PMSS_STREAM_LOAD) != 0 && call->user->role < PMSS_ROLE_OPERATOR) {
    pmss_http_request_respond_problem (call->request, 403,
        "topics: load is for administrators and operators");
    return FALSE;
  }
  if (text == NULL
      || (*nodes = pmss_api_parse_nodes (text, PMSS_LOAD_MAX_NODES)) != NULL)
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400,
      "nodes: 1 to %u ids with commas between them", PMSS_LOAD_MAX_NODES);
  return FALSE;
}

static void
get_stream (PmssApiCall * call)
{
  g_autoptr (PmssHttpFeed) feed = NULL;
  GArray *nodes = NULL;
  guint topics;

  if (!get_topics (call, &topics) || !get_nodes (call, topics, &nodes))
    return;
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  /* nginx passes on at once */
  pmss_http_request_add_header (call->request, "X-Accel-Buffering", "no");
  feed = pmss_http_request_respond_feed (call->request, 200,
      "text/event-stream", PMSS_STREAM_MAX_PENDING, NULL, NULL);
  call->data = pmss_streams_join (pmss_events_get_streams
      (call->context->events), feed, call->user,
      call->login, topics, nodes,
      pmss_http_request_get_header (call->request, "Last-Event-ID"));
}

static void
end_stream (PmssApiCall * call, gboolean answered)
{
  g_clear_pointer ((PmssStream **) & call->data, pmss_streams_leave);
}

const PmssRoute pmss_routes_events[] = {
  {"GET", "/api/v1/events", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, list_events},
  {"GET", "/api/v1/stream", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, get_stream,
      .end = end_stream},
  {NULL}
};
