/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-io.h"

#include "libpmss/client/pmss-client-private.h"
#include "libpmss/client/pmss-exchange.h"
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-rebuilder.h"
#include "libpmss/reader/pmss-transport-soup.h"

/* Seconds that a connection stays open unused. */
#define IDLE_TIMEOUT 30
/* To one node, of all readers together: each has its own limit. */
#define MAX_TO_NODE 16384
/* us that it is remembered that a node did not answer. */
#define TROUBLE_LASTS (60 * G_TIME_SPAN_SECOND)
/* Nodes of which that is remembered. */
#define MAX_TROUBLES 1024

#define KEY "pmss-io"

struct _PmssIo
{
  PmssClient *client;           /* whose it is */
  GMainContext *context;
  PmssLoop *loop;
  gint ended;                   /* atomic */
  GMutex lock;                  /* protects the thread's start, and its number */
  GThread *thread;              /* (nullable): none yet */
  gboolean is_adopted;          /* the thread is somebody's */
  gboolean is_left;             /* the thread ends by itself, and frees all this */
  SoupSession *soup;
  guint max_connections;        /* to all nodes */
  PmssTransport *transport;     /* NULL before the thread's start */
  const PmssTransportWrap *wrap;        /* nullable */
  gpointer wrap_data;
  PmssTransport *wrapped;       /* what readers use; `transport`, or a program's before it */
  GHashTable *troubles;         /* peer -> Trouble; the I/O thread's */
  PmssMemory *memory;           /* the I/O thread's */
  PmssCache *cache;
};

typedef struct
{
  GError *error;
  gint64 since;
} Trouble;

static void
trouble_free (gpointer data)
{
  Trouble *trouble = data;

  g_error_free (trouble->error);
  g_free (trouble);
}

/* --- The thread --- */

static void
request_queued (SoupSession * soup, SoupMessage * message, PmssIo * io)
{
  g_signal_connect (message, "accept-certificate",
      G_CALLBACK (pmss_client_accept_certificate), io->client);
}

/* Nodes are spoken to directly: a proxy would make one link of them all. */
static void
make_transport (PmssIo * io)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GTlsInteraction) interaction = NULL;

  g_object_get (io->client, "tls-database", &database, "tls-interaction",
      &interaction, NULL);
  g_main_context_push_thread_default (io->context);
  io->soup =
      pmss_exchange_session_new (MAX_TO_NODE, io->max_connections, NULL,
      database, interaction);
  g_object_set (io->soup, "idle-timeout", IDLE_TIMEOUT, NULL);
  g_signal_connect (io->soup, "request-queued", G_CALLBACK (request_queued),
      io);
  io->transport = pmss_transport_soup_new (io->loop, io->soup);
  io->wrapped = io->wrap == NULL ? io->transport
      : io->wrap->wrap (io->transport, io->context, io->wrap_data);
  g_main_context_pop_thread_default (io->context);
}

static void
free_transport (PmssIo * io)
{
  if (io->wrap != NULL && io->wrapped != NULL)
    io->wrap->free (io->wrapped);
  io->wrapped = NULL;
  g_clear_pointer (&io->transport, pmss_transport_soup_free);
}

static void
free_io (PmssIo * io)
{
  free_transport (io);
  g_clear_object (&io->soup);
  g_hash_table_unref (io->troubles);
  pmss_memory_free (io->memory);
  pmss_cache_free (io->cache);
  pmss_loop_free (io->loop);
  g_main_context_unref (io->context);
  g_mutex_clear (&io->lock);
  g_free (io);
}

/* In its thread. */
static void
end_transport (PmssIo * io)
{
  soup_session_abort (io->soup);
  free_transport (io);
  g_clear_object (&io->soup);
  /* Connections that were closed have something left to do. */
  while (g_main_context_iteration (io->context, FALSE));
}

static gpointer
run (gpointer user_data)
{
  PmssIo *io = user_data;

  g_main_context_push_thread_default (io->context);
  while (!g_atomic_int_get (&io->ended))
    g_main_context_iteration (io->context, TRUE);
  end_transport (io);
  g_main_context_pop_thread_default (io->context);
  if (io->is_left)
    free_io (io);
  return NULL;
}

/* A library is not to end the process where the system gives no thread. */
gboolean
pmss_io_start (PmssIo * io, GError ** error)
{
  gboolean started;

  g_mutex_lock (&io->lock);
  if (io->thread == NULL) {
    if (io->transport == NULL)
      make_transport (io);
    io->thread = g_thread_try_new ("pmss-reader", run, io, error);
  }
  started = io->thread != NULL;
  g_mutex_unlock (&io->lock);
  return started;
}

void
pmss_io_adopt (PmssIo * io)
{
  g_mutex_lock (&io->lock);
  io->thread = g_thread_self ();
  io->is_adopted = TRUE;
  make_transport (io);
  g_mutex_unlock (&io->lock);
}

