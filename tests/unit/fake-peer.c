/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-peer.h"

#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

struct _FakePeer
{
  FakePeerFunc func;
  gpointer user_data;
  GTlsCertificate *certificate; /* nullable */
  GSocket *socket;
  GCancellable *stop;
  guint connections;            /* atomic */
  guint open;                   /* atomic */
  int cut_at_body;              /* atomic */
  GThread *thread;              /* accepts; alone has what follows */
  GPtrArray *threads;           /* of GThread: one a connection */
};

typedef struct
{
  FakePeer *peer;
  GSocket *socket;
  GIOStream *stream;
  guint number;
} Connection;

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

static void
cut (GSocket * socket)
{
  struct sock_filter none = BPF_STMT (BPF_RET | BPF_K, 0);
  struct sock_fprog program = {.len = 1,.filter = &none };

  g_assert_cmpint (setsockopt (g_socket_get_fd (socket), SOL_SOCKET,
          SO_ATTACH_FILTER, &program, sizeof program), ==, 0);
}

static gboolean
read_request (Connection * connection, FakeRequest * request)
{
  GIOStream *stream = connection->stream;
  GCancellable *stop = connection->peer->stop;
  GInputStream *in = g_io_stream_get_input_stream (stream);
  GOutputStream *out = g_io_stream_get_output_stream (stream);
  g_autofree char *head = read_head (in, stop);
  g_autofree char *length =
      head != NULL ? header_of (head, "Content-Length") : NULL;
  g_autofree char *expect = head != NULL ? header_of (head, "Expect") : NULL;
  g_auto (GStrv) words = head != NULL ? g_strsplit (head, " ", 3) : NULL;
  gsize got = 0;

  if (words == NULL || g_strv_length (words) != 3)
    return FALSE;
  request->method = g_strdup (words[0]);
  request->target = g_strdup (words[1]);
  request->authorization = header_of (head, "Authorization");
  request->range = header_of (head, "Range");
  request->body = g_string_new (NULL);
  if (length != NULL && g_atomic_int_get (&connection->peer->cut_at_body))
    cut (connection->socket);
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
  g_free (request->range);
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
  if (answer->delay > 0 && !wait_ms (answer->delay, peer->stop))
    return FALSE;
  if (!g_output_stream_write_all (out, answer->text, strlen (answer->text),
          NULL, peer->stop, NULL))
    return FALSE;
  if (!g_output_stream_write_all (out, answer->body, answer->body_length,
          NULL, peer->stop, NULL))
    return FALSE;
  while (answer->endless)
    if (!g_output_stream_write_all (out, zeros, sizeof zeros, NULL,
            peer->stop, NULL))
      return FALSE;
  while (answer->trickle > 0)
    if (!wait_ms (answer->trickle, peer->stop)
        || !g_output_stream_write_all (out, "x", 1, NULL, peer->stop, NULL))
      return FALSE;
  while (answer->slow > 0)
    if (!wait_ms (answer->slow, peer->stop)
        || !g_output_stream_write_all (out, zeros, 16384, NULL, peer->stop,
            NULL))
      return FALSE;
  return !answer->close;
}

static gpointer
serve (gpointer user_data)
{
  Connection *connection = user_data;
  FakePeer *peer = connection->peer;
  gboolean more = TRUE;

  if (peer->certificate != NULL) {
    GIOStream *tls = g_tls_server_connection_new (connection->stream,
        peer->certificate, NULL);

    g_object_unref (connection->stream);
    connection->stream = tls;
  }
  for (guint i = 1; more; i++) {
    FakeRequest request = {.connection = connection->number,.number = i };
    FakeAnswer answer = { 0, };

    more = read_request (connection, &request);
    if (more) {
      peer->func (&request, &answer, peer->user_data);
      more = send_answer (peer, connection->stream, &answer);
    }
    g_free (answer.text);
    g_free (answer.body);
    request_clear (&request);
  }
  g_io_stream_close (connection->stream, NULL, NULL);
  g_object_unref (connection->stream);
  g_object_unref (connection->socket);
  g_free (connection);
  g_atomic_int_add (&peer->open, -1);
  return NULL;
}

static gpointer
accept_all (gpointer user_data)
{
  FakePeer *peer = user_data;
  GSocket *socket;

  while ((socket = g_socket_accept (peer->socket, peer->stop, NULL)) != NULL) {
    Connection *connection = g_new0 (Connection, 1);

    connection->peer = peer;
    connection->stream = G_IO_STREAM
        (g_socket_connection_factory_create_connection (socket));
    connection->socket = socket;
    g_atomic_int_inc (&peer->open);
    connection->number = g_atomic_int_add (&peer->connections, 1) + 1;
    g_ptr_array_add (peer->threads, g_thread_new ("peer", serve, connection));
  }
  return NULL;
}

FakePeer *
fake_peer_new (FakePeerFunc func, gpointer user_data,
    GTlsCertificate * certificate)
{
  FakePeer *peer = g_new0 (FakePeer, 1);
  g_autoptr (GInetAddress) loopback =
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GError) error = NULL;

  peer->func = func;
  peer->user_data = user_data;
  peer->certificate = certificate != NULL ? g_object_ref (certificate) : NULL;
  peer->stop = g_cancellable_new ();
  peer->threads = g_ptr_array_new ();
  peer->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_socket_bind (peer->socket, any, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (peer->socket, &error);
  g_assert_no_error (error);
  peer->thread = g_thread_new ("accept", accept_all, peer);
  return peer;
}

void
fake_peer_free (FakePeer * peer)
{
  g_cancellable_cancel (peer->stop);
  g_thread_join (peer->thread);
  for (guint i = 0; i < peer->threads->len; i++)
    g_thread_join (g_ptr_array_index (peer->threads, i));
  g_ptr_array_unref (peer->threads);
  g_object_unref (peer->socket);
  g_object_unref (peer->stop);
  g_clear_object (&peer->certificate);
  g_free (peer);
}

void
fake_peer_cut_at_body (FakePeer * peer)
{
  g_atomic_int_set (&peer->cut_at_body, TRUE);
}

guint16
fake_peer_get_port (FakePeer * peer)
{
  g_autoptr (GSocketAddress) address =
      g_socket_get_local_address (peer->socket, NULL);

  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

guint
fake_peer_get_connections (FakePeer * peer)
{
  return g_atomic_int_get (&peer->connections);
}

guint
fake_peer_count_open (FakePeer * peer)
{
  return g_atomic_int_get (&peer->open);
}

char *
fake_peer_answer (const char *status, const char *content_type,
    const char *body)
{
  return g_strdup_printf ("HTTP/1.1 %s\r\nContent-Type: %s\r\n"
      "Content-Length: %zu\r\n\r\n%s", status, content_type, strlen (body),
      body);
}
