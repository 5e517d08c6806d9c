/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a viewer waits. Times are in seconds, and begin at SINCE (CLOCK_MONOTONIC, ns), when this process was about to be started.
 *
 *   bench-player SINCE buffer SOURCE   a source as of gst-launch: until its first buffer is at a fakesink
 *   bench-player SINCE play URI        playbin3: until the first frame is at the sink, then from each seek until the next frame is there
 *
 * Films have a key frame every two seconds. A seek goes to the middle between two of them: a little past one, qtdemux (in pull mode, of a file
 * too) begins two seconds before it, at the key frame before the audio's, and decodes fifty frames that nobody sees.
 *
 * Prints one JSON object. */
#include <stdlib.h>
#include <string.h>

#include <gst/gst.h>

#define DEADLINE (30 * GST_SECOND)
#define BETWEEN_KEY_FRAMES(time) ((time) / (2 * GST_SECOND) * 2 * GST_SECOND + GST_SECOND)

typedef struct
{
  GMutex lock;
  GCond cond;
  gint64 arrived;               /* monotonic, us; 0: not yet */
  gboolean flushing;            /* what comes now is from before the seek */
} Arrival;

static GstPadProbeReturn
seen (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Arrival *arrival = user_data;

  g_mutex_lock (&arrival->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    if (arrival->arrived == 0 && !arrival->flushing) {
      arrival->arrived = g_get_monotonic_time ();
      g_cond_broadcast (&arrival->cond);
    }
  } else if (GST_EVENT_TYPE (info->data) == GST_EVENT_FLUSH_STOP) {
    arrival->flushing = FALSE;
  }
  g_mutex_unlock (&arrival->lock);
  return GST_PAD_PROBE_OK;
}

static void
fail (GstElement * pipeline, const char *what)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus,
      GST_MESSAGE_ERROR);

  if (message != NULL) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    g_printerr ("%s: %s\n", what, error->message);
  } else {
    g_printerr ("%s: nothing came\n", what);
  }
  exit (1);
}

/* Returns the seconds from @since (us) on. */
static double
wait_for_arrival (Arrival * arrival, gint64 since, GstElement * pipeline,
    const char *what)
{
  gint64 end = g_get_monotonic_time () + DEADLINE / GST_USECOND;
  gint64 arrived;

  g_mutex_lock (&arrival->lock);
  while (arrival->arrived == 0
      && g_cond_wait_until (&arrival->cond, &arrival->lock, end));
  arrived = arrival->arrived;
  g_mutex_unlock (&arrival->lock);
  if (arrived == 0)
    fail (pipeline, what);
  return (arrived - since) / (double) G_USEC_PER_SEC;
}

static void
watch (GstElement * sink, Arrival * arrival)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      seen, arrival, NULL);
}

static void
measure_buffer (const char *source, gint64 since)
{
  static Arrival arrival;
  g_autoptr (GError) error = NULL;
  g_autofree char *description = g_strconcat (source,
      " ! fakesink name=sink sync=false", NULL);
  g_autoptr (GstElement) pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstElement) sink = NULL;

  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    exit (1);
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  watch (sink, &arrival);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_print ("{\"first_buffer\": %f}\n", wait_for_arrival (&arrival, since,
          pipeline, "first buffer"));
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

static void
wait_for_preroll (GstElement * pipeline, const char *what)
{
  if (gst_element_get_state (pipeline, NULL, NULL, DEADLINE)
      != GST_STATE_CHANGE_SUCCESS)
    fail (pipeline, what);
}

static double
seek (GstElement * pipeline, Arrival * arrival, gint64 to, const char *what)
{
  gint64 since = g_get_monotonic_time ();
  double seconds;

  g_mutex_lock (&arrival->lock);
  arrival->arrived = 0;
  arrival->flushing = TRUE;
  g_mutex_unlock (&arrival->lock);
  if (!gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, to))
    fail (pipeline, what);
  seconds = wait_for_arrival (arrival, since, pipeline, what);
  wait_for_preroll (pipeline, what);
  return seconds;
}

static GstElement *
make_sink (void)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  g_object_set (sink, "sync", TRUE, NULL);
  return sink;
}

static void
measure_play (const char *uri, gint64 since)
{
  static Arrival arrival;
  g_autoptr (GstElement) playbin =
      gst_object_ref_sink (gst_element_factory_make ("playbin3", NULL));
  GstElement *video = make_sink ();
  double frame, near, far, tail;
  gint64 duration;

  g_object_set (playbin, "uri", uri, "video-sink", video, "audio-sink",
      make_sink (), NULL);
  watch (video, &arrival);
  gst_element_set_state (playbin, GST_STATE_PAUSED);
  frame = wait_for_arrival (&arrival, since, playbin, "first frame");
  wait_for_preroll (playbin, "preroll");
  if (!gst_element_query_duration (playbin, GST_FORMAT_TIME, &duration))
    fail (playbin, "duration");
  near = seek (playbin, &arrival, 3 * GST_SECOND, "seek near");
  far = seek (playbin, &arrival, BETWEEN_KEY_FRAMES (duration / 2), "seek far");
  tail = seek (playbin, &arrival, BETWEEN_KEY_FRAMES (duration - 4 *
          GST_SECOND), "seek to the tail");
  g_print ("{\"first_frame\": %f, \"near\": %f, \"far\": %f, \"tail\": %f}\n",
      frame, near, far, tail);
  gst_element_set_state (playbin, GST_STATE_NULL);
}

int
main (int argc, char **argv)
{
  gint64 since;

  if (argc != 4) {
    g_printerr ("usage: bench-player SINCE buffer SOURCE | play URI\n");
    return 64;
  }
  gst_init (NULL, NULL);
  since = g_ascii_strtoll (argv[1], NULL, 10) / 1000;
  if (strcmp (argv[2], "play") == 0)
    measure_play (argv[3], since);
  else
    measure_buffer (argv[3], since);
  gst_deinit ();
  return 0;
}
