/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings of the control server. At the start. */
#include "control/config.h"

#include <sysexits.h>

#include "daemon/pmss-settings.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/client/pmss-control-url.h"
#include "libpmss/pmss-error.h"

static gboolean
parse_redundancy (const char *text, gpointer redundancy, GError ** error)
{
  return pmss_redundancy_parse (text, redundancy, error);
}

static gboolean
parse_unit (const char *text, gpointer unit, GError ** error)
{
  guint64 bytes;

  if (!pmss_setting_parse_amount (text, PMSS_MIN_UNIT, PMSS_MAX_UNIT, &bytes,
          error))
    return FALSE;
  if ((bytes & (bytes - 1)) != 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” is no power of two", text);
    return FALSE;
  }
  *(guint32 *) unit = (guint32) bytes;
  return TRUE;
}

static gboolean
parse_extent (const char *text, gpointer extent, GError ** error)
{
  guint64 bytes;

  if (!pmss_setting_parse_amount (text, PMSS_MIN_UNIT, PMSS_MAX_EXTENT,
          &bytes, error))
    return FALSE;
  *(guint32 *) extent = (guint32) bytes;
  return TRUE;
}

static gboolean
parse_public_url (const char *text, gpointer url, GError ** error)
{
  g_autoptr (PmssControlUrl) parsed = NULL;

  if (!g_str_has_prefix (text, "http://") && !g_str_has_prefix (text,
          "https://")) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” begins with neither http:// nor https://", text);
    return FALSE;
  }
  parsed = pmss_control_url_parse (text, error);
  if (parsed == NULL)
    return FALSE;
  *(char **) url = g_strdup (text);
  return TRUE;
}

#define AT(member) G_STRUCT_OFFSET (PmssControlConfig, member)

