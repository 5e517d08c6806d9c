/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-relay [--slow-start] DELAY-MS HOST:PORT...: a distant network, for connections to loopback.
 *
 * For each target it listens on a port of its own on 127.0.0.1 and prints the ports in one line. What is received leaves DELAY-MS later, in
 * either direction, in order. A connection's first bytes are held back for one more round trip: what the handshake would have taken.
 * With --slow-start a connection carries ten segments in its first round trip and twice as much in each that follows, as TCP does where nothing
 * is lost; after a second in which nothing was sent it begins anew.
 * It ends when its standard input does. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CHUNK 65536
/* What may be under way in one direction; a sender then waits, as for a full
 * window. 20 ms of 3 Gbit/s. */
#define MOST_UNDER_WAY (8 << 20)

/* Ten segments, as RFC 6928 has it. */
#define INITIAL_WINDOW (10 * 1448)
#define IDLE G_USEC_PER_SEC

typedef struct
{
  gint64 due;                   /* monotonic, us */
  gsize length;                 /* 0: the sender has ended */
  gsize sent;
  guint8 data[];
} Chunk;

/* Bytes for which an acknowledgement is on its way. */
typedef struct
{
  gint64 at;                    /* monotonic, us */
  gsize length;
} Acknowledgement;

typedef struct
{
  int from, to;
  GQueue chunks;
  gsize under_way;
  gint64 not_before;            /* nothing counts as received earlier */
  gsize window;                 /* bytes that may be unacknowledged */
  gsize unacknowledged;
  GQueue acknowledgements;      /* with slow start only */
  gint64 last;                  /* when something was sent */
  gboolean ended;               /* nothing more will be received */
  gboolean over;                /* and all of it has been sent on */
} Direction;

typedef struct
{
  int sockets[2];
  Direction directions[2];
} Connection;

typedef struct
{
  gint64 delay;                 /* us */
  gboolean slow_start;
  GArray *listeners;            /* of int */
  GPtrArray *targets;           /* of GSocketAddress, one a listener */
  GPtrArray *connections;
} Relay;

static void
connection_free (gpointer data)
{
  Connection *connection = data;
  guint i;

  for (i = 0; i < 2; i++) {
    close (connection->sockets[i]);
    g_queue_clear_full (&connection->directions[i].chunks, g_free);
    g_queue_clear_full (&connection->directions[i].acknowledgements, g_free);
  }
  g_free (connection);
}

static int
connect_to (GSocketAddress * target)
{
  struct sockaddr_storage address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gssize size = g_socket_address_get_native_size (target);

  if (fd >= 0 && (!g_socket_address_to_native (target, &address,
              sizeof address, NULL)
          || connect (fd, (struct sockaddr *) &address, size) != 0)) {
    close (fd);
    return -1;
  }
  return fd;
}

static void
set_up (int fd)
{
  int yes = 1;

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
}

static void
relay_accept (Relay * relay, guint listener)
{
  Connection *connection;
  int client = accept4 (g_array_index (relay->listeners, int, listener), NULL,
      NULL, SOCK_CLOEXEC);
  int server;
  guint i;

  if (client < 0)
    return;
  server = connect_to (g_ptr_array_index (relay->targets, listener));
  if (server < 0) {
    close (client);
    return;
  }
  connection = g_new0 (Connection, 1);
  connection->sockets[0] = client;
  connection->sockets[1] = server;
  for (i = 0; i < 2; i++) {
    set_up (connection->sockets[i]);
    connection->directions[i].from = connection->sockets[i];
    connection->directions[i].to = connection->sockets[1 - i];
    g_queue_init (&connection->directions[i].chunks);
    g_queue_init (&connection->directions[i].acknowledgements);
    connection->directions[i].window =
        relay->slow_start ? INITIAL_WINDOW : MOST_UNDER_WAY;
  }
  connection->directions[0].not_before =
      g_get_monotonic_time () + 2 * relay->delay;
  g_ptr_array_add (relay->connections, connection);
}

static void
direction_begin_anew (Direction * direction)
{
  if (direction->unacknowledged == 0
      && g_get_monotonic_time () - direction->last > IDLE)
    direction->window = INITIAL_WINDOW;
}

