/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request's way between libsoup on the I/O thread and the handler on a
 * thread of the pool:
 *
 *   I/O thread                      pool
 *   got-headers, paused ──────────▶ begin (without a body: complete, too)
 *   the body is received ◀─────────
 *   (pmss-http-soup-body.c)
 *   it is whole ──────────────────▶ complete
 *   answer, goes on ◀──────────────
 *   finished ─────────────────────▶ end
 *
 * A small body that came with its head is received first, and begin to complete
 * are one turn. An end that nobody waits for comes with the next request.
 */
#include "pmss-http-soup.h"

void
pmss_soup_call_unref (PmssSoupCall * call)
{
  if (!g_atomic_ref_count_dec (&call->refs))
    return;
  pmss_http_request_clear (&call->request);
  g_clear_pointer (&call->together, g_byte_array_unref);
  g_clear_pointer (&call->feed, pmss_http_feed_unref);
  pmss_http_head_free (call->head);
  pmss_soup_link_unref (call->link);
  g_free (call);
}

/* --- for handlers --- */

const char *
pmss_http_request_get_header (PmssHttpRequest * request, const char *name)
{
  return pmss_http_head_get_field (((PmssSoupCall *) request)->head, name);
}

const char *
pmss_http_request_get_address (PmssHttpRequest * request)
{
  return ((PmssSoupCall *) request)->link->address;
}

void
pmss_http_request_set_class (PmssHttpRequest * request, PmssPlaceClass class,
    const char *owner)
{
  PmssSoupLink *link = ((PmssSoupCall *) request)->link;

  g_mutex_lock (&link->lock);
  if (link->peer)
    pmss_watchdog_promote (request->httpd->watchdog, link->peer, class, owner);
  g_mutex_unlock (&link->lock);
}

/* --- on the I/O thread, where a handler has answered --- */

/* A feed may be over at once, and the call with it. libsoup goes on all the
 * same, to find that its connection has ended. */
void
pmss_soup_call_answer (PmssSoupCall * call)
{
  g_autoptr (SoupServerMessage) msg = g_object_ref (call->msg);

  pmss_soup_answer (call);
  soup_server_message_unpause (msg);
}

void
pmss_soup_call_answer_last (PmssSoupCall * call)
{
  g_autoptr (SoupServerMessage) msg = g_object_ref (call->msg);

  pmss_soup_answer_last (call);
  soup_server_message_unpause (msg);
}

/* The body is still to come. */
static void
answer_before_body (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;

  if (request->framing.expects_continue) {
    /* The peer waits for leave to send: it gets the answer instead. */
    pmss_http_stream_set_last (call->link->stream);
    pmss_soup_call_answer (call);
  } else if ((request->stage == PMSS_HTTP_STAGE_NEW
          && request->answer.status == 400)
      || request->framing.length > PMSS_HTTP_DISCARD_MAX) {
    pmss_soup_call_answer_last (call);
  } else {
    pmss_soup_body_discard (call);
  }
}

/* --- on the pool --- */

void
pmss_soup_call_ask_for_answer (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;
  PmssHttpd *httpd = request->httpd;

  /* A request that was deferred in begin waits for no `complete`. */
  if (!request->answer.status && !request->work
      && (request->stage != PMSS_HTTP_STAGE_JSON
          || pmss_http_request_parse_json (request)))
    httpd->handler.complete (request, httpd->user_data);
  if (request->work && !request->answer.status)
    request->work (request, httpd->user_data);
  if (!request->answer.status)
    pmss_http_answer_for_handler (request);
}

void
pmss_soup_call_complete (PmssSoupCall * call)
{
  pmss_soup_call_ask_for_answer (call);
  pmss_soup_hop (call, pmss_soup_call_answer);
}

static void
ask_handler (PmssHttpRequest * request)
{
  PmssHttpd *httpd = request->httpd;

  request->begun = TRUE;
  httpd->handler.begin (request, httpd->user_data);
  if (request->framing.length == 0 || request->answer.status
      || request->stage != PMSS_HTTP_STAGE_NEW)
    return;
  atomic_fetch_add (&httpd->refused, 1);
  pmss_http_request_respond_problem (request, 400,
      "this request takes no body");
}

static void
begin (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;

  ask_handler (request);
  if (request->framing.length == 0) {
    if (request->stage == PMSS_HTTP_STAGE_NEW)
      request->stage = PMSS_HTTP_STAGE_EMPTY;
    pmss_soup_call_complete (call);
    return;
  }
  pmss_soup_hop (call, request->answer.status ? answer_before_body
      : pmss_soup_body_take);
}

