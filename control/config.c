/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/config.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/pmss-amount.h"
#include "daemon/pmss-daemon.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/client/pmss-ca-file.h"
#include "libpmss/client/pmss-control-url.h"
#include "libpmss/pmss-error.h"

#define GROUP "control"

/* Every setting's name, kind, limits, default, in one table: key file and command line are read by it. */
typedef enum
{ SETTING_STRING, SETTING_PATH, SETTING_SIZE, SETTING_NUMBER } SettingKind;

typedef struct
{
  const char *name;
  SettingKind kind;
  gsize offset;                 /* of a char *, guint64 or guint in the config */
  guint64 minimum, maximum;
  const char *fallback;
  const char *help, *argument;
} Setting;

/* What becomes of a string later: not settings' own types. */
typedef struct
{
  PmssControlConfig config;
  char *redundancy, *log_level, *repair;
  guint64 unit, extent;
} Raw;

#define AT(member) G_STRUCT_OFFSET (Raw, member)

static const Setting settings[] = {
  {"listen", SETTING_STRING, AT (config.listen), 0, 0, "0.0.0.0:8470",
      "Address and port to serve at; port 0: any free one", "ADDRESS:PORT"},
  {"data", SETTING_PATH, AT (config.data), 0, 0,
        "/var/lib/pmss-control", "Folder of catalog, keys and uploads",
      "FOLDER"},
  {"tls-certificate", SETTING_PATH, AT (config.tls_certificate), 0, 0,
      NULL, "PEM file of the certificate chain", "FILE"},
  {"tls-key", SETTING_PATH, AT (config.tls_key), 0, 0, NULL,
      "PEM file of the private key", "FILE"},
  {"public-url", SETTING_STRING, AT (config.public_url), 0, 0, NULL,
      "What clients call this server", "URL"},
  {"node-ca", SETTING_PATH, AT (config.node_ca), 0, 0, NULL,
      "PEM file that the nodes' certificates are checked against", "FILE"},
  {"metrics-token", SETTING_STRING, AT (config.metrics_token), 0, 0, NULL,
        "Bearer token with which /metrics may be read from other machines",
      "TOKEN"},
  {"log-level", SETTING_STRING, AT (log_level), 0, 0, "message",
      "critical, warning, message, info or debug", "LEVEL"},
  {"max-upload", SETTING_SIZE, AT (config.max_upload), 1, G_MAXINT64, "1TiB",
      "Largest file that is taken", "SIZE"},
  {"min-free", SETTING_SIZE, AT (config.min_free), 0, G_MAXINT64, "256MiB",
      "Space that uploads leave free", "SIZE"},
  {"catalog-reserve", SETTING_SIZE, AT (config.catalog_reserve), 0,
      G_MAXINT64, "16MiB", "Room on the disk that is kept for the catalog; "
        "0: none", "SIZE"},
  {"lease", SETTING_NUMBER, AT (config.lease), 1, 86400, "60",
      "How long a session lives without being renewed", "SECONDS"},
  {"stream-lifetime", SETTING_NUMBER, AT (config.stream_lifetime), 1, 604800,
        "43200", "How long a stream may go on while this server is down",
      "SECONDS"},
  {"max-sessions", SETTING_NUMBER, AT (config.max_sessions), 0, 1000000, "20",
      "Sessions of one user at a time; 0: any number", "N"},
  {"max-sessions-admin", SETTING_NUMBER, AT (config.max_sessions_admin), 0,
      1000000, "100", "The same, of one administrator", "N"},
  {"token-lifetime", SETTING_NUMBER, AT (config.token_lifetime), 60,
      315360000, "2592000", "How long a login is good", "SECONDS"},
  {"upload-lifetime", SETTING_NUMBER, AT (config.upload_lifetime), 60,
      31536000, "86400", "How long an unfinished upload is kept", "SECONDS"},
  {"orphan-grace", SETTING_NUMBER, AT (config.orphan_grace), 0, 31536000,
        "3600", "How long a shard that nobody knows is left on its node",
      "SECONDS"},
  {"set-aside-grace", SETTING_NUMBER, AT (config.set_aside_grace), 0,
      31536000, "2592000", "How long a file that the catalog does not know "
        "is kept; 0: for ever", "SECONDS"},
  {"job-lifetime", SETTING_NUMBER, AT (config.job_lifetime), 0, 315360000,
        "2592000", "How long a job that has ended is listed; 0: for ever",
      "SECONDS"},
  {"stripe-rate", SETTING_SIZE, AT (config.stripe_rate), 0, G_MAXINT64, "0",
      "Rate at which one ingest is striped, in bit/s; 0: no limit", "BITS"},
  {"repair", SETTING_STRING, AT (repair), 0, 0, "on",
        "Repair by itself, or only when 'pmss node repair' asks: on or off",
      "WHEN"},
  {"repair-delay", SETTING_NUMBER, AT (config.repair_delay), 0, 31536000,
      "600", "How long a storage server is waited for before its shards are "
        "rebuilt", "SECONDS"},
  {"repair-limit", SETTING_SIZE, AT (config.repair_limit), 0, G_MAXINT64,
        "100M", "Rate of what repair reads and writes, in bit/s; 0: no limit",
      "BITS"},
  {"max-connections", SETTING_NUMBER, AT (config.max_connections), 8, 100000,
      "1000", "Connections at once", "N"},
  {"max-connections-per-address", SETTING_NUMBER,
        AT (config.max_connections_per_address), 0, 100000, "0",
      "Of them from one address; 0: half", "N"},
  {"default-redundancy", SETTING_STRING, AT (redundancy), 0, 0, "4+2",
      "Of uploads that do not say", "K+M"},
  {"unit", SETTING_SIZE, AT (unit), PMSS_MIN_UNIT, PMSS_MAX_UNIT, "256KiB",
      "Stripe unit of new versions", "SIZE"},
  {"extent", SETTING_SIZE, AT (extent), PMSS_MIN_UNIT, PMSS_MAX_EXTENT,
      "16MiB", "Extent size of new versions", "SIZE"},
};

