/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One range request of the reader: how it waits. */
#include <string.h>

#include "fake-peer.h"
#include "libpmss/format/pmss-erasure.h"
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-sockets.h"
#include "libpmss/reader/pmss-stream.h"
#include "libpmss/reader/pmss-transport-soup.h"

#define UNIT 65536
#define RECORD (PMSS_RECORD_HEADER_SIZE + UNIT)
#define ROWS 2
/* Turns of the loop that nothing but a source which never rests needs. */
#define MANY_TURNS 1000
/* Packets of one byte. */
#define SOME_PACKETS 20

static const PmssExtentGeometry geometry = {
  .redundancy = {1, 0},.unit = UNIT,.payload = ROWS * UNIT
};

/* What happens to a stream, and what it takes to have one. */
typedef struct
{
  FakePeer *peer;
  GUri *base;
  SoupSession *session;
  PmssLoop *loop;
  PmssTransport *transport;
  PmssBlockPool *pool;
  SoupMessage *message;         /* of the last stream */
  PmssStream *stream;
  guint records;
  gboolean over;
  GError *error;
} Fixture;

static void
record_came (PmssStream * stream, guint32 row, PmssBlock * block,
    gpointer user_data)
{
  Fixture *f = user_data;

  f->records++;
  pmss_block_unref (block);
}

static void
never_damaged (PmssStream * stream, guint32 row, const GError * error,
    gpointer user_data)
{
  g_assert_not_reached ();
}

static void
done (PmssStream * stream, const GError * error, gpointer user_data)
{
  Fixture *f = user_data;

  f->over = TRUE;
  g_clear_error (&f->error);
  f->error = error != NULL ? g_error_copy (error) : NULL;
}

static const PmssStreamFuncs funcs = { record_came, never_damaged, done };

static void
request_queued (SoupSession * session, SoupMessage * message, Fixture * f)
{
  g_set_object (&f->message, message);
}

static void
setup (Fixture * f, FakePeerFunc answer)
{
  g_autofree char *text = NULL;

  f->peer = fake_peer_new (answer, NULL, NULL);
  text = g_strdup_printf ("http://127.0.0.1:%u", fake_peer_get_port (f->peer));
  f->base = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  f->session = soup_session_new ();
  f->loop = pmss_loop_new (NULL);
  f->transport = pmss_transport_soup_new (f->loop, f->session);
  f->pool = pmss_block_pool_new (UNIT);
  g_signal_connect (f->session, "request-queued", G_CALLBACK (request_queued),
      f);
}

static void
teardown (Fixture * f)
{
  soup_session_abort (f->session);
  g_clear_object (&f->message);
  pmss_transport_soup_free (f->transport);
  pmss_loop_free (f->loop);
  g_object_unref (f->session);
  pmss_block_pool_free (f->pool);
  g_uri_unref (f->base);
  fake_peer_free (f->peer);
  g_clear_error (&f->error);
}

static void
start (Fixture * f)
{
  PmssStreamRange range = {.geometry = geometry,.n_rows = ROWS };

  f->over = FALSE;
  f->stream = pmss_stream_new (&range, NULL, pmss_loop_now (f->loop));
  pmss_stream_send (f->stream, f->transport, f->base, "Bearer x",
      G_PRIORITY_DEFAULT, f->pool, &funcs, f);
}

static void
finish (Fixture * f)
{
  while (!f->over)
    g_main_context_iteration (NULL, TRUE);
}

