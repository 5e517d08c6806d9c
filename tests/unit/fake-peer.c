/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-peer.h"

#include <string.h>

struct _FakePeer
{
  FakePeerFunc func;
  gpointer user_data;
  GThread *thread;
  GMainContext *context;
  GSocketService *service;
  GCancellable *stop;
  guint16 port;
  guint connections;            /* atomic */
  GTlsCertificate *certificate; /* nullable */
  GMutex lock;                  /* protects what follows */
  GCond idle;
  guint active;                 /* connections being served */
};

static char *
header_of (const char *head, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (head, "\r\n", -1);
  gsize length = strlen (name);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_ascii_strncasecmp (lines[i], name, length) == 0
        && lines[i][length] == ':')
      return g_strdup (g_strstrip (lines[i] + length + 1));
  return NULL;
}

static char *
read_head (GInputStream * in, GCancellable * stop)
{
  g_autoptr (GString) head = g_string_new (NULL);
  char c;

  while (!g_str_has_suffix (head->str, "\r\n\r\n")) {
    if (g_input_stream_read (in, &c, 1, stop, NULL) != 1)
      return NULL;
    g_string_append_c (head, c);
  }
  return g_string_free (g_steal_pointer (&head), FALSE);
}

static gboolean
read_request (GIOStream * stream, FakeRequest * request, GCancellable * stop)
{
  GInputStream *in = g_io_stream_get_input_stream (stream);
  GOutputStream *out = g_io_stream_get_output_stream (stream);
  g_autofree char *head = read_head (in, stop);
  g_autofree char *length = head ? header_of (head, "Content-Length") : NULL;
  g_autofree char *expect = head ? header_of (head, "Expect") : NULL;
  g_auto (GStrv) words = head ? g_strsplit (head, " ", 3) : NULL;
  gsize got = 0;

  if (words == NULL || g_strv_length (words) != 3)
    return FALSE;
  request->method = g_strdup (words[0]);
  request->target = g_strdup (words[1]);
  request->authorization = header_of (head, "Authorization");
  request->body = g_string_new (NULL);
  if (expect != NULL && !g_output_stream_write_all (out,
          "HTTP/1.1 100 Continue\r\n\r\n", 25, NULL, stop, NULL))
    return FALSE;
  if (length != NULL) {
    g_string_set_size (request->body, g_ascii_strtoull (length, NULL, 10));
    if (!g_input_stream_read_all (in, request->body->str, request->body->len,
            &got, stop, NULL) || got != request->body->len)
      return FALSE;
  }
  return TRUE;
}

static void
request_clear (FakeRequest * request)
{
  g_free (request->method);
  g_free (request->target);
  g_free (request->authorization);
  if (request->body != NULL)
    g_string_free (request->body, TRUE);
}

/* Until the other side goes or the peer is stopped. */
static void
wait_for_end (GIOStream * stream, GCancellable * stop)
{
  char c;

  while (g_input_stream_read (g_io_stream_get_input_stream (stream), &c, 1,
          stop, NULL) > 0);
}

static gboolean
wait_ms (guint ms, GCancellable * stop)
{
  GPollFD fd = { 0, };
  gboolean stopped;

  if (!g_cancellable_make_pollfd (stop, &fd))
    return FALSE;
  stopped = g_poll (&fd, 1, ms) > 0;
  g_cancellable_release_fd (stop);
  return !stopped;
}

static gboolean
send_answer (FakePeer * peer, GIOStream * stream, const FakeAnswer * answer)
{
  GOutputStream *out = g_io_stream_get_output_stream (stream);
  static const char zeros[65536];

  if (answer->text == NULL) {
    wait_for_end (stream, peer->stop);
    return FALSE;
  }
  if (!g_output_stream_write_all (out, answer->text, strlen (answer->text),
          NULL, peer->stop, NULL))
    return FALSE;
  if (answer->body != NULL && !g_output_stream_write_all (out,
          answer->body->data, answer->body->len, NULL, peer->stop, NULL))
    return FALSE;
  while (answer->endless)
    if (!g_output_stream_write_all (out, zeros, sizeof zeros, NULL,
            peer->stop, NULL))
      return FALSE;
  while (answer->trickle > 0)
    if (!wait_ms (answer->trickle, peer->stop)
        || !g_output_stream_write_all (out, "x", 1, NULL, peer->stop, NULL))
      return FALSE;
  return !answer->close;
}

