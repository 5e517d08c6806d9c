/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A medium in each of the elements that take a URI: whether it prerolls, and with what. */
#include "exercise.h"

#include <string.h>

#define VIDEO_AND_AUDIO 0x3     /* of the flags of playbin: no buffering, no text */
/* Once in some hundred times playbin3 of GStreamer 1.22 misses that its sink
 * has prerolled, with files just so. */
#define MAX_TRIALS 2
#define TRIAL_PATIENCE (6 * GST_SECOND)
#define SOUND 4096              /* bytes that are compared */

typedef struct
{
  const char *name, *element;
  guint flags;                  /* 0: those it has */
} Way;

static const Way ways[] = {
  {"playbin", "playbin", 0},
  {"playbin3", "playbin3", 0},
  {"playbin3-plain", "playbin3", VIDEO_AND_AUDIO},
  {"uridecodebin", "uridecodebin", 0},
  {"uridecodebin3", "uridecodebin3", 0},
};

/* One medium in one way. */
typedef struct
{
  GstElement *pipeline;
  GPtrArray *sinks;             /* of GstElement; lock: GST_OBJECT of the pipeline */
  GPtrArray *lines;             /* what there is to print, to be sorted */
  guint wanted;                 /* streams; 0: not known yet */
  gboolean failed;
} Trial;

static gboolean
is_player (const Way * way)
{
  return g_str_has_prefix (way->element, "playbin");
}

static GstElement *
new_sink (void)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  g_object_set (sink, "sync", FALSE, "enable-last-sample", TRUE, NULL);
  return sink;
}

static void
keep_sink (Trial * trial, GstElement * sink)
{
  GST_OBJECT_LOCK (trial->pipeline);
  g_ptr_array_add (trial->sinks, gst_object_ref (sink));
  GST_OBJECT_UNLOCK (trial->pipeline);
}

static guint
count_sinks (Trial * trial)
{
  guint n;

  GST_OBJECT_LOCK (trial->pipeline);
  n = trial->sinks->len;
  GST_OBJECT_UNLOCK (trial->pipeline);
  return n;
}

static void
add_sink (GstElement * decoder, GstPad * pad, Trial * trial)
{
  GstElement *sink = new_sink ();
  g_autoptr (GstPad) target = gst_element_get_static_pad (sink, "sink");

  gst_bin_add (GST_BIN (trial->pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  if (gst_pad_link (pad, target) != GST_PAD_LINK_OK)
    die ("cannot link a decoded stream");
  keep_sink (trial, sink);
}

static void
all_pads_there (GstElement * decoder, Trial * trial)
{
  gst_element_post_message (decoder,
      gst_message_new_application (GST_OBJECT (decoder),
          gst_structure_new_empty ("no-more-pads")));
}

static void
set_up_player (Trial * trial, const Way * way, const char *uri)
{
  static const char *const kinds[] = { "video-sink", "audio-sink",
    "text-sink"
  };

  trial->pipeline = gst_element_factory_make (way->element, NULL);
  g_object_set (trial->pipeline, "uri", uri, NULL);
  if (way->flags)
    g_object_set (trial->pipeline, "flags", way->flags, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    GstElement *sink = new_sink ();

    keep_sink (trial, sink);
    g_object_set (trial->pipeline, kinds[i], sink, NULL);
  }
}

static void
set_up_decoder (Trial * trial, const Way * way, const char *uri)
{
  GstElement *decoder = gst_element_factory_make (way->element, NULL);

  trial->pipeline = gst_pipeline_new (NULL);
  g_object_set (decoder, "uri", uri, NULL);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (add_sink), trial);
  g_signal_connect (decoder, "no-more-pads", G_CALLBACK (all_pads_there),
      trial);
  gst_bin_add (GST_BIN (trial->pipeline), decoder);
}

/* Of several errors, and of what is missing, threads decide which is first. */
static void
take_failure (Trial * trial)
{
  if (!trial->failed)
    g_ptr_array_add (trial->lines, g_strdup ("cannot be played"));
  trial->failed = TRUE;
}

static void
take_error (Trial * trial, GstMessage * message)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  g_print ("# %s\n", error->message);
  take_failure (trial);
}

