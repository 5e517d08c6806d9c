/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sockets under a SoupSession's connections: found, bounded in time, cut. On the session's thread, but for the cutting. */
#include "libpmss/reader/pmss-sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* What was sent is acknowledged, or a closed window opens, within so many ms. */
#define USER_TIMEOUT 20000

#define KEY "pmss-sockets"

struct _PmssSockets
{
  GHashTable *table;            /* connection's id -> GSocket */
  GHashTable *encrypted;        /* of GSocket in `table` */
};

struct _PmssLifeline
{
  PmssSockets *sockets;
  SoupMessage *message;         /* NULL once ended */
  GMutex lock;                  /* protects what follows */
  GSocket *socket;              /* nullable: what the message uses just now */
};

static gboolean
is_closed (gpointer id, gpointer socket, gpointer sockets)
{
  if (!g_socket_is_closed (socket))
    return FALSE;
  g_hash_table_remove (((PmssSockets *) sockets)->encrypted, socket);
  return TRUE;
}

/* Returns: (transfer full) (nullable) */
static GSocket *
socket_under (GIOStream * connection)
{
  g_autoptr (GIOStream) base = NULL;

  if (G_IS_TLS_CONNECTION (connection))
    g_object_get (connection, "base-io-stream", &base, NULL);
  else
    base = g_object_ref (connection);
  return G_IS_TCP_CONNECTION (base) ? g_object_ref
      (g_socket_connection_get_socket (G_SOCKET_CONNECTION (base))) : NULL;
}

static void
network_event (SoupMessage * message, GSocketClientEvent event,
    GIOStream * connection, PmssSockets * sockets)
{
  guint64 id = soup_message_get_connection_id (message);
  g_autoptr (GSocket) socket = NULL;

  if (event == G_SOCKET_CLIENT_COMPLETE)
    socket = socket_under (connection);
  if (socket == NULL)
    return;
  g_socket_set_option (socket, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT,
      NULL);
  g_hash_table_foreach_remove (sockets->table, is_closed, sockets);
  if (G_IS_TLS_CONNECTION (connection))
    g_hash_table_add (sockets->encrypted, socket);
  g_hash_table_insert (sockets->table, g_memdup2 (&id, sizeof id),
      g_steal_pointer (&socket));
}

static void
clear (gpointer data)
{
  PmssSockets *sockets = data;

  g_hash_table_unref (sockets->encrypted);
  g_hash_table_unref (sockets->table);
}

static void
release (gpointer sockets)
{
  g_rc_box_release_full (sockets, clear);
}

static void
release_closure (gpointer sockets, GClosure * closure)
{
  release (sockets);
}

/* Connections are made for one message and may serve another: so all are
 * listened to, and to their end. */
static void
request_queued (SoupSession * session, SoupMessage * message,
    PmssSockets * sockets)
{
  g_signal_connect_data (message, "network-event", G_CALLBACK (network_event),
      g_rc_box_acquire (sockets), release_closure, 0);
}

PmssSockets *
pmss_sockets_get (SoupSession * session)
{
  PmssSockets *sockets = g_object_get_data (G_OBJECT (session), KEY);

  if (sockets != NULL)
    return sockets;
  sockets = g_rc_box_new0 (PmssSockets);
  sockets->table = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
      g_object_unref);
  sockets->encrypted = g_hash_table_new (NULL, NULL);
  g_object_set_data_full (G_OBJECT (session), KEY, sockets, release);
  g_signal_connect (session, "request-queued", G_CALLBACK (request_queued),
      sockets);
  return sockets;
}

static GSocket *
look_up (PmssSockets * sockets, SoupMessage * message)
{
  guint64 id = soup_message_get_connection_id (message);

  return g_hash_table_lookup (sockets->table, &id);
}

GSocket *
pmss_sockets_find (PmssSockets * sockets, SoupMessage * message)
{
  GSocket *socket = look_up (sockets, message);

  if (socket == NULL || g_hash_table_contains (sockets->encrypted, socket))
    return NULL;
  return g_object_ref (socket);
}

/* --- one message's --- */

static void
set_socket (PmssLifeline * self, GSocket * socket)
{
  g_mutex_lock (&self->lock);
  g_set_object (&self->socket, socket);
  g_mutex_unlock (&self->lock);
}

static void
on_starting (SoupMessage * message, PmssLifeline * self)
{
  set_socket (self, look_up (self->sockets, message));
}

/* The connection may serve others from now on. */
static void
on_finished (SoupMessage * message, PmssLifeline * self)
{
  set_socket (self, NULL);
}

PmssLifeline *
pmss_lifeline_new (PmssSockets * sockets, SoupMessage * message)
{
  PmssLifeline *self = g_atomic_rc_box_new0 (PmssLifeline);

  self->sockets = g_rc_box_acquire (sockets);
  self->message = g_object_ref (message);
  g_mutex_init (&self->lock);
  g_signal_connect (message, "starting", G_CALLBACK (on_starting), self);
  g_signal_connect (message, "finished", G_CALLBACK (on_finished), self);
  return self;
}

PmssLifeline *
pmss_lifeline_ref (PmssLifeline * self)
{
  return g_atomic_rc_box_acquire (self);
}

void
pmss_lifeline_end (PmssLifeline * self)
{
  if (self->message == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->message, self);
  g_clear_object (&self->message);
  g_clear_pointer (&self->sockets, release);
  set_socket (self, NULL);
}

static void
lifeline_clear (gpointer data)
{
  PmssLifeline *self = data;

  g_clear_object (&self->socket);
  g_mutex_clear (&self->lock);
}

void
pmss_lifeline_unref (PmssLifeline * self)
{
  g_atomic_rc_box_release_full (self, lifeline_clear);
}

void
pmss_lifeline_cut (PmssLifeline * self)
{
  g_mutex_lock (&self->lock);
  if (self->socket != NULL)
    g_socket_shutdown (self->socket, TRUE, TRUE, NULL);
  g_mutex_unlock (&self->lock);
}
