/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of a daemon: defaults, key file, command line. At the start. */
#include "daemon/pmss-settings.h"

#include <sysexits.h>

#include "daemon/pmss-daemon.h"
#include "libpmss/client/pmss-ca-file.h"
#include "libpmss/pmss-amount.h"
#include "libpmss/pmss-error.h"

/* One value and where it is from. */
typedef struct
{
  char *text;                   /* NULL: there is none */
  gboolean is_of_file;
} Value;

static gboolean
fail (GError ** error, const char *text, const char *expected)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "“%s” %s", text,
      expected);
  return FALSE;
}

/* --- single values --- */

static gboolean
fail_range (GError ** error, const char *text, guint64 minimum, guint64 maximum)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "“%s” is no number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
      text, minimum, maximum);
  return FALSE;
}

gboolean
pmss_setting_parse_amount (const char *text, guint64 minimum, guint64 maximum,
    guint64 * amount, GError ** error)
{
  guint64 number;

  if (!pmss_amount_parse (text, &number, error))
    return FALSE;
  if (number < minimum || number > maximum)
    return fail_range (error, text, minimum, maximum);
  *amount = number;
  return TRUE;
}

static gboolean
parse_number (const char *text, guint64 minimum, guint64 maximum,
    guint * number, GError ** error)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, minimum, maximum, &value, NULL))
    return fail_range (error, text, minimum, maximum);
  *number = (guint) value;
  return TRUE;
}

static gboolean
parse_switch (const char *text, gboolean * on, GError ** error)
{
  *on = g_str_equal (text, "on");
  return *on || g_str_equal (text, "off")
      || fail (error, text, "is neither on nor off");
}

static gboolean
parse_folder (const char *text, char **folder, GError ** error)
{
  if (text[0] == '\0')
    return fail (error, text, "is no folder");
  g_free (*folder);
  *folder = g_canonicalize_filename (text, NULL);
  return TRUE;
}

static void
set_text (char **member, const char *text)
{
  g_free (*member);
  *member = g_strdup (text);
}

static gboolean
is_path (const PmssSetting * setting)
{
  return setting->kind == PMSS_SETTING_PATH
      || setting->kind == PMSS_SETTING_FOLDER;
}

gboolean
pmss_setting_set (const PmssSetting * setting, const char *text,
    gpointer config, GError ** error)
{
  gpointer member = G_STRUCT_MEMBER_P (config, setting->offset);

  if (!is_path (setting) && !g_utf8_validate (text, -1, NULL)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "the value is not UTF-8");
    return FALSE;
  }
  switch (setting->kind) {
    case PMSS_SETTING_TEXT:
    case PMSS_SETTING_PATH:
      set_text (member, text);
      return TRUE;
    case PMSS_SETTING_FOLDER:
      return parse_folder (text, member, error);
    case PMSS_SETTING_NUMBER:
      return parse_number (text, setting->minimum, setting->maximum, member,
          error);
    case PMSS_SETTING_AMOUNT:
      return pmss_setting_parse_amount (text, setting->minimum,
          setting->maximum, member, error);
    case PMSS_SETTING_SWITCH:
      return parse_switch (text, member, error);
    case PMSS_SETTING_LOG_LEVEL:
      return pmss_daemon_parse_log_level (text, member, error);
    case PMSS_SETTING_OWN:
      return setting->parse (text, member, error);
  }
  g_return_val_if_reached (FALSE);
}

gboolean
pmss_setting_check_ca_file (const char *text, GError ** error)
{
  g_autoptr (GTlsDatabase) database = pmss_ca_file_open (text, error);

  return database != NULL;
}

/* --- all of them --- */

static gint
find_setting (const PmssSettings * self, const char *name)
{
  for (guint i = 0; i < self->n_settings; i++)
    if (g_str_equal (self->settings[i].name, name))
      return (gint) i;
  return -1;
}

/* Takes values from the file where there is none yet. An unknown key is an error: it is a known one
 * misspelt. */
static gboolean
read_key_file (const PmssSettings * self, const char *path, Value * values,
    GError ** error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) keys = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error)
      || (keys = g_key_file_get_keys (file, self->group, NULL, error)) == NULL)
    return FALSE;
  for (char **key = keys; *key != NULL; key++) {
    gint place = find_setting (self, *key);

    if (place < 0) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "There is no setting “%s”; %s --help lists them", *key,
          self->program);
      return FALSE;
    }
    if (values[place].text != NULL)
      continue;
    values[place].text = g_key_file_get_string (file, self->group, *key, error);
    values[place].is_of_file = TRUE;
    if (values[place].text == NULL)
      return FALSE;
  }
  return TRUE;
}

