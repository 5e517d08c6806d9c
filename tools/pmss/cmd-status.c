/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss status */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "cli.h"

/* exit status */
#define ATTENTION 1
#define UNAVAILABLE 2

static const PmssCliUsage usage = {
  "", "Says in a sentence how the cluster is, and what there is to do.",
  "It ends with 0 when all is well, 1 where something is to be done, 2 when media\n"
      "cannot be played or stored. With --json it is the API's answer.\n\n"
      "Examples:\n"
      "  pmss status\n" "  pmss status --json | jq -r .health.state",
  0, 0
};

/* The commands that do what an item advises. */
static const struct
{
  const char *kind;
  const char *command;          /* %s: its subject */
} remedies[] = {
  {"no-nodes", "'pmss node add' says how one joins."},
  {"node-down", "'pmss node repair %s' has them rebuilt."},
  {"node-suspect", "'pmss node ls' shows its state."},
  {"node-warning", "'pmss node ls' shows its state."},
  {"node-disk-low", "'pmss node add' says how one joins."},
  {"node-overload", "'pmss top' shows its load."},
  {"node-slow", "'pmss top' shows its load."},
  {"node-disk-slow", "'pmss top' shows its load."},
  {"node-full", "'pmss node add' says how one joins."},
  {"node-held-shards", "'pmss node set %s --confirm-cleanup' deletes them."},
  {"few-nodes", "Set default-redundancy in the control server's settings, or "
        "give 'pmss put' a --redundancy."},
  {"jobs-waiting", "'pmss job ls --state waiting' says what for."},
  {"jobs-failed", "'pmss job ls --state failed' says why; 'pmss job resume ID' "
        "tries again, 'pmss job cancel ID' gives up."},
};

/* What the advice needs of the command line; NULL: nothing, or it is being done. */
static char *
find_command (JsonObject * item)
{
  const char *kind = pmss_cli_json_string (item, "kind");
  g_autofree char *subject =
      pmss_cli_escape (pmss_cli_json_string (item, "subject"));

  if (g_strcmp0 (kind, "node-down") == 0
      && !pmss_cli_json_object (item, "action"))
    return g_strdup ("'pmss job ls' shows it.");
  for (guint i = 0; i < G_N_ELEMENTS (remedies); i++) {
    g_auto (GStrv) parts = NULL;

    if (g_strcmp0 (kind, remedies[i].kind) != 0)
      continue;
    parts = g_strsplit (remedies[i].command, "%s", 2);
    return g_strjoinv (subject, parts);
  }
  return NULL;
}

/* What to do, in words. */
static char *
describe_remedy (JsonObject * item)
{
  g_autofree char *advice =
      pmss_cli_sentence (pmss_cli_json_string (item, "advice"));
  g_autofree char *command = find_command (item);

  return g_strconcat (advice, command != NULL ? " " : NULL, command, NULL);
}

static void
print (JsonObject * health, JsonArray * items)
{
  g_autofree char *sentence =
      pmss_cli_sentence (pmss_cli_json_string (health, "sentence"));

  printf ("%s\n", sentence);
  for (guint i = 0; items && i < json_array_get_length (items); i++) {
    JsonObject *item = pmss_cli_json_element (items, i);
    g_autofree char *what =
        pmss_cli_sentence (pmss_cli_json_string (item, "text"));
    g_autofree char *todo = describe_remedy (item);

    printf ("\n%s\n  %s\n", what, todo);
  }
}

/* 0: there is nothing to do. */
static int
get_status (JsonObject * health)
{
  const char *state = pmss_cli_json_string (health, "state");

  return g_strcmp0 (state, "ok") == 0 ? 0
      : g_strcmp0 (state, "bad") == 0 ? UNAVAILABLE : ATTENTION;
}

gboolean
pmss_cmd_status (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) answer = NULL;
  JsonObject *root = NULL, *health;
  JsonArray *items;

  if (!pmss_cli_parse (cli, &usage, NULL, &argc, &argv, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  if (client != NULL)
    answer = pmss_client_request (client, "GET", "/overview", NULL,
        cli->cancellable, error);
  if (answer != NULL)
    root = pmss_cli_json_root (answer, error);
  if (root == NULL)
    return FALSE;
  health = pmss_cli_json_object (root, "health");
  items = pmss_cli_json_array (health, "items");
  if (cli->json)
    pmss_cli_json_print (answer);
  else
    print (health, items);
  cli->status = get_status (health);
  return TRUE;
}
