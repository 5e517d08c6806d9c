/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss info */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"
#include "medium.h"

static const PmssCliUsage usage = {
  "NAME…",
  "Shows what the control server knows of media, and whether all of\n"
      "them can be read.",
  "Examples:\n" "  pmss info films/sintel.webm\n"
      "  pmss info --json films/sintel.webm | jq -r .sha256\n"
      "  pmss info --json films/a films/b | jq -r '.media[].sha256'",
  1, -1
};

static void
print_text (const char *title, const char *text)
{
  g_autofree char *shown = pmss_cli_escape (text);

  if (text != NULL && *text)
    printf ("%-12s %s\n", title, shown);
}

/* A line "title  value" for a number that has been made text; takes it. */
static void
print_taken (const char *title, gboolean known, char *text)
{
  if (known)
    printf ("%-12s %s\n", title, text);
  g_free (text);
}

static void
print_streams (JsonArray * streams)
{
  guint i;

  for (i = 0; streams && i < json_array_get_length (streams); i++) {
    JsonObject *stream = pmss_cli_json_element (streams, i);
    g_autofree char *type = pmss_cli_escape (pmss_cli_json_string (stream,
            "type"));
    g_autofree char *codec = pmss_cli_escape (pmss_cli_json_string (stream,
            "codec"));

    printf ("%-12s %s, %s", i == 0 ? "Streams" : "", type, codec);
    if (pmss_cli_json_number (stream, "width"))
      printf (", %" G_GUINT64_FORMAT "x%" G_GUINT64_FORMAT,
          pmss_cli_json_number (stream, "width"),
          pmss_cli_json_number (stream, "height"));
    putchar ('\n');
  }
}

static void
print_rates (JsonObject * medium)
{
  static const struct
  {
    const char *title, *member;
  } rates[] = {
    {"Rate", "avg_bitrate"},
    {"Peak, 1 s", "peak_bitrate_1s"},
    {"Peak, 10 s", "peak_bitrate_10s"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rates); i++) {
    guint64 rate = pmss_cli_json_number (medium, rates[i].member);

    print_taken (rates[i].title, rate > 0, pmss_cli_rate (rate));
  }
}

/* "6.1 Mbit/s at most (measured)" */
static void
print_demand (JsonObject * medium)
{
  JsonObject *demand = pmss_cli_json_object (medium, "demand");
  const char *kind = pmss_cli_json_string (demand, "kind");
  guint64 peak = pmss_cli_json_number (demand, "peak");
  g_autofree char *rate = pmss_cli_rate (peak);

  if (peak > 0)
    printf ("%-12s %s at most (%s)\n", "Demand", rate, kind);
  else if (kind != NULL)
    printf ("%-12s none: it does not play for a time\n", "Demand");
}

/* "3, 5" */
static char *
list_numbers (JsonArray * numbers)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; numbers && i < json_array_get_length (numbers); i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "",
        json_array_get_int_element (numbers, i));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
print_count (guint64 count, const char *one, const char *many)
{
  if (count > 0)
    printf ("%-12s %" G_GUINT64_FORMAT " %s\n", "", count,
        count == 1 ? one : many);
}

static void
print_damaged (JsonObject * health)
{
  JsonArray *ranges = pmss_cli_json_array (health, "damaged");
  guint64 bytes = pmss_cli_json_number (health, "damaged_bytes");

  for (guint i = 0; ranges && i < json_array_get_length (ranges); i++) {
    JsonObject *range = pmss_cli_json_element (ranges, i);
    guint64 offset = pmss_cli_json_number (range, "offset");
    guint64 length = pmss_cli_json_number (range, "length");

    if (length == 0)
      continue;
    printf ("%-12s bytes %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
        " are lost\n", "", offset, offset + length - 1);
    bytes -= MIN (bytes, length);
  }
  print_count (bytes, "more byte is lost", "more bytes are lost");
}

