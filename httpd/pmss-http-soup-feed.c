/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers that go on: server-sent events, exports. Pieces come from any thread
 * into the feed, and the I/O thread hands them to the stream. libsoup has
 * nothing to do with it: it would end a chunked answer on a thread of its own.
 *
 *   any thread                      I/O thread                    pool
 *   send, finish ── hop ──────────▶ pieces to the stream
 *                                   all has gone out ───────────▶ room
 *                                   finished, gone, or cut ─────▶ end
 */
#include <sys/socket.h>

#include "pmss-http-soup.h"

struct _PmssHttpFeed
{
  gatomicrefcount refs;
  gsize max_pending;
  PmssHttpFeedRoom room;        /* nullable */
  gpointer user_data;

  /* the I/O thread's own */
  gboolean chunked;
  gsize overhead;               /* bytes of head and chunks that were not said yet */

  GMutex lock;                  /* protects the rest */
  PmssSoupCall *call;           /* NULL: over */
  GQueue pieces;                /* of GBytes, which the stream does not have yet */
  gsize pending;                /* bytes of pieces that the socket did not take yet */
  gboolean hopping;             /* flush() is on its way */
  gboolean finished;            /* no more pieces come */
  gboolean cut;
};

PmssHttpFeed *
pmss_http_feed_ref (PmssHttpFeed * feed)
{
  g_atomic_ref_count_inc (&feed->refs);
  return feed;
}

void
pmss_http_feed_unref (PmssHttpFeed * feed)
{
  if (!g_atomic_ref_count_dec (&feed->refs))
    return;
  g_queue_clear_full (&feed->pieces, (GDestroyNotify) g_bytes_unref);
  g_mutex_clear (&feed->lock);
  g_free (feed);
}

/* --- on the I/O thread --- */

/* Takes @piece. */
static GBytes *
make_chunk (PmssHttpFeed * feed, GBytes * piece)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (piece, &size);
  GString *chunk;

  if (!feed->chunked)
    return piece;
  chunk = g_string_sized_new (size + 16);
  g_string_append_printf (chunk, "%" G_GSIZE_MODIFIER "x\r\n", size);
  g_string_append_len (chunk, (const char *) bytes, size);
  g_string_append (chunk, "\r\n");
  g_bytes_unref (piece);
  feed->overhead += chunk->len - size;
  return g_string_free_to_bytes (chunk);
}

/* What there is to say now. */
static GQueue
take_pieces (PmssHttpFeed * feed, gboolean * finished, gboolean * cut)
{
  GQueue pieces;

  g_mutex_lock (&feed->lock);
  feed->hopping = FALSE;
  *cut = feed->cut;
  *finished = feed->finished;
  pieces = feed->pieces;
  g_queue_init (&feed->pieces);
  g_mutex_unlock (&feed->lock);
  return pieces;
}

static void
flush (PmssSoupCall * call)
{
  PmssHttpFeed *feed = call->feed;
  PmssSoupLink *link = call->link;
  gboolean finished, cut;
  GQueue pieces;

  /* else it has not started yet */
  if (!call->feeding)
    return;
  pieces = take_pieces (feed, &finished, &cut);
  while (pieces.length > 0 && !cut && link->stream) {
    g_autoptr (GBytes) chunk = make_chunk (feed, g_queue_pop_head (&pieces));

    pmss_http_stream_say (link->stream, chunk);
  }
  g_queue_clear_full (&pieces, (GDestroyNotify) g_bytes_unref);
  if (cut) {
    shutdown (link->fd, SHUT_RDWR);
  } else if (finished && link->stream) {
    g_autoptr (GBytes) end = g_bytes_new_static ("0\r\n\r\n", 5);

    feed->overhead += feed->chunked ? 5 : 0;
    pmss_http_stream_end_words (link->stream, feed->chunked ? end : NULL);
  }
}

void
pmss_soup_feed_cut (PmssSoupCall * call)
{
  if (!call->feeding)
    return;
  g_mutex_lock (&call->feed->lock);
  call->feed->cut = TRUE;
  g_mutex_unlock (&call->feed->lock);
  shutdown (call->link->fd, SHUT_RDWR);
}

static void
work_on_room (PmssSoupCall * call)
{
  call->feed->room (call->feed, call->feed->user_data);
}

static void
ask_for_more (PmssSoupCall * call)
{
  if (call->feed->room)
    pmss_soup_link_push (call->link, call, work_on_room);
}

/* Of the bytes that went out, @length with what is around the pieces. What is
 * around them counts first: they differ by less than one piece. */