static gboolean
parse_number (const Setting * setting, const char *text, guint64 * number,
    GError ** error)
{
  if (setting->kind == SETTING_SIZE) {
    if (!pmss_amount_parse (text, number, error))
      return FALSE;
  } else if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, number,
          error)) {
    return FALSE;
  }
  if (*number >= setting->minimum && *number <= setting->maximum)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "%s is not in %" G_GUINT64_FORMAT "..%" G_GUINT64_FORMAT, text,
      setting->minimum, setting->maximum);
  return FALSE;
}

static gboolean
set_one (Raw * raw, const Setting * setting, const char *text, GError ** error)
{
  gpointer place = G_STRUCT_MEMBER_P (raw, setting->offset);
  guint64 number;

  /* a path may have any bytes, as file systems have */
  if (setting->kind == SETTING_STRING && text != NULL
      && !g_utf8_validate (text, -1, NULL)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "%s: the value is not UTF-8", setting->name);
    return FALSE;
  }
  if (setting->kind == SETTING_STRING || setting->kind == SETTING_PATH) {
    g_free (*(char **) place);
    *(char **) place = g_strdup (text);
    return TRUE;
  }
  if (!parse_number (setting, text, &number, error)) {
    g_prefix_error (error, "%s: ", setting->name);
    return FALSE;
  }
  if (setting->kind == SETTING_SIZE)
    *(guint64 *) place = number;
  else
    *(guint *) place = (guint) number;
  return TRUE;
}

static const Setting *
find_setting (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (g_str_equal (settings[i].name, name))
      return &settings[i];
  return NULL;
}

/* An unknown key is an error: it is a known one misspelt. */
static gboolean
read_key_file (Raw * raw, const char *path, GError ** error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) keys = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error)
      || (keys = g_key_file_get_keys (file, GROUP, NULL, error)) == NULL)
    return FALSE;
  for (char **key = keys; *key != NULL; key++) {
    const Setting *setting = find_setting (*key);
    g_autofree char *text = g_key_file_get_string (file, GROUP, *key, error);

    if (setting == NULL && text != NULL)
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "There is no setting “%s”", *key);
    if (setting == NULL || text == NULL || !set_one (raw, setting, text, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
parse_switch (const char *text, const char *name, gboolean * on,
    GError ** error)
{
  *on = g_str_equal (text, "on");
  if (*on || g_str_equal (text, "off"))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "%s: “%s” is neither on nor off", name, text);
  return FALSE;
}

static gboolean
parse_redundancy (Raw * raw, GError ** error)
{
  if (pmss_redundancy_parse (raw->redundancy, &raw->config.redundancy, error))
    return TRUE;
  g_prefix_error (error, "default-redundancy: ");
  return FALSE;
}

static gboolean
check_public_url (const char *text, GError ** error)
{
  g_autoptr (PmssControlUrl) url = NULL;

  if (!g_str_has_prefix (text, "http://") && !g_str_has_prefix (text,
          "https://")) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” begins with neither http:// nor https://", text);
    return FALSE;
  }
  url = pmss_control_url_parse (text, error);
  return url != NULL;
}

