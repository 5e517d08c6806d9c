/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the commands share: options, the server to talk to, credentials. */

#include "cli.h"

#include <string.h>

#include <libpmss/client/pmss-control-url.h>
#include <libpmss/client/pmss-credentials.h>
#include <libpmss/pmss-error.h>

#include "cli-suggest.h"
#include "cli-text.h"

GQuark
pmss_cli_error_quark (void)
{
  return g_quark_from_static_string ("pmss-cli-error-quark");
}

static void
print_commands (const PmssCliCommand * commands, const char *intro)
{
  g_print ("Usage: %s COMMAND [OPTION…] [ARGUMENT…]\n\n%s\n\nCommands:\n",
      g_get_prgname (), intro);
  for (; commands->name; commands++) {
    g_autofree char *line =
        g_strdup_printf ("%s %s", commands->name, commands->parameters);

    g_print ("  %-26s %s\n", line, commands->summary);
  }
  g_print ("\n'%s COMMAND --help' explains a command and shows examples.\n",
      g_get_prgname ());
}

static const PmssCliCommand *
find_command (const PmssCliCommand * commands, const char *name)
{
  for (; commands->name; commands++)
    if (strcmp (commands->name, name) == 0)
      return commands;
  return NULL;
}

static void
set_no_command (const PmssCliCommand * commands, const char *typed,
    GError ** error)
{
  g_autofree char *shown = pmss_cli_escape (typed);
  g_auto (PmssSuggestion) suggestion = { NULL };

  pmss_suggestion_init (&suggestion, typed);
  for (; commands->name; commands++)
    pmss_suggestion_add (&suggestion, commands->name);
  if (suggestion.best)
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "There is no command “%s”; did you mean “%s”?", shown,
        suggestion.best);
  else
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "There is no command “%s”", shown);
}

/* "pmss help node ls" is "pmss node ls --help". */
static gboolean
help_on (PmssCli * cli, const PmssCliCommand * commands, const char *intro,
    int argc, char **argv, GError ** error)
{
  static char option[] = "--help";
  g_autofree char **words = g_new0 (char *, (gsize) argc + 1);

  words[0] = argv[0];
  memcpy (words + 1, argv + 2, (gsize) (argc - 2) * sizeof (char *));
  words[argc - 1] = option;
  return pmss_cli_dispatch (cli, commands, intro, argc, words, error);
}

gboolean
pmss_cli_dispatch (PmssCli * cli, const PmssCliCommand * commands,
    const char *intro, int argc, char **argv, GError ** error)
{
  const PmssCliCommand *command;
  g_autofree char *program = NULL;

  if (argc < 2) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "No command was given");
    return FALSE;
  }
  if (g_str_equal (argv[1], "help") && argc > 2)
    return help_on (cli, commands, intro, argc, argv, error);
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h") ||
      g_str_equal (argv[1], "help")) {
    print_commands (commands, intro);
    return TRUE;
  }
  command = find_command (commands, argv[1]);
  if (command == NULL) {
    set_no_command (commands, argv[1], error);
    return FALSE;
  }
  program = g_strdup_printf ("%s %s", g_get_prgname (), command->name);
  g_set_prgname (program);
  return command->run (cli, argc - 1, argv + 1, error);
}

/* What every command takes. */
static void
add_common (PmssCli * cli, GOptionContext * context)
{
  const GOptionEntry common[] = {
    {"server", 0, 0, G_OPTION_ARG_FILENAME, &cli->server,
        "The control server to ask", "URL"},
    {"ca-file", 0, 0, G_OPTION_ARG_FILENAME, &cli->ca_file,
        "PEM certificates to trust, not the system's", "FILE"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &cli->json,
        "Print JSON, for programs", NULL},
    {NULL}
  };

  g_option_context_add_main_entries (context, common, NULL);
}

gboolean
pmss_cli_parse_leading (PmssCli * cli, int *argc, char ***argv, GError ** error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  /* What is none of these is the command, or for it. */
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_ignore_unknown_options (context, TRUE);
  add_common (cli, context);
  return g_option_context_parse (context, argc, argv, error);
}

/* Texts are taken as they were typed: GOption would convert them by the locale, and refuse all but ASCII in the locale C. */
static GOptionEntry *
without_conversion (const GOptionEntry * entries)
{
  g_autoptr (GArray) copy = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));

  for (; entries && entries->long_name; entries++) {
    GOptionEntry entry = *entries;

    if (entry.arg == G_OPTION_ARG_STRING)
      entry.arg = G_OPTION_ARG_FILENAME;
    else if (entry.arg == G_OPTION_ARG_STRING_ARRAY)
      entry.arg = G_OPTION_ARG_FILENAME_ARRAY;
    g_array_append_val (copy, entry);
  }
  return (GOptionEntry *) g_array_free (g_steal_pointer (&copy), FALSE);
}

static gboolean
is_text (const GOptionEntry * entry)
{
  const char *text;

  if (entry->arg == G_OPTION_ARG_STRING_ARRAY) {
    for (char **each = *(char ***)entry->arg_data; each && *each; each++)
      if (!g_utf8_validate (*each, -1, NULL))
        return FALSE;
    return TRUE;
  }
  text = entry->arg == G_OPTION_ARG_STRING ? *(char **) entry->arg_data : NULL;
  return text == NULL || g_utf8_validate (text, -1, NULL);
}

