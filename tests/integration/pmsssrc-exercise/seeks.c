/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What demuxers make of a source after seeks: printed, to be compared with what
 * they make of a file. */
#include "exercise.h"

#include <gst/app/gstappsink.h>

/* One elementary stream of what parsebin finds. */
typedef struct
{
  GstElement *sink;
  char *type;
  /* under `lock` of Parsed */
  GChecksum *sum;
  guint buffers;
  GstClockTime first, last;
  gboolean eos;
} Stream;

typedef struct
{
  GstElement *pipeline;
  GMutex lock;
  GCond changed;
  GPtrArray *streams;
} Parsed;

static Parsed parsed;

static void
stream_reset (Stream * stream)
{
  g_checksum_reset (stream->sum);
  stream->buffers = 0;
  stream->first = stream->last = GST_CLOCK_TIME_NONE;
  stream->eos = FALSE;
}

static GstFlowReturn
on_sample (GstAppSink * sink, gpointer data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstBuffer *buffer;
  Stream *stream = data;
  GstMapInfo map;
  guint64 times[2];

  if (sample == NULL)
    return GST_FLOW_OK;
  buffer = gst_sample_get_buffer (sample);
  times[0] = GST_BUFFER_PTS (buffer);
  times[1] = GST_BUFFER_DTS (buffer);
  gst_buffer_map (buffer, &map, GST_MAP_READ);

  g_mutex_lock (&parsed.lock);
  if (stream->buffers++ == 0)
    stream->first = times[0];
  stream->last = times[0];
  g_checksum_update (stream->sum, (const guchar *) times, sizeof times);
  g_checksum_update (stream->sum, map.data, map.size);
  g_mutex_unlock (&parsed.lock);

  gst_buffer_unmap (buffer, &map);
  return GST_FLOW_OK;
}

static void
on_eos (GstAppSink * sink, gpointer data)
{
  Stream *stream = data;

  g_mutex_lock (&parsed.lock);
  stream->eos = TRUE;
  g_cond_broadcast (&parsed.changed);
  g_mutex_unlock (&parsed.lock);
}

static GstPadProbeReturn
on_flush (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP) {
    g_mutex_lock (&parsed.lock);
    stream_reset (data);
    g_mutex_unlock (&parsed.lock);
  }
  return GST_PAD_PROBE_OK;
}

static void
on_pad (GstElement * parsebin, GstPad * pad, gpointer data)
{
  GstAppSinkCallbacks callbacks = {.new_sample = on_sample,.eos = on_eos };
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  g_autoptr (GstPad) peer = NULL;
  Stream *stream = g_new0 (Stream, 1);

  stream->sink = gst_element_factory_make ("appsink", NULL);
  stream->type =
      g_strdup (gst_structure_get_name (gst_caps_get_structure (caps, 0)));
  stream->sum = g_checksum_new (G_CHECKSUM_SHA256);
  stream_reset (stream);
  g_object_set (stream->sink, "sync", FALSE, "async", FALSE, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (stream->sink), &callbacks, stream,
      NULL);
  gst_bin_add (GST_BIN (parsed.pipeline), stream->sink);
  peer = gst_element_get_static_pad (stream->sink, "sink");
  gst_pad_add_probe (peer, GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_flush, stream,
      NULL);
  gst_element_sync_state_with_parent (stream->sink);

  g_mutex_lock (&parsed.lock);
  g_ptr_array_add (parsed.streams, stream);
  g_mutex_unlock (&parsed.lock);
  if (gst_pad_link (pad, peer) != GST_PAD_LINK_OK)
    die ("cannot link a stream");
}

/* All streams are there before the first of them has data. */
static gboolean
all_done (void)
{
  for (guint i = 0; i < parsed.streams->len; i++)
    if (!((Stream *) g_ptr_array_index (parsed.streams, i))->eos)
      return FALSE;
  return parsed.streams->len > 0;
}

static int
by_type (gconstpointer a, gconstpointer b)
{
  const Stream *x = *(Stream * const *) a, *y = *(Stream * const *) b;

  return g_strcmp0 (x->type, y->type);
}

static void
print_streams (const char *what)
{
  gint64 end = g_get_monotonic_time () + PATIENCE / GST_USECOND;

  g_mutex_lock (&parsed.lock);
  while (!all_done ()) {
    if (!g_cond_wait_until (&parsed.changed, &parsed.lock, end)) {
      g_mutex_unlock (&parsed.lock);
      die_of_bus (parsed.pipeline, what);
    }
  }
  g_ptr_array_sort (parsed.streams, by_type);
  for (guint i = 0; i < parsed.streams->len; i++) {
    Stream *stream = g_ptr_array_index (parsed.streams, i);
    g_autoptr (GChecksum) sum = g_checksum_copy (stream->sum);

    g_print ("%s: %s: %u buffers, %" GST_TIME_FORMAT " to %" GST_TIME_FORMAT
        ", %.16s\n", what, stream->type, stream->buffers,
        GST_TIME_ARGS (stream->first), GST_TIME_ARGS (stream->last),
        g_checksum_get_string (sum));
  }
  g_mutex_unlock (&parsed.lock);
}

static void
seek (const char *what, double rate, GstSeekFlags flags, double from, double to)
{
  Stream *stream = g_ptr_array_index (parsed.streams, 0);
  gint64 duration;

  if (!gst_element_query_duration (stream->sink, GST_FORMAT_TIME, &duration))
    die ("%s: no duration", what);
  if (!gst_element_seek (stream->sink, rate, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | flags, GST_SEEK_TYPE_SET, from * duration,
          GST_SEEK_TYPE_SET, to * duration)) {
    g_print ("%s: refused\n", what);
    return;
  }
  print_streams (what);
}

void
exercise_seeks (const char *uri)
{
  GstElement *parsebin = gst_element_factory_make ("parsebin", NULL);

  parsed.pipeline = gst_pipeline_new (NULL);
  parsed.streams = g_ptr_array_new ();
  g_signal_connect (parsebin, "pad-added", G_CALLBACK (on_pad), NULL);
  add_linked (parsed.pipeline, make_source (uri), parsebin);
  gst_element_set_state (parsed.pipeline, GST_STATE_PLAYING);

  print_streams ("whole");
  seek ("back", 1.0, 0, 0.1, 0.2);
  seek ("forward", 1.0, 0, 0.6, 0.7);
  seek ("exactly", 1.0, GST_SEEK_FLAG_ACCURATE, 0.33, 0.36);
  seek ("key unit", 1.0, GST_SEEK_FLAG_KEY_UNIT, 0.52, 0.6);
  seek ("fast", 2.0, 0, 0.4, 0.5);
  seek ("to the end", 1.0, 0, 0.95, 1.0);
  seek ("to the start", 1.0, 0, 0.0, 0.05);
  seek ("in reverse", -1.0, 0, 0.3, 0.4);
  seek ("forward again", 1.0, 0, 0.8, 0.85);

  gst_element_set_state (parsed.pipeline, GST_STATE_NULL);
  for (guint i = 0; i < parsed.streams->len; i++) {
    Stream *stream = g_ptr_array_index (parsed.streams, i);

    g_checksum_free (stream->sum);
    g_free (stream->type);
    g_free (stream);
  }
  g_ptr_array_unref (parsed.streams);
  gst_object_unref (parsed.pipeline);
}
