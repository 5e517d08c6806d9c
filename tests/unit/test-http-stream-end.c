/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an engine writes to a stream, and how a stream ends. */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http-stream-fixture.h"

/* --- what is written --- */

static gboolean
note (GObject * stream, gpointer fired)
{
  *(gboolean *) fired = TRUE;
  return G_SOURCE_CONTINUE;
}

/* A peer that does not read holds the engine up, and one that reads lets it go
 * on. */
static void
test_back_pressure (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (GString) answer = g_string_new (NULL);
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean fired = FALSE;
  GSource *source;
  gsize sent = 0;
  guint full = 0;

  for (guint i = 0; i < 3000000; i++)
    g_string_append_c (answer, 'a' + i % 23);
  source = g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM
      (f->out), NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (note), &fired, NULL);
  g_source_attach (source, NULL);
  while (sent < answer->len) {
    gssize n = engine_write (f, answer->str + sent, answer->len - sent, NULL);

    /* it may have been the end of a turn */
    if (n < 0)
      n = engine_write (f, answer->str + sent, answer->len - sent, &error);
    sent += MAX (n, 0);
    if (n >= 0)
      continue;
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
    g_clear_error (&error);
    g_assert_false (is_writable (f));
    fired = FALSE;
    g_main_context_iteration (NULL, FALSE);
    g_assert_false (fired);
    g_assert_cmpstr (peer_hear_some (f, heard), ==, "");
    await (&fired);
    g_assert_true (is_writable (f));
    full++;
  }
  g_source_destroy (source);
  g_source_unref (source);
  g_assert_cmpuint (full, >, 1);
  g_assert_cmpstr (peer_hear_some (f, heard), ==, "");
  g_assert_cmpmem (heard->str, heard->len, answer->str, answer->len);
}

/* A peer that reads faster than the engine writes has no connection wait. */
static void
test_turns (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autofree char *answer = g_malloc0 (10000);
  gsize in_turn = 0;
  guint turns = 0;

  while (heard->len < 4000000) {
    gssize sent = engine_write (f, answer, 10000, NULL);

    turns += sent < 0;
    in_turn = sent < 0 ? 0 : in_turn + sent;
    g_assert_cmpuint (in_turn, <, 300000);
    g_assert_true (is_writable (f));
    g_assert_cmpstr (peer_hear_some (f, heard), ==, "");
  }
  g_assert_cmpuint (turns, <, 20);
}

/* A head of an answer goes with its body, whatever a full socket takes of them. */
static void
test_held (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (NULL);
  g_autoptr (GString) heard = g_string_new (NULL);
  char bytes[5000];
  gssize n, sent = 0;

  pmss_http_stream_hold_next (f->stream);
  g_assert_cmpint (engine_write (f, "head,", 5, NULL), ==, 5);
  assert_heard (f, "");
  g_assert_cmpint (engine_write (f, "body", 4, NULL), ==, 4);
  assert_heard (f, "head,body");
  g_assert_cmpint (engine_write (f, "more", 4, NULL), ==, 4);
  assert_heard (f, "more");

  memset (bytes, 'a', sizeof bytes);
  do {
    n = engine_write (f, bytes, sizeof bytes, NULL);
    sent += MAX (n, 0);
  } while (n > 0 || is_writable (f));
  pmss_http_stream_hold_next (f->stream);
  g_assert_cmpint (engine_write (f, "head,", 5, NULL), ==, 5);
  g_assert_cmpint (engine_write (f, "body", 4, NULL), ==, -1);
  peer_hear_some (f, heard);
  g_assert_cmpint (engine_write (f, "body", 4, NULL), ==, 4);
  peer_hear_some (f, heard);
  g_assert_cmpuint (heard->len, ==, sent + strlen ("head,body"));
  g_assert_true (g_str_has_suffix (heard->str, "aahead,body"));
}

/* What was held has no body. */
static void
test_held_and_hung_up (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (NULL);
  g_autoptr (GBytes) words = g_bytes_new_static ("no", 2);

  peer_say (f, GET ("/a"), -1);
  assert_read (f, 100, CANONICAL_GET ("/a") "|wait");
  pmss_http_stream_hold_next (f->stream);
  g_assert_cmpint (engine_write (f, "head,", 5, NULL), ==, 5);
  pmss_http_stream_hang_up (f->stream, words);
  assert_heard (f, "no|end");
}

