/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A listener, whichever engine is in it. */
#include "pmss-httpd.h"

#include <unistd.h>

#include "libpmss/pmss-error.h"
#include "pmss-http-listen.h"
#include "pmss-httpd-private.h"

#define DEFAULT_CONNECTIONS 1000
#define DEFAULT_HEAD_TIMEOUT 10
#define DEFAULT_MIN_RATE 1024
#define DEFAULT_WINDOW 10

/* --- newcomers --- */

/* Three for the acceptor, on its thread. */
static gboolean
has_room (gpointer data)
{
  return pmss_watchdog_has_room (((PmssHttpd *) data)->watchdog);
}

static void
on_exhausted (gpointer data)
{
  pmss_watchdog_give_up_one (((PmssHttpd *) data)->watchdog);
}

static void
take_connection (int fd, const struct sockaddr *address, socklen_t length,
    gpointer data)
{
  PmssHttpd *httpd = data;

  if (pmss_watchdog_admit (httpd->watchdog, fd, address))
    pmss_http_engine_take (httpd, fd, address, length);
  else
    close (fd);
}

/* --- start and stop --- */

/* The settings, with the defaults for those that were left out. */
static PmssHttpdConfig
complete_config (const PmssHttpdConfig * given)
{
  PmssHttpdConfig config = *given;

  if (!config.max_connections)
    config.max_connections = DEFAULT_CONNECTIONS;
  if (!config.head_timeout)
    config.head_timeout = DEFAULT_HEAD_TIMEOUT;
  if (!config.idle_timeout)
    config.idle_timeout = config.head_timeout;
  if (!config.min_rate)
    config.min_rate = DEFAULT_MIN_RATE;
  if (!config.min_rate_window)
    config.min_rate_window = DEFAULT_WINDOW;
  if (!config.threads)
    config.threads = MAX (g_get_num_processors (), 2);
  return config;
}

static gboolean
start_acceptor (PmssHttpd * httpd, const char *listen, GError ** error)
{
  static const PmssAcceptorFuncs funcs = {
    has_room, take_connection, on_exhausted
  };
  int fd = pmss_http_listen (listen, &httpd->port, error);

  if (fd >= 0)
    httpd->acceptor = pmss_acceptor_start (fd, &funcs, httpd, error);
  return httpd->acceptor != NULL;
}

static gboolean
start_watchdog (PmssHttpd * httpd, const PmssHttpdConfig * config,
    GError ** error)
{
  PmssPlacesLimits limits;

  pmss_places_limits_init (&limits, config->max_connections,
      config->max_connections_per_address, config->nodes);
  httpd->watchdog =
      pmss_watchdog_new (config->head_timeout, config->idle_timeout,
      config->min_rate, config->min_rate_window, &limits, error);
  return httpd->watchdog != NULL;
}

static void
httpd_free (PmssHttpd * httpd)
{
  g_clear_pointer (&httpd->engine, pmss_http_engine_free);
  g_warn_if_fail (atomic_load (&httpd->alive) == 0);
  g_clear_pointer (&httpd->watchdog, pmss_watchdog_free);
  g_free (httpd);
}

static gboolean
check_tls (const PmssHttpdConfig * config, GError ** error)
{
  if (!config->tls_certificate == !config->tls_key)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "TLS needs both a certificate and a key");
  return FALSE;
}

PmssHttpd *
pmss_httpd_new (const PmssHttpdConfig * given,
    const PmssHttpdHandler * handler, gpointer user_data, GError ** error)
{
  const PmssHttpdConfig config = complete_config (given);
  PmssHttpd *httpd = g_new0 (PmssHttpd, 1);

  httpd->handler = *handler;
  httpd->user_data = user_data;
  if (!check_tls (&config, error) || !start_watchdog (httpd, &config, error)
      || !pmss_http_engine_start (httpd, &config, error))
    g_clear_pointer (&httpd, httpd_free);
  return httpd;
}

void
pmss_httpd_take (PmssHttpd * httpd, int fd, const struct sockaddr *address,
    socklen_t length)
{
  take_connection (fd, address, length, httpd);
}

PmssHttpd *
pmss_httpd_start (const PmssHttpdConfig * config,
    const PmssHttpdHandler * handler, gpointer user_data, GError ** error)
{
  PmssHttpd *httpd = pmss_httpd_new (config, handler, user_data, error);

  if (httpd != NULL && !start_acceptor (httpd, config->listen, error))
    g_clear_pointer (&httpd, httpd_free);
  return httpd;
}

guint16
pmss_httpd_get_port (PmssHttpd * httpd)
{
  return httpd->port;
}

void
pmss_httpd_stop (PmssHttpd * httpd, guint grace_seconds)
{
  gint64 end = g_get_monotonic_time () + grace_seconds * G_TIME_SPAN_SECOND;

  atomic_store (&httpd->stopping, TRUE);
  g_clear_pointer (&httpd->acceptor, pmss_acceptor_stop);
  pmss_http_engine_stop (httpd, end);
  httpd_free (httpd);
}

void
pmss_httpd_get_stats (PmssHttpd * httpd, PmssHttpdStats * stats)
{
  PmssWatchdogStats watchdog;

  pmss_watchdog_get_stats (httpd->watchdog, &watchdog);
  stats->connections = watchdog.connections;
  stats->strangers = watchdog.of_class[PMSS_PLACE_STRANGER];
  stats->users = watchdog.of_class[PMSS_PLACE_USER];
  stats->nodes = watchdog.of_class[PMSS_PLACE_NODE];
  stats->displaced = watchdog.displaced;
  stats->turned_away = watchdog.turned_away;
  stats->cut_slow = watchdog.cut;
  stats->bytes_in = watchdog.bytes_in;
  stats->bytes_out = watchdog.bytes_out;
  stats->accepted = atomic_load (&httpd->accepted);
  stats->refused = atomic_load (&httpd->refused);
  stats->requests = atomic_load (&httpd->requests);
}

gint64
pmss_httpd_get_certificate_end (PmssHttpd * httpd)
{
  return httpd->certificate_end;
}

guint64
pmss_httpd_get_answers (PmssHttpd * httpd, guint status)
{
  g_return_val_if_fail (status < G_N_ELEMENTS (httpd->answers), 0);
  return atomic_load (&httpd->answers[status]);
}
