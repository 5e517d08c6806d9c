/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The settings of a daemon, from one table. Each has a default, may stand in the key file, and is
 * an option of the command line; the latter goes before the former. An empty value of a setting
 * that has no default means that the setting is not there. At the start, on one thread; nothing is
 * kept. */

typedef enum
{
  PMSS_SETTING_TEXT,            /* char *: UTF-8 */
  PMSS_SETTING_PATH,            /* char *: any bytes, as file systems have */
  PMSS_SETTING_FOLDER,          /* char *: the same, made absolute */
  PMSS_SETTING_NUMBER,          /* guint: digits */
  PMSS_SETTING_AMOUNT,          /* guint64: as pmss_amount_parse() takes it */
  PMSS_SETTING_SWITCH,          /* gboolean: "on" or "off" */
  PMSS_SETTING_LOG_LEVEL,       /* GLogLevelFlags */
  PMSS_SETTING_OWN,             /* what `parse` makes of UTF-8 text */
} PmssSettingKind;

typedef struct
{
  const char *name;
  const char *fallback;         /* NULL: none; then the member stays as it was */
  PmssSettingKind kind;
  gsize offset;                 /* of the member of the configuration that it sets */
  guint64 minimum, maximum;     /* of numbers and amounts */
  const char *argument, *help;  /* for --help */
  /* PMSS_SETTING_OWN. Pure; the error says "“VALUE” is ..." and not which setting it is. */
  gboolean (*parse) (const char *text, gpointer member, GError **error);
  /* (nullable) Checks the object that the value names, such as a file. Called when all values have
   * been parsed. */
  gboolean (*check) (const char *text, GError **error);
} PmssSetting;

typedef struct
{
  const char *program;          /* "pmss-storage" */
  const char *group;            /* of the key file: "storage" */
  const char *title, *summary;  /* for --help; @summary is nullable */
  const PmssSetting *settings;
  guint n_settings;
  /* (nullable) Checks several settings together, or against the machine. Errors begin with the
   * setting's name. */
  gboolean (*check) (gpointer config, GError **error);
} PmssSettings;

/* The settings are read, and the server may run. Any other result is its exit code. */
#define PMSS_SETTINGS_READ (-1)

/* Reads command line and key file into @config, whose strings are to be freed in any case.
 * @options: (nullable): options that are no settings, ended by an empty one. 0: only the version
 * was asked for. EX_USAGE, EX_CONFIG: the message is on stderr. Ends the process after --help, as
 * #GOptionContext does. */
int      pmss_settings_load (const PmssSettings *self, const GOptionEntry *options, int argc,
    char **argv, gpointer config);

/* The parts of it. PMSS_ERROR_INVALID names the fault, the value and the allowed values. */

/* Puts the one value @text into @config. Pure. */
gboolean pmss_setting_set   (const PmssSetting *setting, const char *text, gpointer config,
    GError **error);
/* Puts all into @config: @values (by the table's order, NULL where there is none), else those of
 * the key file @path (nullable), else defaults. An error of one value names its setting, and the
 * file where it stands. */
gboolean pmss_settings_read (const PmssSettings *self, char *const *values, const char *path,
    gpointer config, GError **error);
/* An amount within limits, for a `parse`. Pure. */
gboolean pmss_setting_parse_amount (const char *text, guint64 minimum, guint64 maximum,
    guint64 *amount, GError **error);
/* A `check`: the file has PEM certificates (pmss_ca_file_open()). */
gboolean pmss_setting_check_ca_file (const char *text, GError **error);

G_END_DECLS
