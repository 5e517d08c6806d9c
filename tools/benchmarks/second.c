/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-second cold|warm BYTES-PER-SECOND SECONDS FIRST SECOND THIRD: how long a viewer waits who opens another film.
 *
 * Films are sources as of gst-launch. FIRST plays at that rate for SECONDS. SECOND is opened beside it. Then both end, and THIRD is opened.
 * Warm: the pipelines share what they offer to share (GstContext). Cold: nothing, so that each opens connections of its own.
 *
 * Prints one JSON object: "beside" and "after", the seconds from PLAYING to the first buffer of SECOND and of THIRD. */
#include <stdlib.h>
#include <string.h>

#include <gst/gst.h>

#include "pace.h"
#include "sharing.h"

#define DEADLINE (30 * G_USEC_PER_SEC)

typedef struct
{
  gboolean is_warm;
  double bytes_per_second;
  BenchSharing sharing;
} Viewer;

typedef struct
{
  Viewer *viewer;
  GstElement *pipeline;
  BenchPace pace;
  gint64 started;               /* monotonic, us */
  GMutex lock;                  /* protects what follows */
  GCond cond;
  gint64 arrived;               /* monotonic, us; 0: not yet */
  char *failure;                /* (nullable): none */
} Film;

static GstPadProbeReturn
take (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Film *film = user_data;

  g_mutex_lock (&film->lock);
  if (film->arrived == 0)
    film->arrived = g_get_monotonic_time ();
  g_cond_broadcast (&film->cond);
  g_mutex_unlock (&film->lock);
  bench_pace_take (&film->pace,
      gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info)));
  return GST_PAD_PROBE_OK;
}

static void
note_failure (Film * film, GstMessage * message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_mutex_lock (&film->lock);
  if (film->failure == NULL)
    film->failure = g_strdup (error->message);
  g_cond_broadcast (&film->cond);
  g_mutex_unlock (&film->lock);
}

static GstBusSyncReply
watch_bus (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Film *film = user_data;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    note_failure (film, message);
  else if (film->viewer->is_warm)
    bench_sharing_handle (&film->viewer->sharing, message);
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
film_open (Film * film, Viewer * viewer, const char *source)
{
  g_autofree char *description = g_strconcat (source,
      " ! fakesink name=sink sync=false", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstBus) bus = NULL;

  film->viewer = viewer;
  film->pace.bytes_per_second = viewer->bytes_per_second;
  film->pipeline = gst_parse_launch (description, &error);
  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    exit (1);
  }
  sink = gst_bin_get_by_name (GST_BIN (film->pipeline), "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, take, film, NULL);
  bus = gst_element_get_bus (film->pipeline);
  gst_bus_set_sync_handler (bus, watch_bus, film, NULL);
  film->started = g_get_monotonic_time ();
  gst_element_set_state (film->pipeline, GST_STATE_PLAYING);
}

/* Returns the seconds from PLAYING on. */
static double
film_wait (Film * film, const char *what)
{
  gint64 end = film->started + DEADLINE;
  gint64 arrived;

  g_mutex_lock (&film->lock);
  while (film->arrived == 0 && film->failure == NULL
      && g_cond_wait_until (&film->cond, &film->lock, end));
  arrived = film->arrived;
  g_mutex_unlock (&film->lock);
  if (arrived == 0) {
    g_printerr ("%s: %s\n", what,
        film->failure != NULL ? film->failure : "nothing came");
    exit (1);
  }
  return (arrived - film->started) / (double) G_USEC_PER_SEC;
}

static void
film_close (Film * film)
{
  gst_element_set_state (film->pipeline, GST_STATE_NULL);
  gst_object_unref (film->pipeline);
  g_free (film->failure);
  g_mutex_clear (&film->lock);
  g_cond_clear (&film->cond);
}

int
main (int argc, char **argv)
{
  Viewer viewer = { 0 };
  Film first = { 0 }, second = { 0 }, third = { 0 };
  double beside, after;

  if (argc != 7) {
    g_printerr ("usage: bench-second cold|warm BYTES-PER-SECOND SECONDS "
        "FIRST SECOND THIRD\n");
    return 64;
  }
  gst_init (NULL, NULL);
  viewer.is_warm = strcmp (argv[1], "warm") == 0;
  viewer.bytes_per_second = g_ascii_strtod (argv[2], NULL);
  film_open (&first, &viewer, argv[4]);
  film_wait (&first, "the first film");
  g_usleep (g_ascii_strtod (argv[3], NULL) * G_USEC_PER_SEC);
  film_open (&second, &viewer, argv[5]);
  beside = film_wait (&second, "the second film");
  film_close (&second);
  film_close (&first);
  film_open (&third, &viewer, argv[6]);
  after = film_wait (&third, "the third film");
  film_close (&third);
  g_print ("{\"beside\": %f, \"after\": %f}\n", beside, after);
  bench_sharing_clear (&viewer.sharing);
  return 0;
}
