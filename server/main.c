/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program pmss-storage. */
#include <gio/gio.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "api.h"
#include "config.h"
#include "daemon/pmss-daemon.h"
#include "daemon/pmss-descriptors.h"
#include "disk-thread.h"
#include "gateway/gateway.h"
#include "libpmss/pmss-error.h"
#include "monitor/link-speed.h"
#include "monitor/stats.h"
#include "node.h"
#include "scrub.h"

#define STOP_GRACE 3            /* seconds for running answers */
/* Descriptors: a connection's are its socket and the shard's file. Others are
 * for the pools' folders, the scrub, heartbeats, and two for each worker. */
#define EACH_CONNECTION 2
#define OWN_DESCRIPTORS 64

typedef struct
{
  PmssStorageConfig *config;
  GMainLoop *loop;
  PmssStore *store;
  PmssDiskThread *disk;
  PmssMachine *machine;
  PmssScrub *scrub;             /* NULL: off */
  PmssAccess *access;
  PmssSelf *self;
  PmssStorageApi api;
  PmssIdentity *identity;       /* NULL until it has joined */
  PmssHttpd *httpd;
  PmssStats *stats;
  PmssLinkSpeed *link;          /* NULL: `network-limit` says it, or it is loopback */
  PmssGateway *gateway;         /* NULL: it is none */
  PmssGatewayBounds bounds;     /* its; 0: it is none */
  PmssNodeAgent *agent;         /* NULL when it stands alone */
  gint64 revocations;           /* number of the last one that was known at the start */
  int status;
} Server;

/* --- who we are --- */

static void
become (Server * server, const PmssIdentity * identity)
{
  pmss_access_set_trust (server->access, identity->public_key,
      identity->cluster, identity->id);
  pmss_self_become (server->self, identity);
  if (server->gateway)
    pmss_gateway_become (server->gateway, identity->secret);
}

static PmssIdentity *
identity_from_settings (PmssStorageConfig * config, GError ** error)
{
  g_autoptr (PmssIdentity) identity = g_new0 (PmssIdentity, 1);
  g_autofree char *text = NULL;
  PmssVersionId check;

  identity->id = config->node_id;
  identity->secret = g_strdup ("");
  identity->cluster = g_strdup (config->cluster);
  if (!pmss_version_id_parse (config->cluster, &check)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "cluster: has to be 32 hex digits");
    return NULL;
  }
  if (!g_file_get_contents (config->public_key, &text, NULL, error)
      || !pmss_identity_parse_key (text, identity->public_key, error)) {
    g_prefix_error (error, "public-key: ");
    return NULL;
  }
  return g_steal_pointer (&identity);
}

static gboolean
find_identity (Server * server, GError ** error)
{
  PmssStorageConfig *config = server->config;
  g_autoptr (GError) problem = NULL;

  if (config->public_key)
    server->identity = identity_from_settings (config, &problem);
  else
    server->identity = pmss_identity_load (config->data, &problem);
  if (problem != NULL) {
    g_propagate_error (error, g_steal_pointer (&problem));
    return FALSE;
  }
  if (server->identity) {
    become (server, server->identity);
    return TRUE;
  }
  if (config->control && config->join_token)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "this server belongs to no cluster yet: give it control and join-token "
      "(or public-key, cluster and node-id to stand alone)");
  return FALSE;
}

static void
on_joined (const PmssIdentity * identity, gpointer data)
{
  Server *server = data;

  g_message ("joined cluster %s as node %u", identity->cluster, identity->id);
  become (server, identity);
}

static void
on_refused (const GError * error, gpointer data)
{
  Server *server = data;

  g_printerr ("pmss-storage: cannot join the cluster: %s\n", error->message);
  server->status = EX_NOPERM;
  g_main_loop_quit (server->loop);
}

static gboolean
on_revoked (JsonArray * revoked, gpointer data, GError ** error)
{
  Server *server = data;

  return pmss_access_revoke (server->access, revoked, error);
}

static void
on_settled (gint64 number, guint lease, gpointer data)
{
  Server *server = data;

  if (pmss_access_settle (server->access, number, lease))
    pmss_disk_thread_wake (server->disk);
  if (server->gateway)
    pmss_gateway_hear (server->gateway);
}

static guint64
get_network_limit (Server * server)
{
  return server->link != NULL ? pmss_link_speed_get (server->link)
      : server->config->network_limit;
}

