/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request's way between libsoup on the I/O thread and the handler on a
 * thread of the pool:
 *
 *   I/O thread                      pool
 *   got-headers, paused ──────────▶ begin (without a body: complete, too)
 *   after_begin, goes on ◀─────────
 *   got-chunk ────────────────────▶ body: all that came meanwhile
 *   got-body, paused ─────────────▶ complete
 *   answer, goes on ◀──────────────
 *   finished ─────────────────────▶ end
 *
 * A small body that came with its head is read first, and begin to complete
 * are one turn. An end that nobody waits for comes with the next request.
 */
#include "pmss-http-soup.h"

/* Of a body that waits for its handler. */
#define PIECES_MAX (128 * 1024)

void
pmss_soup_call_unref (PmssSoupCall * call)
{
  if (!g_atomic_ref_count_dec (&call->refs))
    return;
  pmss_http_request_clear (&call->request);
  g_clear_pointer (&call->pieces, g_byte_array_unref);
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

/* --- from the pool to the I/O thread --- */

typedef struct
{
  PmssSoupCall *call;
  PmssSoupWork func;
} Hop;

static gboolean
land (gpointer data)
{
  Hop *hop = data;

  /* else it is over: nobody waits for anything */
  if (hop->call->msg || hop->call->feeding)
    hop->func (hop->call);
  return G_SOURCE_REMOVE;
}

static void
free_hop (gpointer data)
{
  Hop *hop = data;

  pmss_soup_call_unref (hop->call);
  g_free (hop);
}

void
pmss_soup_hop (PmssSoupCall * call, PmssSoupWork func)
{
  GSource *source = g_idle_source_new ();
  Hop *hop = g_new (Hop, 1);

  g_atomic_ref_count_inc (&call->refs);
  hop->call = call;
  hop->func = func;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, land, hop, free_hop);
  g_source_attach (source, call->link->httpd->engine->context);
  g_source_unref (source);
}

static void
go_on (PmssSoupCall * call)
{
  soup_server_message_unpause (call->msg);
}

/* A feed may be over at once, and the call with it. libsoup goes on all the
 * same, to find that its connection has ended. */
static void
answer_and_go_on (PmssSoupCall * call)
{
  g_autoptr (SoupServerMessage) msg = g_object_ref (call->msg);

  pmss_soup_answer (call);
  soup_server_message_unpause (msg);
}

static void
answer_last_and_go_on (PmssSoupCall * call)
{
  g_autoptr (SoupServerMessage) msg = g_object_ref (call->msg);

  pmss_soup_answer_last (call);
  soup_server_message_unpause (msg);
}

/* --- on the pool --- */

/* All of the request is here. */
static void
complete (PmssSoupCall * call)
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
  pmss_soup_hop (call, answer_and_go_on);
}

/* The answer is there, and the body is still to come. */
static void
answer_before_body (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;

  if (request->framing.expects_continue) {
    /* The peer waits for leave to send: it gets the answer instead. */
    pmss_http_stream_set_last (call->link->stream);
    answer_and_go_on (call);
  } else if ((request->stage == PMSS_HTTP_STAGE_NEW
          && request->answer.status == 400)
      || request->framing.length > PMSS_HTTP_DISCARD_MAX) {
    answer_last_and_go_on (call);
  } else {
    call->discarding = TRUE;
    pmss_soup_link_enter (call->link, PMSS_PEER_BODY);
    go_on (call);
  }
}

static void
take_body (PmssSoupCall * call)
{
  pmss_soup_link_enter (call->link, PMSS_PEER_BODY);
  go_on (call);
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
    complete (call);
    return;
  }
  pmss_soup_hop (call, request->answer.status ? answer_before_body : take_body);
}

/* The same of a request whose body came with its head: all on one turn. */
static void
begin_whole (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;
  PmssHttpd *httpd = request->httpd;

  ask_handler (request);
  if (request->answer.status) {
    pmss_soup_hop (call, answer_and_go_on);
    return;
  }
  if (request->stage == PMSS_HTTP_STAGE_JSON)
    g_byte_array_append (request->json_text, call->pieces->data,
        call->pieces->len);
  else if (!httpd->handler.body (request, call->pieces->data,
          call->pieces->len, httpd->user_data) && !request->answer.status)
    pmss_http_answer_for_handler (request);
  if (request->answer.status)
    pmss_soup_hop (call, answer_and_go_on);
  else
    complete (call);
}

/* The handler has answered in the middle of the body. */
static void
discard_rest (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;

  if (call->whole)
    return;
  if (request->framing.length - request->received > PMSS_HTTP_DISCARD_MAX)
    pmss_soup_answer_last (call);
  else
    call->discarding = TRUE;
}

