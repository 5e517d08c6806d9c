/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine on libsoup: its start, its stop and its I/O thread. */
#include "pmss-http-soup.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"

/* Handlers that run at once. */
#define HANDLER_THREADS 64
#define CLOSE_WAIT G_TIME_SPAN_SECOND

/* --- the I/O thread --- */

static gpointer
run (gpointer data)
{
  PmssHttpEngine *engine = data;

  g_main_context_push_thread_default (engine->context);
  g_main_loop_run (engine->loop);
  g_main_context_pop_thread_default (engine->context);
  return NULL;
}

typedef struct
{
  PmssHttpEngine *engine;
  void (*func) (PmssHttpEngine * engine);
  gboolean done;
} Order;

static gboolean
carry_out (gpointer data)
{
  Order *order = data;

  order->func (order->engine);
  g_mutex_lock (&order->engine->lock);
  order->done = TRUE;
  g_cond_broadcast (&order->engine->gone);
  g_mutex_unlock (&order->engine->lock);
  return G_SOURCE_REMOVE;
}

/* Has @func called on the I/O thread, and waits for it. Behind all that was
 * attached before. */
static void
call_there (PmssHttpEngine * engine, void (*func) (PmssHttpEngine * engine))
{
  Order order = { engine, func, FALSE };
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, carry_out, &order, NULL);
  g_source_attach (source, engine->context);
  g_source_unref (source);
  g_mutex_lock (&engine->lock);
  while (!order.done)
    g_cond_wait (&engine->gone, &engine->lock);
  g_mutex_unlock (&engine->lock);
}

/* --- newcomers --- */

typedef struct
{
  PmssHttpd *httpd;
  int fd;
  GSocketAddress *remote;
} Newcomer;

static gboolean
begin_link (gpointer data)
{
  Newcomer *newcomer = data;

  pmss_soup_link_begin (newcomer->httpd, newcomer->fd, newcomer->remote);
  g_object_unref (newcomer->remote);
  return G_SOURCE_REMOVE;
}

void
pmss_http_engine_take (PmssHttpd * httpd, int fd,
    const struct sockaddr *address, socklen_t length)
{
  Newcomer *newcomer = g_new (Newcomer, 1);
  GSource *source = g_idle_source_new ();

  newcomer->httpd = httpd;
  newcomer->fd = fd;
  newcomer->remote =
      g_socket_address_new_from_native ((gpointer) address, length);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, begin_link, newcomer, g_free);
  g_source_attach (source, httpd->engine->context);
  g_source_unref (source);
}

/* --- start --- */

/* A listening socket that has no address: bound in a folder that is gone. */
static int
listen_nowhere (const char *folder)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX };
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

  if (fd < 0)
    return -1;
  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path)
      >= sizeof address.sun_path)
    errno = ENAMETOOLONG;
  else if (bind (fd, (struct sockaddr *) &address, sizeof address) == 0
      && listen (fd, 1) == 0 && g_unlink (path) == 0)
    return fd;
  close (fd);
  return -1;
}

static GSocket *
new_listener (GError ** error)
{
  g_autofree char *folder = g_dir_make_tmp ("pmss-XXXXXX", error);
  int fd, code;

  if (folder == NULL)
    return NULL;
  fd = listen_nowhere (folder);
  code = errno;
  g_rmdir (folder);
  if (fd >= 0) {
    GSocket *socket = g_socket_new_from_fd (fd, error);

    if (socket == NULL)
      close (fd);
    return socket;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "cannot start the HTTP server: %s: %s", folder, g_strerror (code));
  return NULL;
}

/* libsoup keeps a connection for a second request only where it has a
 * listener. */
static gboolean
start_server (PmssHttpd * httpd, GError ** error)
{
  PmssHttpEngine *engine = httpd->engine;
  g_autoptr (GSocket) socket = new_listener (error);
  gboolean ok;

  if (socket == NULL)
    return FALSE;
  g_main_context_push_thread_default (engine->context);
  engine->server = soup_server_new ("raw-paths", TRUE, NULL);
  g_signal_connect (engine->server, "request-started",
      G_CALLBACK (pmss_soup_on_started), httpd);
  ok = soup_server_listen_socket (engine->server, socket, 0, error);
  g_main_context_pop_thread_default (engine->context);
  return ok;
}

