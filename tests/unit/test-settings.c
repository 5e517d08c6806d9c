/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of settings: values, where they come from, and errors that tell it. */
#include <glib/gstdio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/pmss-settings.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  char *name, *file, *folder;
  guint number;
  guint64 amount;
  gboolean on;
  GLogLevelFlags level;
  gsize length;
} Config;

static gboolean
parse_length (const char *text, gpointer member, GError ** error)
{
  if (strlen (text) > 3) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "“%s” is long",
        text);
    return FALSE;
  }
  *(gsize *) member = strlen (text);
  return TRUE;
}

static gboolean
check_file (const char *text, GError ** error)
{
  if (g_str_equal (text, "good"))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "“%s” is not good",
      text);
  return FALSE;
}

static gboolean
check (gpointer data, GError ** error)
{
  Config *config = data;

  if (!config->on || config->number < 9)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "number: too large where switch is on");
  return FALSE;
}

#define AT(member) G_STRUCT_OFFSET (Config, member)

enum
{ NAME, FILE_NAME, FOLDER, NUMBER, AMOUNT, SWITCH, LEVEL, LENGTH, N_SETTINGS };

static const PmssSetting settings[N_SETTINGS] = {
  [NAME] = {"name", NULL, PMSS_SETTING_TEXT, AT (name), 0, 0, "NAME", "A name"},
  [FILE_NAME] = {"file", NULL, PMSS_SETTING_PATH, AT (file), 0, 0, "FILE",
      "A file",.check = check_file},
  [FOLDER] = {"folder", "/d/../e", PMSS_SETTING_FOLDER, AT (folder), 0, 0,
      "FOLDER", "A folder"},
  [NUMBER] = {"number", "5", PMSS_SETTING_NUMBER, AT (number), 1, 10, "N",
      "A number"},
  [AMOUNT] = {"amount", "64KiB", PMSS_SETTING_AMOUNT, AT (amount), 1000,
      G_MAXINT64, "SIZE", "An amount"},
  [SWITCH] = {"switch", "off", PMSS_SETTING_SWITCH, AT (on), 0, 0, "WHEN",
      "A switch"},
  [LEVEL] = {"log-level", "message", PMSS_SETTING_LOG_LEVEL, AT (level), 0, 0,
      "LEVEL", "A level"},
  [LENGTH] = {"length", NULL, PMSS_SETTING_OWN, AT (length), 0, 0, "TEXT",
      "A length",.parse = parse_length},
};

static const PmssSettings table = {
  .program = "pmss-test",
  .group = "test",
  .title = "- a test",
  .settings = settings,
  .n_settings = N_SETTINGS,
  .check = check,
};

static void
clear (Config * config)
{
  g_free (config->name);
  g_free (config->file);
  g_free (config->folder);
  memset (config, 0, sizeof *config);
}

static void
test_set (void)
{
  static const struct
  {
    guint setting;
    const char *text;
    const char *error;          /* NULL: it is taken */
  } cases[] = {
    {NAME, "Größe", NULL}, {NAME, "", NULL},
    {NAME, "\xe4", "the value is not UTF-8"},
    {FILE_NAME, "\xe4", NULL}, {FOLDER, "\xe4", NULL},
    {FOLDER, "", "“” is no folder"},
    {NUMBER, "1", NULL}, {NUMBER, "10", NULL},
    {NUMBER, "0", "“0” is no number from 1 to 10"},
    {NUMBER, "11", "“11” is no number from 1 to 10"},
    {NUMBER, "", "“” is no number from 1 to 10"},
    {NUMBER, "+1", "“+1” is no number from 1 to 10"},
    {NUMBER, "5k", "“5k” is no number from 1 to 10"},
    {NUMBER, "18446744073709551617",
        "“18446744073709551617” is no number from 1 to 10"},
    {AMOUNT, "1k", NULL}, {AMOUNT, "9223372036854775807", NULL},
    {AMOUNT, "999",
        "“999” is no number from 1000 to 9223372036854775807"},
    {AMOUNT, "10m", "“10m” is no amount like 1000, 10k, 10M or 64MiB"},
    {SWITCH, "on", NULL}, {SWITCH, "off", NULL},
    {SWITCH, "true", "“true” is neither on nor off"},
    {LEVEL, "debug", NULL},
    {LEVEL, "loud",
        "“loud” is none of critical, warning, message, info, debug"},
    {LENGTH, "abc", NULL}, {LENGTH, "abcd", "“abcd” is long"},
    {LENGTH, "\xe4", "the value is not UTF-8"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    Config config = { 0 };
    gboolean done = pmss_setting_set (&settings[cases[i].setting],
        cases[i].text, &config, &error);

    g_test_message ("case %u", i);
    g_assert_true (done == (cases[i].error == NULL));
    g_assert_cmpstr (error != NULL ? error->message : NULL, ==, cases[i].error);
    g_assert_true (done || error->domain == PMSS_ERROR);
    clear (&config);
  }
}

static void
test_defaults (void)
{
  char *values[N_SETTINGS] = { NULL };
  Config config = {.length = 42 };
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_settings_read (&table, values, NULL, &config, &error));
  g_assert_no_error (error);
  g_assert_null (config.name);
  g_assert_null (config.file);
  g_assert_cmpstr (config.folder, ==, "/e");
  g_assert_cmpuint (config.number, ==, 5);
  g_assert_cmpuint (config.amount, ==, 65536);
  g_assert_false (config.on);
  g_assert_cmpuint (config.level, ==, G_LOG_LEVEL_MESSAGE);
  g_assert_cmpuint (config.length, ==, 42);
  clear (&config);
}

