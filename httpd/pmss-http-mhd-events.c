/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libmicrohttpd calls: requests and connections begin, go on and end, on
 * the connection's worker. */
#include <string.h>
#include <sys/socket.h>

#include "pmss-http-mhd.h"

#define CLOSE_WAIT G_TIME_SPAN_SECOND

/* A connection's context. */
typedef struct
{
  GList node;                   /* in the server's `links` */
  int fd;                       /* libmicrohttpd's */
  PmssPeer *peer;
  PmssHttpRequest *request;     /* that has begun, and its end was not told */
} Link;

const char *
pmss_http_request_get_header (PmssHttpRequest * request, const char *name)
{
  return MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND,
      name);
}

const char *
pmss_http_request_get_address (PmssHttpRequest * request)
{
  return pmss_peer_get_address (request->peer);
}

void
pmss_http_request_set_class (PmssHttpRequest * request, PmssPlaceClass class,
    const char *owner)
{
  pmss_watchdog_promote (request->httpd->watchdog, request->peer, class, owner);
}

static void
start_running (PmssHttpRequest * request)
{
  request->running = TRUE;
  atomic_fetch_add (&request->httpd->running, 1);
}

/* Before libmicrohttpd looks at the parameters. The method is not known yet:
 * an answer without a body is right for each of them. */
static void
refuse_early (PmssHttpRequest * request)
{
  atomic_fetch_add (&request->httpd->refused, 1);
  /* libmicrohttpd's own refusal, which follows, must not meet its stopping */
  start_running (request);
  pmss_http_request_respond_empty (request, 414);
  pmss_http_request_send_early (request);
  pmss_http_request_hang_up (request);
}

