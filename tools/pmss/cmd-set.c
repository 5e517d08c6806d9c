/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss set */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"
#include "medium.h"

static const PmssCliUsage usage = {
  "NAME", "Changes a medium's title, or whether its original is kept.",
  "An original that is kept later is made from the shards by a job, and counts\n"
      "when its SHA-256 is that of the file that was taken in. It is dropped only\n"
      "while all shards are there and good.\n\n"
      "Examples:\n"
      "  pmss set films/sintel.webm --title \"Sintel (2010)\"\n"
      "  pmss set films/sintel.webm --keep-original\n"
      "  pmss set films/sintel.webm --drop-original",
  1, 1
};

static JsonNode *
make_body (const char *title, gboolean keep, gboolean drop)
{
  JsonNode *body = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  if (title != NULL)
    json_object_set_string_member (object, "title", title);
  if (keep || drop)
    json_object_set_boolean_member (object, "keep_original", keep);
  json_node_init_object (body, object);
  return body;
}

static void
print_json (JsonNode * medium, guint64 job)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_member (object, "medium", json_node_ref (medium));
  if (job != 0)
    json_object_set_int_member (object, "job", (gint64) job);
  else
    json_object_set_null_member (object, "job");
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

static void
print (const char *name, guint64 job)
{
  g_autofree char *shown = pmss_cli_escape (name);

  if (job != 0)
    printf ("%s: job %" G_GUINT64_FORMAT " makes the original from the shards; "
        "'pmss job watch %" G_GUINT64_FORMAT "' shows it.\n", shown, job, job);
  else
    printf ("%s is changed.\n", shown);
}

static gboolean
change (PmssCli * cli, const char *name, JsonNode * body, GError ** error)
{
  g_autofree char *path = pmss_medium_path (name, error);
  g_autoptr (PmssClient) client = path != NULL ? pmss_cli_connect (cli, error)
      : NULL;
  g_autoptr (JsonNode) answer = NULL, medium = NULL;
  JsonObject *root;
  guint64 job;

  if (client == NULL)
    return FALSE;
  answer = pmss_client_request (client, "PATCH", path, body, cli->cancellable,
      error);
  if (answer == NULL)
    pmss_medium_suggest (cli, client, name, error);
  root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  if (root == NULL)
    return FALSE;
  /* a medium has a job, too, and a name besides */
  job = pmss_cli_json_string (root, "name") != NULL ? 0
      : pmss_cli_json_number (root, "job");
  if (!cli->json) {
    print (name, job);
    return TRUE;
  }
  medium = pmss_medium_get (cli, client, name, error);
  if (medium == NULL)
    return FALSE;
  print_json (medium, job);
  return TRUE;
}

gboolean
pmss_cmd_set (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *title = NULL;
  gboolean keep = FALSE, drop = FALSE;
  const GOptionEntry entries[] = {
    {"title", 't', 0, G_OPTION_ARG_STRING, &title,
        "A title to show; '' takes it away", "TEXT"},
    {"keep-original", 0, 0, G_OPTION_ARG_NONE, &keep,
        "Keep the file whole on the control server, too", NULL},
    {"drop-original", 0, 0, G_OPTION_ARG_NONE, &drop,
        "Keep it no longer", NULL},
    {NULL}
  };
  g_autoptr (JsonNode) body = NULL;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  if ((keep && drop) || (title == NULL && !keep && !drop)) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        keep ? "--keep-original and --drop-original contradict each other" :
        "Nothing to change: give --title, --keep-original or --drop-original");
    return FALSE;
  }
  body = make_body (title, keep, drop);
  return change (cli, argv[1], body, error);
}
