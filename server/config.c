/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings of a storage server. At the start. */
#include "config.h"

#include <gio/gio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/pmss-settings.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/client/pmss-control-url.h"
#include "libpmss/pmss-amount.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-types.h"

gboolean
pmss_storage_parse_reserve (const char *text, PmssStoreReserve * reserve,
    GError ** error)
{
  gsize length = strlen (text);
  char *end;

  reserve->bytes = 0;
  reserve->fraction = 0;
  if (length == 0 || text[length - 1] != '%')
    return pmss_amount_parse (text, &reserve->bytes, error);
  reserve->fraction = g_ascii_strtod (text, &end) / 100;
  if (end == text + length - 1 && g_ascii_isdigit (text[0])
      && reserve->fraction <= 1)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” is not between 0%% and 100%%", text);
  return FALSE;
}

static gboolean
parse_min_free (const char *text, gpointer reserve, GError ** error)
{
  return pmss_storage_parse_reserve (text, reserve, error);
}

static gboolean
parse_control (const char *text, gpointer control, GError ** error)
{
  g_autoptr (PmssControlUrl) url = pmss_control_url_parse (text, error);

  if (url == NULL)
    return FALSE;
  *(char **) control = pmss_control_url_to_string (url);
  return TRUE;
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static gboolean
parse_advertise (const char *text, gpointer member, GError ** error)
{
  PmssStorageAddress *advertise = member;
  g_autoptr (GSocketConnectable) address =
      g_network_address_parse (text, 0, error);

  if (address == NULL)
    return FALSE;
  advertise->host = pmss_host_normalize
      (g_network_address_get_hostname (G_NETWORK_ADDRESS (address)));
  if (!advertise->host) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” is neither a host name nor an address", text);
    return FALSE;
  }
  advertise->port = g_network_address_get_port (G_NETWORK_ADDRESS (address));
  return TRUE;
}

#define AT(member) G_STRUCT_OFFSET (PmssStorageConfig, member)

static const PmssSetting settings[] = {
  {"listen", "[::]:8471", PMSS_SETTING_TEXT, AT (listen), 0, 0, "HOST:PORT",
      "Address to serve on; port 0: any free one"},
  {"advertise", NULL, PMSS_SETTING_OWN, AT (advertise), 0, 0, "HOST[:PORT]",
        "What others call this server; default: the listen address",
      .parse = parse_advertise},
  {"data", NULL, PMSS_SETTING_FOLDER, AT (data), 0, 0, "FOLDER",
      "Folder for shards and identity"},
  {"control", NULL, PMSS_SETTING_OWN, AT (control), 0, 0, "URL",
        "The control server",
      .parse = parse_control},
  {"control-ca", NULL, PMSS_SETTING_PATH, AT (control_ca), 0, 0, "FILE",
        "Certificates that the control server's is checked against",
      .check = pmss_setting_check_ca_file},
  {"join-token", NULL, PMSS_SETTING_TEXT, AT (join_token), 0, 0, "TOKEN",
      "One-time token with which to join the cluster, at the first start"},
  {"zone", "", PMSS_SETTING_TEXT, AT (zone), 0, 0, "NAME",
      "What fails together with this server"},
  {"network-limit", "0", PMSS_SETTING_AMOUNT, AT (network_limit), 0,
        PMSS_MAX_NETWORK_LIMIT, "BITS",
      "Bit/s that this server can send, like 1G; 0: as its interface can"},
  {"gateway", "on", PMSS_SETTING_SWITCH, AT (gateway), 0, 0, "WHEN",
      "Play media over plain HTTP for viewers without GStreamer: on or off"},
  {"scrub-period", "604800", PMSS_SETTING_NUMBER, AT (scrub_period), 0,
        G_MAXINT, "SECONDS",
      "In which all shards are read once, to find what has gone bad; 0: off"},
  {"tls-certificate", NULL, PMSS_SETTING_PATH, AT (tls_certificate), 0, 0,
      "FILE", "PEM file; turns TLS on"},
  {"tls-key", NULL, PMSS_SETTING_PATH, AT (tls_key), 0, 0, "FILE",
      "PEM file of its key"},
  {"min-free", NULL, PMSS_SETTING_OWN, AT (reserve), 0, 0, "AMOUNT",
        "What to leave free on the disk: bytes (10G, 1GiB) or per cent (5%); "
        "default: 1 GiB or 5%, whichever is less",
      .parse = parse_min_free},
  {"log-level", "message", PMSS_SETTING_LOG_LEVEL, AT (log_level), 0, 0,
      "LEVEL", "critical, warning, message, info or debug"},
  {"public-key", NULL, PMSS_SETTING_PATH, AT (public_key), 0, 0, "FILE",
      "Stand alone: accept tokens by this key (64 hex digits)"},
  {"cluster", NULL, PMSS_SETTING_TEXT, AT (cluster), 0, 0, "ID",
      "Stand alone: the cluster's id"},
  {"node-id", "0", PMSS_SETTING_NUMBER, AT (node_id), 0, G_MAXINT, "N",
      "Stand alone: this server's id"},
  {"threads", "0", PMSS_SETTING_NUMBER, AT (threads), 0, 1024, "N",
      "Threads that serve; default: one a processor, at least 2"},
  {"max-connections", "8192", PMSS_SETTING_NUMBER, AT (max_connections), 1,
      1000000, "N", "Connections in all"},
  {"max-connections-per-address", "0", PMSS_SETTING_NUMBER,
        AT (max_connections_per_address), 0, 1000000, "N",
      "Of them from one address, without a token; 0: half"},
  {"head-timeout", "10", PMSS_SETTING_NUMBER, AT (head_timeout), 1, 3600,
      "SECONDS", "Time for a request's head, and for an idle connection"},
  {"min-rate", "1024", PMSS_SETTING_NUMBER, AT (min_rate), 1, G_MAXINT,
      "BYTES", "Bytes/s that a peer has to send or take"},
  {"min-rate-window", "10", PMSS_SETTING_NUMBER, AT (min_rate_window), 1,
      3600, "SECONDS", "Over how long that is measured"},
  {"metrics-token", NULL, PMSS_SETTING_TEXT, AT (metrics_token), 0, 0,
        "TOKEN",
      "Bearer token with which /metrics may be read from other machines"},
};

