/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The body of a request, which goes past libsoup. A thread of the pool receives
 * it from the socket, straight into the handler, as long as there is something.
 * Then the I/O thread waits for more. It also receives what needs no handler:
 * JSON, and a body that is thrown away.
 *
 *   I/O thread                      pool
 *   take, await
 *   on_ready, stream lent ────────▶ receive, body; again, until it is dry
 *   await ◀──────────────────────── dry
 *   on_ready, stream lent ────────▶ receive, body; whole: complete
 *   answer ◀─────────────────────── whole
 */
#include <poll.h>

#include "pmss-http-soup.h"

#define PIECE (64 * 1024)
/* Then others have their turn. */
#define TURN (1024 * 1024)
#define TURN_HERE (256 * 1024)
/* So long a fast peer is waited for in each turn, ms. Without that it would
 * take two changes of threads for each packet. */
#define WAIT_IN_TURN 5

/* --- on the I/O thread --- */

static void
await (PmssSoupCall * call)
{
  pmss_http_stream_await_body (call->link->stream);
}

void
pmss_soup_body_take (PmssSoupCall * call)
{
  pmss_soup_link_enter (call->link, PMSS_PEER_BODY);
  await (call);
}

void
pmss_soup_body_discard (PmssSoupCall * call)
{
  call->discarding = TRUE;
  pmss_soup_body_take (call);
}

/* The peer has gone in the middle of it. libsoup goes on, to find that its
 * connection has ended. */
static void
give_up (PmssSoupCall * call)
{
  g_autoptr (SoupServerMessage) msg = g_object_ref (call->msg);

  pmss_http_stream_hang_up (call->link->stream, NULL);
  soup_server_message_unpause (msg);
}

/* The handler has answered in the middle of it. */
static void
discard_rest (PmssSoupCall * call)
{
  guint64 left = pmss_http_stream_get_body_left (call->link->stream);

  if (left == 0)
    pmss_soup_call_answer (call);
  else if (left > PMSS_HTTP_DISCARD_MAX)
    pmss_soup_call_answer_last (call);
  else
    pmss_soup_body_discard (call);
}

/* Of a body that no handler is called for. As pmss_http_stream_receive(). */
static gssize
receive_some (PmssSoupCall * call)
{
  guint8 bytes[16 * 1024];
  gssize got = pmss_http_stream_receive (call->link->stream, bytes,
      sizeof bytes);

  if (got <= 0)
    return got;
  call->request.received += got;
  if (!call->discarding)
    g_byte_array_append (call->request.json_text, bytes, got);
  return got;
}

static void
receive_here (PmssSoupCall * call)
{
  PmssHttpStream *stream = call->link->stream;
  gssize got = 1;

  for (gsize done = 0; done < TURN_HERE && got > 0; done += MAX (got, 0))
    got = receive_some (call);
  if (pmss_http_stream_get_body_left (stream) > 0) {
    if (got > 0 || got == PMSS_HTTP_AGAIN)
      await (call);
    else
      give_up (call);
    return;
  }
  pmss_soup_link_enter (call->link, PMSS_PEER_WORK);
  if (call->discarding)
    pmss_soup_call_answer (call);
  else
    pmss_soup_link_push (call->link, call, pmss_soup_call_complete);
}

void
pmss_soup_body_on_ready (PmssSoupCall * call)
{
  if (call->discarding || call->request.stage == PMSS_HTTP_STAGE_JSON) {
    receive_here (call);
    return;
  }
  call->lent = TRUE;
  pmss_http_stream_lend (call->link->stream);
  pmss_soup_link_push (call->link, call, pmss_soup_body_receive);
}

/* --- on the pool --- */

typedef struct
{
  gsize done;                   /* bytes in this turn */
  gint64 end;                   /* of waiting in it, us; 0: it has not begun */
  gboolean refused;             /* by the handler, which has answered */
} Turn;

/* Whether there is more from a peer that has just been fast. */
static gboolean
wait_a_little (PmssSoupCall * call, Turn * turn)
{
  struct pollfd socket = { call->link->fd, POLLIN, 0 };
  gint64 now = g_get_monotonic_time ();

  if (turn->done < PIECE
      || pmss_http_pool_is_behind (call->link->httpd->engine->pool))
    return FALSE;
  if (turn->end == 0)
    turn->end = now + WAIT_IN_TURN * 1000;
  return now < turn->end
      && poll (&socket, 1, (turn->end - now + 999) / 1000) > 0;
}

static void
hand_on (PmssSoupCall * call, Turn * turn, const guint8 * bytes, gsize size)
{
  PmssHttpRequest *request = &call->request;
  PmssHttpd *httpd = request->httpd;

  turn->done += size;
  request->received += size;
  if (httpd->handler.body (request, bytes, size, httpd->user_data))
    return;
  turn->refused = TRUE;
  if (!request->answer.status)
    pmss_http_answer_for_handler (request);
}

/* As pmss_http_stream_receive(), the last time. */
static gssize
receive_in_turn (PmssSoupCall * call, Turn * turn)
{
  PmssHttpStream *stream = call->link->stream;
  guint8 bytes[PIECE];
  gssize got;

  do {
    got = pmss_http_stream_receive (stream, bytes, sizeof bytes);
    if (got > 0)
      hand_on (call, turn, bytes, got);
    else if (got != PMSS_HTTP_AGAIN || !wait_a_little (call, turn))
      return got;
  } while (!turn->refused && turn->done < TURN
      && pmss_http_stream_get_body_left (stream) > 0);
  return got;
}

void
pmss_soup_body_receive (PmssSoupCall * call)
{
  Turn turn = { 0 };
  gssize got = receive_in_turn (call, &turn);

  if (turn.refused) {
    pmss_soup_hop_back (call, discard_rest);
  } else if (pmss_http_stream_get_body_left (call->link->stream) == 0) {
    pmss_soup_link_enter (call->link, PMSS_PEER_WORK);
    pmss_soup_call_ask_for_answer (call);
    pmss_soup_hop_back (call, pmss_soup_call_answer);
  } else if (got == PMSS_HTTP_AGAIN) {
    pmss_soup_hop_back (call, await);
  } else if (got > 0) {
    pmss_soup_link_push (call->link, call, pmss_soup_body_receive);
  } else {
    pmss_soup_hop_back (call, give_up);
  }
}