static void
take_message (Trial * trial, GstMessage * message)
{
  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      take_error (trial, message);
      break;
    case GST_MESSAGE_ELEMENT:
      if (gst_message_has_name (message, "missing-plugin"))
        take_failure (trial);
      break;
    case GST_MESSAGE_STREAMS_SELECTED:
      trial->wanted = gst_message_streams_selected_get_size (message);
      break;
    case GST_MESSAGE_APPLICATION:
      trial->wanted = count_sinks (trial);
      break;
    default:
      break;
  }
}

/* Decoders tell how many streams there are, players wait for all of them. */
static gboolean
is_prerolled (Trial * trial, const Way * way)
{
  GstState state;

  if (!is_player (way)
      && (trial->wanted == 0 || count_sinks (trial) < trial->wanted))
    return FALSE;
  return gst_element_get_state (trial->pipeline, &state, NULL, 0) ==
      GST_STATE_CHANGE_SUCCESS && state == GST_STATE_PAUSED;
}

/* FALSE: it does not get there. */
static gboolean
preroll (Trial * trial, const Way * way)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (trial->pipeline);
  gint64 end = g_get_monotonic_time () + TRIAL_PATIENCE / GST_USECOND;

  gst_element_set_state (trial->pipeline, GST_STATE_PAUSED);
  while (!trial->failed && !is_prerolled (trial, way)) {
    g_autoptr (GstMessage) message =
        gst_bus_timed_pop_filtered (bus, 20 * GST_MSECOND,
        GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT |
        GST_MESSAGE_STREAMS_SELECTED | GST_MESSAGE_APPLICATION |
        GST_MESSAGE_ASYNC_DONE);

    if (message != NULL)
      take_message (trial, message);
    else if (g_get_monotonic_time () > end)
      return FALSE;
  }
  return TRUE;
}

/* Caps, and a checksum. Time stamps, and how large pieces of sound are, are the
 * demuxers' affair, who differ with who is pushed to. */
static void
describe_sink (Trial * trial, GstElement * sink)
{
  g_autoptr (GstSample) sample = NULL;
  g_autofree char *caps = NULL, *checksum = NULL;
  GstBuffer *buffer;
  GstMapInfo map;
  gsize size;

  g_object_get (sink, "last-sample", &sample, NULL);
  if (sample == NULL || !gst_sample_get_buffer (sample))
    return;
  buffer = gst_sample_get_buffer (sample);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    die ("cannot read a decoded buffer");
  caps = gst_caps_to_string (gst_sample_get_caps (sample));
  size = g_str_has_prefix (caps, "audio/") ? MIN (map.size, SOUND) : map.size;
  checksum = g_compute_checksum_for_data (G_CHECKSUM_MD5, map.data, size);
  gst_buffer_unmap (buffer, &map);
  g_ptr_array_add (trial->lines, g_strdup_printf ("%s, %s", caps, checksum));
}

static int
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
print_lines (Trial * trial, const Way * way)
{
  g_ptr_array_sort (trial->lines, compare_lines);
  for (guint i = 0; i < trial->lines->len; i++)
    g_print ("%s: %s\n", way->name, (char *) trial->lines->pdata[i]);
}

static gboolean
try_way (const Way * way, const char *uri)
{
  Trial trial = {
    .sinks = g_ptr_array_new_with_free_func (gst_object_unref),
    .lines = g_ptr_array_new_with_free_func (g_free)
  };
  gboolean done;

  if (is_player (way))
    set_up_player (&trial, way, uri);
  else
    set_up_decoder (&trial, way, uri);
  done = preroll (&trial, way);
  for (guint i = 0; done && !trial.failed && i < trial.sinks->len; i++)
    describe_sink (&trial, trial.sinks->pdata[i]);
  gst_element_set_state (trial.pipeline, GST_STATE_NULL);
  if (done)
    print_lines (&trial, way);

  g_ptr_array_unref (trial.lines);
  g_ptr_array_unref (trial.sinks);
  gst_object_unref (trial.pipeline);
  return done;
}

static void
try_way_repeatedly (const Way * way, const char *uri)
{
  for (guint i = 0; i < MAX_TRIALS; i++) {
    if (try_way (way, uri))
      return;
    g_print ("# %s: nothing happens with %s\n", way->name, uri);
  }
  g_print ("%s: nothing ever happens\n", way->name);
}

void
exercise_ways (char **uris)
{
  for (guint i = 0; uris[i]; i++) {
    g_print ("medium %u\n", i);
    for (guint j = 0; j < G_N_ELEMENTS (ways); j++)
      try_way_repeatedly (&ways[j], uris[i]);
  }
}