static gboolean
check_texts (const GOptionEntry * entries, GError ** error)
{
  for (; entries && entries->long_name; entries++) {
    if (!is_text (entries)) {
      g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
          "The value of --%s is not UTF-8", entries->long_name);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
pmss_cli_parse (PmssCli * cli, const PmssCliUsage * usage,
    const GOptionEntry * entries, int *argc, char ***argv, GError ** error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (usage->parameters);
  g_autofree GOptionEntry *unconverted = without_conversion (entries);
  int n;

  g_option_context_set_summary (context, usage->summary);
  g_option_context_set_description (context, usage->description);
  if (entries != NULL)
    g_option_context_add_main_entries (context, unconverted, NULL);
  add_common (cli, context);
  if (!g_option_context_parse (context, argc, argv, error)
      || !check_texts (entries, error))
    return FALSE;
  /* "pmss get -- -odd-name -" leaves the "--" in place. */
  if (*argc > 1 && g_str_equal ((*argv)[1], "--")) {
    (*argv)++;
    (*argc)--;
  }
  n = *argc - 1;
  if (n < usage->min_arguments ||
      (usage->max_arguments >= 0 && n > usage->max_arguments)) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "This takes %s, and was given %d argument%s",
        *usage->parameters ? usage->parameters : "no arguments", n,
        n == 1 ? "" : "s");
    return FALSE;
  }
  return TRUE;
}

gboolean
pmss_cli_parse_id (const char *text, const char *what, guint64 * id,
    GError ** error)
{
  if (g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, id, NULL))
    return TRUE;
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      "“%s” is not the number of a %s", text, what);
  return FALSE;
}

gboolean
pmss_cli_for_each (PmssCli * cli, char **names, int n, PmssCliEachFunc func,
    gpointer user_data, GError ** error)
{
  g_autoptr (GError) last = NULL;
  int i;

  for (i = 0; i < n && !g_cancellable_is_cancelled (cli->cancellable); i++) {
    g_autoptr (GError) local = NULL;

    if (func (cli, names[i], user_data, &local))
      continue;
    if (last != NULL && cli->json)
      pmss_cli_print_error_json (last);
    else if (last != NULL)
      pmss_cli_print_error (last);
    g_clear_error (&last);
    last = g_steal_pointer (&local);
  }
  if (last == NULL)
    return !g_cancellable_set_error_if_cancelled (cli->cancellable, error);
  g_propagate_error (error, g_steal_pointer (&last));
  return FALSE;
}

char *
pmss_cli_normalize_url (const char *text, GError ** error)
{
  g_autoptr (PmssControlUrl) url = pmss_control_url_parse (text, error);

  return url != NULL ? pmss_control_url_to_string (url) : NULL;
}

/* What `pmss login` stored of @url (nullable: of the last one). NULL without @error: nothing. */
static PmssCredentials *
load_stored (const char *url, GError ** error)
{
  g_autoptr (GError) local = NULL;
  PmssCredentials *stored = pmss_credentials_load (url, &local);

  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_INVALID))
    g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_CONFIG,
        local->message);
  else if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return stored;
}

char *
pmss_cli_find_url (PmssCli * cli, GError ** error)
{
  g_autoptr (PmssCredentials) stored = NULL;
  g_autoptr (GError) local = NULL;
  const char *given = cli->server ? cli->server : g_getenv ("PMSS_URL");

  if (given != NULL && *given)
    return pmss_cli_normalize_url (given, error);
  stored = load_stored (NULL, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  if (stored != NULL)
    return pmss_cli_normalize_url (stored->url, error);
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_NO_SERVER,
      "No control server is known");
  return NULL;
}

PmssClient *
pmss_cli_client_new (PmssCli * cli, const char *url, GError ** error)
{
  g_autoptr (PmssClient) client = pmss_client_new (url, error);

  if (client == NULL)
    return NULL;
  if (cli->ca_file) {
    if (!pmss_client_set_ca_file (client, cli->ca_file, error)) {
      g_prefix_error (error, "--ca-file: ");
      return NULL;
    }
  } else if (!pmss_client_find_authorities (client, error)) {
    return NULL;
  }
  return g_steal_pointer (&client);
}

PmssClient *
pmss_cli_connect (PmssCli * cli, GError ** error)
{
  g_autofree char *url = pmss_cli_find_url (cli, error);
  PmssClient *client;

  if (url == NULL)
    return NULL;
  client = pmss_cli_client_new (cli, url, error);
  if (client != NULL)
    pmss_client_find_credentials (client, NULL, NULL);
  return client;
}

char *
pmss_cli_find_token (const char *url, GError ** error)
{
  const char *token = g_getenv ("PMSS_TOKEN");
  g_autoptr (PmssCredentials) stored = NULL;
  g_autoptr (GError) local = NULL;

  if (token != NULL && *token)
    return g_strdup (token);
  stored = load_stored (url, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  if (stored != NULL)
    return g_steal_pointer (&stored->token);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
      "No login at %s is stored: log in with 'pmss login %s', or set PMSS_TOKEN",
      url, url);
  return NULL;
}

JsonNode *
pmss_cli_request (PmssCli * cli, const char *method, const char *path,
    JsonNode * body, GError ** error)
{
  g_autoptr (PmssClient) client = pmss_cli_connect (cli, error);

  if (client == NULL)
    return NULL;
  return pmss_client_request (client, method, path, body, cli->cancellable,
      error);
}