/* Pure. */
static gboolean
check_together (const PmssStorageConfig * config, GError ** error)
{
  const char *wrong = NULL;
  gboolean alone = config->public_key || config->cluster || config->node_id;

  if (!config->data)
    wrong = "data: say which folder to keep shards in";
  else if (alone && !(config->public_key && config->cluster && config->node_id))
    wrong = "public-key, cluster and node-id belong together";
  else if (alone && config->control)
    wrong = "with control, keys come from there: leave out public-key, "
        "cluster and node-id";
  if (wrong != NULL)
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID, wrong);
  return wrong == NULL;
}

/* Files of certificates are read, too: before anything is made. */
static gboolean
check (gpointer data, GError ** error)
{
  const PmssStorageConfig *config = data;
  const PmssHttpdConfig httpd = {
    .listen = config->listen,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
  };

  return check_together (config, error)
      && pmss_httpd_check_config (&httpd, error);
}

static const PmssSettings table = {
  .program = "pmss-storage",
  .group = "storage",
  .title = "- PMSS storage server",
  .summary = "Keeps shards of media and sends them to viewers. Every option is "
      "a key of the key file as well.",
  .settings = settings,
  .n_settings = G_N_ELEMENTS (settings),
  .check = check,
};

PmssStorageConfig *
pmss_storage_config_load (int argc, char **argv, int *status)
{
  g_autoptr (PmssStorageConfig) config = g_new0 (PmssStorageConfig, 1);

  config->reserve.bytes = G_GUINT64_CONSTANT (1) << 30;
  config->reserve.fraction = 0.05;
  *status = pmss_settings_load (&table, NULL, argc, argv, config);
  if (*status != PMSS_SETTINGS_READ)
    return NULL;
  *status = EX_OK;
  return g_steal_pointer (&config);
}

void
pmss_storage_config_free (PmssStorageConfig * config)
{
  g_free (config->listen);
  g_free (config->advertise.host);
  g_free (config->data);
  g_free (config->control);
  g_free (config->control_ca);
  g_free (config->join_token);
  g_free (config->zone);
  g_free (config->tls_certificate);
  g_free (config->tls_key);
  g_free (config->metrics_token);
  g_free (config->public_key);
  g_free (config->cluster);
  g_free (config);
}
