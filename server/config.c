/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>
#include <sysexits.h>

#include "daemon/pmss-amount.h"
#include "daemon/pmss-daemon.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/client/pmss-ca-file.h"
#include "libpmss/client/pmss-control-url.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-types.h"

#define GROUP "storage"

enum
{
  LISTEN, ADVERTISE, DATA, CONTROL, CONTROL_CA, JOIN_TOKEN, ZONE,
  NETWORK_LIMIT, SCRUB_PERIOD, TLS_CERTIFICATE, TLS_KEY, MIN_FREE, LOG_LEVEL,
  PUBLIC_KEY,
  CLUSTER, NODE_ID, THREADS, MAX_CONNECTIONS, MAX_PER_ADDRESS, HEAD_TIMEOUT,
  MIN_RATE, MIN_RATE_WINDOW, METRICS_TOKEN, N_SETTINGS
};

typedef struct
{
  const char *name;
  const char *fallback;         /* NULL: absent */
  const char *argument;
  const char *help;
  gboolean is_path;             /* may have any bytes, as file systems have */
} Setting;

static const Setting settings[N_SETTINGS] = {
  [LISTEN] = {"listen", "[::]:8471", "HOST:PORT",
      "Address to serve on; port 0: any free one"},
  [ADVERTISE] = {"advertise", NULL, "HOST[:PORT]",
      "What others call this server; default: the listen address"},
  [DATA] = {"data", NULL, "FOLDER", "Folder for shards and identity",
      TRUE},
  [CONTROL] = {"control", NULL, "URL", "The control server"},
  [CONTROL_CA] = {"control-ca", NULL, "FILE",
      "Certificates that the control server's is checked against", TRUE},
  [JOIN_TOKEN] = {"join-token", NULL, "TOKEN",
      "One-time token with which to join the cluster, at the first start"},
  [ZONE] = {"zone", "", "NAME", "What fails together with this server"},
  [NETWORK_LIMIT] = {"network-limit", "0", "BITS",
      "Bit/s that this server can send, like 1G"},
  [SCRUB_PERIOD] = {"scrub-period", "604800", "SECONDS",
      "In which all shards are read once, to find what has gone bad; 0: off"},
  [TLS_CERTIFICATE] =
      {"tls-certificate", NULL, "FILE", "PEM file; turns TLS on", TRUE},
  [TLS_KEY] = {"tls-key", NULL, "FILE", "PEM file of its key", TRUE},
  [MIN_FREE] = {"min-free", NULL, "AMOUNT",
      "What to leave free on the disk: bytes (10G, 1GiB) or per cent (5%); "
        "default: 1 GiB or 5%, whichever is less"},
  [LOG_LEVEL] = {"log-level", "message", "LEVEL",
      "error, critical, warning, message, info or debug"},
  [PUBLIC_KEY] = {"public-key", NULL, "FILE",
      "Stand alone: accept tokens by this key (64 hex digits)", TRUE},
  [CLUSTER] = {"cluster", NULL, "ID", "Stand alone: the cluster's id"},
  [NODE_ID] = {"node-id", "0", "N", "Stand alone: this server's id"},
  [THREADS] = {"threads", "0", "N",
      "Threads that serve; default: one a processor, at least 2"},
  [MAX_CONNECTIONS] = {"max-connections", "8192", "N", "Connections in all"},
  [MAX_PER_ADDRESS] = {"max-connections-per-address", "0", "N",
      "Of them from one address, without a token; 0: half"},
  [HEAD_TIMEOUT] = {"head-timeout", "10", "SECONDS",
      "Time for a request's head, and for an idle connection"},
  [MIN_RATE] = {"min-rate", "1024", "BYTES",
      "Bytes/s that a peer has to send or take"},
  [MIN_RATE_WINDOW] = {"min-rate-window", "10", "SECONDS",
      "Over how long that is measured"},
  [METRICS_TOKEN] = {"metrics-token", NULL, "TOKEN",
      "Bearer token with which /metrics may be read from other machines"},
};