static JsonNode *
sample_stats (gpointer data)
{
  Server *server = data;
  PmssStatsInput input = {.now = g_get_monotonic_time () };
  PmssScrubStats scrub;

  pmss_httpd_get_stats (server->httpd, &input.httpd);
  pmss_store_get_usage (server->store, &input.usage);
  pmss_store_get_reads (server->store, &input.reads);
  if (server->scrub) {
    pmss_scrub_get_stats (server->scrub, &scrub);
    input.scrub = &scrub;
  }
  input.network_limit = get_network_limit (server);
  input.certificate = pmss_httpd_get_certificate_end (server->httpd);
  return pmss_stats_sample (server->stats, &input);
}

static JsonNode *
get_bad_shards (gpointer data)
{
  Server *server = data;

  /* what was found is compared with what is there now */
  return server->scrub && !pmss_store_is_silent (server->store) ?
      pmss_scrub_get_findings (server->scrub) : NULL;
}

static gboolean
forget_bad_shards (gpointer data)
{
  Server *server = data;

  return pmss_scrub_forget_findings (server->scrub);
}

/* --- start and stop --- */

static gboolean
start_listener (Server * server, GError ** error)
{
  const PmssStorageConfig *config = server->config;
  guint threads = config->threads ? config->threads
      : MAX (g_get_num_processors (), 2);
  PmssHttpdConfig httpd = {
    .listen = config->listen,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
    .threads = threads,
    .max_connections = config->max_connections,
    .max_connections_per_address = config->max_connections_per_address,
    .head_timeout = config->head_timeout,
    .min_rate = config->min_rate,
    .min_rate_window = config->min_rate_window,
  };

  if (!pmss_descriptors_limit_connections (EACH_CONNECTION,
          OWN_DESCRIPTORS + 2 * threads + server->bounds.descriptors,
          &httpd.max_connections, error)
      || !pmss_httpd_self_test (error))
    return FALSE;
  server->httpd = pmss_httpd_start (&httpd, &pmss_storage_handler, &server->api,
      error);
  g_mutex_lock (&server->api.lock);
  server->api.httpd = server->httpd;
  g_mutex_unlock (&server->api.lock);
  return server->httpd != NULL;
}

/* "listening on 127.0.0.1:8471": whoever started us waits for it. */
static void
tell_address (Server * server)
{
  const char *listen = server->config->listen;

  printf ("listening on %.*s:%u\n", (int) (strrchr (listen, ':') - listen),
      listen, pmss_httpd_get_port (server->httpd));
  fflush (stdout);
}

static char *
get_trouble (gpointer user_data)
{
  Server *server = user_data;

  return pmss_store_explain (server->store);
}

static gboolean
listens_on_loopback (const PmssStorageConfig * config)
{
  g_autoptr (GSocketConnectable) address =
      g_network_address_parse (config->listen, 0, NULL);
  const char *host = address ?
      g_network_address_get_hostname (G_NETWORK_ADDRESS (address)) : "";
  g_autoptr (GInetAddress) literal = g_inet_address_new_from_string (host);

  return literal != NULL ? g_inet_address_get_is_loopback (literal)
      : g_str_equal (host, "localhost");
}

/* An address that is no good is refused when the agent starts. */
static void
start_link (Server * server, gboolean loopback)
{
  g_autofree char *host = pmss_node_advertised_host (server->config, NULL);

  if (host != NULL && !loopback && server->config->network_limit == 0)
    server->link = pmss_link_speed_new (host);
}

static gboolean
start_agent (Server * server, GError ** error)
{
  static const PmssNodeAgentFuncs funcs = {
    on_joined, on_refused, on_revoked, on_settled, sample_stats, get_bad_shards,
    get_trouble, forget_bad_shards
  };
  gboolean loopback = listens_on_loopback (server->config);
  PmssStoreUsage usage;

  if (!server->config->control)
    return TRUE;
  server->stats = pmss_stats_new (server->machine, loopback,
      g_get_monotonic_time ());
  start_link (server, loopback);
  pmss_store_get_usage (server->store, &usage);
  server->agent = pmss_node_agent_new (server->config, server->identity,
      server->self, pmss_httpd_get_port (server->httpd),
      usage.used + usage.free, server->revocations, &funcs, server, error);
  return server->agent != NULL;
}

