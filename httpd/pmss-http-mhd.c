/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine on libmicrohttpd: its start and its stop. */
#include "pmss-http-mhd.h"

#include <string.h>
#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "pmss-http-certificate.h"

#define MEMORY_PER_CONNECTION (32 * 1024)
#define BLOCKING_THREADS 8

void
pmss_http_engine_take (PmssHttpd * httpd, int fd,
    const struct sockaddr *address, socklen_t length)
{
  GPtrArray *workers = httpd->engine->workers;

  pmss_http_hand_over (httpd, 1);
  pmss_http_worker_take (workers->pdata[httpd->engine->next++ % workers->len],
      fd, address, length);
}

/* libmicrohttpd closes what it does not take; what it gives up later, without
 * a word, the watchdog finds by its number. */
static void
on_refused (int fd, gpointer data)
{
  PmssHttpd *httpd = data;

  pmss_http_hand_over (httpd, -1);
  pmss_watchdog_drop (httpd->watchdog, fd);
}

void
pmss_http_resume (PmssHttpd * httpd, struct MHD_Connection *connection)
{
  struct MHD_Daemon *daemon = MHD_get_connection_info (connection,
      MHD_CONNECTION_INFO_DAEMON)->daemon;
  GPtrArray *workers = httpd->engine->workers;

  /* it may be gone after this */
  MHD_resume_connection (connection);
  for (guint i = 0; i < workers->len; i++)
    if (pmss_http_worker_runs (workers->pdata[i], daemon))
      pmss_http_worker_wake (workers->pdata[i]);
}

/* --- what libmicrohttpd asks and tells --- */

/* The handler sees targets as they were sent. */
static size_t
keep_escapes (void *data, struct MHD_Connection *connection, char *text)
{
  return strlen (text);
}

/* It tells of every peer that goes away and, when descriptors run out, of
 * every try to accept: nothing that a log should be flooded with. */
static void
G_GNUC_PRINTF (2, 0)
on_log (void *data, const char *format, va_list args)
{
  g_autofree char *text = NULL;

  if (g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, "microhttpd"))
    return;
  text = g_strchomp (g_strdup_vprintf (format, args));
  g_log_structured ("microhttpd", G_LOG_LEVEL_DEBUG, "MESSAGE", "%s", text);
}

/* --- start and stop --- */

typedef struct
{
  char *certificate;
  char *key;
  struct MHD_OptionItem items[24];
  guint n_items;
} Options;

static void
add_option (Options * options, enum MHD_OPTION option, gintptr value,
    gpointer pointer)
{
  const struct MHD_OptionItem item = { option, value, pointer };

  g_assert (options->n_items + 1 < G_N_ELEMENTS (options->items));
  options->items[options->n_items++] = item;
}

static gboolean
load_tls (PmssHttpd * httpd, const PmssHttpdConfig * config, Options * options,
    GError ** error)
{
  if (!config->tls_certificate)
    return TRUE;
  if (!g_file_get_contents (config->tls_certificate, &options->certificate,
          NULL, error)
      || !g_file_get_contents (config->tls_key, &options->key, NULL, error)) {
    g_prefix_error (error, "TLS: ");
    return FALSE;
  }
  httpd->certificate_end = pmss_http_certificate_get_end (options->certificate,
      strlen (options->certificate), GNUTLS_X509_FMT_PEM);
  add_option (options, MHD_OPTION_HTTPS_MEM_CERT, 0, options->certificate);
  add_option (options, MHD_OPTION_HTTPS_MEM_KEY, 0, options->key);
  add_option (options, MHD_OPTION_HTTPS_PRIORITIES, 0,
      (gpointer) PMSS_HTTP_TLS_PRIORITIES);
  return TRUE;
}

static void
add_limits (const PmssHttpdConfig * config, Options * options)
{
  /* The watchdog decides. libmicrohttpd counts a connection for a while after
   * it has closed: with this it never reaches its limit. */
  add_option (options, MHD_OPTION_CONNECTION_LIMIT,
      MIN (2 * (guint64) config->max_connections + 1024, G_MAXINT), NULL);
  /* The watchdog is first, and knows better: this is for what it may miss. */
  add_option (options, MHD_OPTION_CONNECTION_TIMEOUT,
      2 * MAX (MAX (config->head_timeout, config->idle_timeout),
          config->min_rate_window), NULL);
  add_option (options, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      MEMORY_PER_CONNECTION, NULL);
  /* What "strict" adds before 1.0, a Host and no spaces in targets, the guard
   * checks as well; 0.9.75 sends the head of its own refusals twice. */
  add_option (options, MHD_OPTION_STRICT_FOR_CLIENT,
      pmss_http_guard_engine_is_strict ()? 1 : 0, NULL);
}

