/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss artwork */

#include <stdio.h>

#include "cli-progress.h"
#include "cli-text.h"
#include "cli.h"
#include "job-follow.h"
#include "medium.h"

static const PmssCliUsage usage = {
  "NAME… | --all | --missing",
  "Makes the pictures anew that pages show of media.",
  "These are a poster, small pictures along the time, and the loudness of what\n"
      "has sound alone. They are made when a medium is uploaded; this is for media\n"
      "without, or after a decoder was installed. A job of the control server does\n"
      "it, of the original or of the shards, and goes on when this command is\n"
      "interrupted ('pmss job ls'). A medium of which none can be made is a warning.\n\n"
      "Examples:\n"
      "  pmss artwork films/sintel.webm\n"
      "  pmss artwork --missing\n"
      "  pmss artwork --all --json | jq '.artwork[] | select(.warning)'",
  0, -1
};

typedef struct
{
  PmssClient *client;
  JsonArray *results;
} Drawing;

/* --- telling --- */

static void
print_artwork (const char *name, JsonObject * artwork)
{
  static const struct
  {
    const char *member, *text;
  } parts[] = {
    {"poster", "a poster"},
    {"sprite", "small pictures along the time"},
    {"peaks", "its loudness"},
  };
  g_autofree char *shown = pmss_cli_escape (name);
  guint n = 0;

  printf ("%s: ", shown);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (pmss_cli_json_boolean (artwork, parts[i].member))
      printf ("%s%s", n++ > 0 ? ", " : "", parts[i].text);
  printf ("%s\n", n == 0 ? "nothing to show" : "");
  fflush (stdout);
}

static void
set_text (JsonObject * object, const char *member, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, member, text);
  else
    json_object_set_null_member (object, member);
}

/* {"name", "job", "warning", "artwork", "error"} */
static JsonObject *
add_result (Drawing * self, const char *name)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", name);
  json_object_set_null_member (object, "job");
  json_object_set_null_member (object, "warning");
  json_object_set_null_member (object, "artwork");
  json_object_set_null_member (object, "error");
  json_array_add_object_element (self->results, object);
  return object;
}

/* --- one medium --- */

static gboolean
tell (PmssCli * cli, Drawing * self, JsonObject * job, const char *name,
    JsonObject * result, GError ** error)
{
  g_autoptr (JsonNode) medium = pmss_medium_get (cli, self->client, name,
      error);
  JsonObject *root = medium != NULL ? pmss_cli_json_root (medium, error) : NULL;
  JsonObject *artwork;

  if (root == NULL)
    return FALSE;
  artwork = pmss_cli_json_object (root, "artwork");
  set_text (result, "warning", pmss_cli_json_string (job, "warning"));
  if (artwork != NULL)
    json_object_set_object_member (result, "artwork",
        json_object_ref (artwork));
  if (!cli->json)
    print_artwork (name, artwork);
  return TRUE;
}

static gboolean
draw_medium (PmssCli * cli, Drawing * self, const char *name,
    JsonObject * result, GError ** error)
{
  guint64 id = pmss_medium_start_job (cli, self->client, name, "artwork",
      error);
  g_autoptr (PmssCliProgress) progress = NULL;
  g_autoptr (JsonNode) job = NULL;

  if (id == 0)
    return FALSE;
  json_object_set_int_member (result, "job", (gint64) id);
  progress = pmss_cli_progress_new (cli->json);
  job = pmss_job_follow (cli, self->client, id, progress, NULL, error);
  pmss_cli_progress_clear (progress);
  return job != NULL
      && tell (cli, self, json_node_get_object (job), name, result, error);
}

static gboolean
draw (PmssCli * cli, const char *name, gpointer user_data, GError ** error)
{
  g_autoptr (GError) local = NULL;
  JsonObject *result = add_result (user_data, name);

  if (draw_medium (cli, user_data, name, result, &local))
    return TRUE;
  set_text (result, "error", local->message);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* --- which ones --- */

/* As far as the ingest found out: what it could not look into may have some. */
static gboolean
may_show_something (JsonObject * medium)
{
  JsonArray *streams = pmss_cli_json_array (medium, "streams");
  const char *content_type = pmss_cli_json_string (medium, "content_type");

  for (guint i = 0; streams != NULL && i < json_array_get_length (streams); i++) {
    const char *type = pmss_cli_json_string (pmss_cli_json_element (streams, i),
        "type");

    if (g_strcmp0 (type, "video") == 0 || g_strcmp0 (type, "image") == 0
        || g_strcmp0 (type, "audio") == 0)
      return TRUE;
  }
  return streams == NULL || (content_type != NULL
      && (g_str_has_prefix (content_type, "audio/")
          || g_str_has_prefix (content_type, "video/")
          || g_str_has_prefix (content_type, "image/")));
}

static gboolean
is_missing (JsonObject * medium)
{
  return may_show_something (medium)
      && pmss_cli_json_object (medium, "artwork") == NULL;
}

gboolean
pmss_cmd_artwork (PmssCli * cli, int argc, char **argv, GError ** error)
{
  gboolean all = FALSE, missing = FALSE;
  g_autoptr (JsonArray) results = json_array_new ();
  Drawing self = {.results = results };
  const GOptionEntry entries[] = {
    {"all", 'a', 0, G_OPTION_ARG_NONE, &all,
        "All media that are ready, and not known to show nothing", NULL},
    {"missing", 'm', 0, G_OPTION_ARG_NONE, &missing,
        "Those of them that have no pictures", NULL},
    {NULL}
  };
  g_auto (GStrv) names = NULL;
  g_autoptr (PmssClient) client = NULL;
  gboolean done;

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  if (all + missing + (argc > 1) != 1) {
    g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "Give the names of media, --all or --missing");
    return FALSE;
  }
  client = self.client = pmss_cli_connect (cli, error);
  names = client == NULL ? NULL : argc > 1 ? g_strdupv (argv + 1)
      : pmss_medium_list_ready (cli, client, all ? may_show_something
      : is_missing, error);
  if (names == NULL)
    return FALSE;
  done = pmss_cli_for_each (cli, names, g_strv_length (names), draw, &self,
      error);
  if (cli->json)
    pmss_cli_json_print_list ("artwork", results);
  else if (names[0] == NULL)
    printf ("No media.\n");
  return done;
}
