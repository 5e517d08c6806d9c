/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an engine reads of a stream, and when it has to wait. */
#include <string.h>

#include "http-stream-fixture.h"

/* Each byte of a head and of a body comes by itself. */
static void
test_single_bytes (gconstpointer tls)
{
  static const char head[] = "\r\n" PUT ("/a", 3);
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  assert_read (f, 10, "|wait");
  for (gsize i = 0; i + 1 < strlen (head); i++) {
    peer_say (f, head + i, 1);
    assert_read (f, 10, "|wait");
    g_assert_false (is_readable (f));
  }
  assert_told (f, "");
  peer_say (f, "\n", 1);
  g_assert_true (is_readable (f));
  assert_read (f, 1, CANONICAL_PUT ("/a") "|wait");
  assert_told (f, "head PUT /a");
  peer_say (f, "a", 1);
  assert_body (f, 10, "a|wait");
  peer_say (f, "b", 1);
  assert_body (f, 10, "b|wait");
  peer_say (f, "c", 1);
  assert_body (f, 10, "c");
  assert_read (f, 10, "|wait");
}

/* The engine gets a request's bytes, and of the next one nothing before it is
 * done with this one. */
static void
test_pipelined (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, PUT ("/a", 3) "abc" GET ("/b") "GET /c HTT", -1);
  assert_read (f, 1000, CANONICAL_PUT ("/a") "|wait");
  g_assert_true (pmss_http_stream_has_body (f->stream));
  assert_body (f, 2, "abc");
  assert_told (f, "head PUT /a");
  g_assert_false (is_readable (f));
  pmss_http_stream_end_request (f->stream);
  assert_told (f, "");
  g_assert_true (is_readable (f));
  assert_read (f, 5, CANONICAL_GET ("/b") "|wait");
  assert_told (f, "head GET /b");
  peer_say (f, "P/1.1\r\n" HOST "\r\n", -1);
  g_assert_false (is_readable (f));
  assert_read (f, 5, "|wait");
  pmss_http_stream_end_request (f->stream);
  g_assert_true (is_readable (f));
  assert_read (f, 5, CANONICAL_GET ("/c") "|wait");
  assert_told (f, "head GET /c");
}

/* --- a peer that goes --- */

static void
test_gone_in_head (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, "GET /", -1);
  peer_end (f);
  /* a byte of no request: tell_end() says why */
  assert_read (f, 10, "-|end");
  assert_read (f, 10, "|end");
  g_assert_true (pmss_http_stream_is_ending (f->stream));
  assert_told (f, "");
}

static void
test_gone_in_body (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, PUT ("/a", 10) "abc", -1);
  peer_end (f);
  assert_read (f, 10, CANONICAL_PUT ("/a") "|wait");
  assert_body (f, 10, "abc|end");
  assert_told (f, "head PUT /a");
  g_assert_false (pmss_http_stream_is_ending (f->stream));
  pmss_http_stream_end_request (f->stream);
  g_assert_true (pmss_http_stream_is_ending (f->stream));
  assert_heard (f, "|end");
}

/* It does not say so to TLS. */
static void
test_vanished (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, PUT ("/a", 10) "abc", -1);
  peer_close (f);
  assert_read (f, 10, CANONICAL_PUT ("/a") "|wait");
  assert_body (f, 10, "abc|end");
}

static void
test_reset (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, PUT ("/a", 10), -1);
  assert_read (f, 10, CANONICAL_PUT ("/a") "|wait");
  /* that it does not read */
  g_assert_cmpint (engine_write (f, "100", 3, NULL), ==, 3);
  peer_close (f);
  assert_body (f, 10, "|broken");
}

/* It gets the answer to what it asked before. */
static void
test_half_closed (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  peer_say (f, GET ("/a"), -1);
  peer_end (f);
  assert_read (f, 10, CANONICAL_GET ("/a") "|wait");
  g_assert_false (is_readable (f));
  g_assert_cmpint (engine_write (f, "answer", 6, NULL), ==, 6);
  pmss_http_stream_end_request (f->stream);
  assert_read (f, 10, "-|end");
  assert_heard (f, "answer|end");
}

/* --- a head that is none --- */

