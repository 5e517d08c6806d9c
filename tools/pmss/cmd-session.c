/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss session ls, end */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"

static const PmssCliUsage ls_usage = {
  "", "Lists the running streams.",
  "Example:\n  pmss session ls", 0, 0
};

static void
add_row (PmssCliTable * table, JsonObject * session)
{
  JsonObject *medium = pmss_cli_json_object (session, "medium");
  const char *name = medium ? pmss_cli_json_string (medium, "name") :
      pmss_cli_json_string (session, "medium");

  pmss_cli_table_add (table,
      pmss_cli_escape (pmss_cli_json_string (session, "id")),
      pmss_cli_escape (pmss_cli_json_string (session, "user")),
      pmss_cli_escape (name),
      pmss_cli_escape (pmss_cli_json_string (session, "expires")));
}

static gboolean
session_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  const char *const columns[] = { "ID", "USER", "MEDIUM", "LEASE ENDS", NULL };
  g_autoptr (JsonNode) answer = NULL;
  PmssCliTable *table;
  JsonObject *root;
  JsonArray *sessions;
  guint i;

  if (!pmss_cli_parse (cli, &ls_usage, NULL, &argc, &argv, error))
    return FALSE;
  answer = pmss_cli_request (cli, "GET", "/sessions", NULL, error);
  root = answer ? pmss_cli_json_root (answer, error) : NULL;
  if (!root)
    return FALSE;
  if (cli->json) {
    pmss_cli_json_print (answer);
    return TRUE;
  }
  table = pmss_cli_table_new (columns);
  sessions = pmss_cli_json_array (root, "sessions");
  for (i = 0; sessions && i < json_array_get_length (sessions); i++)
    add_row (table, pmss_cli_json_element (sessions, i));
  pmss_cli_table_print (table, "No streams run.");
  return TRUE;
}

static const PmssCliUsage end_usage = {
  "ID", "Ends a stream: its token is not renewed any more.",
  "Example:\n  pmss session end 3f0c…", 1, 1
};

static gboolean
session_end (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;
  g_autofree char *id = NULL;
  g_autofree char *path = NULL;

  if (!pmss_cli_parse (cli, &end_usage, NULL, &argc, &argv, error))
    return FALSE;
  id = g_uri_escape_string (argv[1], NULL, FALSE);
  path = g_strconcat ("/sessions/", id, NULL);
  answer = pmss_cli_request (cli, "DELETE", path, NULL, &local);
  if (local) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "Session '%s' is not ended: ", argv[1]);
    return FALSE;
  }
  printf (cli->json ? "{}\n" : "Ended.\n");
  return TRUE;
}

static const PmssCliCommand verbs[] = {
  {"ls", session_ls, "", "list the running streams"},
  {"end", session_end, "ID", "end one"},
  {NULL}
};

gboolean
pmss_cmd_session (PmssCli * cli, int argc, char **argv, GError ** error)
{
  return pmss_cli_dispatch (cli, verbs, "Running streams.", argc, argv, error);
}
