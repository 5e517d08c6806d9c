/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss status */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>
#include <libpmss/pmss-types.h>

#include "cli-text.h"
#include "cli.h"

/* Less of a disk that is free than this is worth a word. */
#define LITTLE_ROOM 0.05

static const PmssCliUsage usage = {
  "", "Says in a sentence how the cluster is, and what there is to do.",
  "With --json \"state\" is \"good\", \"attention\" (something is to be done) or\n"
      "\"unavailable\" (nothing can be stored or played).\n\n"
      "Examples:\n" "  pmss status\n" "  pmss status --json | jq -r .state",
  0, 0
};

typedef struct
{
  PmssCli *cli;
  PmssClient *client;
  const char *redundancy;       /* the default one */
  guint n_nodes, n_up, n_down;
  guint running, waiting, failed;       /* jobs; 1000 stand for more */
  guint streams;
  GPtrArray *what, *todo;       /* of char *, side by side: a sentence, and what to do */
} Status;

static void
take_todo (Status * status, char *what, const char *todo, ...)
G_GNUC_PRINTF (3, 4);

/* Takes @what. */
     /* Takes @what. */
     static void G_GNUC_PRINTF (3, 4)
  take_todo (Status * status, char *what, const char *todo, ...)
{
  va_list arguments;

  va_start (arguments, todo);
  g_ptr_array_add (status->what, what);
  g_ptr_array_add (status->todo, g_strdup_vprintf (todo, arguments));
  va_end (arguments);
}

static JsonNode *
get (Status * status, const char *path, GError ** error)
{
  return pmss_client_request (status->client, "GET", path, NULL,
      status->cli->cancellable, error);
}

/* --- storage servers --- */

static void
note_down (Status * status, JsonObject * node, guint64 id)
{
  g_autofree char *age = pmss_cli_age_since (pmss_cli_json_string (node,
          "since"));
  g_autofree char *why = pmss_cli_sentence (pmss_cli_json_string (node,
          "reason"));
  char *what = g_strdup_printf ("Storage server %" G_GUINT64_FORMAT
      " is down for %s: %s.", id, age != NULL ? age : "a while", why);

  status->n_down++;
  if (pmss_cli_json_boolean (node, "repair"))
    take_todo (status, what, "Its shards are being rebuilt on the others: "
        "'pmss job ls' shows it.");
  else
    take_todo (status, what, "Start it again, or have its shards rebuilt on "
        "the others at once: 'pmss node repair %" G_GUINT64_FORMAT "'.", id);
}

static void
note_suspect (Status * status, JsonObject * node, guint64 id)
{
  g_autofree char *why = pmss_cli_sentence (pmss_cli_json_string (node,
          "reason"));

  take_todo (status, g_strdup_printf ("Storage server %" G_GUINT64_FORMAT
          " is suspect: %s.", id, why),
      "Look at its log and at its network; 'pmss node ls' shows its state.");
}

static void
note_room (Status * status, JsonObject * node, guint64 id)
{
  guint64 room = pmss_cli_json_number (node, "free");
  guint64 used = pmss_cli_json_number (node, "used");
  g_autofree char *left = pmss_cli_size (room);

  if (used == 0 || (double) room > LITTLE_ROOM * (double) (room + used))
    return;
  take_todo (status, g_strdup_printf ("Storage server %" G_GUINT64_FORMAT
          " is almost full: %s are free.", id, left),
      "Delete media, or add storage servers: 'pmss node add'.");
}

static void
note_shards (Status * status, JsonObject * node, guint64 id)
{
  guint64 bad = pmss_cli_json_number (node, "bad_shards");
  guint64 held = pmss_cli_json_number (node, "held_shards");

  if (bad > 0)
    take_todo (status, g_strdup_printf ("Storage server %" G_GUINT64_FORMAT
            " has %" G_GUINT64_FORMAT " bad shard%s.", id, bad,
            bad == 1 ? "" : "s"),
        "They are rebuilt by themselves; look at that server's disk.");
  if (held > 0)
    take_todo (status, g_strdup_printf ("Storage server %" G_GUINT64_FORMAT
            " has %" G_GUINT64_FORMAT " shards that nobody knows.", id, held),
        "Look whether the catalog is the right one, then 'pmss node set %"
        G_GUINT64_FORMAT " --confirm-cleanup' deletes them.", id);
}