static guint
daemon_flags (const PmssHttpdConfig * config)
{
  guint flags = MHD_USE_ERROR_LOG | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL
      | MHD_ALLOW_SUSPEND_RESUME;

  if (config->tls_certificate)
    flags |= MHD_USE_TLS;
  return flags;
}

static gboolean
start_worker (PmssHttpd * httpd, const PmssHttpdConfig * config,
    Options * options, GError ** error)
{
  struct MHD_Daemon *daemon = MHD_start_daemon (daemon_flags (config), 0, NULL,
      NULL, pmss_http_on_access, httpd, MHD_OPTION_ARRAY, options->items,
      MHD_OPTION_END);
  PmssHttpWorker *worker = NULL;

  if (daemon == NULL)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "cannot start the HTTP server on %s%s", config->listen,
        config->tls_certificate ? ": are certificate and key valid?" : "");
  else
    worker = pmss_http_worker_start (daemon, on_refused, httpd, error);
  if (worker != NULL)
    g_ptr_array_add (httpd->engine->workers, worker);
  return worker != NULL;
}

static gboolean
start_workers (PmssHttpd * httpd, const PmssHttpdConfig * config,
    GError ** error)
{
  Options options = { 0 };
  gboolean started;

  add_option (&options, MHD_OPTION_EXTERNAL_LOGGER, (gintptr) on_log, httpd);
  add_option (&options, MHD_OPTION_URI_LOG_CALLBACK,
      (gintptr) pmss_http_on_target, httpd);
  add_option (&options, MHD_OPTION_UNESCAPE_CALLBACK, (gintptr) keep_escapes,
      httpd);
  add_option (&options, MHD_OPTION_NOTIFY_COMPLETED,
      (gintptr) pmss_http_on_completed, httpd);
  add_option (&options, MHD_OPTION_NOTIFY_CONNECTION,
      (gintptr) pmss_http_on_connection, httpd);
  /* without this it copies files through its memory: sendfile() may raise it */
  add_option (&options, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL);
  add_limits (config, &options);
  started = load_tls (httpd, config, &options, error);
  add_option (&options, MHD_OPTION_END, 0, NULL);
  while (started && httpd->engine->workers->len < MAX (1, config->threads))
    started = start_worker (httpd, config, &options, error);
  g_free (options.certificate);
  g_free (options.key);
  return started;
}

static void
stop_workers (PmssHttpEngine * engine)
{
  g_ptr_array_set_size (engine->workers, 0);
}

gboolean
pmss_http_engine_start (PmssHttpd * httpd, const PmssHttpdConfig * config,
    GError ** error)
{
  PmssHttpEngine *engine = g_new0 (PmssHttpEngine, 1);

  httpd->engine = engine;
  engine->workers = g_ptr_array_new_with_free_func
      ((GDestroyNotify) pmss_http_worker_stop);
  g_mutex_init (&engine->links_lock);
  g_cond_init (&engine->link_gone);
  g_queue_init (&engine->links);
  g_mutex_init (&engine->sources_lock);
  g_queue_init (&engine->waiting_sources);
  for (guint i = 0; i < PMSS_HTTP_N_WAITS; i++)
    engine->pools[i] =
        g_thread_pool_new (pmss_http_do_work, httpd, BLOCKING_THREADS, FALSE,
        NULL);
  return start_workers (httpd, config, error);
}

void
pmss_http_engine_stop (PmssHttpd * httpd, gint64 end)
{
  /* Deferred work is not ours to cut: libmicrohttpd must get its connections
   * back. */
  while ((atomic_load (&httpd->running) > 0 && g_get_monotonic_time () < end)
      || atomic_load (&httpd->engine->deferred) > 0)
    g_usleep (10 * 1000);
  pmss_http_cut_sources (httpd);
  /* 0.9.75 dereferences NULL where it refuses a request while it stops, and
   * closes without its lock what it was handed and has not begun */
  pmss_http_close_links (httpd);
  stop_workers (httpd->engine);
}

void
pmss_http_engine_free (PmssHttpEngine * engine)
{
  for (guint i = 0; i < PMSS_HTTP_N_WAITS; i++) {
    if (engine->pools[i])
      g_thread_pool_free (engine->pools[i], FALSE, TRUE);
  }
  stop_workers (engine);
  g_ptr_array_unref (engine->workers);
  g_mutex_clear (&engine->links_lock);
  g_cond_clear (&engine->link_gone);
  g_mutex_clear (&engine->sources_lock);
  g_free (engine);
}