/* A key file of @text. */
static char *
write_file (const char *text)
{
  char *path = NULL;
  int fd = g_file_open_tmp ("pmss-settings-XXXXXX", &path, NULL);

  g_assert_true (g_close (fd, NULL));
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

/* The command line goes before the file, also before what is wrong there. */
static void
test_order (void)
{
  char *values[N_SETTINGS] = {[NAME] = (char *) "",[NUMBER] = (char *) "7",
    [LENGTH] = (char *) "ab"
  };
  g_autofree char *path = write_file ("[other]\nname=x\n[test]\nname=n\n"
      "file=\nnumber=none\namount=2k\nswitch=on\nlength=a\n");
  Config config = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_settings_read (&table, values, path, &config, &error));
  g_assert_no_error (error);
  g_assert_null (config.name);
  g_assert_null (config.file);
  g_assert_cmpuint (config.number, ==, 7);
  g_assert_cmpuint (config.amount, ==, 2000);
  g_assert_true (config.on);
  g_assert_cmpuint (config.length, ==, 2);
  clear (&config);
  g_unlink (path);
}

/* Each error says where: the file, if the value is the file's. */
static void
test_errors (void)
{
  static const struct
  {
    const char *file;           /* its text */
    const char *number;         /* of the command line */
    const char *error;          /* $: the file's path */
  } cases[] = {
    {"[test]\nnumber=0\n", NULL,
        "$: number: “0” is no number from 1 to 10"},
    {"[test]\nnumber=1\n", "0", "number: “0” is no number from 1 to 10"},
    {"[test]\nnumber=\n", NULL, "$: number: “” is no number from 1 to 10"},
    {"[test]\nfile=bad\n", NULL, "$: file: “bad” is not good"},
    {"[test]\nfile=bad\n", "0", "number: “0” is no number from 1 to 10"},
    {"[test]\nnumbr=1\n", NULL,
        "$: There is no setting “numbr”; pmss-test --help lists them"},
    {"[test]\nnumber=9\nswitch=on\n", NULL,
        "number: too large where switch is on"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    char *values[N_SETTINGS] = {[NUMBER] = (char *) cases[i].number };
    g_autofree char *path = write_file (cases[i].file);
    g_autoptr (GString) expected = g_string_new (cases[i].error);
    g_autoptr (GError) error = NULL;
    Config config = { 0 };

    g_string_replace (expected, "$", path, 1);
    g_assert_false (pmss_settings_read (&table, values, path, &config, &error));
    g_assert_cmpstr (error->message, ==, expected->str);
    clear (&config);
    g_unlink (path);
  }
}

static GString *said;

static void
keep (const char *text)
{
  g_string_append (said, text);
}

/* The exit code of a command line; and @said. */
static int
load (const char *arguments, gboolean * option, Config * config)
{
  g_autofree char *line = g_strconcat ("pmss-test ", arguments, NULL);
  g_auto (GStrv) argv = g_strsplit (g_strchomp (line), " ", -1);
  const GOptionEntry options[] = {
    {"option", 0, 0, G_OPTION_ARG_NONE, option, "An option", NULL},
    G_OPTION_ENTRY_NULL
  };
  int status;

  said = g_string_new (NULL);
  g_set_printerr_handler (keep);
  g_set_print_handler (keep);
  status = pmss_settings_load (&table, options, g_strv_length (argv), argv,
      config);
  g_set_printerr_handler (NULL);
  g_set_print_handler (NULL);
  return status;
}

static void
test_command_line (void)
{
  static const struct
  {
    const char *arguments;
    int status;
    const char *says;
  } cases[] = {
    {"", PMSS_SETTINGS_READ, ""},
    {"--option --number=7 --file good", PMSS_SETTINGS_READ, ""},
    {"--version", EX_OK, "pmss-test " PMSS_VERSION "\n"},
    {"--version --number=x", EX_OK, "pmss-test " PMSS_VERSION "\n"},
    {"--nonsense", EX_USAGE, "pmss-test: "},
    {"x", EX_USAGE,
        "pmss-test: “x” is one argument too many; see --help\n"},
    {"--number=x", EX_CONFIG,
        "pmss-test: number: “x” is no number from 1 to 10\n"},
    {"--number=9 --switch=on", EX_CONFIG, "pmss-test: number: too large"},
    {"--config=/nonexistent", EX_CONFIG, "pmss-test: /nonexistent: "},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gboolean option = FALSE;
    Config config = { 0 };

    g_test_message ("%s", cases[i].arguments);
    g_assert_cmpint (load (cases[i].arguments, &option, &config), ==,
        cases[i].status);
    g_assert_true (g_str_has_prefix (said->str, cases[i].says));
    g_assert_true ((cases[i].says[0] == '\0') == (said->len == 0));
    g_assert_true (option == (strstr (cases[i].arguments, "--option") != NULL));
    g_string_free (said, TRUE);
    clear (&config);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/settings/set", test_set);
  g_test_add_func ("/settings/defaults", test_defaults);
  g_test_add_func ("/settings/order", test_order);
  g_test_add_func ("/settings/errors", test_errors);
  g_test_add_func ("/settings/command-line", test_command_line);
  return g_test_run ();
}