static const PmssSetting settings[] = {
  {"listen", "0.0.0.0:8470", PMSS_SETTING_TEXT, AT (listen), 0, 0,
        "ADDRESS:PORT",
      "Address and port to serve at; port 0: any free one"},
  {"data", "/var/lib/pmss-control", PMSS_SETTING_FOLDER, AT (data), 0, 0,
        "FOLDER",
      "Folder of catalog, keys and uploads"},
  {"tls-certificate", NULL, PMSS_SETTING_PATH, AT (tls_certificate), 0, 0,
        "FILE",
      "PEM file of the certificate chain"},
  {"tls-key", NULL, PMSS_SETTING_PATH, AT (tls_key), 0, 0, "FILE",
      "PEM file of the private key"},
  {"public-url", NULL, PMSS_SETTING_OWN, AT (public_url), 0, 0, "URL",
        "What clients call this server",
      .parse = parse_public_url},
  {"node-ca", NULL, PMSS_SETTING_PATH, AT (node_ca), 0, 0, "FILE",
        "PEM file that the nodes' certificates are checked against",
      .check = pmss_setting_check_ca_file},
  {"metrics-token", NULL, PMSS_SETTING_TEXT, AT (metrics_token), 0, 0, "TOKEN",
      "Bearer token with which /metrics may be read from other machines"},
  {"log-level", "message", PMSS_SETTING_LOG_LEVEL, AT (log_level), 0, 0,
        "LEVEL",
      "critical, warning, message, info or debug"},
  {"max-upload", "1TiB", PMSS_SETTING_AMOUNT, AT (max_upload), 1, G_MAXINT64,
        "SIZE",
      "Largest file that is taken"},
  {"min-free", "256MiB", PMSS_SETTING_AMOUNT, AT (min_free), 0, G_MAXINT64,
        "SIZE",
      "Space that uploads leave free"},
  {"catalog-reserve", "16MiB", PMSS_SETTING_AMOUNT, AT (catalog_reserve), 0,
        G_MAXINT64, "SIZE",
      "Room on the disk that is kept for the catalog; 0: none"},
  {"lease", "60", PMSS_SETTING_NUMBER, AT (lease), 1, 86400, "SECONDS",
      "How long a session lives without being renewed"},
  {"stream-lifetime", "43200", PMSS_SETTING_NUMBER, AT (stream_lifetime), 1,
        604800, "SECONDS",
      "How long a stream may go on while this server is down"},
  {"max-sessions", "20", PMSS_SETTING_NUMBER, AT (max_sessions), 0, 1000000,
        "N",
      "Sessions of one user at a time; 0: any number"},
  {"max-sessions-admin", "100", PMSS_SETTING_NUMBER, AT (max_sessions_admin), 0,
        1000000, "N",
      "The same, of one administrator"},
  {"admission", "on", PMSS_SETTING_OWN, AT (admission), 0, 0, "POLICY",
        "Which streams are let in: on (those that fit), peak or off",
      .parse = pmss_admission_policy_parse},
  {"admission-reserve", "0.1", PMSS_SETTING_OWN, AT (admission_reserve), 0, 0,
        "PART",
        "Part of each storage server's capacity that is not given out",
      .parse = pmss_admission_reserve_parse},
  {"admission-failures", "on", PMSS_SETTING_SWITCH, AT (admission_failures), 0,
        0, "WHEN",
      "Let in no more than can go on when a storage server fails: on or off"},
  {"admission-wait", "600", PMSS_SETTING_NUMBER, AT (admission_wait), 0, 3600,
        "SECONDS",
      "How long a later start is held for a client that waits, at most"},
  {"token-lifetime", "2592000", PMSS_SETTING_NUMBER, AT (token_lifetime), 60,
        315360000, "SECONDS",
      "How long a login is good"},
  {"upload-lifetime", "86400", PMSS_SETTING_NUMBER, AT (upload_lifetime), 60,
        31536000, "SECONDS",
      "How long an unfinished upload is kept"},
  {"orphan-grace", "3600", PMSS_SETTING_NUMBER, AT (orphan_grace), 0, 31536000,
        "SECONDS",
      "How long a shard that nobody knows is left on its node"},
  {"set-aside-grace", "2592000", PMSS_SETTING_NUMBER, AT (set_aside_grace), 0,
        31536000, "SECONDS",
      "How long a file that the catalog does not know is kept; 0: for ever"},
  {"job-lifetime", "2592000", PMSS_SETTING_NUMBER, AT (job_lifetime), 0,
        315360000, "SECONDS",
      "How long a job that has ended is listed; 0: for ever"},
  {"max-events", "100000", PMSS_SETTING_NUMBER, AT (max_events), 0, 10000000,
        "N",
      "Events that the log keeps; 0: none"},
  {"stripe-rate", "0", PMSS_SETTING_AMOUNT, AT (stripe_rate), 0, G_MAXINT64,
        "BITS",
      "Rate at which one ingest is striped, in bit/s; 0: no limit"},
  {"repair", "on", PMSS_SETTING_SWITCH, AT (repair), 0, 0, "WHEN",
      "Repair by itself, or only when 'pmss node repair' asks: on or off"},
  {"repair-delay", "600", PMSS_SETTING_NUMBER, AT (repair_delay), 0, 31536000,
        "SECONDS",
      "How long a storage server is waited for before its shards are rebuilt"},
  {"repair-limit", "100M", PMSS_SETTING_AMOUNT, AT (repair_limit), 0,
        G_MAXINT64, "BITS",
      "Rate of what repair reads and writes, in bit/s; 0: no limit"},
  {"max-connections", "1000", PMSS_SETTING_NUMBER, AT (max_connections), 8,
        100000, "N",
      "Connections at once"},
  {"max-connections-per-address", "0", PMSS_SETTING_NUMBER,
        AT (max_connections_per_address), 0, 100000, "N",
      "Of them from one address; 0: half"},
  {"default-redundancy", "4+2", PMSS_SETTING_OWN, AT (redundancy), 0, 0, "K+M",
        "Of uploads that do not say",
      .parse = parse_redundancy},
  {"unit", "256KiB", PMSS_SETTING_OWN, AT (unit), 0, 0, "SIZE",
        "Stripe unit of new versions",
      .parse = parse_unit},
  {"extent", "16MiB", PMSS_SETTING_OWN, AT (extent), 0, 0, "SIZE",
        "Extent size of new versions",
      .parse = parse_extent},
};

