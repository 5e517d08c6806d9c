/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss rm */

#include <stdio.h>

#include "cli-confirm.h"
#include "cli-text.h"
#include "cli.h"
#include "medium.h"

static const PmssCliUsage usage = {
  "NAME…", "Deletes media. Running streams of them end.",
  "More than one are asked about first; --yes answers. The names are free again at\n"
      "once; the storage servers' disks follow in the background ('pmss job ls').\n\n"
      "Examples:\n"
      "  pmss rm films/sintel.webm\n"
      "  pmss ls --names old/ | xargs -d '\\n' pmss rm --dry-run\n"
      "  pmss ls --names old/ | xargs -d '\\n' pmss rm --yes",
  1, -1
};

typedef struct
{
  PmssClient *client;
  gboolean dry_run;
  JsonArray *names;             /* of those that are deleted, or would be */
} Removing;

/* What would be deleted. */
static gboolean
show_medium (PmssCli * cli, const char *name, gpointer user_data,
    GError ** error)
{
  Removing *removing = user_data;
  g_autoptr (JsonNode) node = pmss_medium_get (cli, removing->client, name,
      error);
  JsonObject *medium = node != NULL ? pmss_cli_json_root (node, error) : NULL;
  g_autofree char *size = NULL;
  g_autofree char *shown = pmss_cli_escape (name);

  if (medium == NULL)
    return FALSE;
  json_array_add_string_element (removing->names, name);
  size = pmss_cli_size (pmss_cli_json_number (medium, "size"));
  if (!cli->json)
    printf ("Would delete %s (%s).\n", shown, size);
  return TRUE;
}

static gboolean
remove_medium (PmssCli * cli, const char *name, gpointer user_data,
    GError ** error)
{
  Removing *removing = user_data;
  g_autofree char *path = pmss_medium_path (name, error);
  g_autofree char *shown = pmss_cli_escape (name);
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (path == NULL)
    return FALSE;
  answer = pmss_client_request (removing->client, "DELETE", path, NULL,
      cli->cancellable, &local);
  if (local != NULL) {
    pmss_medium_suggest (cli, removing->client, name, &local);
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "“%s” is not deleted: ", name);
    return FALSE;
  }
  json_array_add_string_element (removing->names, name);
  if (!cli->json)
    printf ("Deleted %s.\n", shown);
  return TRUE;
}

static void
print_json (const Removing * removing)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_array_member (object, "deleted",
      json_array_ref (removing->names));
  json_object_set_boolean_member (object, "dry_run", removing->dry_run);
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

static gboolean
may_delete (PmssCli * cli, int n, char **names, GError ** error)
{
  g_autofree char *what = g_strdup_printf ("%d media would be deleted", n);
  g_autofree char *first = pmss_cli_escape (names[0]);
  g_autofree char *last = pmss_cli_escape (names[n - 1]);
  g_autofree char *question = g_strdup_printf ("Delete %d media, %s to %s?",
      n, first, last);

  return pmss_cli_confirm (cli, question, what, error);
}

gboolean
pmss_cmd_rm (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean yes = FALSE, dry_run = FALSE, done;
  const GOptionEntry entries[] = {
    {"yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "Do not ask", NULL},
    {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run,
        "Only show what would be deleted", NULL},
    {NULL}
  };
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonArray) names = json_array_new ();
  Removing removing = { NULL };

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  if (argc > 2 && !yes && !dry_run &&
      !may_delete (cli, argc - 1, argv + 1, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  if (client == NULL)
    return FALSE;
  removing = (Removing) {
  client, dry_run, names};
  done = pmss_cli_for_each (cli, argv + 1, argc - 1,
      dry_run ? show_medium : remove_medium, &removing, error);
  if (cli->json)
    print_json (&removing);
  return done;
}
