/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-sockets.h"

struct _PmssSockets
{
  SoupSession *session;
  GHashTable *table;            /* connection's id -> GSocket */
};

static gboolean
is_closed (gpointer id, gpointer socket, gpointer unused)
{
  return g_socket_is_closed (socket);
}

static void
network_event (SoupMessage * message, GSocketClientEvent event,
    GIOStream * connection, PmssSockets * sockets)
{
  guint64 id = soup_message_get_connection_id (message);

  if (event != G_SOCKET_CLIENT_COMPLETE || !G_IS_TCP_CONNECTION (connection))
    return;
  g_hash_table_foreach_remove (sockets->table, is_closed, NULL);
  g_hash_table_insert (sockets->table, g_memdup2 (&id, sizeof id),
      g_object_ref (g_socket_connection_get_socket
          (G_SOCKET_CONNECTION (connection))));
}

static void
clear (gpointer data)
{
  PmssSockets *sockets = data;

  g_hash_table_unref (sockets->table);
}

static void
release (gpointer sockets, GClosure * closure)
{
  g_rc_box_release_full (sockets, clear);
}

/* Connections are made for one message and may serve another: so all are
 * listened to, and to their end. */
static void
request_queued (SoupSession * session, SoupMessage * message,
    PmssSockets * sockets)
{
  g_signal_connect_data (message, "network-event", G_CALLBACK (network_event),
      g_rc_box_acquire (sockets), release, 0);
}

PmssSockets *
pmss_sockets_new (SoupSession * session)
{
  PmssSockets *sockets = g_rc_box_new0 (PmssSockets);

  sockets->session = g_object_ref (session);
  sockets->table = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
      g_object_unref);
  g_signal_connect (session, "request-queued", G_CALLBACK (request_queued),
      sockets);
  return sockets;
}

void
pmss_sockets_free (PmssSockets * sockets)
{
  g_signal_handlers_disconnect_by_data (sockets->session, sockets);
  g_clear_object (&sockets->session);
  g_rc_box_release_full (sockets, clear);
}

GSocket *
pmss_sockets_find (PmssSockets * sockets, SoupMessage * message)
{
  guint64 id = soup_message_get_connection_id (message);
  GSocket *socket = g_hash_table_lookup (sockets->table, &id);

  return socket != NULL ? g_object_ref (socket) : NULL;
}
