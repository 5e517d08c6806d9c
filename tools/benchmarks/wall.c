/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-wall SOURCE BYTES-PER-SECOND INTERVAL-MS PLAYERS SECONDS: many viewers in one process, as a wall of displays or a gateway has them.
 *
 * Starts PLAYERS pipelines of SOURCE (as of gst-launch), INTERVAL-MS apart, with a sink that takes each byte when it is due at that rate, and watches them for
 * SECONDS once all play. They share what they offer to share (GstContext). Prints one JSON object: "late", the buffers that came more than a second late; "threads", those besides one for each player;
 * "memory", the anonymous memory of the process in bytes; "descriptors"; "seconds", those of all players together. */
#include <stdlib.h>
#include <string.h>

#include <gst/gst.h>

#include "pace.h"
#include "sharing.h"

/* What a player has in hand before it begins to play. */
#define HEAD_START G_USEC_PER_SEC

typedef struct
{
  const char *source;
  double bytes_per_second;
  guint n_players;
  gint late;                    /* atomic */
  gint begun;                   /* atomic: players that have had a buffer */
  char *failure;                /* atomic: the first one */
  BenchSharing sharing;
} Wall;

typedef struct
{
  Wall *wall;
  BenchPace pace;
  gboolean begun;
  GstElement *pipeline;
} Player;

static void
fail (Wall * wall, const char *why)
{
  char *text = g_strdup (why);

  if (!g_atomic_pointer_compare_and_exchange (&wall->failure, NULL, text))
    g_free (text);
}

static GstPadProbeReturn
take (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Player *player = user_data;
  gsize size = gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));

  if (!player->begun)
    g_atomic_int_inc (&player->wall->begun);
  player->begun = TRUE;
  if (bench_pace_take (&player->pace, size) > HEAD_START)
    g_atomic_int_inc (&player->wall->late);
  return GST_PAD_PROBE_OK;
}

static GstBusSyncReply
watch_bus (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Wall *wall = user_data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    fail (wall, error->message);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    fail (wall, "the file is too short");
  } else {
    bench_sharing_handle (&wall->sharing, message);
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
start_player (Wall * wall, Player * player)
{
  g_autofree char *description = g_strconcat (wall->source,
      " ! fakesink name=sink sync=false", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstBus) bus = NULL;

  player->wall = wall;
  player->pace.bytes_per_second = wall->bytes_per_second;
  player->pipeline = gst_parse_launch (description, &error);
  if (error != NULL) {
    fail (wall, error->message);
    return;
  }
  sink = gst_bin_get_by_name (GST_BIN (player->pipeline), "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take, player, NULL);
  bus = gst_element_get_bus (player->pipeline);
  gst_bus_set_sync_handler (bus, watch_bus, wall, NULL);
  gst_element_set_state (player->pipeline, GST_STATE_PLAYING);
}

static void
end_player (Player * player)
{
  if (player->pipeline == NULL)
    return;
  gst_element_set_state (player->pipeline, GST_STATE_NULL);
  gst_object_unref (player->pipeline);
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

/* In bytes. */
static guint64
read_memory (void)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  line = strstr (text, "RssAnon:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("RssAnon:"), NULL,
      10) * 1024 : 0;
}

/* FALSE: one has failed. */
static gboolean
watch (Wall * wall, gint64 until)
{
  while (g_get_monotonic_time () < until) {
    if (g_atomic_pointer_get (&wall->failure) != NULL)
      return FALSE;
    g_usleep (10 * 1000);
  }
  return TRUE;
}

static gboolean
run (Wall * wall, Player * players, gint64 interval, gint64 hold)
{
  gint64 next = g_get_monotonic_time (), begun = next;
  guint threads, descriptors;
  guint64 memory;

  for (guint i = 0; i < wall->n_players; i++) {
    start_player (wall, &players[i]);
    next += interval;
    if (!watch (wall, next))
      return FALSE;
  }
  if (!watch (wall, next + hold))
    return FALSE;
  threads = count_entries ("/proc/self/task");
  descriptors = count_entries ("/proc/self/fd");
  memory = read_memory ();
  g_print ("{\"players\": %u, \"begun\": %d, \"late\": %d, \"threads\": %d, "
      "\"descriptors\": %u, \"memory\": %" G_GUINT64_FORMAT
      ", \"seconds\": %.3f}\n", wall->n_players,
      g_atomic_int_get (&wall->begun), g_atomic_int_get (&wall->late),
      (gint) threads - (gint) wall->n_players, descriptors, memory,
      wall->n_players * ((g_get_monotonic_time () - begun) -
          interval * (wall->n_players - 1) / 2.) / G_USEC_PER_SEC);
  return TRUE;
}

int
main (int argc, char **argv)
{
  Wall wall = { 0 };
  g_autofree Player *players = NULL;
  gboolean ok;

  if (argc != 6) {
    g_printerr ("usage: bench-wall SOURCE BYTES-PER-SECOND INTERVAL-MS "
        "PLAYERS SECONDS\n");
    return 64;
  }
  gst_init (NULL, NULL);
  wall.source = argv[1];
  wall.bytes_per_second = g_ascii_strtod (argv[2], NULL);
  wall.n_players = atoi (argv[4]);
  players = g_new0 (Player, wall.n_players);
  ok = run (&wall, players, atoi (argv[3]) * 1000LL,
      atoi (argv[5]) * G_USEC_PER_SEC);
  for (guint i = 0; i < wall.n_players; i++)
    end_player (&players[i]);
  if (!ok)
    g_printerr ("%s\n", wall.failure);
  g_free (wall.failure);
  bench_sharing_clear (&wall.sharing);
  return ok ? 0 : 1;
}
