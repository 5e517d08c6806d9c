/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-players SOURCE BYTES-PER-SECOND INTERVAL-MS MOST: how many viewers at once?
 *
 * Starts one player after the other, INTERVAL-MS apart, until a buffer of any of them is late, or MOST of them run, or memory runs short. A player is
 * a pipeline of SOURCE (as of gst-launch) and a sink that takes each byte when it is due at that rate; a buffer is late when it comes more than
 * a second after that. Prints one JSON object; its "seconds" are those of all players together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gst/gst.h>

#include "pace.h"

/* For how long so many are watched when they are as many as were asked for. */
#define HOLD (10 * G_USEC_PER_SEC)

/* What a player has in hand before it begins to play. */
#define HEAD_START G_USEC_PER_SEC
/* Below this the kernel would begin to drop the page cache that is streamed. */
#define LEAST_MEMORY (1500 << 10)       /* KiB */

static struct
{
  GMutex lock;
  GCond cond;
  char *end;                    /* why it is over */
} state;

static double bytes_per_second;

static void
end_because (const char *why)
{
  g_mutex_lock (&state.lock);
  if (state.end == NULL)
    state.end = g_strdup (why);
  g_cond_broadcast (&state.cond);
  g_mutex_unlock (&state.lock);
}

static GstPadProbeReturn
take (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gsize size = gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));

  if (bench_pace_take (user_data, size) > HEAD_START)
    end_because ("late");
  return GST_PAD_PROBE_OK;
}

static GstBusSyncReply
watch_bus (GstBus * bus, GstMessage * message, gpointer user_data)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    end_because (error->message);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    end_because ("the file is too short");
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static GstElement *
start_player (const char *source)
{
  g_autofree char *description = g_strconcat (source,
      " ! fakesink name=sink sync=false", NULL);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstBus) bus = NULL;
  BenchPace *pace = g_new0 (BenchPace, 1);

  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    exit (1);
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  pace->bytes_per_second = bytes_per_second;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take, pace, g_free);
  bus = gst_element_get_bus (pipeline);
  gst_bus_set_sync_handler (bus, watch_bus, NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

static gboolean
memory_is_short (void)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/meminfo", &text, NULL, NULL))
    return FALSE;
  line = strstr (text, "MemAvailable:");
  return line != NULL && strtol (line + strlen ("MemAvailable:"), NULL, 10)
      < LEAST_MEMORY;
}

/* Returns TRUE when it is over. */
static gboolean
wait_until_over (gint64 end)
{
  gboolean over;

  g_mutex_lock (&state.lock);
  while (state.end == NULL
      && g_cond_wait_until (&state.cond, &state.lock, end));
  over = state.end != NULL;
  g_mutex_unlock (&state.lock);
  return over;
}

/* @seconds: how long they have played, all together. */
static guint
start_players (const char *source, guint most, gint64 interval, double *seconds)
{
  gint64 next = g_get_monotonic_time ();
  double started = 0;
  guint n = 0;

  do {
    if (n == most) {
      if (!wait_until_over (next + HOLD))
        end_because ("most");
    } else if (memory_is_short ()) {
      end_because ("memory");
    } else {
      start_player (source);
      started += g_get_monotonic_time ();
      n++;
    }
    next += interval;
  } while (!wait_until_over (next));
  *seconds = ((double) n * g_get_monotonic_time () - started) / G_USEC_PER_SEC;
  return n;
}

int
main (int argc, char **argv)
{
  double seconds;
  guint n;

  if (argc != 5) {
    g_printerr ("usage: bench-players SOURCE BYTES-PER-SECOND INTERVAL-MS "
        "MOST\n");
    return 64;
  }
  gst_init (NULL, NULL);
  bytes_per_second = g_ascii_strtod (argv[2], NULL);
  n = start_players (argv[1], atoi (argv[4]), atoi (argv[3]) * 1000, &seconds);
  if (!g_str_equal (state.end, "late") && !g_str_equal (state.end, "most")
      && !g_str_equal (state.end, "memory")) {
    g_printerr ("%s\n", state.end);
    return 1;
  }
  g_print ("{\"players\": %u, \"end\": \"%s\", \"seconds\": %.3f}\n", n,
      state.end, seconds);
  fflush (stdout);
  /* hundreds of pipelines in the middle of their work: the kernel is quicker at taking them down */
  _Exit (0);
}