static void
note_node (Status * status, JsonObject * node)
{
  const char *state = pmss_cli_json_string (node, "state");
  const char *warning = pmss_cli_json_string (node, "warning");
  g_autofree char *careful = pmss_cli_sentence (warning);
  guint64 id = pmss_cli_json_number (node, "id");

  if (g_strcmp0 (state, "down") == 0) {
    note_down (status, node, id);
    return;
  }
  status->n_up++;
  if (g_strcmp0 (state, "suspect") == 0)
    note_suspect (status, node, id);
  if (warning != NULL)
    take_todo (status, g_strdup_printf ("Storage server %" G_GUINT64_FORMAT
            ": %s.", id, careful), "'pmss node ls' shows its state.");
  note_room (status, node, id);
  note_shards (status, node, id);
}

/* Whether what is uploaded without --redundancy finds enough servers. */
static void
note_redundancy (Status * status)
{
  PmssRedundancy redundancy;

  if (!status->redundancy || status->n_nodes == 0 ||
      !pmss_redundancy_parse (status->redundancy, &redundancy, NULL) ||
      status->n_up >= (guint) redundancy.k + redundancy.m)
    return;
  take_todo (status, g_strdup_printf ("The default redundancy, %s, needs %u "
          "storage servers, and %u are up: uploads wait or are refused.",
          status->redundancy, (guint) redundancy.k + redundancy.m,
          status->n_up),
      "Start or add storage servers, set default-redundancy in the control "
      "server's settings, or give 'pmss put' a --redundancy.");
}

static gboolean
load_nodes (Status * status, GError ** error)
{
  g_autoptr (JsonNode) answer = get (status, "/nodes", error);
  JsonObject *root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  JsonArray *nodes = pmss_cli_json_array (root, "nodes");

  if (root == NULL)
    return FALSE;
  status->n_nodes = nodes != NULL ? json_array_get_length (nodes) : 0;
  for (guint i = 0; i < status->n_nodes; i++)
    note_node (status, pmss_cli_json_element (nodes, i));
  if (status->n_nodes == 0)
    take_todo (status, g_strdup ("No storage server has joined."),
        "'pmss node add' says how one joins.");
  note_redundancy (status);
  return TRUE;
}

/* --- jobs and streams --- */

static gboolean
count (Status * status, const char *path, const char *member, guint * n,
    GError ** error)
{
  g_autoptr (JsonNode) answer = get (status, path, error);
  JsonObject *root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  JsonArray *array = pmss_cli_json_array (root, member);

  *n = array != NULL ? json_array_get_length (array) : 0;
  return root != NULL;
}

static gboolean
load_work (Status * status, GError ** error)
{
  if (!count (status, "/jobs?state=running&limit=1000", "jobs",
          &status->running, error)
      || !count (status, "/jobs?state=waiting&limit=1000", "jobs",
          &status->waiting, error)
      || !count (status, "/jobs?state=failed&limit=1000", "jobs",
          &status->failed, error)
      || !count (status, "/sessions", "sessions", &status->streams, error))
    return FALSE;
  if (status->waiting > 0)
    take_todo (status, g_strdup_printf ("%u job%s, and go%s on by %s.",
            status->waiting, status->waiting == 1 ? " waits" : "s wait",
            status->waiting == 1 ? "es" : "",
            status->waiting == 1 ? "itself" : "themselves"),
        "'pmss job ls --state waiting' says what for.");
  if (status->failed > 0)
    take_todo (status, g_strdup_printf ("%u job%s failed.", status->failed,
            status->failed == 1 ? " has" : "s have"),
        "'pmss job ls --state failed' says why; 'pmss job resume ID' tries "
        "again, 'pmss job cancel ID' gives up.");
  return TRUE;
}