static GByteArray *
take_pieces (PmssSoupCall * call, gboolean * was_full)
{
  GByteArray *pieces;

  g_mutex_lock (&call->link->lock);
  pieces = g_steal_pointer (&call->pieces);
  call->piece_queued = FALSE;
  *was_full = call->full;
  call->full = FALSE;
  g_mutex_unlock (&call->link->lock);
  return pieces;
}

/* One batch: with a disk that is slower than the network there is always a
 * next one, and others want a turn. */
void
pmss_soup_call_take_pieces (PmssSoupCall * call)
{
  PmssHttpRequest *request = &call->request;
  PmssHttpd *httpd = request->httpd;
  gboolean was_full;
  GByteArray *pieces = take_pieces (call, &was_full);

  if (was_full)
    pmss_soup_hop (call, go_on);
  if (!call->refused && !httpd->handler.body (request, pieces->data,
          pieces->len, httpd->user_data)) {
    call->refused = TRUE;
    if (!request->answer.status)
      pmss_http_answer_for_handler (request);
    pmss_soup_hop (call, discard_rest);
  }
  g_byte_array_unref (pieces);
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
add_piece (PmssSoupCall * call, gconstpointer data, gsize length)
{
  PmssSoupLink *link = call->link;
  gboolean full = FALSE;

  g_mutex_lock (&link->lock);
  if (!call->pieces)
    call->pieces = g_byte_array_new ();
  g_byte_array_append (call->pieces, data, length);
  if (!call->piece_queued)
    pmss_soup_link_push_locked (link, call, pmss_soup_call_take_pieces);
  call->piece_queued = TRUE;
  if (call->pieces->len >= PIECES_MAX)
    full = call->full = TRUE;
  g_mutex_unlock (&link->lock);
  if (full)
    soup_server_message_pause (call->msg);
}

static void
on_got_chunk (SoupServerMessage * msg, GBytes * chunk, gpointer data)
{
  PmssSoupCall *call = data;
  gsize length;
  gconstpointer bytes = g_bytes_get_data (chunk, &length);

  call->request.received += length;
  if (call->discarding)
    return;
  if (call->together) {
    g_byte_array_append (call->pieces, bytes, length);
    return;
  }
  if (call->request.stage == PMSS_HTTP_STAGE_JSON)
    g_byte_array_append (call->request.json_text, bytes, length);
  else if (call->request.stage == PMSS_HTTP_STAGE_BODY)
    add_piece (call, bytes, length);
}

static void
on_got_body (SoupServerMessage * msg, gpointer data)
{
  PmssSoupCall *call = data;

  call->whole = TRUE;
  /* without a body it was answered before */
  if (call->request.framing.length == 0)
    return;
  pmss_soup_link_enter (call->link, PMSS_PEER_WORK);
  if (call->discarding) {
    /* a feed may be over at once */
    g_atomic_ref_count_inc (&call->refs);
    pmss_soup_answer (call);
    pmss_soup_call_unref (call);
    return;
  }
  soup_server_message_pause (msg);
  pmss_soup_link_push (call->link, call,
      call->together ? begin_whole : complete);
}

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
  /* goes on without libsoup */
  if (call->feeding && link->stream)
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

static void
on_got_headers (SoupServerMessage * msg, gpointer data)
{
  PmssSoupLink *link = data;
  PmssSoupCall *call;

  /* it reads what the stream wrote, and one head at a time */
  g_return_if_fail (link->head && !link->call);
  link->call = call = new_call (link, msg);
  atomic_fetch_add (&link->httpd->running, 1);
  g_signal_connect (msg, "got-chunk", G_CALLBACK (on_got_chunk), call);
  g_signal_connect (msg, "got-body", G_CALLBACK (on_got_body), call);
  g_signal_connect (msg, "wrote-body", G_CALLBACK (on_wrote_body), call);
  g_signal_connect (msg, "finished", G_CALLBACK (on_finished), call);
  pmss_soup_link_push_late_end (link);
  if (!call->request.framing.expects_continue
      && pmss_http_stream_has_body (link->stream)) {
    call->together = TRUE;
    call->pieces = g_byte_array_new ();
    return;
  }
  soup_server_message_pause (msg);
  pmss_soup_link_push (link, call, begin);
}

void
pmss_soup_on_started (SoupServer * server, SoupServerMessage * msg,
    gpointer data)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (msg);
  PmssSoupLink *link = g_object_get_data (G_OBJECT (remote), "pmss-link");

  soup_message_body_set_accumulate (soup_server_message_get_request_body (msg),
      FALSE);
  g_signal_connect_data (msg, "got-headers", G_CALLBACK (on_got_headers),
      pmss_soup_link_ref (link), (GClosureNotify) pmss_soup_link_unref, 0);
}