static Link *
get_link (struct MHD_Connection *connection)
{
  return MHD_get_connection_info (connection,
      MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void *
pmss_http_on_target (void *data, const char *target,
    struct MHD_Connection *connection)
{
  Link *link = get_link (connection);

  link->request = g_new0 (PmssHttpRequest, 1);
  pmss_http_request_init (link->request, data, link->peer, target);
  link->request->connection = connection;
  if (pmss_http_guard_overwhelms_engine (link->request->target))
    refuse_early (link->request);
  return link->request;
}

static enum MHD_Result
refuse (PmssHttpRequest * request, guint status, const char *detail)
{
  atomic_fetch_add (&request->httpd->refused, 1);
  pmss_http_request_respond_problem (request, status, "%s", detail);
  /* Before the end of the request: libmicrohttpd closes after it. */
  return pmss_http_request_queue (request);
}

/* The handler has answered and part of the body is still to come. */
static enum MHD_Result
discard_rest (PmssHttpRequest * request)
{
  request->stage = PMSS_HTTP_STAGE_DISCARD;
  if (request->framing.length - request->received > PMSS_HTTP_DISCARD_MAX)
    pmss_http_request_send_early (request);
  return MHD_YES;
}

static enum MHD_Result
on_body (PmssHttpRequest * request, const char *data, gsize length)
{
  PmssHttpd *httpd = request->httpd;

  request->received += length;
  /* It has done its part: what the handler makes of the last piece may take a
   * while. */
  if (request->received == request->framing.length)
    pmss_peer_enter (request->peer, PMSS_PEER_WORK);
  switch (request->stage) {
    case PMSS_HTTP_STAGE_BODY:
      if (httpd->handler.body (request, data, length, httpd->user_data))
        return MHD_YES;
      if (!request->answer.status)
        pmss_http_answer_for_handler (request);
      return discard_rest (request);
    case PMSS_HTTP_STAGE_JSON:
      g_byte_array_append (request->json_text, (const guint8 *) data, length);
      return MHD_YES;
    case PMSS_HTTP_STAGE_DISCARD:
      request->discarded += length;
      return request->discarded > PMSS_HTTP_DISCARD_MAX ? MHD_NO : MHD_YES;
    case PMSS_HTTP_STAGE_NEW:
    case PMSS_HTTP_STAGE_EMPTY:
    default:
      g_return_val_if_reached (MHD_NO);
  }
}

static void
run_work (PmssHttpRequest * request)
{
  request->work (request, request->httpd->user_data);
  if (!request->answer.status)
    pmss_http_answer_for_handler (request);
}

void
pmss_http_request_go_on (PmssHttpRequest * request)
{
  PmssHttpd *httpd = request->httpd;

  if (!request->answer.status)
    pmss_http_answer_for_handler (request);
  pmss_http_resume (httpd, request->connection);
  atomic_fetch_sub (&httpd->engine->deferred, 1);
}

/* On a thread of the pool. The connection is suspended: nothing else looks at
 * the request. */
void
pmss_http_do_work (gpointer item, gpointer data)
{
  PmssHttpRequest *request = item;

  request->work (request, request->httpd->user_data);
  pmss_http_request_go_on (request);
}

/* It is not set aside: the server stops. */
static void
refuse_to_wait (PmssHttpRequest * request)
{
  pmss_http_request_add_header (request, "Retry-After", "1");
  pmss_http_request_respond_problem (request, 503, "this server stops");
}

/* FALSE: it is done already, by the connection's worker: libmicrohttpd
 * aborts when it is stopped with a suspended connection. First the count and
 * then the look, and pmss_httpd_stop() the other way round: whoever is not
 * seen by it sees it. */
static gboolean
start_work (PmssHttpRequest * request)
{
  PmssHttpd *httpd = request->httpd;

  atomic_fetch_add (&httpd->engine->deferred, 1);
  if (atomic_load (&httpd->stopping)) {
    atomic_fetch_sub (&httpd->engine->deferred, 1);
    if (request->elsewhere)
      refuse_to_wait (request);
    else
      run_work (request);
    return FALSE;
  }
  MHD_suspend_connection (request->connection);
  if (request->elsewhere)
    request->work (request, httpd->user_data);
  else
    g_thread_pool_push (httpd->engine->pools[request->wait], request, NULL);
  return TRUE;
}

static enum MHD_Result
on_complete (PmssHttpRequest * request)
{
  PmssHttpd *httpd = request->httpd;

  pmss_peer_enter (request->peer, PMSS_PEER_WORK);
  if (request->sent_early)
    return MHD_NO;
  /* A request that was deferred in begin waits for no `complete`. */
  if (!request->answer.status && !request->work
      && (request->stage != PMSS_HTTP_STAGE_JSON
          || pmss_http_request_parse_json (request)))
    httpd->handler.complete (request, httpd->user_data);
  if (request->work && !request->answer.status && start_work (request))
    return MHD_YES;
  if (!request->answer.status)
    pmss_http_answer_for_handler (request);
  return pmss_http_request_queue (request);
}

static enum MHD_Result
after_begin (PmssHttpRequest * request)
{
  gboolean has_body = request->framing.length > 0;

  if (request->answer.status && has_body) {
    /* The peer waits for leave to send: it gets the answer instead. */
    if (request->framing.expects_continue)
      return pmss_http_request_queue (request);
    pmss_peer_enter (request->peer, PMSS_PEER_BODY);
    return discard_rest (request);
  }
  if (has_body && request->stage == PMSS_HTTP_STAGE_NEW)
    return refuse (request, 400, "this request takes no body");
  if (has_body)
    pmss_peer_enter (request->peer, PMSS_PEER_BODY);
  else if (request->stage == PMSS_HTTP_STAGE_NEW)
    request->stage = PMSS_HTTP_STAGE_EMPTY;
  /* libmicrohttpd would send 100, and take the next request for the body that
   * it then expects: such a request is answered at once, and the last. */
  if (!has_body && request->framing.expects_continue)
    return on_complete (request);
  return MHD_YES;
}

static enum MHD_Result
on_head (PmssHttpRequest * request, const char *method, const char *version)
{
  PmssHttpd *httpd = request->httpd;
  const char *detail;
  guint status;
  const char *query = strchr (request->target, '?');

  pmss_peer_enter (request->peer, PMSS_PEER_WORK);
  atomic_fetch_add (&httpd->requests, 1);
  request->method = method;
  status = pmss_http_guard_check_head (request->connection, request->target,
      method, version, &request->framing, &detail);
  if (status)
    return refuse (request, status, detail);
  if (query != NULL
      && !pmss_http_rules_parse_query (query + 1, &request->query))
    return refuse (request, 400, "a query parameter is there twice");

  request->begun = TRUE;
  start_running (request);
  httpd->handler.begin (request, httpd->user_data);
  return after_begin (request);
}

enum MHD_Result
pmss_http_on_access (void *data, struct MHD_Connection *connection,
    const char *url, const char *method, const char *version,
    const char *upload_data, size_t *upload_size, void **context)
{
  PmssHttpRequest *request = *context;
  gsize length = *upload_size;

  if (!request->method)
    return request->sent_early ? MHD_NO : on_head (request, method, version);
  if (length > 0) {
    *upload_size = 0;
    return on_body (request, upload_data, length);
  }
  return on_complete (request);
}

static void
end_request (PmssHttpRequest * request, gboolean answered)
{
  PmssHttpd *httpd = request->httpd;
  gboolean running = request->running;

  pmss_peer_enter (request->peer, PMSS_PEER_HEAD);
  if (request->begun)
    httpd->handler.end (request, answered || request->sent_early,
        httpd->user_data);
  pmss_http_request_clear (request);
  g_free (request);
  if (running)
    atomic_fetch_sub (&httpd->running, 1);
}

void
pmss_http_on_completed (void *data, struct MHD_Connection *connection,
    void **context, enum MHD_RequestTerminationCode code)
{
  if (!*context)
    return;
  get_link (connection)->request = NULL;
  end_request (*context, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
  *context = NULL;
}

/* 0.9.75 forgets to tell the end of a request that it refuses twice, such as one
 * with more parameters than it has memory for. */
static void
end_link (PmssHttpd * httpd, Link * link)
{
  if (link->request)
    end_request (link->request, FALSE);
  pmss_watchdog_remove (httpd->watchdog, link->peer);
  g_mutex_lock (&httpd->engine->links_lock);
  g_queue_unlink (&httpd->engine->links, &link->node);
  g_cond_signal (&httpd->engine->link_gone);
  g_mutex_unlock (&httpd->engine->links_lock);
  g_free (link);
}

void
pmss_http_hand_over (PmssHttpd * httpd, int number)
{
  g_mutex_lock (&httpd->engine->links_lock);
  httpd->engine->handed += number;
  g_mutex_unlock (&httpd->engine->links_lock);
}

static Link *
begin_link (PmssHttpd * httpd, int fd)
{
  Link *link = g_new0 (Link, 1);

  link->node.data = link;
  link->fd = fd;
  link->peer = pmss_watchdog_start (httpd->watchdog, fd);
  g_mutex_lock (&httpd->engine->links_lock);
  httpd->engine->handed--;
  g_queue_push_tail_link (&httpd->engine->links, &link->node);
  if (httpd->engine->closing)
    shutdown (fd, SHUT_RDWR);
  g_mutex_unlock (&httpd->engine->links_lock);
  return link;
}

/* libmicrohttpd closes what is shut down, and only then its descriptor. */
void
pmss_http_close_links (PmssHttpd * httpd)
{
  gint64 end = g_get_monotonic_time () + CLOSE_WAIT;

  g_mutex_lock (&httpd->engine->links_lock);
  httpd->engine->closing = TRUE;
  for (GList * l = httpd->engine->links.head; l; l = l->next)
    shutdown (((Link *) l->data)->fd, SHUT_RDWR);
  while ((httpd->engine->links.length > 0 || httpd->engine->handed > 0)
      && g_cond_wait_until (&httpd->engine->link_gone,
          &httpd->engine->links_lock, end));
  g_mutex_unlock (&httpd->engine->links_lock);
}

void
pmss_http_on_connection (void *data, struct MHD_Connection *connection,
    void **context, enum MHD_ConnectionNotificationCode code)
{
  PmssHttpd *httpd = data;

  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info (connection,
        MHD_CONNECTION_INFO_CONNECTION_FD);

    *context = begin_link (httpd, fd->connect_fd);
    atomic_fetch_add (&httpd->accepted, 1);
  } else if (*context) {
    end_link (httpd, *context);
    *context = NULL;
  }
}