gboolean
pmss_io_is_own_thread (PmssIo * io)
{
  gboolean own;

  g_mutex_lock (&io->lock);
  own = io->thread == g_thread_self ();
  g_mutex_unlock (&io->lock);
  return own;
}

PmssLoop *
pmss_io_get_loop (PmssIo * io)
{
  return io->loop;
}

GMainContext *
pmss_io_get_context (PmssIo * io)
{
  return io->context;
}

PmssTransport *
pmss_io_get_transport (PmssIo * io)
{
  return io->wrapped;
}

void
pmss_client_wrap_transport (PmssClient * client, const PmssTransportWrap * wrap,
    gpointer user_data)
{
  PmssIo *io = pmss_io_get (client);

  g_return_if_fail (io->transport == NULL);
  io->wrap = wrap;
  io->wrap_data = user_data;
}

void
pmss_client_bound_connections (PmssClient * client, guint max)
{
  PmssIo *io = pmss_io_get (client);

  g_return_if_fail (io->transport == NULL);
  io->max_connections = max;
}

PmssMemory *
pmss_io_get_memory (PmssIo * io)
{
  return io->memory;
}

PmssCache *
pmss_io_get_cache (PmssIo * io)
{
  return io->cache;
}

/* --- Its life --- */

/* The client goes, and with it all that could be asked for. In the I/O thread itself: the thread
 * ends when this has returned. */
static void
end_io (gpointer data)
{
  PmssIo *io = data;

  if (io->thread == NULL) {
    free_io (io);
    return;
  }
  if (io->is_adopted) {
    end_transport (io);
    free_io (io);
  } else if (io->thread == g_thread_self ()) {
    io->is_left = TRUE;
    g_atomic_int_set (&io->ended, TRUE);
    g_thread_unref (io->thread);
  } else {
    g_atomic_int_set (&io->ended, TRUE);
    g_main_context_wakeup (io->context);
    g_thread_join (io->thread);
    free_io (io);
  }
}

static PmssIo *
new_io (PmssClient * client)
{
  PmssIo *io = g_new0 (PmssIo, 1);

  io->client = client;
  io->max_connections = PMSS_EXCHANGE_ALL_CONNECTIONS;
  io->context = g_main_context_new ();
  io->loop = pmss_loop_new (io->context);
  g_mutex_init (&io->lock);
  io->troubles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      trouble_free);
  io->memory = pmss_memory_new (PMSS_MEMORY_DEFAULT);
  io->cache = pmss_cache_new ();
  return io;
}

PmssIo *
pmss_io_get (PmssClient * client)
{
  static GMutex lock;
  PmssIo *io;

  g_mutex_lock (&lock);
  io = g_object_get_data (G_OBJECT (client), KEY);
  if (io == NULL) {
    io = new_io (client);
    g_object_set_data_full (G_OBJECT (client), KEY, io, end_io);
  }
  g_mutex_unlock (&lock);
  return io;
}

static gboolean
drop_client (gpointer client)
{
  return G_SOURCE_REMOVE;
}

void
pmss_io_drop_client (PmssIo * io, PmssClient * client)
{
  g_autoptr (GSource) source = NULL;

  if (!pmss_io_is_own_thread (io) && !pmss_rebuilder_is_own_thread ()) {
    g_object_unref (client);
    return;
  }
  /* with the source, in a turn of the loop in which nothing else of it is at work */
  source = g_idle_source_new ();
  g_source_set_callback (source, drop_client, client, g_object_unref);
  g_source_attach (source, io->context);
}

/* --- What is known of nodes --- */

static gboolean
is_old (gpointer peer, gpointer data, gpointer now)
{
  return *(gint64 *) now - ((Trouble *) data)->since > TROUBLE_LASTS;
}

void
pmss_io_note_lost (PmssIo * io, const char *peer, const GError * error)
{
  gint64 now = pmss_loop_now (io->loop);
  Trouble *trouble;

  g_hash_table_foreach_remove (io->troubles, is_old, &now);
  if (g_hash_table_size (io->troubles) >= MAX_TROUBLES
      && !g_hash_table_contains (io->troubles, peer))
    return;
  trouble = g_new0 (Trouble, 1);
  trouble->error = g_error_copy (error);
  trouble->since = now;
  g_hash_table_replace (io->troubles, g_strdup (peer), trouble);
}

void
pmss_io_note_well (PmssIo * io, const char *peer)
{
  if (g_hash_table_size (io->troubles) > 0)
    g_hash_table_remove (io->troubles, peer);
}

const GError *
pmss_io_find_trouble (PmssIo * io, const char *peer)
{
  gint64 now = pmss_loop_now (io->loop);
  Trouble *trouble = g_hash_table_lookup (io->troubles, peer);

  return trouble == NULL || is_old (NULL, trouble, &now) ? NULL
      : trouble->error;
}
