/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss status */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "cli.h"

static const PmssCliUsage usage = {
  "", "Says in a sentence how the cluster is, and what there is to do.",
  "With --json \"state\" is \"good\", \"attention\" (something is to be done) or\n"
      "\"unavailable\" (nothing can be stored or played).\n\n"
      "Examples:\n" "  pmss status\n" "  pmss status --json | jq -r .state",
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

/* For programs */

/* A suspect one may be up. */
static void
add_nodes (JsonObject * to, JsonObject * root)
{
  JsonObject *from = pmss_cli_json_object (root, "nodes");
  JsonObject *counts = json_object_new ();
  gint64 total = (gint64) pmss_cli_json_number (from, "total");
  gint64 down = (gint64) pmss_cli_json_number (from, "down");

  json_object_set_int_member (counts, "total", total);
  json_object_set_int_member (counts, "up", total - down);
  json_object_set_int_member (counts, "down", down);
  json_object_set_object_member (to, "nodes", counts);
}

static void
copy_counts (JsonObject * to, JsonObject * root, const char *name,
    const char *const *members)
{
  JsonObject *from = pmss_cli_json_object (root, name);
  JsonObject *counts = json_object_new ();

  for (guint i = 0; members[i]; i++)
    json_object_set_int_member (counts, members[i],
        (gint64) pmss_cli_json_number (from, members[i]));
  json_object_set_object_member (to, name, counts);
}

static const char *
get_state (JsonObject * root, JsonObject * health)
{
  JsonObject *nodes = pmss_cli_json_object (root, "nodes");

  if (pmss_cli_json_number (nodes, "up") == 0
      && pmss_cli_json_number (nodes, "suspect") == 0)
    return "unavailable";
  return g_strcmp0 (pmss_cli_json_string (health, "state"), "ok") == 0 ?
      "good" : "attention";
}

static JsonArray *
list_todo (JsonArray * items)
{
  JsonArray *todo = json_array_new ();

  for (guint i = 0; items && i < json_array_get_length (items); i++) {
    JsonObject *item = pmss_cli_json_element (items, i);
    JsonObject *one = json_object_new ();
    g_autofree char *remedy = describe_remedy (item);

    json_object_set_string_member (one, "what",
        pmss_cli_json_string (item, "text"));
    json_object_set_string_member (one, "do", remedy);
    json_array_add_object_element (todo, one);
  }
  return todo;
}

static void
print_json (const char *url, JsonObject * root, JsonObject * health,
    JsonArray * items)
{
  static const char *const jobs[] = { "running", "waiting", "failed", NULL };
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_string_member (object, "url", url);
  json_object_set_string_member (object, "state", get_state (root, health));
  json_object_set_string_member (object, "summary",
      pmss_cli_json_string (health, "sentence"));
  add_nodes (object, root);
  copy_counts (object, root, "jobs", jobs);
  json_object_set_int_member (object, "streams",
      (gint64) pmss_cli_json_number (root, "streams"));
  json_object_set_array_member (object, "todo", list_todo (items));
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
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
    print_json (pmss_client_get_url (client), root, health, items);
  else
    print (health, items);
  return TRUE;
}
