/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bodies, which go past the engine. */
#include <string.h>

#include "http-stream-fixture.h"

/* A body that is larger than all buffers, with a head behind it. */
static void
test_large_body (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (GString) sent = g_string_new (PUT ("/a", 1000000));
  g_autoptr (GString) got = g_string_new (NULL);
  const gsize head = sent->len;
  gsize said;

  for (guint i = 0; i < 1000000; i++)
    g_string_append_c (sent, 'a' + i % 23);
  g_string_append (sent, GET ("/b"));
  said = peer_try (f, sent->str, sent->len);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  while (pmss_http_stream_get_body_left (f->stream) > 0) {
    char bytes[997];
    gssize n;

    while ((n = pmss_http_stream_receive (f->stream, bytes, sizeof bytes)) > 0)
      g_string_append_len (got, bytes, n);
    said += peer_try (f, sent->str + said, sent->len - said);
  }
  g_assert_cmpuint (said, ==, sent->len);
  g_assert_cmpmem (got->str, got->len, sent->str + head, 1000000);
  assert_told (f, "head PUT /a");
  assert_read (f, 10, "|wait");
  pmss_http_stream_end_request (f->stream);
  assert_read (f, 100, CANONICAL_GET ("/b") "|wait");
  assert_told (f, "head GET /b");
}

/* The stream tells once that there is something, wherever it is. */
static void
test_await_body (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, PUT ("/a", 6) "ab", -1);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  assert_told (f, "head PUT /a");
  turn ();
  assert_told (f, "");
  pmss_http_stream_await_body (f->stream);
  turn ();
  assert_told (f, "body");
  pmss_http_stream_await_body (f->stream);
  turn ();
  assert_told (f, "body");
  assert_body (f, 100, "ab|wait");
  pmss_http_stream_await_body (f->stream);
  turn ();
  assert_told (f, "");
  peer_say (f, "cd", -1);
  turn ();
  assert_told (f, "body");
  /* with TLS the rest is in GnuTLS */
  assert_body (f, 1, "cd|wait");
  peer_say (f, "ef", -1);
  pmss_http_stream_await_body (f->stream);
  turn ();
  assert_told (f, "body");
  assert_body (f, 100, "ef");
}

static void
test_await_end (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, PUT ("/a", 6) "ab", -1);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  assert_body (f, 100, "ab|wait");
  assert_told (f, "head PUT /a");
  pmss_http_stream_await_body (f->stream);
  peer_end (f);
  turn ();
  assert_told (f, "body");
  assert_body (f, 100, "|end");
}

/* It is given once, before anything is awaited. */
static void
test_leave (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
      "Expect: 100-continue\r\n\r\n", -1);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  assert_heard (f, "");
  pmss_http_stream_await_body (f->stream);
  assert_heard (f, "HTTP/1.1 100 Continue\r\n\r\n");
  peer_say (f, "a", -1);
  turn ();
  assert_told (f, "head PUT /a|body");
  assert_body (f, 100, "a|wait");
  pmss_http_stream_await_body (f->stream);
  assert_heard (f, "");
  peer_say (f, "bc", -1);
  turn ();
  assert_body (f, 100, "bc");
}

/* The socket is full of answers. */
static void
test_leave_waits (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (NULL);
  g_autoptr (GString) heard = g_string_new (NULL);
  char bytes[5000];
  gssize n;

  peer_say (f, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 1\r\n"
      "Expect: 100-continue\r\n\r\na", -1);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  memset (bytes, 'x', sizeof bytes);
  do
    n = engine_write (f, bytes, sizeof bytes, NULL);
  while (n > 0 || is_writable (f));
  pmss_http_stream_await_body (f->stream);
  turn ();
  assert_told (f, "head PUT /a");
  peer_hear_some (f, heard);
  g_assert_true (g_str_has_suffix (heard->str, "xx"));
  turn ();
  assert_told (f, "body");
  peer_hear_some (f, heard);
  g_assert_true (g_str_has_suffix (heard->str,
          "xxHTTP/1.1 100 Continue\r\n\r\n"));
}

static gpointer
receive_all (gpointer data)
{
  StreamFixture *f = data;

  assert_body (f, 2, "abcde|wait");
  return NULL;
}

/* Another thread receives. What comes meanwhile is told when the stream is
 * back; so is the end, where the engine has closed. */
static void
test_lent (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, PUT ("/a", 9) "ab", -1);
  assert_read (f, 100, CANONICAL_PUT ("/a") "|wait");
  peer_say (f, "cde", -1);
  pmss_http_stream_lend (f->stream);
  g_thread_join (g_thread_new ("receive", receive_all, f));
  peer_say (f, "fg", -1);
  turn ();
  pmss_http_stream_take_back (f->stream);
  assert_told (f, "head PUT /a");
  pmss_http_stream_await_body (f->stream);
  turn ();
  assert_told (f, "body");
  assert_body (f, 100, "fg|wait");

  pmss_http_stream_lend (f->stream);
  g_io_stream_close (G_IO_STREAM (f->stream), NULL, NULL);
  assert_told (f, "");
  assert_body (f, 100, "|end");
  pmss_http_stream_take_back (f->stream);
  assert_told (f, "closed");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  stream_fixture_add ("large-body", test_large_body);
  stream_fixture_add ("await-body", test_await_body);
  stream_fixture_add ("await-end", test_await_end);
  stream_fixture_add ("leave", test_leave);
  g_test_add_func ("/http-stream/leave-waits", test_leave_waits);
  stream_fixture_add ("lent", test_lent);
  return g_test_run ();
}