/* --- telling --- */

static const char *
get_state (const Status * status)
{
  if (status->n_up == 0)
    return "unavailable";
  return status->what->len ? "attention" : "good";
}

static char *
make_sentence (const Status * status)
{
  GString *text = g_string_new (NULL);

  if (status->n_nodes == 0)
    g_string_append (text, "The control server runs, and has no storage "
        "servers");
  else if (status->n_down == 0)
    g_string_append_printf (text, "%s %u storage server%s up",
        status->n_nodes > 1 ? "All" : "The", status->n_nodes,
        status->n_nodes > 1 ? "s are" : " is");
  else
    g_string_append_printf (text, "%u of %u storage servers %s down",
        status->n_down, status->n_nodes, status->n_down == 1 ? "is" : "are");
  g_string_append_printf (text, ", %u stream%s and %u job%s run%s",
      status->streams, status->streams == 1 ? "" : "s", status->running,
      status->running == 1 ? "" : "s",
      status->streams + status->running == 1 ? "s" : "");
  g_string_append (text, status->what->len ? "; there is something to do." :
      "; there is nothing to do.");
  return g_string_free (text, FALSE);
}

static void
print (const Status * status, const char *sentence)
{
  printf ("%s\n", sentence);
  for (guint i = 0; i < status->what->len; i++)
    printf ("\n%s\n  %s\n", (char *) status->what->pdata[i],
        (char *) status->todo->pdata[i]);
}

static JsonObject *
object_of_numbers (const char *first, ...)
{
  JsonObject *object = json_object_new ();
  va_list pairs;

  va_start (pairs, first);
  for (const char *name = first; name; name = va_arg (pairs, const char *))
      json_object_set_int_member (object, name, va_arg (pairs, guint));
  va_end (pairs);
  return object;
}

static void
print_json (const Status * status, const char *sentence)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *todo = json_array_new ();

  for (guint i = 0; i < status->what->len; i++) {
    JsonObject *one = json_object_new ();

    json_object_set_string_member (one, "what", status->what->pdata[i]);
    json_object_set_string_member (one, "do", status->todo->pdata[i]);
    json_array_add_object_element (todo, one);
  }
  json_object_set_string_member (object, "url",
      pmss_client_get_url (status->client));
  json_object_set_string_member (object, "state", get_state (status));
  json_object_set_string_member (object, "summary", sentence);
  json_object_set_object_member (object, "nodes", object_of_numbers ("total",
          status->n_nodes, "up", status->n_up, "down", status->n_down, NULL));
  json_object_set_object_member (object, "jobs", object_of_numbers ("running",
          status->running, "waiting", status->waiting, "failed",
          status->failed, NULL));
  json_object_set_int_member (object, "streams", status->streams);
  json_object_set_array_member (object, "todo", todo);
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

static gboolean
load (Status * status, GError ** error)
{
  g_autoptr (JsonNode) cluster = get (status, "/cluster", error);
  JsonObject *root =
      cluster != NULL ? pmss_cli_json_root (cluster, error) : NULL;

  if (root == NULL)
    return FALSE;
  status->redundancy = pmss_cli_json_string (pmss_cli_json_object (root,
          "defaults"), "redundancy");
  return load_nodes (status, error) && load_work (status, error);
}

gboolean
pmss_cmd_status (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GPtrArray) what = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) todo = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *sentence = NULL;
  Status status = {.cli = cli,.what = what,.todo = todo };

  if (!pmss_cli_parse (cli, &usage, NULL, &argc, &argv, error))
    return FALSE;
  status.client = client = pmss_cli_connect (cli, error);
  if (client == NULL || !load (&status, error))
    return FALSE;
  sentence = make_sentence (&status);
  if (cli->json)
    print_json (&status, sentence);
  else
    print (&status, sentence);
  return TRUE;
}