static void
assert_refused (gconstpointer tls, const char *head, const char *told)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  g_autoptr (StreamFixture) silent = stream_fixture_new (tls);

  f->words = g_bytes_new_static ("no", 2);
  peer_say (f, head, -1);
  peer_say (silent, head, -1);
  assert_read (f, 10, "-|end");
  assert_told (f, told);
  assert_heard (f, "no|end");
  /* the handler answers nothing */
  assert_read (silent, 10, "-|end");
  assert_told (silent, told);
  assert_heard (silent, "|end");
}

static void
test_refused (gconstpointer tls)
{
  assert_refused (tls, "BREW / HTTP/1.1\r\n" HOST "\r\n" GET ("/smuggled"),
      "refused 501");
  assert_refused (tls, "\r\nHEAD * HTTP/1.1\r\n" HOST "\r\n",
      "refused 400 to HEAD");
  assert_refused (tls, "GET / HTTP/1.1\n", "refused 400");
}

/* --- when a read has something --- */

static gboolean
note (GObject * stream, gpointer fired)
{
  *(gboolean *) fired = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Takes @source: whether it is ready now. */
static gboolean
fires (GSource * source)
{
  gboolean fired = FALSE;

  g_source_set_callback (source, G_SOURCE_FUNC (note), &fired, NULL);
  g_source_attach (source, NULL);
  g_main_context_iteration (NULL, FALSE);
  g_source_destroy (source);
  g_source_unref (source);
  return fired;
}

static gboolean
input_fires (StreamFixture * f)
{
  gboolean fired = fires (g_pollable_input_stream_create_source
      (G_POLLABLE_INPUT_STREAM (f->in), NULL));

  g_assert_cmpint (is_readable (f), ==, fired);
  return fired;
}

static gboolean
output_fires (StreamFixture * f)
{
  return fires (g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM
          (f->out), NULL));
}

/* By one read. */
static void
read_exactly (StreamFixture * f, const char *wanted)
{
  const gsize size = strlen (wanted);
  g_autofree char *bytes = g_malloc (size);

  g_assert_cmpmem (bytes, engine_read (f, bytes, size, NULL), wanted, size);
}

static void
test_sources (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  g_assert_false (input_fires (f));
  g_assert_true (output_fires (f));
  peer_say (f, PUT ("/a", 5) "ab", -1);
  g_assert_true (input_fires (f));
  /* part of the canonical head is left; the body is not for the engine */
  read_exactly (f, "PUT /a HTT");
  g_assert_true (input_fires (f));
  read_exactly (f, &CANONICAL_PUT ("/a")[10]);
  g_assert_false (input_fires (f));
  assert_body (f, 10, "ab|wait");
  peer_say (f, "cde" GET ("/b"), -1);
  g_assert_false (input_fires (f));
  assert_body (f, 1, "cde");
  /* the next head waits in the kernel, or in GnuTLS */
  g_assert_false (input_fires (f));
  pmss_http_stream_end_request (f->stream);
  g_assert_true (input_fires (f));
  read_exactly (f, "GET /b HTT");
  g_assert_true (input_fires (f));
  assert_read (f, 100, &(CANONICAL_GET ("/b") "|wait")[10]);
  pmss_http_stream_hang_up (f->stream, NULL);
  g_assert_true (input_fires (f));
  g_assert_true (output_fires (f));
}

/* --- an engine that waits --- */

typedef struct
{
  gboolean done;
  gssize got;
  GError *error;
} Read;

static void
on_read (GObject * stream, GAsyncResult * result, gpointer data)
{
  Read *self = data;

  self->got = g_input_stream_read_finish (G_INPUT_STREAM (stream), result,
      &self->error);
  self->done = TRUE;
}

static void
test_waiting (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);
  char bytes[100] = "";
  Read read = { 0 };

  g_input_stream_read_async (f->in, bytes, sizeof bytes, 0, NULL, on_read,
      &read);
  turn ();
  g_assert_false (read.done);
  peer_say (f, "GET /a HTTP", -1);
  turn ();
  g_assert_false (read.done);
  peer_say (f, "/1.1\r\n" HOST "\r\n", -1);
  await (&read.done);
  g_assert_no_error (read.error);
  g_assert_cmpmem (bytes, read.got, CANONICAL_GET ("/a"),
      strlen (CANONICAL_GET ("/a")));
}

