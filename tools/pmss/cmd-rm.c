/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss rm */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"
#include "medium.h"

static const PmssCliUsage usage = {
  "NAME…", "Deletes media. Running streams of them end.",
  "The names are free again at once; the storage servers' disks follow in the\n"
      "background ('pmss job ls').\n\n"
      "Examples:\n"
      "  pmss rm films/sintel.webm\n"
      "  pmss ls --names old/ | xargs -d '\\n' pmss rm",
  1, -1
};

static gboolean
remove_medium (PmssCli * cli, const char *name, gpointer user_data,
    GError ** error)
{
  PmssClient *client = user_data;
  g_autofree char *path = pmss_medium_path (name, error);
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (!path)
    return FALSE;
  answer = pmss_client_request (client, "DELETE", path, NULL,
      cli->cancellable, &local);
  if (local) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "'%s' is not deleted: ", name);
    return FALSE;
  }
  if (!cli->json) {
    g_autofree char *shown = pmss_cli_escape (name);

    printf ("Deleted %s.\n", shown);
  }
  return TRUE;
}

gboolean
pmss_cmd_rm (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;
  if (!pmss_cli_parse (cli, &usage, NULL, &argc, &argv, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  if (!client)
    return FALSE;
  if (!pmss_cli_for_each (cli, argv + 1, argc - 1, remove_medium, client,
          error))
    return FALSE;
  if (cli->json)
    printf ("{}\n");
  return TRUE;
}