/* --- single values --- */

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
parse_number (char **values, guint setting, guint min, guint max,
    guint * number, GError ** error)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (values[setting], 10, min, max, &value,
          error)) {
    g_prefix_error (error, "%s: ", settings[setting].name);
    return FALSE;
  }
  *number = value;
  return TRUE;
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static gboolean
parse_advertise (PmssStorageConfig * config, const char *text, GError ** error)
{
  g_autoptr (GSocketConnectable) address =
      g_network_address_parse (text, 0, error);

  if (!address) {
    g_prefix_error (error, "advertise: ");
    return FALSE;
  }
  config->advertise_host = pmss_host_normalize
      (g_network_address_get_hostname (G_NETWORK_ADDRESS (address)));
  if (!config->advertise_host) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "advertise: “%s” is neither a host name nor an address", text);
    return FALSE;
  }
  config->advertise_port =
      g_network_address_get_port (G_NETWORK_ADDRESS (address));
  return TRUE;
}

static gboolean
parse_control (PmssStorageConfig * config, const char *text, GError ** error)
{
  g_autoptr (PmssControlUrl) url = pmss_control_url_parse (text, error);

  if (!url) {
    g_prefix_error (error, "control: ");
    return FALSE;
  }
  config->control = pmss_control_url_to_string (url);
  return TRUE;
}

/* --- all of them --- */

static gboolean
check_together (PmssStorageConfig * config, GError ** error)
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
  if (wrong)
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID, wrong);
  return wrong == NULL;
}

/* What others read: the address, and files of certificates. Before anything is made. */
static gboolean
check_outside (const PmssStorageConfig * config, GError ** error)
{
  const PmssHttpdConfig httpd = {
    .listen = config->listen,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
  };
  g_autoptr (GTlsDatabase) database = NULL;

  if (!pmss_httpd_check_config (&httpd, error))
    return FALSE;
  if (!config->control_ca)
    return TRUE;
  database = pmss_ca_file_open (config->control_ca, error);
  if (!database)
    g_prefix_error (error, "control-ca: ");
  return database != NULL;
}

static gboolean
check_encoding (char **values, GError ** error)
{
  for (guint i = 0; i < N_SETTINGS; i++) {
    if (values[i] && !settings[i].is_path
        && !g_utf8_validate (values[i], -1, NULL)) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "%s: the value is not UTF-8", settings[i].name);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
convert (PmssStorageConfig * config, char **values, GError ** error)
{
  static const PmssStoreReserve least = { G_GUINT64_CONSTANT (1) << 30, 0.05 };

  config->listen = g_strdup (values[LISTEN]);
  config->data = values[DATA] ? g_canonicalize_filename (values[DATA], NULL)
      : NULL;
  config->control_ca = g_strdup (values[CONTROL_CA]);
  config->join_token = g_strdup (values[JOIN_TOKEN]);
  config->zone = g_strdup (values[ZONE]);
  config->tls_certificate = g_strdup (values[TLS_CERTIFICATE]);
  config->tls_key = g_strdup (values[TLS_KEY]);
  config->metrics_token = g_strdup (values[METRICS_TOKEN]);
  config->public_key = g_strdup (values[PUBLIC_KEY]);
  config->cluster = g_strdup (values[CLUSTER]);
  config->reserve = least;
  if (values[MIN_FREE] && !pmss_storage_parse_reserve (values[MIN_FREE],
          &config->reserve, error)) {
    g_prefix_error (error, "min-free: ");
    return FALSE;
  }
  if (!pmss_amount_parse (values[NETWORK_LIMIT], &config->network_limit, error)) {
    g_prefix_error (error, "network-limit: ");
    return FALSE;
  }
  return (!values[CONTROL] || parse_control (config, values[CONTROL], error))
      && (!values[ADVERTISE]
      || parse_advertise (config, values[ADVERTISE], error))
      && pmss_daemon_parse_log_level (values[LOG_LEVEL], &config->log_level,
      error)
      && parse_number (values, SCRUB_PERIOD, 0, G_MAXINT, &config->scrub_period,
      error)
      && parse_number (values, NODE_ID, 0, G_MAXINT, &config->node_id, error)
      && parse_number (values, THREADS, 0, 1024, &config->threads, error)
      && parse_number (values, MAX_CONNECTIONS, 1, 1000000,
      &config->max_connections, error)
      && parse_number (values, MAX_PER_ADDRESS, 0, 1000000,
      &config->max_connections_per_address, error)
      && parse_number (values, HEAD_TIMEOUT, 1, 3600, &config->head_timeout,
      error)
      && parse_number (values, MIN_RATE, 1, G_MAXINT, &config->min_rate, error)
      && parse_number (values, MIN_RATE_WINDOW, 1, 3600,
      &config->min_rate_window, error)
      && check_together (config, error) && check_outside (config, error);
}

static gint
find_setting (const char *name)
{
  for (guint i = 0; i < N_SETTINGS; i++) {
    if (g_str_equal (settings[i].name, name))
      return i;
  }
  return -1;
}

/* Values from the file where the command line has none. */
static gboolean
read_file (const char *path, char **values, GError ** error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) keys = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error)
      || !(keys = g_key_file_get_keys (file, GROUP, NULL, error))) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  for (char **key = keys; *key; key++) {
    gint setting = find_setting (*key);

    if (setting < 0) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "%s: there is no setting “%s”", path, *key);
      return FALSE;
    }
    if (values[setting])
      continue;
    values[setting] = g_key_file_get_string (file, GROUP, *key, error);
    if (!values[setting]) {
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
    /* "join-token=": as if it were not there. */
    if (values[setting][0] == '\0')
      g_clear_pointer (&values[setting], g_free);
  }
  return TRUE;
}