/* What can be read of it, in words. */
static void
print_health (JsonObject * health)
{
  static const struct
  {
    const char *state, *words;
  } states[] = {
    {"whole", "whole: every shard is there"},
    {"degraded", "degraded: every byte can be read, some redundancy is gone"},
    {"unavailable", "unavailable: bytes cannot be read until storage servers "
          "are back"},
    {"damaged", "damaged: bytes are lost"},
  };
  const char *state = pmss_cli_json_string (health, "state");
  g_autofree char *down = NULL;

  if (state == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    if (g_str_equal (state, states[i].state))
      state = states[i].words;
  print_text ("Health", state);
  print_damaged (health);
  print_count (pmss_cli_json_number (health, "degraded_extents"),
      "extent is degraded", "extents are degraded");
  print_count (pmss_cli_json_number (health, "unavailable_extents"),
      "extent is unavailable", "extents are unavailable");
  print_count (pmss_cli_json_number (health, "damaged_extents"),
      "extent is damaged", "extents are damaged");
  print_count (pmss_cli_json_number (health, "bad_shards"),
      "shard is bad", "shards are bad");
  print_count (pmss_cli_json_number (health, "suspected_shards"),
      "shard is suspected to be bad", "shards are suspected to be bad");
  down = list_numbers (pmss_cli_json_array (health, "nodes_down"));
  if (*down)
    printf ("%-12s storage servers that are down: %s\n", "", down);
}

static void
print_medium (JsonObject * medium)
{
  guint64 size = pmss_cli_json_number (medium, "size");
  guint64 length = pmss_cli_json_number (medium, "duration_ns");
  g_autofree char *human = pmss_cli_size (size);
  g_autofree char *sizes =
      g_strdup_printf ("%s (%" G_GUINT64_FORMAT " bytes)", human, size);

  print_text ("Name", pmss_cli_json_string (medium, "name"));
  print_text ("Title", pmss_cli_json_string (medium, "title"));
  print_text ("State", pmss_cli_json_string (medium, "state"));
  print_text ("Size", sizes);
  print_text ("SHA-256", pmss_cli_json_string (medium, "sha256"));
  print_text ("Type", pmss_cli_json_string (medium, "content_type"));
  print_text ("Container", pmss_cli_json_string (medium, "container"));
  print_taken ("Length", length > 0, pmss_cli_duration (length));
  print_rates (medium);
  print_demand (medium);
  print_streams (pmss_cli_json_array (medium, "streams"));
  print_text ("Stored", pmss_cli_json_string (medium, "redundancy"));
  print_health (pmss_cli_json_object (medium, "health"));
  if (pmss_cli_json_boolean (medium, "keep_original"))
    print_text ("Original", "kept on the control server");
  print_taken ("Created", pmss_cli_json_string (medium, "created") != NULL,
      pmss_cli_time (pmss_cli_json_string (medium, "created")));
  if (pmss_cli_json_number (medium, "job"))
    printf ("%-12s %" G_GUINT64_FORMAT "\n", "Job",
        pmss_cli_json_number (medium, "job"));
}

/* Why a medium is not ready, or what was amiss though it is. Those who may not
 * see jobs are not told. */
static void
print_job (PmssCli * cli, PmssClient * client, JsonObject * medium)
{
  g_autofree char *path = g_strdup_printf ("/jobs/%" G_GUINT64_FORMAT,
      pmss_cli_json_number (medium, "job"));
  g_autoptr (JsonNode) node = NULL;
  JsonObject *job;

  if (!pmss_cli_json_number (medium, "job"))
    return;
  node = pmss_client_request (client, "GET", path, NULL, cli->cancellable,
      NULL);
  job = node != NULL ? pmss_cli_json_root (node, NULL) : NULL;
  if (job == NULL)
    return;
  if (g_strcmp0 (pmss_cli_json_string (medium, "state"), "ready") != 0)
    print_text ("Job's error", pmss_cli_json_string (job, "error"));
  print_text ("Job waits for", pmss_cli_json_string (job, "waiting_for"));
  print_text ("Warning", pmss_cli_json_string (job, "warning"));
}

typedef struct
{
  PmssClient *client;
  JsonArray *media;             /* of Medium; NULL: they are printed for people */
  gboolean any;                 /* was printed */
} Infos;

static gboolean
show_medium (PmssCli * cli, const char *name, gpointer user_data,
    GError ** error)
{
  Infos *infos = user_data;
  g_autoptr (JsonNode) node = pmss_medium_get (cli, infos->client, name, error);
  JsonObject *medium = node != NULL ? pmss_cli_json_root (node, error) : NULL;

  if (medium == NULL)
    return FALSE;
  if (infos->media) {
    json_array_add_element (infos->media, g_steal_pointer (&node));
    return TRUE;
  }
  if (infos->any)
    putchar ('\n');
  infos->any = TRUE;
  print_medium (medium);
  print_job (cli, infos->client, medium);
  return TRUE;
}

/* One is told of by its entry alone, several as a list. */
static void
print_media (JsonArray * media, gboolean one)
{
  if (!one)
    pmss_cli_json_print_list ("media", media);
  else if (json_array_get_length (media) == 1)
    pmss_cli_json_print (json_array_get_element (media, 0));
}

gboolean
pmss_cmd_info (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonArray) media = json_array_new ();
  Infos infos = { NULL };
  gboolean done;

  if (!pmss_cli_parse (cli, &usage, NULL, &argc, &argv, error))
    return FALSE;
  client = pmss_cli_connect (cli, error);
  if (client == NULL)
    return FALSE;
  infos.client = client;
  infos.media = cli->json ? media : NULL;
  done = pmss_cli_for_each (cli, argv + 1, argc - 1, show_medium, &infos,
      error);
  if (cli->json)
    print_media (media, argc == 2);
  return done;
}
