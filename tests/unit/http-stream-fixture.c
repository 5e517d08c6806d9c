/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-stream-fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test-certificate.h"

/* --- what the stream tells --- */

static void
tell (StreamFixture * f, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (f->told->len > 0)
    g_string_append_c (f->told, '|');
  g_string_append_vprintf (f->told, format, arguments);
  va_end (arguments);
}

static void
on_head (PmssHttpStream * stream, PmssHttpHead * head, gpointer data)
{
  StreamFixture *f = data;

  tell (f, "head %s %s", head->method, head->target);
  pmss_http_head_free (head);
  if (f->hang_up_at_head)
    pmss_http_stream_hang_up (stream, f->words);
}

static void
on_refused (PmssHttpStream * stream, guint status, const char *detail,
    gboolean to_head, gpointer data)
{
  StreamFixture *f = data;

  g_assert_nonnull (detail);
  tell (f, "refused %u%s", status, to_head ? " to HEAD" : "");
  if (f->words)
    pmss_http_stream_hang_up (stream, f->words);
}

static void
on_body (PmssHttpStream * stream, gpointer data)
{
  StreamFixture *f = data;

  tell (f, "body");
  if (f->hang_up_at_body)
    pmss_http_stream_hang_up (stream, f->words);
}

static void
on_closed (PmssHttpStream * stream, gpointer data)
{
  ((StreamFixture *) data)->closed++;
  tell (data, "closed");
}

void
assert_told (StreamFixture * f, const char *wanted)
{
  g_assert_cmpstr (f->told->str, ==, wanted);
  g_string_truncate (f->told, 0);
}

/* --- the peer's TLS --- */

static ssize_t
push_bytes (gnutls_transport_ptr_t data, const void *bytes, size_t size)
{
  StreamFixture *f = data;
  gsize step = f->in_bytes ? 1 : size;
  gssize sent = send (f->peer, bytes, step, MSG_NOSIGNAL | MSG_DONTWAIT);

  if (sent < 0)
    gnutls_transport_set_errno (f->session, errno);
  else if (f->in_bytes)
    assert_read (f, 1, "|wait");
  return sent;
}

static ssize_t
pull_bytes (gnutls_transport_ptr_t data, void *bytes, size_t size)
{
  StreamFixture *f = data;
  gssize got = recv (f->peer, bytes, size, MSG_DONTWAIT);

  if (got < 0)
    gnutls_transport_set_errno (f->session, errno);
  return got;
}

static void
begin_tls (StreamFixture * f)
{
  g_assert_cmpint (gnutls_init (&f->session,
          GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL), ==, 0);
  gnutls_certificate_allocate_credentials (&f->credentials);
  gnutls_set_default_priority (f->session);
  gnutls_credentials_set (f->session, GNUTLS_CRD_CERTIFICATE, f->credentials);
  gnutls_transport_set_ptr (f->session, f);
  gnutls_transport_set_push_function (f->session, push_bytes);
  gnutls_transport_set_pull_function (f->session, pull_bytes);
}

void
shake_hands (StreamFixture * f)
{
  int code;

  do {
    code = gnutls_handshake (f->session);
    assert_read (f, 1, "|wait");
  } while (code == GNUTLS_E_AGAIN);
  g_assert_cmpint (code, ==, 0);
}

/* --- both ends --- */

static PmssHttpTls *
load_tls (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("pmss-http-stream-XXXXXX", &path, &error);
  PmssHttpTls *tls;

  g_assert_no_error (error);
  close (fd);
  g_file_set_contents (path, TEST_CERTIFICATE, -1, &error);
  g_assert_no_error (error);
  tls = pmss_http_tls_new (path, path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  return tls;
}

static StreamFixture *
new_fixture (gboolean tls)
{
  static const PmssHttpStreamFuncs funcs = {
    on_head, on_refused, on_body, on_closed
  };
  StreamFixture *f = g_new0 (StreamFixture, 1);
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX,
          SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), ==, 0);
  f->peer = fds[0];
  f->fd = fds[1];
  f->told = g_string_new (NULL);
  f->tls = tls ? load_tls () : NULL;
  f->poller = pmss_http_poller_new (NULL, &error);
  g_assert_no_error (error);
  f->stream = pmss_http_stream_new (f->poller, f->fd, f->tls, &funcs, f,
      &error);
  g_assert_no_error (error);
  f->in = g_io_stream_get_input_stream (G_IO_STREAM (f->stream));
  f->out = g_io_stream_get_output_stream (G_IO_STREAM (f->stream));
  return f;
}

StreamFixture *
stream_fixture_new (gconstpointer tls)
{
  StreamFixture *f = new_fixture (tls != NULL);

  if (tls != NULL) {
    begin_tls (f);
    shake_hands (f);
  }
  return f;
}

StreamFixture *
stream_fixture_new_strange (void)
{
  StreamFixture *f = new_fixture (TRUE);

  begin_tls (f);
  return f;
}

void
engine_close (StreamFixture * f)
{
  g_autoptr (GError) error = NULL;

  g_io_stream_close (G_IO_STREAM (f->stream), NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&f->stream);
}

