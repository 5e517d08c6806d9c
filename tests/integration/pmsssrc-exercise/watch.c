/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a source says while it plays, and how soon it stops. */
#include "exercise.h"

#include <stdio.h>

#include <gst/app/gstappsink.h>

static void
print_error (const char *kind, const GError * error,
    const GstStructure * details)
{
  g_autofree char *text =
      details != NULL ? gst_structure_to_string (details) : NULL;

  g_print ("%s %s %d: %s; %s\n", kind, g_quark_to_string (error->domain),
      error->code, error->message, text != NULL ? text : "no details");
}

/* One line each, of what a test may want to see. */
static void
print_message (GstMessage * message)
{
  g_autoptr (GError) error = NULL;
  const GstStructure *details = NULL;
  g_autofree char *text = NULL, *code = NULL;
  GstProgressType type;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      text = gst_structure_to_string (gst_message_get_structure (message));
      g_print ("element %s\n", text);
      break;
    case GST_MESSAGE_PROGRESS:
      gst_message_parse_progress (message, &type, &code, &text);
      g_print ("progress %s %d %s\n", code, type, text);
      break;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, NULL);
      gst_message_parse_warning_details (message, &details);
      print_error ("warning", error, details);
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      gst_message_parse_error_details (message, &details);
      print_error ("error", error, details);
      break;
    case GST_MESSAGE_DURATION_CHANGED:
      g_print ("duration-changed\n");
      break;
    case GST_MESSAGE_HAVE_CONTEXT:
      g_print ("have-context\n");
      break;
    default:
      break;
  }
}

static void
print_stats (GstElement * source)
{
  g_autoptr (GstStructure) stats = NULL;
  g_autofree char *text = NULL;

  g_object_get (source, "stats", &stats, NULL);
  text = gst_structure_to_string (stats);
  g_print ("stats %s\n", text);
}

/* "source ! appsink", in PLAYING. */
static GstElement *
start (const char *uri, char **properties, GstElement ** source,
    GstElement ** sink)
{
  GstElement *pipeline = gst_pipeline_new (NULL);

  *source = make_source (uri);
  *sink = gst_element_factory_make ("appsink", NULL);
  for (guint i = 0; properties && properties[i]; i++) {
    g_auto (GStrv) pair = g_strsplit (properties[i], "=", 2);

    gst_util_set_object_arg (G_OBJECT (*source), pair[0], pair[1]);
  }
  g_object_set (*sink, "sync", FALSE, "async", FALSE, "max-buffers", 1, NULL);
  add_linked (pipeline, *source, *sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

/* So that a test can do something meanwhile; without any input it goes on. */
static void
wait_for_line (const char *what)
{
  char line[16];

  g_print ("%s\n", what);
  fflush (stdout);
  if (!fgets (line, sizeof line, stdin))
    clearerr (stdin);
}

void
exercise_watch (const char *uri, char **properties)
{
  GstElement *source, *sink;
  GstElement *pipeline = start (uri, properties, &source, &sink);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstSample *sample;
  guint64 bytes = 0;
  gboolean waited = FALSE;

  while ((sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink),
              PATIENCE))) {
    bytes += gst_buffer_get_size (gst_sample_get_buffer (sample));
    gst_sample_unref (sample);
    if (!waited)
      wait_for_line ("first buffer");
    waited = TRUE;
  }
  g_print ("bytes %" G_GUINT64_FORMAT "\n", bytes);
  print_stats (source);

  gst_pipeline_set_auto_flush_bus (GST_PIPELINE (pipeline), FALSE);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_pop (bus);

    if (message == NULL)
      break;
    print_message (message);
  }
  gst_bus_set_flushing (bus, TRUE);
  gst_object_unref (pipeline);
}

void
exercise_stop (const char *uri)
{
  GstElement *source, *sink;
  GstElement *pipeline = start (uri, NULL, &source, &sink);
  g_autoptr (GstSample) sample =
      gst_app_sink_try_pull_sample (GST_APP_SINK (sink), PATIENCE);
  gint64 begin;

  if (sample == NULL)
    die_of_bus (pipeline, "no data");
  wait_for_line ("first buffer");
  /* to where nothing is cached */
  if (!gst_element_seek_simple (source, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
          (gint64) 60 << 20))
    die ("cannot seek");

  begin = g_get_monotonic_time ();
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_print ("stopped in %" G_GINT64_FORMAT " ms\n",
      (g_get_monotonic_time () - begin) / 1000);
  gst_object_unref (pipeline);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  if (folder == NULL)
    die ("cannot see the open descriptors");
  while (g_dir_read_name (folder))
    n++;
  return n;
}

/* Once through one pipeline, which elements share a login in. */
static void
play_once (GstElement * pipeline)
{
  if (gst_element_set_state (pipeline, GST_STATE_PAUSED) ==
      GST_STATE_CHANGE_FAILURE
      || gst_element_get_state (pipeline, NULL, NULL, PATIENCE) !=
      GST_STATE_CHANGE_SUCCESS)
    die_of_bus (pipeline, "no preroll");
}

void
exercise_opens (const char *uri, guint count)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  guint peak = 0;

  add_linked (pipeline, make_source (uri),
      gst_element_factory_make ("fakesink", NULL));
  for (guint i = 0; i < count; i++) {
    play_once (pipeline);
    peak = MAX (peak, count_descriptors ());
    gst_element_set_state (pipeline, GST_STATE_NULL);
    if (i == 0)
      g_print ("after the first %u\n", count_descriptors ());
  }
  g_print ("after the last %u\npeak %u\n", count_descriptors (), peak);
  gst_object_unref (pipeline);
}

static GstElement *played;

static void
on_source_setup (GstElement * player, GstElement * source, gpointer data)
{
  gst_object_replace ((GstObject **) & played, GST_OBJECT (source));
}

void
exercise_play (const char *kind, const char *uri)
{
  GstElement *player = gst_element_factory_make (kind, NULL);
  g_autoptr (GstBus) bus = gst_element_get_bus (player);
  gint64 begin = g_get_monotonic_time (), started = 0;
  guint buffering = 0;
  gboolean ended = FALSE;

  g_object_set (player, "uri", uri, "video-sink",
      gst_element_factory_make ("fakesink", NULL), "audio-sink",
      gst_element_factory_make ("fakesink", NULL), NULL);
  g_signal_connect (player, "source-setup", G_CALLBACK (on_source_setup), NULL);
  gst_element_set_state (player, GST_STATE_PLAYING);

  while (!ended) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, PATIENCE, GST_MESSAGE_BUFFERING
        | GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

    if (message == NULL)
      die ("nothing happens");
    print_message (message);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_BUFFERING)
      buffering++;
    else if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ASYNC_DONE)
      ended = TRUE;
    else if (!started)
      started = g_get_monotonic_time ();
  }
  g_print ("started after %" G_GINT64_FORMAT " ms\n", (started - begin) / 1000);
  g_print ("buffering %u\n", buffering);
  if (played && g_object_class_find_property (G_OBJECT_GET_CLASS (played),
          "stats"))
    print_stats (played);

  gst_element_set_state (player, GST_STATE_NULL);
  g_clear_pointer (&played, gst_object_unref);
  gst_object_unref (player);
}