static gboolean
note_said (PmssHttpFeed * feed, gsize length)
{
  gsize around = MIN (feed->overhead, length);
  gboolean room;

  feed->overhead -= around;
  g_mutex_lock (&feed->lock);
  room = feed->pending > 0;
  feed->pending -= MIN (feed->pending, length - around);
  room = room && feed->pending == 0 && !feed->finished && !feed->cut;
  g_mutex_unlock (&feed->lock);
  return room;
}

void
pmss_soup_feed_on_said (PmssSoupCall * call, gsize length, gboolean whole)
{
  if (!call->feeding)
    return;
  if (note_said (call->feed, length))
    ask_for_more (call);
  if (!whole)
    return;
  call->answered = TRUE;
  call->feeding = FALSE;
  pmss_soup_call_finish (call);
}

/* Nothing was sent: its handler waits to be asked. */
static gboolean
is_untouched (PmssHttpFeed * feed)
{
  gboolean untouched;

  g_mutex_lock (&feed->lock);
  untouched = feed->pending == 0 && !feed->finished && !feed->cut;
  g_mutex_unlock (&feed->lock);
  return untouched;
}

void
pmss_soup_feed_start (PmssSoupCall * call)
{
  PmssHttpFeed *feed = call->feed;
  g_autoptr (GBytes) head = NULL;

  /* HTTP/1.0 has no chunks */
  feed->chunked = call->head->minor > 0;
  head = pmss_http_answer_write (&call->request.answer,
      feed->chunked ? PMSS_HTTP_BODY_CHUNKED : PMSS_HTTP_BODY_TO_THE_END);
  feed->overhead = g_bytes_get_size (head);
  call->feeding = TRUE;
  pmss_http_stream_take_over (call->link->stream, head);
  if (atomic_load (&call->link->httpd->stopping))
    pmss_soup_feed_cut (call);
  if (is_untouched (feed))
    ask_for_more (call);
  else
    flush (call);
}

void
pmss_soup_feed_end (PmssSoupCall * call)
{
  PmssHttpFeed *feed;

  g_mutex_lock (&call->link->lock);
  call->over = TRUE;
  feed = call->feed;
  g_mutex_unlock (&call->link->lock);
  if (feed == NULL)
    return;
  g_mutex_lock (&feed->lock);
  feed->call = NULL;
  g_queue_clear_full (&feed->pieces, (GDestroyNotify) g_bytes_unref);
  g_mutex_unlock (&feed->lock);
}

/* --- any thread --- */

/* Lock held. */
static void
hop_to_flush (PmssHttpFeed * feed)
{
  if (!feed->hopping)
    pmss_soup_hop (feed->call, flush);
  feed->hopping = TRUE;
}

static void
join (PmssHttpFeed * feed, PmssSoupCall * call)
{
  g_mutex_lock (&call->link->lock);
  if (!call->over && !call->feed) {
    feed->call = call;
    call->feed = pmss_http_feed_ref (feed);
  }
  g_mutex_unlock (&call->link->lock);
}

PmssHttpFeed *
pmss_http_request_respond_feed (PmssHttpRequest * request, guint status,
    const char *content_type, gsize max_pending, PmssHttpFeedRoom room,
    gpointer user_data)
{
  PmssHttpFeed *feed = g_new0 (PmssHttpFeed, 1);

  g_atomic_ref_count_init (&feed->refs);
  g_mutex_init (&feed->lock);
  g_queue_init (&feed->pieces);
  feed->max_pending = max_pending;
  feed->room = room;
  feed->user_data = user_data;
  pmss_http_request_respond (request, status, content_type, NULL);
  /* to HEAD there is nothing to send */
  if (!g_str_equal (request->method, "HEAD"))
    join (feed, (PmssSoupCall *) request);
  return feed;
}

gboolean
pmss_http_feed_send (PmssHttpFeed * feed, GBytes * piece)
{
  gsize size = g_bytes_get_size (piece);
  gboolean taken;

  g_mutex_lock (&feed->lock);
  taken = feed->call && !feed->cut && !feed->finished;
  if (taken && size > feed->max_pending - feed->pending) {
    feed->cut = TRUE;
    taken = FALSE;
    hop_to_flush (feed);
  } else if (taken && size > 0) {
    g_queue_push_tail (&feed->pieces, g_bytes_ref (piece));
    feed->pending += size;
    hop_to_flush (feed);
  }
  g_mutex_unlock (&feed->lock);
  return taken;
}

void
pmss_http_feed_finish (PmssHttpFeed * feed)
{
  g_mutex_lock (&feed->lock);
  if (feed->call && !feed->finished) {
    feed->finished = TRUE;
    hop_to_flush (feed);
  }
  g_mutex_unlock (&feed->lock);
}