/* What others read: addresses, and files of certificates. Before there are keys or a password. */
static gboolean
check_outside (const PmssControlConfig * config, GError ** error)
{
  const PmssHttpdConfig httpd = {
    .listen = config->listen,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
  };
  g_autoptr (GTlsDatabase) database = NULL;

  if (!pmss_httpd_check_config (&httpd, error))
    return FALSE;
  if (config->public_url != NULL
      && !check_public_url (config->public_url, error)) {
    g_prefix_error (error, "public-url: ");
    return FALSE;
  }
  if (config->node_ca == NULL)
    return TRUE;
  database = pmss_ca_file_open (config->node_ca, error);
  if (database == NULL)
    g_prefix_error (error, "node-ca: ");
  return database != NULL;
}

/* What only shows in several settings together. */
static gboolean
check_all (Raw * raw, GError ** error)
{
  PmssControlConfig *config = &raw->config;
  g_autofree char *data = NULL;

  if (config->data[0] == '\0') {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "data: say which folder to keep the catalog in");
    return FALSE;
  }
  data = g_canonicalize_filename (config->data, NULL);
  if (!check_outside (config, error)
      || !pmss_daemon_parse_log_level (raw->log_level, &config->log_level,
          error)
      || !parse_redundancy (raw, error)
      || !parse_switch (raw->repair, "repair", &config->repair, error))
    return FALSE;
  if ((raw->unit & (raw->unit - 1)) != 0) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "unit: has to be a power of two");
    return FALSE;
  }
  config->unit = (guint32) raw->unit;
  config->extent = (guint32) raw->extent;
  g_free (config->data);
  config->data = g_steal_pointer (&data);
  return TRUE;
}

static gboolean
read_settings (Raw * raw, const char *path, char *const *values,
    GError ** error)
{
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (!set_one (raw, &settings[i], settings[i].fallback, error))
      return FALSE;
  if (path != NULL && !read_key_file (raw, path, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (values[i] != NULL && !set_one (raw, &settings[i], values[i], error))
      return FALSE;
  return check_all (raw, error);
}

static void
clear_config (PmssControlConfig * config)
{
  g_free (config->listen);
  g_free (config->data);
  g_free (config->tls_certificate);
  g_free (config->tls_key);
  g_free (config->public_url);
  g_free (config->node_ca);
  g_free (config->metrics_token);
}

void
pmss_control_config_free (PmssControlConfig * config)
{
  clear_config (config);
  g_free (config);
}

static PmssControlCommandLine
finish_load (const char *path, char *const *values)
{
  PmssControlCommandLine result = {.status = EX_CONFIG };
  g_autoptr (GError) error = NULL;
  Raw raw = { 0 };

  if (read_settings (&raw, path, values, &error)) {
    result.config = g_memdup2 (&raw.config, sizeof (raw.config));
    result.status = EX_OK;
  } else {
    g_printerr ("pmss-control: %s\n", error->message);
    clear_config (&raw.config);
  }
  g_free (raw.redundancy);
  g_free (raw.log_level);
  g_free (raw.repair);
  return result;
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
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- the control server of PMSS");
  GOptionEntry entries[G_N_ELEMENTS (settings)
      + G_N_ELEMENTS (task_options) + 4] = { 0 };
  char *values[G_N_ELEMENTS (settings)] = { 0 };
  g_autofree char *path = NULL;
  gboolean show_version = FALSE;
  g_autoptr (GError) error = NULL;
  PmssControlCommandLine result = {.status = EX_USAGE };
  gboolean tasks[G_N_ELEMENTS (task_options)] = { FALSE };
  gboolean end_streams = FALSE;
  PmssControlTask task;
  guint n = 0;

  entries[n++] = (GOptionEntry) {
  "config", 'c', 0, G_OPTION_ARG_FILENAME,
        &path, "Key file with a group [" GROUP "]", "FILE"};
  entries[n++] = (GOptionEntry) {
  "version", 0, 0, G_OPTION_ARG_NONE, &show_version, "Print the version", NULL};
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    entries[n++] = (GOptionEntry) {
    /* as it was typed: G_OPTION_ARG_STRING would convert by the locale */
    settings[i].name, 0, 0,
        G_OPTION_ARG_FILENAME, &values[i], settings[i].help,
        settings[i].argument};
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    entries[n++] = (GOptionEntry) {
    task_options[i].name, 0, 0, G_OPTION_ARG_NONE, &tasks[i],
        task_options[i].help, NULL};
  entries[n++] = (GOptionEntry) {
  "end-streams", 0, 0, G_OPTION_ARG_NONE, &end_streams,
        "With --restore: storage servers refuse what streams there were before",
        NULL};
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("pmss-control: %s\n", error->message);
  } else if (argc > 1) {
    g_printerr ("pmss-control: what is “%s”? See --help\n", argv[1]);
  } else if (show_version) {
    g_print ("pmss-control %s\n", PMSS_VERSION);
    result.status = EX_OK;
  } else if (choose_task (tasks, end_streams, &task)) {
    result = finish_load (path, values);
    result.task = task;
  }
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    g_free (values[i]);
  return result;
}
