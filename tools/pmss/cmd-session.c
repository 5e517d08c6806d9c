/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss session ls, end */

#include <stdio.h>

#include "cli-list.h"

static const PmssCliUsage ls_usage = {
  "", "Lists the running streams.",
  "Example:\n  pmss session ls", 0, 0
};

/* Who waits is told apart from who reads. */
static char *
describe_start (JsonObject * session)
{
  guint64 ns = pmss_cli_json_number (session, "start_in_ns");
  g_autofree char *in = pmss_cli_duration (ns);

  return ns > 0 ? g_strconcat ("begins in ", in, NULL) : g_strdup ("reads");
}

static void
add_row (PmssCliTable * table, JsonObject * session)
{
  pmss_cli_table_add (table,
      pmss_cli_escape (pmss_cli_json_string (session, "id")),
      pmss_cli_escape (pmss_cli_json_string (session, "user")),
      pmss_cli_rate (pmss_cli_json_number (session, "rate")),
      pmss_cli_time (pmss_cli_json_string (session, "created")),
      describe_start (session),
      pmss_cli_escape (pmss_cli_json_string (session, "medium")));
}

static gboolean
session_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  static const char *const columns[] = { "ID", "USER", ">RATE", "SINCE",
    "STATE", "MEDIUM", NULL
  };
  static const PmssCliList list = {
    "sessions", columns, add_row, "No streams run.", NULL
  };

  return pmss_cli_parse (cli, &ls_usage, NULL, &argc, &argv, error) &&
      pmss_cli_list (cli, "/sessions", &list, error);
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
  if (local != NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "Session “%s” is not ended: ", argv[1]);
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
