/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss ls */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"
#include "medium.h"

static const PmssCliUsage usage = {
  "[PREFIX]", "Lists the media whose names begin with PREFIX, or all.",
  "Examples:\n"
      "  pmss ls\n"
      "  pmss ls films/\n"
      "  pmss ls --names films/     nothing but the names, one a line\n"
      "  pmss ls --json | jq -r '.media[] | select(.state == \"ready\") | .name'",
  0, 1
};

static void
print_names (JsonArray * media)
{
  guint i;

  for (i = 0; i < json_array_get_length (media); i++) {
    g_autofree char *name = pmss_cli_escape (pmss_cli_json_string
        (pmss_cli_json_element (media, i), "name"));

    puts (name);
  }
}

static void
print_table (JsonArray * media, const char *prefix)
{
  g_autofree char *shown = pmss_cli_escape (prefix);
  g_autofree char *empty = prefix ?
      g_strdup_printf ("No media whose names begin with “%s”.", shown) :
      g_strdup ("No media.");
  const char *const columns[] =
      { "NAME", ">SIZE", ">LENGTH", ">RATE", "STORED", "STATE", NULL };
  PmssCliTable *table = pmss_cli_table_new (columns);
  guint i;

  for (i = 0; i < json_array_get_length (media); i++) {
    JsonObject *medium = pmss_cli_json_element (media, i);
    guint64 length = pmss_cli_json_number (medium, "duration_ns");
    guint64 rate = pmss_cli_json_number (medium, "avg_bitrate");

    pmss_cli_table_add (table,
        pmss_cli_escape (pmss_cli_json_string (medium, "name")),
        pmss_cli_size (pmss_cli_json_number (medium, "size")),
        length ? pmss_cli_duration (length) : g_strdup ("-"),
        rate ? pmss_cli_rate (rate) : g_strdup ("-"),
        pmss_cli_escape (pmss_cli_json_string (medium, "redundancy")),
        pmss_cli_escape (pmss_cli_json_string (medium, "state")));
  }
  pmss_cli_table_print (table, empty);
}

gboolean
pmss_cmd_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean names = FALSE;
  const GOptionEntry entries[] = {
    {"names", 'n', 0, G_OPTION_ARG_NONE, &names, "Print the names only", NULL},
    {NULL}
  };
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonArray) media = NULL;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  media =
      client != NULL ? pmss_medium_list (cli, client, argc > 1 ? argv[1] : NULL,
      error) : NULL;
  if (media == NULL)
    return FALSE;
  if (cli->json)
    pmss_cli_json_print_list ("media", media);
  else if (names)
    print_names (media);
  else
    print_table (media, argc > 1 ? argv[1] : NULL);
  return TRUE;
}