static void
serve (FakePeer * peer, GIOStream * stream)
{
  guint number = g_atomic_int_add (&peer->connections, 1) + 1;
  gboolean more = TRUE;

  for (guint i = 1; more; i++) {
    FakeRequest request = {.connection = number,.number = i };
    FakeAnswer answer = { 0, };

    more = read_request (stream, &request, peer->stop);
    if (more) {
      peer->func (&request, &answer, peer->user_data);
      more = send_answer (peer, stream, &answer);
    }
    g_free (answer.text);
    g_clear_pointer (&answer.body, g_byte_array_unref);
    request_clear (&request);
  }
  g_io_stream_close (stream, NULL, NULL);
}

static gboolean
on_connection (GThreadedSocketService * service, GSocketConnection * connection,
    GObject * source, gpointer user_data)
{
  FakePeer *peer = user_data;

  g_mutex_lock (&peer->lock);
  peer->active++;
  g_mutex_unlock (&peer->lock);
  if (peer->certificate != NULL) {
    g_autoptr (GIOStream) tls = g_tls_server_connection_new
        (G_IO_STREAM (connection), peer->certificate, NULL);

    serve (peer, tls);
  } else {
    serve (peer, G_IO_STREAM (connection));
  }
  g_mutex_lock (&peer->lock);
  peer->active--;
  g_cond_signal (&peer->idle);
  g_mutex_unlock (&peer->lock);
  return TRUE;
}

static void
peer_clear (gpointer data)
{
  FakePeer *peer = data;

  g_main_context_unref (peer->context);
  g_object_unref (peer->stop);
  g_clear_object (&peer->certificate);
  g_mutex_clear (&peer->lock);
  g_cond_clear (&peer->idle);
}

static void
peer_unref (gpointer data, GClosure * closure)
{
  g_atomic_rc_box_release_full (data, peer_clear);
}

static gpointer
run (gpointer user_data)
{
  FakePeer *peer = user_data;

  g_main_context_push_thread_default (peer->context);
  while (!g_cancellable_is_cancelled (peer->stop))
    g_main_context_iteration (peer->context, TRUE);
  g_main_context_pop_thread_default (peer->context);
  return NULL;
}

FakePeer *
fake_peer_new (FakePeerFunc func, gpointer user_data,
    GTlsCertificate * certificate)
{
  FakePeer *peer = g_atomic_rc_box_new0 (FakePeer);
  g_autoptr (GInetAddress) loopback =
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  peer->func = func;
  peer->user_data = user_data;
  peer->certificate = certificate ? g_object_ref (certificate) : NULL;
  g_mutex_init (&peer->lock);
  g_cond_init (&peer->idle);
  peer->stop = g_cancellable_new ();
  peer->context = g_main_context_new ();
  g_main_context_push_thread_default (peer->context);
  peer->service = g_threaded_socket_service_new (64);
  g_socket_listener_add_address (G_SOCKET_LISTENER (peer->service), any,
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &address, &error);
  g_assert_no_error (error);
  /* a connection's thread can begin after fake_peer_free(), to find that it has to stop */
  g_signal_connect_data (peer->service, "run", G_CALLBACK (on_connection),
      g_atomic_rc_box_acquire (peer), peer_unref, 0);
  g_socket_service_start (peer->service);
  g_main_context_pop_thread_default (peer->context);
  peer->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  peer->thread = g_thread_new ("fake-peer", run, peer);
  return peer;
}

void
fake_peer_free (FakePeer * peer)
{
  g_cancellable_cancel (peer->stop);
  g_main_context_wakeup (peer->context);
  g_thread_join (peer->thread);
  g_socket_service_stop (peer->service);
  g_socket_listener_close (G_SOCKET_LISTENER (peer->service));
  g_mutex_lock (&peer->lock);
  while (peer->active > 0)
    g_cond_wait (&peer->idle, &peer->lock);
  g_mutex_unlock (&peer->lock);
  g_object_unref (peer->service);
  peer_unref (peer, NULL);
}

guint16
fake_peer_get_port (FakePeer * peer)
{
  return peer->port;
}

guint
fake_peer_get_connections (FakePeer * peer)
{
  return g_atomic_int_get (&peer->connections);
}

char *
fake_peer_answer (const char *status, const char *content_type,
    const char *body)
{
  return g_strdup_printf ("HTTP/1.1 %s\r\nContent-Type: %s\r\n"
      "Content-Length: %zu\r\n\r\n%s", status, content_type, strlen (body),
      body);
}
