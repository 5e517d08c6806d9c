/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One range request of the reader: how it waits. */
#include <string.h>

#include "fake-peer.h"
#include "libpmss/reader/pmss-stream.h"

#define UNIT 4096
/* Turns of the loop that nothing but a source which never rests needs. */
#define MANY_TURNS 1000
/* of the body, in the same packet as the head */
#define FIRST_BYTES "xxxxxxxxxxxxxxxx"

/* Then it is silent. */
static void
answer_in_part (const FakeRequest * request, FakeAnswer * answer,
    gpointer user_data)
{
  guint64 first = PMSS_SHARD_HEADER_SIZE;
  guint64 length = PMSS_RECORD_HEADER_SIZE + UNIT;

  answer->text = g_strdup_printf ("HTTP/1.1 206 Partial Content\r\n"
      "Content-Type: application/octet-stream\r\n"
      "Content-Length: %" G_GUINT64_FORMAT "\r\n"
      "Content-Range: bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%"
      G_GUINT64_FORMAT "\r\n\r\n" FIRST_BYTES, length, first,
      first + length - 1, first + length);
}

static void
never_a_record (PmssStream * stream, guint32 row, PmssBlock * block,
    gpointer user_data)
{
  g_assert_not_reached ();
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
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(gboolean *) user_data = TRUE;
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
  static const PmssStreamFuncs funcs = { never_a_record, never_damaged, done };
  FakePeer *peer = fake_peer_new (answer_in_part, NULL, NULL);
  g_autofree char *text =
      g_strdup_printf ("http://127.0.0.1:%u", fake_peer_get_port (peer));
  g_autoptr (GUri) base = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  g_autoptr (SoupSession) session = soup_session_new ();
  g_autoptr (PmssBlockPool) pool = pmss_block_pool_new (UNIT, 1);
  PmssStreamRange range = {
    .geometry = {.redundancy = {1, 0},.unit = UNIT,.payload = UNIT},
    .n_rows = 1,
  };
  gboolean over = FALSE;
  PmssStream *stream = pmss_stream_start (session, base, "Bearer x", &range,
      pool, &funcs, &over);

  while (pmss_stream_get_received (stream) < strlen (FIRST_BYTES))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (count_turns (NULL), <, MANY_TURNS);

  pmss_stream_cancel (stream, G_IO_ERROR, G_IO_ERROR_CANCELLED, "enough");
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  fake_peer_free (peer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/silence-costs-nothing", test_silence_costs_nothing);
  return g_test_run ();
}
