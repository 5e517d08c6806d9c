/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss mv */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"
#include "medium.h"

static const PmssCliUsage usage = {
  "OLD… NEW",
  "Gives media other names. Streams of them, and jobs, go on.",
  "A NEW that ends with / is a prefix for the last part of each OLD; with several\n"
      "it has to be one. Nothing is copied, and no name that is taken is replaced.\n\n"
      "Examples:\n"
      "  pmss mv films/sintl.webm films/sintel.webm\n"
      "  pmss mv new/a.webm new/b.webm films/",
  2, -1
};

typedef struct
{
  PmssClient *client;
  const char *to;
  JsonArray *renamed;           /* of Medium */
} Moving;

static char *
new_name (const char *old, const char *to)
{
  g_autofree char *base = g_path_get_basename (old);

  return g_str_has_suffix (to, "/") ? g_strconcat (to, base, NULL) :
      g_strdup (to);
}

static JsonNode *
make_body (const char *name)
{
  JsonNode *body = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_string_member (object, "name", name);
  json_node_init_object (body, object);
  return body;
}

static gboolean
move_medium (PmssCli * cli, const char *old, gpointer user_data,
    GError ** error)
{
  Moving *moving = user_data;
  g_autofree char *name = new_name (old, moving->to);
  g_autofree char *medium = pmss_medium_path (old, error);
  g_autofree char *path = NULL;
  g_autofree char *before = pmss_cli_escape (old);
  g_autofree char *after = pmss_cli_escape (name);
  g_autoptr (JsonNode) body = NULL;
  JsonNode *answer;

  if (medium == NULL || !pmss_medium_check_name (name, error))
    return FALSE;
  path = g_strconcat (medium, "/rename", NULL);
  body = make_body (name);
  answer = pmss_client_request (moving->client, "POST", path, body,
      cli->cancellable, error);
  if (answer == NULL) {
    pmss_medium_suggest (cli, moving->client, old, error);
    g_prefix_error (error, "“%s” is not renamed: ", old);
    return FALSE;
  }
  json_array_add_element (moving->renamed, answer);
  if (!cli->json)
    printf ("%s is %s now.\n", before, after);
  return TRUE;
}

gboolean
pmss_cmd_mv (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonArray) renamed = json_array_new ();
  Moving moving = { NULL };
  gboolean done;

  if (!pmss_cli_parse (cli, &usage, NULL, &argc, &argv, error))
    return FALSE;
  if (argc > 3 && !g_str_has_suffix (argv[argc - 1], "/")) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "Several media need a prefix that ends with / as the last argument, "
        "and “%s” is none", argv[argc - 1]);
    return FALSE;
  }
  client = pmss_cli_connect (cli, error);
  if (client == NULL)
    return FALSE;
  moving = (Moving) {
  client, argv[argc - 1], renamed};
  done = pmss_cli_for_each (cli, argv + 1, argc - 2, move_medium, &moving,
      error);
  if (cli->json)
    pmss_cli_json_print_list ("media", renamed);
  return done;
}