/* Standing alone nobody sends viewers here. */
static gboolean
start_gateway (Server * server, GError ** error)
{
  const PmssStorageConfig *config = server->config;
  guint64 files;

  if (!config->gateway || !config->control)
    return TRUE;
  files = pmss_descriptors_get_limit (error);
  if (files == 0)
    return FALSE;
  pmss_gateway_bounds_init (&server->bounds, files);
  server->gateway = pmss_gateway_new (config->control, config->control_ca,
      &server->bounds, server->access, server->store, server->self, error);
  server->api.gateway = server->gateway;
  return server->gateway != NULL;
}

static gboolean
start_store (Server * server, GError ** error)
{
  const char *folder = server->config->data;

  server->store = pmss_store_open (folder, &server->config->reserve, error);
  if (server->store == NULL)
    return FALSE;
  server->machine = pmss_machine_new ("", folder, pmss_disk_find ("", folder));
  return TRUE;
}

static int
start (Server * server)
{
  g_autoptr (GError) error = NULL;

  if (!start_store (server, &error)) {
    g_printerr ("pmss-storage: %s\n", error->message);
    return EX_CANTCREAT;
  }
  if (server->config->scrub_period > 0)
    server->scrub = pmss_scrub_new (server->store, server->config->data,
        server->config->scrub_period, server->config->control != NULL);
  pmss_storage_api_init (&server->api, server->store, server->access,
      server->scrub, server->self, server->machine);
  server->api.metrics_token = server->config->metrics_token;
  if (!start_gateway (server, &error)) {
    g_printerr ("pmss-storage: %s\n", error->message);
    return EX_OSERR;
  }
  if (!find_identity (server, &error)) {
    g_printerr ("pmss-storage: %s\n", error->message);
    return EX_CONFIG;
  }
  if (server->config->control)
    server->revocations = pmss_access_open_revocations (server->access,
        server->config->data);
  server->disk = pmss_disk_thread_new (server->store, server->access);
  if (!start_listener (server, &error) || !start_agent (server, &error)) {
    g_printerr ("pmss-storage: %s\n", error->message);
    return EX_UNAVAILABLE;
  }
  tell_address (server);
  return EX_OK;
}

static void
stop (Server * server)
{
  /* before the listener closes: nobody is to be sent to a closed door */
  if (server->agent)
    pmss_node_agent_leave (server->agent);
  g_clear_pointer (&server->agent, pmss_node_agent_free);
  if (server->gateway)
    pmss_gateway_stop (server->gateway);
  if (server->httpd)
    pmss_httpd_stop (server->httpd, STOP_GRACE);
  g_clear_pointer (&server->gateway, pmss_gateway_free);
  g_clear_pointer (&server->stats, pmss_stats_free);
  g_clear_pointer (&server->link, pmss_link_speed_free);
  g_clear_pointer (&server->scrub, pmss_scrub_free);
  g_clear_pointer (&server->disk, pmss_disk_thread_free);
  g_clear_pointer (&server->machine, pmss_machine_free);
  if (server->store) {
    pmss_storage_api_clear (&server->api);
    pmss_store_close (server->store);
  }
  g_clear_pointer (&server->identity, pmss_identity_free);
  pmss_access_free (server->access);
  pmss_self_free (server->self);
  pmss_storage_config_free (server->config);
  g_main_loop_unref (server->loop);
}

static gboolean
on_stop_signal (gpointer data)
{
  Server *server = data;

  g_message ("stopping");
  g_main_loop_quit (server->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_hangup (gpointer data)
{
  g_message ("settings are read at the start only");
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char **argv)
{
  Server server = { 0 };

  /* for the texts of the log; numbers are the same everywhere */
  setlocale (LC_CTYPE, "");
  server.config = pmss_storage_config_load (argc, argv, &server.status);
  if (!server.config)
    return server.status;
  pmss_daemon_prepare (server.config->log_level);
  server.loop = g_main_loop_new (NULL, FALSE);
  server.access = pmss_access_new ();
  server.self = pmss_self_new ();
  g_unix_signal_add (SIGTERM, on_stop_signal, &server);
  g_unix_signal_add (SIGINT, on_stop_signal, &server);
  g_unix_signal_add (SIGHUP, on_hangup, &server);

  server.status = start (&server);
  if (server.status == EX_OK)
    g_main_loop_run (server.loop);
  stop (&server);
  return server.status;
}
