/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss top */

#include <stdio.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "cli.h"
#include "live-screen.h"
#include "patience.h"
#include "top-view.h"

#define INTERVAL_MS 1000

static const PmssCliUsage usage = {
  "", "Shows storage servers and streams, anew each second, until q is typed.",
  "It is shown once with --once, with --json, and where the output is no\n"
      "terminal. A control server that is away is waited for.\n\n"
      "Examples:\n"
      "  pmss top\n"
      "  pmss top --once\n"
      "  pmss top --json | jq '.nodes[] | {id, cpu: .stats.cpu}'",
  0, 0
};

/* What control says now; NULL: not yet. */
typedef struct
{
  JsonNode *overview, *nodes, *sessions;
} Answers;

static void
answers_clear (Answers * answers)
{
  g_clear_pointer (&answers->overview, json_node_unref);
  g_clear_pointer (&answers->nodes, json_node_unref);
  g_clear_pointer (&answers->sessions, json_node_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answers, answers_clear)
     static JsonNode *ask (PmssCli * cli, PmssClient * client, const char *path,
    GError ** error)
{
  g_autoptr (JsonNode) answer = pmss_client_request (client, "GET", path, NULL,
      cli->cancellable, error);

  if (answer == NULL || pmss_cli_json_root (answer, error) == NULL)
    return NULL;
  return g_steal_pointer (&answer);
}

/* Where it fails, @answers stay as they were. */
static gboolean
ask_all (PmssCli * cli, PmssClient * client, Answers * answers, GError ** error)
{
  g_auto (Answers) fresh = { 0 };

  fresh.overview = ask (cli, client, "/overview", error);
  if (fresh.overview != NULL)
    fresh.nodes = ask (cli, client, "/nodes", error);
  if (fresh.nodes != NULL)
    fresh.sessions = ask (cli, client, "/sessions", error);
  if (fresh.sessions == NULL)
    return FALSE;
  answers_clear (answers);
  *answers = fresh;
  fresh = (Answers) {
  0};
  return TRUE;
}

static JsonArray *
get_list (JsonNode * answer, const char *name)
{
  return pmss_cli_json_array (json_node_get_object (answer), name);
}

static char *
make_text (const Answers * answers, guint columns)
{
  return pmss_top_view_make (json_node_get_object (answers->overview),
      get_list (answers->nodes, "nodes"), get_list (answers->sessions,
          "sessions"), columns);
}

/* Once */

static void
add_list (JsonObject * object, JsonNode * answer, const char *name)
{
  JsonArray *list = get_list (answer, name);

  json_object_set_array_member (object, name, list != NULL ?
      json_array_ref (list) : json_array_new ());
}

static void
print_json (const Answers * answers)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_member (object, "overview",
      json_node_ref (answers->overview));
  add_list (object, answers->nodes, "nodes");
  add_list (object, answers->sessions, "sessions");
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

static gboolean
show_once (PmssCli * cli, PmssClient * client, GError ** error)
{
  g_auto (Answers) answers = { 0 };
  g_autofree char *text = NULL;

  if (!ask_all (cli, client, &answers, error))
    return FALSE;
  if (cli->json) {
    print_json (&answers);
    return TRUE;
  }
  text = make_text (&answers, pmss_cli_get_width ());
  fputs (text, stdout);
  return TRUE;
}

/* Live */

/* What is shown while control does not answer. */
static char *
make_away_text (const Answers * answers, const GError * error, guint columns)
{
  g_autofree char *escaped = pmss_cli_escape (error->message);
  g_autofree char *said = g_strconcat ("The control server is waited for: ",
      escaped, NULL);
  g_autofree char *cut = pmss_cli_cut (said, columns);
  g_autofree char *before = answers->overview != NULL ?
      make_text (answers, columns) : NULL;

  return g_strconcat (cut, "\n", before != NULL ? "What it said last:\n\n" : "",
      before, NULL);
}

static gboolean
show_now (PmssCli * cli, PmssClient * client, PmssLiveScreen * screen,
    Answers * answers, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *text = NULL;
  guint columns, rows;
  gboolean ok = ask_all (cli, client, answers, &local);

  if (!ok && !pmss_patience_is_passing (local)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  pmss_live_screen_get_size (screen, &columns, &rows);
  text = ok ? make_text (answers, columns)
      : make_away_text (answers, local, columns);
  pmss_live_screen_show (screen, text);
  return TRUE;
}

/* FALSE and G_IO_ERROR_CANCELLED in the end, if nothing else happens. */
static gboolean
show_all (PmssCli * cli, PmssClient * client, PmssLiveScreen * screen,
    GError ** error)
{
  g_auto (Answers) answers = { 0 };

  while (show_now (cli, client, screen, &answers, error)
      && pmss_patience_wait (cli->cancellable, INTERVAL_MS, error));
  return FALSE;
}

static gboolean
show_live (PmssCli * cli, PmssClient * client, GError ** error)
{
  PmssLiveScreen *screen = pmss_live_screen_new (cli->cancellable, error);
  g_autoptr (GError) local = NULL;

  if (screen == NULL)
    return FALSE;
  show_all (cli, client, screen, &local);
  pmss_live_screen_free (screen);
  /* that is how one ends it */
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_cmd_top (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean once = FALSE;
  const GOptionEntry entries[] = {
    {"once", '1', 0, G_OPTION_ARG_NONE, &once, "Show it once, and end", NULL},
    {NULL}
  };
  g_autoptr (PmssClient) client = NULL;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  if (client == NULL)
    return FALSE;
  if (once || cli->json || !pmss_live_screen_is_possible ())
    return show_once (cli, client, error);
  return show_live (cli, client, error);
}