static void
assert_cancelled (StreamFixture * f)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  char bytes[100];
  Read read = { 0 };

  g_input_stream_read_async (f->in, bytes, sizeof bytes, 0, cancellable,
      on_read, &read);
  turn ();
  g_assert_false (read.done);
  g_cancellable_cancel (cancellable);
  await (&read.done);
  g_assert_error (read.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&read.error);
  g_assert_cmpint (g_pollable_input_stream_read_nonblocking
      (G_POLLABLE_INPUT_STREAM (f->in), bytes, sizeof bytes, cancellable,
          &read.error), ==, -1);
  g_assert_error (read.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&read.error);
}

/* Nothing is lost by it. */
static void
test_cancelled (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  assert_cancelled (f);
  peer_say (f, "PUT /a HTTP/1.1\r\n" HOST, -1);
  assert_cancelled (f);
  peer_say (f, "Content-Length: 3\r\n\r\na", -1);
  assert_read (f, 10, CANONICAL_PUT ("/a") "|wait");
  assert_cancelled (f);
  peer_say (f, "bc" GET ("/b"), -1);
  assert_body (f, 10, "abc");
  assert_cancelled (f);
  pmss_http_stream_end_request (f->stream);
  assert_read (f, 10, CANONICAL_GET ("/b") "|wait");
}

static void
test_blocking (void)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (NULL);
  g_autoptr (GError) error = NULL;
  char byte = 'a';

  peer_say (f, GET ("/a"), -1);
  g_assert_cmpint (g_input_stream_read (f->in, &byte, 1, NULL, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_cmpint (g_output_stream_write (f->out, &byte, 1, NULL, &error), ==,
      -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  assert_told (f, "");
}

/* --- the last request --- */

static void
test_last (gconstpointer tls)
{
  g_autoptr (StreamFixture) closes = stream_fixture_new (tls);
  g_autoptr (StreamFixture) set = stream_fixture_new (tls);

  peer_say (closes, "GET /a HTTP/1.0\r\n" HOST "\r\n" GET ("/b"), -1);
  assert_read (closes, 100, "GET /a HTTP/1.1\r\nHost: pmss\r\n"
      "Connection: close\r\n\r\n|wait");
  pmss_http_stream_end_request (closes->stream);
  assert_read (closes, 10, "-|end");
  assert_told (closes, "head GET /a");
  assert_heard (closes, "|end");

  peer_say (set, GET ("/a") GET ("/b"), -1);
  assert_read (set, 100, CANONICAL_GET ("/a") "|wait");
  pmss_http_stream_set_last (set->stream);
  g_assert_false (pmss_http_stream_is_ending (set->stream));
  pmss_http_stream_end_request (set->stream);
  assert_read (set, 10, "-|end");
  assert_told (set, "head GET /a");
  assert_heard (set, "|end");
}

/* Of no request, and of one whose body the engine has not read. */
static void
test_end_request (gconstpointer tls)
{
  g_autoptr (StreamFixture) f = stream_fixture_new (tls);

  pmss_http_stream_end_request (f->stream);
  peer_say (f, PUT ("/a", 10) "abc", -1);
  pmss_http_stream_end_request (f->stream);
  assert_read (f, 10, CANONICAL_PUT ("/a") "|wait");
  assert_body (f, 10, "abc|wait");
  pmss_http_stream_end_request (f->stream);
  g_assert_true (pmss_http_stream_is_ending (f->stream));
  pmss_http_stream_end_request (f->stream);
  assert_read (f, 10, "-|end");
  assert_heard (f, "|end");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  stream_fixture_add ("single-bytes", test_single_bytes);
  stream_fixture_add ("pipelined", test_pipelined);
  stream_fixture_add ("gone-in-head", test_gone_in_head);
  stream_fixture_add ("gone-in-body", test_gone_in_body);
  stream_fixture_add ("vanished", test_vanished);
  stream_fixture_add ("reset", test_reset);
  stream_fixture_add ("half-closed", test_half_closed);
  stream_fixture_add ("refused", test_refused);
  stream_fixture_add ("sources", test_sources);
  stream_fixture_add ("waiting", test_waiting);
  stream_fixture_add ("cancelled", test_cancelled);
  stream_fixture_add ("last", test_last);
  stream_fixture_add ("end-request", test_end_request);
  g_test_add_func ("/http-stream/blocking", test_blocking);
  return g_test_run ();
}