static void
test_writing_to_nobody (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (GError) error = NULL;

  peer_say (f, GET ("/a"), -1);
  assert_read (f, 100, CANONICAL_GET ("/a") "|wait");
  peer_close (f);
  g_assert_cmpint (engine_write (f, "answer", 6, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE);
}

/* --- hanging up --- */

static void
assert_writes_fail (StreamFixture * f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (is_writable (f));
  g_assert_cmpint (engine_write (f, "answer", 6, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* The peer, which is in the middle of its body, hears the last words, and may
 * go on with it until it has. */
static void
test_hang_up (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (GBytes) words = g_bytes_new_static ("too much", 8);
  g_autofree char *more = g_malloc0 (10000);
  g_autoptr (GObject) kept = g_object_ref (G_OBJECT (f->stream));

  peer_say (f, PUT ("/a", 9000000) "abc", -1);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  assert_body (f, 100, "abc|wait");
  assert_told (f, "head PUT /a");
  pmss_http_stream_hang_up (f->stream, words);
  /* once */
  pmss_http_stream_hang_up (f->stream, words);
  g_assert_true (pmss_http_stream_is_ending (f->stream));
  assert_read (f, 100, "|end");
  assert_writes_fail (f);
  for (guint i = 0; i < 100; i++) {
    peer_say (f, more, 10000);
    turn ();
  }
  assert_heard (f, "too much|end");
  engine_close (f);
  peer_say (f, more, 10000);
  turn ();
  assert_told (f, "");
  peer_end (f);
  turn ();
  assert_told (f, "closed");
}

/* The engine is done last. */
static void
test_peer_done_first (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, GET ("/a"), -1);
  assert_read (f, 100, CANONICAL_GET ("/a") "|wait");
  pmss_http_stream_hang_up (f->stream, NULL);
  peer_close (f);
  turn ();
  assert_told (f, "head GET /a");
  assert_read (f, 100, "|end");
  assert_writes_fail (f);
  engine_close (f);
  assert_told (f, "closed");
}

/* Of the head that it is told of the engine sees nothing. */
static void
test_in_callbacks (gconstpointer tls)
{
  g_autoptr (StreamFixture) at_head = stream_fixture_new (tls);
  g_autoptr (StreamFixture) at_body = stream_fixture_new (tls);

  at_head->hang_up_at_head = at_body->hang_up_at_body = TRUE;
  at_head->words = g_bytes_new_static ("no", 2);
  peer_say (at_head, PUT ("/a", 9) "abc", -1);
  peer_say (at_body, PUT ("/a", 9) "abc", -1);
  assert_read (at_head, 100, "-|end");
  assert_told (at_head, "head PUT /a");
  assert_heard (at_head, "no|end");
  assert_read (at_body, 100, CANONICAL_PUT ("/a") "|wait");
  pmss_http_stream_await_body (at_body->stream);
  turn ();
  assert_read (at_body, 100, "|end");
  assert_told (at_body, "head PUT /a|body");
  assert_heard (at_body, "|end");
}

/* Earlier answers are still on their way. */
static void
test_words_wait (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (NULL);
  g_autoptr (GString) heard = g_string_new (NULL);
  char bytes[5000];
  gssize n, sent = 0;

  memset (bytes, 'a', sizeof bytes);
  peer_say (f, GET ("/a") "BREW /b HTTP/1.1\r\n" HOST "\r\n", -1);
  assert_read (f, 100, CANONICAL_GET ("/a") "|wait");
  do {
    n = engine_write (f, bytes, sizeof bytes, NULL);
    sent += MAX (n, 0);
  } while (n > 0 || is_writable (f));
  pmss_http_stream_end_request (f->stream);
  f->words = g_bytes_new_static ("no", 2);
  assert_read (f, 100, "-|end");
  engine_close (f);
  turn ();
  assert_told (f, "head GET /a|refused 501");
  while (*peer_hear_some (f, heard) == '\0')
    turn ();
  g_assert_cmpuint (heard->len, ==, sent + 2);
  g_assert_true (g_str_has_suffix (heard->str, "aano"));
}

static void
test_long_words (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (GString) heard = g_string_new (NULL);
  g_autofree char *long_text = g_strnfill (1000000, 'a');

  for (guint i = 0; i < 1000000; i++)
    long_text[i] += i % 23;
  f->words = g_bytes_new_static (long_text, 1000000);
  peer_say (f, "BREW /b HTTP/1.1\r\n" HOST "\r\n", -1);
  assert_read (f, 100, "-|end");
  engine_close (f);
  while (*peer_hear_some (f, heard) == '\0')
    turn ();
  g_assert_cmpmem (heard->str, heard->len, long_text, 1000000);
}

/* A peer that never ends is cut. */
static void
test_discard (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autofree char *more = g_malloc0 (100000);
  gsize said = 0, went;

  peer_say (f, GET ("/a"), -1);
  assert_read (f, 100, CANONICAL_GET ("/a") "|wait");
  pmss_http_stream_hang_up (f->stream, NULL);
  do {
    went = peer_try (f, more, 100000);
    said += went;
    turn ();
  } while (went > 0);
  g_assert_cmpuint (said, >, PMSS_HTTP_STREAM_DISCARD_MAX);
  g_assert_cmpuint (said, <, PMSS_HTTP_STREAM_DISCARD_MAX + 1000000);
}

/* --- closing --- */

static void
test_close (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (GIOStream) kept = G_IO_STREAM (g_object_ref (f->stream));
  g_autoptr (GError) error = NULL;

  peer_say (f, PUT ("/a", 3) "a", -1);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  assert_body (f, 100, "a|wait");
  assert_told (f, "head PUT /a");
  engine_close (f);
  assert_told (f, "closed");
  g_assert_true (pmss_http_stream_is_ending (PMSS_HTTP_STREAM (kept)));
  assert_heard (f, tls != NULL ? "|cut" : "|end");
  assert_read (f, 100, "|end");
  assert_writes_fail (f);
  pmss_http_stream_hang_up (PMSS_HTTP_STREAM (kept), NULL);
  pmss_http_stream_end_request (PMSS_HTTP_STREAM (kept));
}

/* An engine that forgets to close. */
static void
test_let_go (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (StreamFixture) lingering = stream_fixture_new (tls);

  g_clear_object (&f->stream);
  assert_told (f, "closed");
  pmss_http_stream_hang_up (lingering->stream, NULL);
  g_clear_object (&lingering->stream);
  turn ();
  assert_told (lingering, "");
  peer_close (lingering);
  turn ();
  assert_told (lingering, "closed");
}

/* --- TLS --- */

/* Neither hands nor requests need whole records. */
static void
test_handshake_in_bytes (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new_strange ();

  f->in_bytes = TRUE;
  shake_hands (f);
  f->in_bytes = FALSE;
  peer_say (f, GET ("/a"), -1);
  assert_read (f, 100, CANONICAL_GET ("/a") "|wait");
}

static void
test_no_tls (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new_strange ();

  g_assert_cmpint (send (f->peer, GET ("/a"), strlen (GET ("/a")), 0), >, 0);
  assert_read (f, 100, "-|end");
  assert_told (f, "");
}

static void
test_gone_in_handshake (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new_strange ();

  g_assert_cmpint (gnutls_handshake (f->session), ==, GNUTLS_E_AGAIN);
  peer_close (f);
  assert_read (f, 100, "-|end");
  assert_told (f, "");
}

static int
get_unread (StreamFixture * f)
{
  int left = 0;

  g_assert_cmpint (ioctl (f->fd, FIONREAD, &left), ==, 0);
  return left;
}

/* However many alerts come that mean nothing, each read of the engine takes
 * one, so that other connections have their turn. */
static void
test_alerts (void)
{
  static const char alert[] = { 21, 3, 3, 0, 2, 1, 90 };        /* user_canceled */
  g_autoptr (StreamFixture) f = stream_fixture_new_strange ();

  gnutls_priority_set_direct (f->session, "NORMAL:-VERS-ALL:+VERS-TLS1.2",
      NULL);
  g_assert_cmpint (gnutls_handshake (f->session), ==, GNUTLS_E_AGAIN);
  assert_read (f, 100, "|wait");
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (send (f->peer, alert, sizeof alert, 0), ==, sizeof alert);
  for (int left = 3 * sizeof alert; left > 0;) {
    g_assert_cmpint (get_unread (f), ==, left);
    g_assert_true (is_readable (f));
    assert_read (f, 100, "|wait");
    left -= sizeof alert;
  }
  shake_hands (f);
  peer_say (f, GET ("/a"), -1);
  assert_read (f, 100, CANONICAL_GET ("/a") "|wait");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  stream_fixture_add ("back-pressure", test_back_pressure);
  stream_fixture_add ("turns", test_turns);
  g_test_add_func ("/http-stream/held", test_held);
  g_test_add_func ("/http-stream/held-and-hung-up", test_held_and_hung_up);
  stream_fixture_add ("writing-to-nobody", test_writing_to_nobody);
  stream_fixture_add ("hang-up", test_hang_up);
  stream_fixture_add ("peer-done-first", test_peer_done_first);
  stream_fixture_add ("in-callbacks", test_in_callbacks);
  g_test_add_func ("/http-stream/words-wait", test_words_wait);
  stream_fixture_add ("long-words", test_long_words);
  stream_fixture_add ("discard", test_discard);
  stream_fixture_add ("close", test_close);
  stream_fixture_add ("let-go", test_let_go);
  g_test_add_func ("/http-stream/handshake-in-bytes", test_handshake_in_bytes);
  g_test_add_func ("/http-stream/no-tls", test_no_tls);
  g_test_add_func ("/http-stream/gone-in-handshake", test_gone_in_handshake);
  g_test_add_func ("/http-stream/alerts", test_alerts);
  return g_test_run ();
}