/* The same of a request whose body came with its head: all on one turn. */
static void
begin_whole (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;
  PmssHttpd *httpd = request->httpd;

  ask_handler (request);
  if (request->answer.status) {
    pmss_soup_hop (call, pmss_soup_call_answer);
    return;
  }
  if (request->stage == PMSS_HTTP_STAGE_JSON)
    g_byte_array_append (request->json_text, call->together->data,
        call->together->len);
  else if (!httpd->handler.body (request, call->together->data,
          call->together->len, httpd->user_data) && !request->answer.status)
    pmss_http_answer_for_handler (request);
  if (request->answer.status)
    pmss_soup_hop (call, pmss_soup_call_answer);
  else
    pmss_soup_call_complete (call);
}

void
pmss_soup_call_end (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;
  PmssHttpd *httpd = request->httpd;

  if (request->begun)
    httpd->handler.end (request, call->answered, httpd->user_data);
  atomic_fetch_sub (&httpd->running, 1);
}

/* --- what libsoup tells --- */

static void
on_wrote_body (SoupServerMessage * msg, gpointer data)
{
  ((PmssSoupCall *) data)->answered = TRUE;
  /* libsoup takes a 204, which has no length, for one that lasts until the
   * connection ends, and ends it */
  if (soup_server_message_get_status (msg) == 204)
    soup_message_headers_set_encoding (soup_server_message_get_response_headers
        (msg), SOUP_ENCODING_NONE);
}

static void
on_finished (SoupServerMessage * msg, gpointer data)
{
  pmss_soup_call_finish (data);
}

static gboolean
may_end_late (PmssSoupCall * call)
{
  return call->request.end_may_wait && call->answered && call->link->stream
      && !pmss_http_stream_is_ending (call->link->stream)
      && !atomic_load (&call->link->httpd->stopping);
}

void
pmss_soup_call_finish (PmssSoupCall * call)
{
  PmssSoupLink *link = call->link;

  if (link->call != call)
    return;
  if (call->msg)
    g_signal_handlers_disconnect_by_data (call->msg, call);
  g_clear_object (&call->msg);
  /* goes on without libsoup, or has to give the stream back first */
  if ((call->feeding && link->stream) || call->lent)
    return;
  call->feeding = FALSE;
  pmss_soup_feed_end (call);
  link->call = NULL;
  pmss_soup_link_enter (link, PMSS_PEER_HEAD);
  if (link->stream)
    pmss_http_stream_end_request (link->stream);
  if (may_end_late (call))
    pmss_soup_link_end_late (link, call);
  else
    pmss_soup_link_push (link, call, pmss_soup_call_end);
  pmss_soup_call_unref (call);
}

static PmssSoupCall *
new_call (PmssSoupLink * link, SoupServerMessage * msg)
{
  PmssSoupCall *call = g_new0 (PmssSoupCall, 1);
  PmssHttpRequest *request = &call->request;

  g_atomic_ref_count_init (&call->refs);
  call->link = pmss_soup_link_ref (link);
  call->head = g_steal_pointer (&link->head);
  call->msg = g_object_ref (msg);
  pmss_http_request_init (request, link->httpd, link->peer, call->head->target);
  request->method = call->head->method;
  request->framing = call->head->framing;
  if (call->head->parameters)
    request->query = g_hash_table_ref (call->head->parameters);
  return call;
}

/* Of a body that came with its head. */
static void
receive_together (PmssSoupCall * call)
{
  PmssHttpStream *stream = call->link->stream;
  gsize size = pmss_http_stream_get_body_left (stream);

  call->together = g_byte_array_set_size (g_byte_array_new (), size);
  pmss_http_stream_receive (stream, call->together->data, size);
  call->request.received = size;
}

static void
on_got_headers (SoupServerMessage * msg, gpointer data)
{
  PmssSoupLink *link = data;
  PmssSoupCall *call;

  /* it reads what the stream wrote, and one head at a time */
  g_return_if_fail (link->head && !link->call);
  link->call = call = new_call (link, msg);
  atomic_fetch_add (&link->httpd->running, 1);
  g_signal_connect (msg, "wrote-body", G_CALLBACK (on_wrote_body), call);
  g_signal_connect (msg, "finished", G_CALLBACK (on_finished), call);
  pmss_soup_link_push_late_end (link);
  soup_server_message_pause (msg);
  if (!call->request.framing.expects_continue
      && pmss_http_stream_has_body (link->stream))
    receive_together (call);
  pmss_soup_link_push (link, call, call->together ? begin_whole : begin);
}

void
pmss_soup_on_started (SoupServer * server, SoupServerMessage * msg,
    gpointer data)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (msg);
  PmssSoupLink *link = g_object_get_data (G_OBJECT (remote), "pmss-link");

  g_signal_connect_data (msg, "got-headers", G_CALLBACK (on_got_headers),
      pmss_soup_link_ref (link), (GClosureNotify) pmss_soup_link_unref, 0);
}