void
stream_fixture_free (StreamFixture * f)
{
  if (f->stream)
    engine_close (f);
  peer_close (f);
  turn ();
  g_assert_cmpuint (f->closed, ==, 1);
  pmss_http_poller_free (f->poller);
  if (f->session)
    gnutls_deinit (f->session);
  if (f->credentials)
    gnutls_certificate_free_credentials (f->credentials);
  g_clear_pointer (&f->tls, pmss_http_tls_free);
  g_clear_pointer (&f->words, g_bytes_unref);
  g_string_free (f->told, TRUE);
  g_free (f);
}

void
turn (void)
{
  while (g_main_context_iteration (NULL, FALSE));
}

void
await (const gboolean * done)
{
  while (!*done)
    g_main_context_iteration (NULL, TRUE);
}

/* --- the peer --- */

gsize
peer_try (StreamFixture * f, const char *bytes, gsize size)
{
  gsize done = 0;
  gssize sent = 1;

  while (done < size && sent > 0) {
    if (f->session)
      sent = gnutls_record_send (f->session, bytes + done, size - done);
    else
      sent = send (f->peer, bytes + done, size - done, MSG_NOSIGNAL);
    done += MAX (sent, 0);
  }
  return done;
}

void
peer_say (StreamFixture * f, const char *bytes, gssize size)
{
  gsize all = size < 0 ? strlen (bytes) : (gsize) size;

  g_assert_cmpuint (peer_try (f, bytes, all), ==, all);
}

void
peer_end (StreamFixture * f)
{
  if (f->session)
    g_assert_cmpint (gnutls_bye (f->session, GNUTLS_SHUT_WR), ==, 0);
  shutdown (f->peer, SHUT_WR);
}

void
peer_close (StreamFixture * f)
{
  if (f->peer >= 0)
    close (f->peer);
  f->peer = -1;
}

static gboolean
has_bytes (StreamFixture * f)
{
  char byte;

  return recv (f->peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* GnuTLS says that it would wait where it has read a session's ticket. */
static gssize
hear (StreamFixture * f, char *bytes, gsize size)
{
  gssize got;

  if (!f->session) {
    got = recv (f->peer, bytes, size, MSG_DONTWAIT);
    return got >= 0 ? got : errno == EAGAIN ? GNUTLS_E_AGAIN : -1;
  }
  do
    got = gnutls_record_recv (f->session, bytes, size);
  while (got == GNUTLS_E_AGAIN && has_bytes (f));
  return got;
}

const char *
peer_hear_some (StreamFixture * f, GString * text)
{
  char bytes[65536];
  gssize got;

  while ((got = hear (f, bytes, sizeof bytes)) > 0)
    g_string_append_len (text, bytes, got);
  return got == GNUTLS_E_AGAIN ? "" : got == 0 ? "end" : "cut";
}

void
assert_heard (StreamFixture * f, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *end = peer_hear_some (f, text);

  g_string_append_printf (text, "%s%s", *end ? "|" : "", end);
  g_assert_cmpstr (text->str, ==, wanted);
}

/* --- the engine --- */

gssize
engine_read (StreamFixture * f, char *bytes, gsize size, GError ** error)
{
  return g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM
      (f->in), bytes, size, NULL, error);
}

gssize
engine_write (StreamFixture * f, const char *bytes, gsize size, GError ** error)
{
  return g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM
      (f->out), bytes, size, NULL, error);
}

gboolean
is_readable (StreamFixture * f)
{
  return g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (f->in));
}

gboolean
is_writable (StreamFixture * f)
{
  return g_pollable_output_stream_is_writable (G_POLLABLE_OUTPUT_STREAM
      (f->out));
}

void
assert_read (StreamFixture * f, gsize size, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *bytes = g_malloc (size);
  g_autoptr (GError) error = NULL;
  gssize got;

  while ((got = engine_read (f, bytes, size, &error)) > 0)
    g_string_append_len (text, bytes, got);
  if (got == 0)
    g_string_append (text, "|end");
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    g_string_append (text, "|wait");
  else
    g_string_append (text, "|broken");
  g_assert_cmpstr (text->str, ==, wanted);
}

void
assert_body (StreamFixture * f, gsize size, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *bytes = g_malloc (size);
  gssize got;

  while ((got = pmss_http_stream_receive (f->stream, bytes, size)) > 0)
    g_string_append_len (text, bytes, got);
  if (pmss_http_stream_get_body_left (f->stream) > 0)
    g_string_append (text, got == 0 ? "|end" : got == PMSS_HTTP_AGAIN ? "|wait"
        : "|broken");
  g_assert_cmpstr (text->str, ==, wanted);
}

void
stream_fixture_add (const char *name, GTestDataFunc func)
{
  g_autofree char *plain = g_strconcat ("/http-stream/", name, NULL);
  g_autofree char *tls = g_strconcat (plain, "-tls", NULL);

  g_test_add_data_func (plain, NULL, func);
  g_test_add_data_func (tls, GINT_TO_POINTER (TRUE), func);
}