static void
direction_note_sent (Direction * direction, gsize length, gint64 acknowledged)
{
  Acknowledgement *acknowledgement = g_new (Acknowledgement, 1);

  acknowledgement->at = acknowledged;
  acknowledgement->length = length;
  g_queue_push_tail (&direction->acknowledgements, acknowledgement);
  direction->unacknowledged += length;
  direction->last = g_get_monotonic_time ();
}

static void
direction_acknowledge (Direction * direction)
{
  Acknowledgement *first;

  while ((first = g_queue_peek_head (&direction->acknowledgements)) != NULL
      && first->at <= g_get_monotonic_time ()) {
    direction->unacknowledged -= first->length;
    direction->window = MIN (direction->window + first->length, MOST_UNDER_WAY);
    g_free (g_queue_pop_head (&direction->acknowledgements));
  }
}

static gboolean
direction_may_receive (Direction * direction)
{
  return !direction->ended && direction->under_way < MOST_UNDER_WAY
      && direction->unacknowledged < direction->window;
}

/* Returns FALSE when the connection is broken. */
static gboolean
direction_receive (Direction * direction, Relay * relay)
{
  static guint8 buffer[CHUNK];
  Chunk *chunk;
  ssize_t n;

  if (relay->slow_start)
    direction_begin_anew (direction);
  n = recv (direction->from, buffer, MIN (sizeof buffer,
          direction->window - direction->unacknowledged), 0);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  chunk = g_malloc (sizeof *chunk + n);
  chunk->due = MAX (g_get_monotonic_time (), direction->not_before) +
      relay->delay;
  chunk->length = n;
  chunk->sent = 0;
  memcpy (chunk->data, buffer, n);
  g_queue_push_tail (&direction->chunks, chunk);
  direction->under_way += n;
  direction->ended = n == 0;
  if (relay->slow_start && n > 0)
    direction_note_sent (direction, n, chunk->due + relay->delay);
  return TRUE;
}

/* Sends what is due. Returns FALSE when the connection is broken. */
static gboolean
direction_send (Direction * direction)
{
  Chunk *chunk;

  while ((chunk = g_queue_peek_head (&direction->chunks)) != NULL
      && chunk->due <= g_get_monotonic_time ()) {
    if (chunk->length == 0) {
      shutdown (direction->to, SHUT_WR);
      direction->over = TRUE;
    } else {
      ssize_t n = send (direction->to, chunk->data + chunk->sent,
          chunk->length - chunk->sent, MSG_NOSIGNAL);
      if (n < 0)
        return errno == EAGAIN || errno == EINTR;
      chunk->sent += n;
      direction->under_way -= n;
      if (chunk->sent < chunk->length)
        return TRUE;
    }
    g_free (g_queue_pop_head (&direction->chunks));
  }
  return TRUE;
}

static gboolean
connection_work (Connection * connection, const struct pollfd *polled,
    Relay * relay)
{
  guint i;

  for (i = 0; i < 2; i++) {
    Direction *direction = &connection->directions[i];

    direction_acknowledge (direction);
    if (direction_may_receive (direction)
        && (polled[i].revents & (POLLIN | POLLHUP | POLLERR))
        && !direction_receive (direction, relay))
      return FALSE;
    if (!direction_send (direction))
      return FALSE;
  }
  return !(connection->directions[0].over && connection->directions[1].over);
}

/* What to wait for at both sockets; @next becomes the earliest time at which
 * something is due. */
static void
connection_poll (Connection * connection, struct pollfd *polled, gint64 * next)
{
  gint64 now = g_get_monotonic_time ();
  guint i;

  for (i = 0; i < 2; i++)
    polled[i] = (struct pollfd) {.fd = connection->sockets[i] };
  for (i = 0; i < 2; i++) {
    Direction *direction = &connection->directions[i];
    Chunk *chunk = g_queue_peek_head (&direction->chunks);
    Acknowledgement *first = g_queue_peek_head (&direction->acknowledgements);

    if (direction_may_receive (direction))
      polled[i].events |= POLLIN;
    if (first != NULL)
      *next = MIN (*next, first->at);
    if (chunk != NULL && chunk->due <= now)
      polled[1 - i].events |= POLLOUT;
    else if (chunk != NULL)
      *next = MIN (*next, chunk->due);
  }
  /* poll() tells of an end even when nobody asks */
  for (i = 0; i < 2; i++)
    if (polled[i].events == 0)
      polled[i].fd = -1;
}