static gboolean
load_tls (PmssHttpd * httpd, const PmssHttpdConfig * config, GError ** error)
{
  PmssHttpEngine *engine = httpd->engine;

  if (!config->tls_certificate)
    return TRUE;
  engine->tls = pmss_http_tls_new (config->tls_certificate, config->tls_key,
      error);
  if (engine->tls != NULL)
    httpd->certificate_end = pmss_http_tls_get_end (engine->tls);
  return engine->tls != NULL;
}

gboolean
pmss_http_engine_start (PmssHttpd * httpd, const PmssHttpdConfig * config,
    GError ** error)
{
  PmssHttpEngine *engine = g_new0 (PmssHttpEngine, 1);

  httpd->engine = engine;
  engine->context = g_main_context_new ();
  engine->loop = g_main_loop_new (engine->context, FALSE);
  engine->local = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_queue_init (&engine->links);
  g_mutex_init (&engine->lock);
  g_cond_init (&engine->gone);
  pmss_soup_hops_begin (engine);
  engine->pool = pmss_http_pool_new ("handler", HANDLER_THREADS,
      pmss_soup_link_do_work, NULL);
  engine->poller = pmss_http_poller_new (engine->context, error);
  if (!engine->poller || !load_tls (httpd, config, error)
      || !start_server (httpd, error))
    return FALSE;
  engine->thread = g_thread_try_new ("http", run, engine, error);
  return engine->thread != NULL;
}

/* --- stop --- */

/* Each stream finds its socket closed, and its message comes to its end. */
static void
shut_down_all (PmssHttpEngine * engine)
{
  engine->closing = TRUE;
  for (GList * l = engine->links.head; l; l = l->next)
    shutdown (((PmssSoupLink *) l->data)->fd, SHUT_RDWR);
}

/* Feeds would go on for ever, and nothing ends late any more. */
static void
begin_to_stop (PmssHttpEngine * engine)
{
  for (GList * l = engine->links.head; l; l = l->next) {
    PmssSoupLink *link = l->data;

    pmss_soup_link_push_late_end (link);

    if (link->call)
      pmss_soup_feed_cut (link->call);
  }
}

static void
disconnect (PmssHttpEngine * engine)
{
  soup_server_disconnect (engine->server);
}

static void
wait_for_links (PmssHttpEngine * engine)
{
  gint64 end = g_get_monotonic_time () + CLOSE_WAIT;

  g_mutex_lock (&engine->lock);
  while (engine->n_links > 0
      && g_cond_wait_until (&engine->gone, &engine->lock, end));
  g_mutex_unlock (&engine->lock);
}

static void
quit (PmssHttpEngine * engine)
{
  g_main_loop_quit (engine->loop);
}

void
pmss_http_engine_stop (PmssHttpd * httpd, gint64 end)
{
  PmssHttpEngine *engine = httpd->engine;

  call_there (engine, begin_to_stop);
  while (atomic_load (&httpd->running) > 0 && g_get_monotonic_time () < end)
    g_usleep (10 * 1000);
  call_there (engine, shut_down_all);
  wait_for_links (engine);
  /* what still waits for its handler */
  call_there (engine, disconnect);
  /* handlers are not ours to cut */
  while (atomic_load (&httpd->running) > 0)
    g_usleep (10 * 1000);
}

void
pmss_http_engine_free (PmssHttpEngine * engine)
{
  /* its last work may have hopped to the I/O thread */
  pmss_http_pool_free (engine->pool);
  if (engine->thread) {
    call_there (engine, quit);
    g_thread_join (engine->thread);
  }
  if (engine->late)
    g_source_destroy (engine->late);
  g_clear_pointer (&engine->late, g_source_unref);
  g_clear_object (&engine->server);
  pmss_soup_hops_end (engine);
  g_clear_pointer (&engine->poller, pmss_http_poller_free);
  g_main_loop_unref (engine->loop);
  g_main_context_unref (engine->context);
  g_clear_pointer (&engine->tls, pmss_http_tls_free);
  g_object_unref (engine->local);
  g_mutex_clear (&engine->lock);
  g_cond_clear (&engine->gone);
  g_free (engine);
}