/* What shows only in several settings together, and what others read: before there are keys or a
 * password. */
static gboolean
check (gpointer data, GError ** error)
{
  const PmssControlConfig *config = data;
  const PmssHttpdConfig httpd = {
    .listen = config->listen,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
  };

  return pmss_httpd_check_config (&httpd, error);
}

static const PmssSettings table = {
  .program = "pmss-control",
  .group = "control",
  .title = "- the control server of PMSS",
  .settings = settings,
  .n_settings = G_N_ELEMENTS (settings),
  .check = check,
};

void
pmss_control_config_free (PmssControlConfig * config)
{
  g_free (config->listen);
  g_free (config->data);
  g_free (config->tls_certificate);
  g_free (config->tls_key);
  g_free (config->public_url);
  g_free (config->node_ca);
  g_free (config->metrics_token);
  g_free (config);
}

/* What else than serving the command line can ask for. */
static const struct
{
  const char *name;
  PmssControlTask task;
  const char *help;
} task_options[] = {
  {"check-restore", PMSS_CONTROL_CHECK_RESTORE,
      "Say what the catalog, put back from a backup, does not know, and end"},
  {"restore", PMSS_CONTROL_RESTORE,
      "Take a catalog that is older than its folder, and end"},
  {"end-restore", PMSS_CONTROL_END_RESTORE,
      "Let shards that a restored catalog does not know be deleted, and end"},
};

/* FALSE: two of them, or what goes with one of them alone. */
static gboolean
choose_task (const gboolean * asked, gboolean end_streams,
    PmssControlTask * task)
{
  const char *first = NULL;

  *task = PMSS_CONTROL_SERVE;
  for (guint i = 0; i < G_N_ELEMENTS (task_options); i++) {
    if (!asked[i])
      continue;
    if (first != NULL) {
      g_printerr ("pmss-control: --%s and --%s are two commands: give one at a "
          "time\n", first, task_options[i].name);
      return FALSE;
    }
    first = task_options[i].name;
    *task = task_options[i].task;
  }
  if (!end_streams)
    return TRUE;
  if (*task != PMSS_CONTROL_RESTORE) {
    g_printerr ("pmss-control: --end-streams goes with --restore\n");
    return FALSE;
  }
  *task = PMSS_CONTROL_RESTORE_END_STREAMS;
  return TRUE;
}

PmssControlCommandLine
pmss_control_config_load (int argc, char **argv)
{
  g_autoptr (PmssControlConfig) config = g_new0 (PmssControlConfig, 1);
  PmssControlCommandLine result = { 0 };
  gboolean tasks[G_N_ELEMENTS (task_options)] = { FALSE };
  gboolean end_streams = FALSE;
  GOptionEntry entries[G_N_ELEMENTS (task_options) + 2] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    entries[i] = (GOptionEntry) {
    task_options[i].name, 0, 0, G_OPTION_ARG_NONE, &tasks[i],
        task_options[i].help, NULL};
  entries[G_N_ELEMENTS (tasks)] = (GOptionEntry) {
  "end-streams", 0, 0, G_OPTION_ARG_NONE, &end_streams,
        "With --restore: storage servers refuse what streams there were before",
        NULL};
  result.status = pmss_settings_load (&table, entries, argc, argv, config);
  if (result.status != PMSS_SETTINGS_READ)
    return result;
  if (choose_task (tasks, end_streams, &result.task)) {
    result.status = EX_OK;
    result.config = g_steal_pointer (&config);
  } else {
    result.status = EX_USAGE;
  }
  return result;
}