static void
wait_for_events (struct pollfd *polled, guint n, gint64 next)
{
  gint64 left = next - g_get_monotonic_time ();
  gint64 wait = CLAMP (left, 0, 10 * G_USEC_PER_SEC);
  struct timespec timeout = {
    wait / G_USEC_PER_SEC, wait % G_USEC_PER_SEC * 1000
  };

  ppoll (polled, n, &timeout, NULL);
}

/* Returns FALSE at the end of the standard input. */
static gboolean
relay_turn (Relay * relay)
{
  guint n_listeners = relay->listeners->len;
  guint n_connections = relay->connections->len;
  guint n = 1 + n_listeners + 2 * n_connections;
  g_autofree struct pollfd *polled = g_new0 (struct pollfd, n);
  gint64 next = G_MAXINT64;
  guint i;

  polled[0] = (struct pollfd) {
    .fd = STDIN_FILENO,.events = POLLIN
  };
  for (i = 0; i < n_listeners; i++)
    polled[1 + i] = (struct pollfd) {
    .fd = g_array_index (relay->listeners, int, i),.events = POLLIN
    };
  for (i = 0; i < n_connections; i++)
    connection_poll (g_ptr_array_index (relay->connections, i),
        polled + 1 + n_listeners + 2 * i, &next);
  wait_for_events (polled, n, next);
  if (polled[0].revents != 0)
    return FALSE;
  /* from the last one on, because those that are over are removed */
  for (i = n_connections; i-- > 0;)
    if (!connection_work (g_ptr_array_index (relay->connections, i),
            polled + 1 + n_listeners + 2 * i, relay))
      g_ptr_array_remove_index_fast (relay->connections, i);
  for (i = 0; i < n_listeners; i++)
    if (polled[1 + i].revents != 0)
      relay_accept (relay, i);
  return TRUE;
}

static void
relay_listen (Relay * relay, const char *target)
{
  struct sockaddr_in here = {.sin_family = AF_INET };
  socklen_t size = sizeof here;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnectable) connectable = NULL;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  connectable = g_network_address_parse (target, 0, &error);
  if (connectable == NULL)
    g_error ("%s", error->message);
  g_ptr_array_add (relay->targets, g_inet_socket_address_new_from_string
      (g_network_address_get_hostname (G_NETWORK_ADDRESS (connectable)),
          g_network_address_get_port (G_NETWORK_ADDRESS (connectable))));
  here.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (bind (fd, (struct sockaddr *) &here, sizeof here) != 0
      || listen (fd, 1024) != 0
      || getsockname (fd, (struct sockaddr *) &here, &size) != 0)
    g_error ("listen: %s", g_strerror (errno));
  set_up (fd);
  g_array_append_val (relay->listeners, fd);
  g_print ("%s%d", relay->listeners->len > 1 ? " " : "", ntohs (here.sin_port));
}

int
main (int argc, char **argv)
{
  Relay relay = { 0 };
  int i = 1;

  relay.slow_start = argc > 1 && strcmp (argv[1], "--slow-start") == 0;
  i += relay.slow_start;
  if (argc < i + 2) {
    g_printerr ("usage: bench-relay [--slow-start] DELAY-MS HOST:PORT...\n");
    return 64;
  }
  relay.delay = g_ascii_strtod (argv[i++], NULL) * 1000;
  relay.listeners = g_array_new (FALSE, FALSE, sizeof (int));
  relay.targets = g_ptr_array_new_with_free_func (g_object_unref);
  relay.connections = g_ptr_array_new_with_free_func (connection_free);
  for (; i < argc; i++)
    relay_listen (&relay, argv[i]);
  g_print ("\n");
  while (relay_turn (&relay));
  g_ptr_array_unref (relay.connections);
  g_ptr_array_unref (relay.targets);
  g_array_unref (relay.listeners);
  return 0;
}