static void
cancel (Fixture * f)
{
  pmss_stream_cancel (f->stream, G_IO_ERROR, G_IO_ERROR_CANCELLED, "enough");
  finish (f);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
answer_head (FakeAnswer * answer)
{
  guint64 first = PMSS_SHARD_HEADER_SIZE;

  answer->text = g_strdup_printf ("HTTP/1.1 206 Partial Content\r\n"
      "Content-Type: application/octet-stream\r\n"
      "Content-Length: %u\r\nContent-Range: bytes %" G_GUINT64_FORMAT "-%"
      G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "\r\n\r\n", ROWS * RECORD, first,
      first + ROWS * RECORD - 1, first + ROWS * RECORD);
}

static void
answer_body (FakeAnswer * answer, gsize length)
{
  guint8 *body = g_malloc0 (ROWS * RECORD);
  guint32 row;

  for (row = 0; row < ROWS; row++) {
    PmssRecordHeader record = {.row = row,.length = UNIT };
    guint8 *at = body + row * RECORD;

    record.crc[0] = pmss_crc32c (at + PMSS_RECORD_HEADER_SIZE, UNIT);
    pmss_record_header_write (&record, at);
  }
  answer->body = body;
  answer->body_length = length;
}

/* --- */

static void
answer_in_part (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  answer_head (answer);
  answer_body (answer, 16);
}

/* How often the loop finds something to do until it does not, or MANY_TURNS. */
static guint
count_turns (GMainContext * context)
{
  guint turns = 0;

  while (turns < MANY_TURNS && g_main_context_iteration (context, FALSE))
    turns++;
  return turns;
}

/* A source that is always ready would make a core spin for as long as a peer is silent. */
static void
test_silence_costs_nothing (void)
{
  Fixture f = { 0, };

  setup (&f, answer_in_part);
  start (&f);
  while (pmss_stream_get_received (f.stream) < 16) {
    g_main_context_iteration (NULL, FALSE);
    pmss_stream_look (f.stream, G_MAXINT64);
  }
  g_assert_cmpuint (count_turns (NULL), <, MANY_TURNS);
  cancel (&f);
  teardown (&f);
}

/* --- */

static void
answer_slowly (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  answer_head (answer);
  answer_body (answer, RECORD + 1);
  answer->trickle = 1;
}

static void
wait_for_packets (Fixture * f)
{
  g_autoptr (GSocket) socket = pmss_sockets_find (pmss_sockets_get
      (f->session), f->message);
  gssize before = g_socket_get_available_bytes (socket);

  while (g_socket_get_available_bytes (socket) < before + SOME_PACKETS)
    g_main_context_iteration (NULL, FALSE);
}

/* Part of a record wakes nobody, unless somebody wants to know. */
static void
test_packets_are_left_alone (void)
{
  Fixture f = { 0, };
  guint64 received;

  setup (&f, answer_slowly);
  start (&f);
  while (f.records < 1)
    g_main_context_iteration (NULL, TRUE);
  /* one read may have been under way */
  wait_for_packets (&f);
  received = pmss_stream_get_received (f.stream);
  wait_for_packets (&f);
  g_assert_cmpuint (pmss_stream_get_received (f.stream), ==, received);

  pmss_stream_look (f.stream, G_MAXINT64);
  while (pmss_stream_get_received (f.stream) < received + SOME_PACKETS)
    g_main_context_iteration (NULL, TRUE);
  cancel (&f);
  teardown (&f);
}

/* --- */

static void
answer_once (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  if (request->number == 1) {
    answer_head (answer);
    answer_body (answer, ROWS * RECORD);
  } else {
    answer->text = fake_peer_answer ("404 Not Found", "text/plain", "gone");
  }
}

/* An answer that is shorter than what the one before was waited for with. */
static void
test_short_answer_follows (void)
{
  Fixture f = { 0, };

  setup (&f, answer_once);
  start (&f);
  finish (&f);
  g_assert_no_error (f.error);
  g_assert_cmpuint (f.records, ==, ROWS);

  start (&f);
  finish (&f);
  g_assert_error (f.error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND);
  g_assert_cmpuint (fake_peer_get_connections (f.peer), ==, 1);
  teardown (&f);
}

/* No memory: the stream ends, the process does not. */
static void
test_no_memory (void)
{
  Fixture f = { 0, };

  setup (&f, answer_once);
  pmss_block_pool_free (f.pool);
  f.pool = pmss_block_pool_new ((gsize) 1 << 60);
  start (&f);
  finish (&f);
  g_assert_error (f.error, PMSS_ERROR, PMSS_ERROR_FAILED);
  g_assert_nonnull (strstr (f.error->message, "memory"));
  g_assert_cmpuint (f.records, ==, 0);
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/silence-costs-nothing", test_silence_costs_nothing);
  g_test_add_func ("/stream/packets-are-left-alone",
      test_packets_are_left_alone);
  g_test_add_func ("/stream/short-answer-follows", test_short_answer_follows);
  g_test_add_func ("/stream/no-memory", test_no_memory);
  return g_test_run ();
}