static gboolean
parse_arguments (int argc, char **argv, char **values, char **file,
    gboolean * version, GError ** error)
{
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- PMSS storage server");
  g_auto (GStrv) arguments = g_new0 (char *, argc + 1);
  GOptionEntry entries[N_SETTINGS + 3] = {
    {"config", 'c', 0, G_OPTION_ARG_FILENAME, file,
        "Key file with a group [" GROUP "]", "FILE"},
    {"version", 0, 0, G_OPTION_ARG_NONE, version, "Print the version", NULL},
  };

  for (guint i = 0; i < N_SETTINGS; i++)
    /* as it was typed: G_OPTION_ARG_STRING would convert by the locale */
    entries[2 + i] = (GOptionEntry) {
    settings[i].name, 0, 0,
        G_OPTION_ARG_FILENAME, &values[i], settings[i].help,
        settings[i].argument};
  for (int i = 0; i < argc; i++)
    arguments[i] = g_strdup (argv[i]);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (context,
      "Keeps shards of media and sends them to viewers. Every option is a key "
      "of the key file as well.");
  if (!g_option_context_parse_strv (context, &arguments, error))
    return FALSE;
  if (g_strv_length (arguments) > 1) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” is one argument too many", arguments[1]);
    return FALSE;
  }
  return TRUE;
}

PmssStorageConfig *
pmss_storage_config_load (int argc, char **argv, int *status)
{
  g_autoptr (PmssStorageConfig) config = g_new0 (PmssStorageConfig, 1);
  g_autoptr (GError) error = NULL;
  g_autofree char *file = NULL;
  char *values[N_SETTINGS] = { NULL };
  gboolean version = FALSE, ok;

  *status = EX_OK;
  ok = parse_arguments (argc, argv, values, &file, &version, &error);
  if (!ok) {
    *status = EX_USAGE;
  } else if (version) {
    g_print ("pmss-storage %s\n", PMSS_VERSION);
  } else {
    ok = !file || read_file (file, values, &error);
    for (guint i = 0; i < N_SETTINGS; i++) {
      if (!values[i])
        values[i] = g_strdup (settings[i].fallback);
    }
    ok = ok && check_encoding (values, &error)
        && convert (config, values, &error);
    *status = ok ? EX_OK : EX_CONFIG;
  }
  for (guint i = 0; i < N_SETTINGS; i++)
    g_free (values[i]);
  if (!ok)
    g_printerr ("pmss-storage: %s\n", error->message);
  return ok && !version ? g_steal_pointer (&config) : NULL;
}

void
pmss_storage_config_free (PmssStorageConfig * config)
{
  g_free (config->listen);
  g_free (config->advertise_host);
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