static void
complete (const PmssSettings * self, Value * values)
{
  for (guint i = 0; i < self->n_settings; i++) {
    const char *fallback = self->settings[i].fallback;

    if (fallback == NULL && values[i].text != NULL && values[i].text[0] == '\0')
      g_clear_pointer (&values[i].text, g_free);
    else if (values[i].text == NULL)
      values[i].text = g_strdup (fallback);
  }
}

static gboolean
set_all (const PmssSettings * self, const Value * values, const char *path,
    gboolean outside, gpointer config, GError ** error)
{
  for (guint i = 0; i < self->n_settings; i++) {
    const PmssSetting *setting = &self->settings[i];
    const char *text = values[i].text;

    if (text == NULL || (outside && setting->check == NULL))
      continue;
    if (outside ? setting->check (text, error)
        : pmss_setting_set (setting, text, config, error))
      continue;
    g_prefix_error (error, "%s: ", setting->name);
    if (values[i].is_of_file)
      g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  return TRUE;
}

gboolean
pmss_settings_read (const PmssSettings * self, char *const *given,
    const char *path, gpointer config, GError ** error)
{
  g_autofree Value *values = g_new0 (Value, self->n_settings);
  gboolean done;

  for (guint i = 0; i < self->n_settings; i++)
    values[i].text = g_strdup (given[i]);
  done = path == NULL || read_key_file (self, path, values, error);
  if (!done)
    g_prefix_error (error, "%s: ", path);
  complete (self, values);
  done = done && set_all (self, values, path, FALSE, config, error)
      && set_all (self, values, path, TRUE, config, error)
      && (self->check == NULL || self->check (config, error));
  for (guint i = 0; i < self->n_settings; i++)
    g_free (values[i].text);
  return done;
}

/* --- the command line --- */

typedef struct
{
  char **values;                /* by setting */
  char *path;                   /* of the key file; nullable */
  char *path_help;
  gboolean version;
} Line;

static GArray *
make_entries (const PmssSettings * self, const GOptionEntry * options,
    Line * line)
{
  GArray *entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  const GOptionEntry common[] = {
    {"config", 'c', 0, G_OPTION_ARG_FILENAME, &line->path, line->path_help,
        "FILE"},
    {"version", 0, 0, G_OPTION_ARG_NONE, &line->version, "Print the version",
        NULL},
  };

  g_array_append_vals (entries, common, G_N_ELEMENTS (common));
  for (guint i = 0; i < self->n_settings; i++) {
    const PmssSetting *setting = &self->settings[i];
    /* as it was typed: G_OPTION_ARG_STRING would convert by the locale */
    const GOptionEntry entry = { setting->name, 0, 0, G_OPTION_ARG_FILENAME,
      &line->values[i], setting->help, setting->argument
    };

    g_array_append_val (entries, entry);
  }
  for (; options != NULL && options->long_name != NULL; options++)
    g_array_append_vals (entries, options, 1);
  return entries;
}

static gboolean
parse_line (const PmssSettings * self, const GOptionEntry * options, int argc,
    char **argv, Line * line, GError ** error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (self->title);
  g_autoptr (GArray) entries = make_entries (self, options, line);
  g_auto (GStrv) arguments = g_new0 (char *, argc + 1);

  for (int i = 0; i < argc; i++)
    arguments[i] = g_strdup (argv[i]);
  g_option_context_add_main_entries (context,
      (const GOptionEntry *) (gpointer) entries->data, NULL);
  g_option_context_set_summary (context, self->summary);
  if (!g_option_context_parse_strv (context, &arguments, error))
    return FALSE;
  if (g_strv_length (arguments) < 2)
    return TRUE;
  return fail (error, arguments[1], "is one argument too many; see --help");
}

int
pmss_settings_load (const PmssSettings * self, const GOptionEntry * options,
    int argc, char **argv, gpointer config)
{
  Line line = {.values = g_new0 (char *, self->n_settings),
    .path_help = g_strdup_printf ("Key file with a group [%s]", self->group)
  };
  g_autoptr (GError) error = NULL;
  int status = PMSS_SETTINGS_READ;

  if (!parse_line (self, options, argc, argv, &line, &error)) {
    status = EX_USAGE;
  } else if (line.version) {
    g_print ("%s %s\n", self->program, PMSS_VERSION);
    status = EX_OK;
  } else if (!pmss_settings_read (self, line.values, line.path, config, &error)) {
    status = EX_CONFIG;
  }
  if (error != NULL)
    g_printerr ("%s: %s\n", self->program, error->message);
  for (guint i = 0; i < self->n_settings; i++)
    g_free (line.values[i]);
  g_free (line.values);
  g_free (line.path);
  g_free (line.path_help);
  return status;
}
