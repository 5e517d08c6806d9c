/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bitrates of a media file. In the process pmss-probe. */
#include "rates.h"

#define BIN (GST_SECOND / 10)
#define MAX_BINS (48 * 3600 * 10)
#define MAX_STREAMS 64
/* A frame that claims more (a still picture, a subtitle) makes no file longer. */
#define MAX_DURATION GST_SECOND

struct _ProbeRates
{
  GMutex lock;                  /* protects all below: every stream has a thread of its own */
  GArray *bins;                 /* of guint64: bytes */
  gint64 first, last;           /* bins with bytes in them, -1: none yet */
  guint64 bytes, binned;        /* in all, and in bins */
  GstClockTime end;             /* of the last thing added */
};

ProbeRates *
probe_rates_new (void)
{
  ProbeRates *rates = g_new0 (ProbeRates, 1);

  g_mutex_init (&rates->lock);
  rates->bins = g_array_new (FALSE, TRUE, sizeof (guint64));
  rates->first = rates->last = -1;
  return rates;
}

void
probe_rates_free (ProbeRates * rates)
{
  g_array_unref (rates->bins);
  g_mutex_clear (&rates->lock);
  g_free (rates);
}

void
probe_rates_add (ProbeRates * rates, GstClockTime time, GstClockTime duration,
    guint64 bytes)
{
  gint64 bin = time / BIN;

  g_mutex_lock (&rates->lock);
  rates->bytes += bytes;
  if (bin < MAX_BINS) {
    if (bin >= rates->bins->len)
      g_array_set_size (rates->bins, bin + 1);
    g_array_index (rates->bins, guint64, bin) += bytes;
    rates->binned += bytes;
    rates->first = rates->first < 0 ? bin : MIN (rates->first, bin);
    rates->last = MAX (rates->last, bin);
    rates->end = MAX (rates->end, time + MIN (duration, MAX_DURATION));
  }
  g_mutex_unlock (&rates->lock);
}

GstClockTime
probe_rates_get_end (ProbeRates * rates)
{
  return rates->end;
}

guint64
probe_rates_get_bytes (ProbeRates * rates)
{
  return rates->bytes;
}

GArray *
probe_rates_get_slots (ProbeRates * rates, GstClockTime slot, guint64 size)
{
  gint64 width = slot / BIN;
  guint64 sum = 0, given = 0;
  GArray *slots;

  if (rates->binned == 0 || rates->binned != rates->bytes)
    return NULL;
  slots = g_array_new (FALSE, TRUE, sizeof (guint64));
  for (gint64 i = rates->first; i <= rates->last; i++) {
    guint64 due;

    sum += g_array_index (rates->bins, guint64, i);
    if ((i - rates->first) % width < width - 1 && i < rates->last)
      continue;
    due = gst_util_uint64_scale (size, sum, rates->binned) - given;
    g_array_append_val (slots, due);
    given += due;
  }
  return slots;
}

guint64
probe_rates_get_peak (ProbeRates * rates, GstClockTime window)
{
  gint64 width = window / BIN;
  guint64 sum = 0, peak = 0;

  if (rates->first < 0)
    return 0;
  width = MIN (width, rates->last - rates->first + 1);
  for (gint64 i = rates->first; i <= rates->last; i++) {
    sum += g_array_index (rates->bins, guint64, i);
    if (i - rates->first >= width)
      sum -= g_array_index (rates->bins, guint64, i - width);
    peak = MAX (peak, sum);
  }
  return gst_util_uint64_scale (peak, 8 * GST_SECOND, width * BIN);
}

/* One stream of the scan. */
typedef struct
{
  ProbeRates *rates;
  GstSegment segment;
  GstClockTime time;            /* of the last buffer that said one */
} Stream;

static void
count_buffer (Stream * stream, GstBuffer * buffer)
{
  GstClockTime stamp = GST_BUFFER_DTS_OR_PTS (buffer);
  GstClockTime duration = GST_BUFFER_DURATION (buffer);

  if (GST_CLOCK_TIME_IS_VALID (stamp)
      && stream->segment.format == GST_FORMAT_TIME) {
    stamp = gst_segment_to_stream_time (&stream->segment, GST_FORMAT_TIME,
        stamp);
    if (GST_CLOCK_TIME_IS_VALID (stamp))
      stream->time = stamp;
  }
  if (GST_CLOCK_TIME_IS_VALID (stream->time))
    probe_rates_add (stream->rates, stream->time,
        GST_CLOCK_TIME_IS_VALID (duration) ? duration : 0,
        gst_buffer_get_size (buffer));
}

static GstPadProbeReturn
on_data (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Stream *stream = user_data;

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    count_buffer (stream, GST_PAD_PROBE_INFO_BUFFER (info));
  } else if (info->type & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    for (guint i = 0; i < gst_buffer_list_length (list); i++)
      count_buffer (stream, gst_buffer_list_get (list, i));
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) ==
      GST_EVENT_SEGMENT) {
    gst_event_copy_segment (GST_PAD_PROBE_INFO_EVENT (info), &stream->segment);
  }
  return GST_PAD_PROBE_OK;
}

static void
on_pad_added (GstElement * parser, GstPad * pad, gpointer user_data)
{
  g_autoptr (GstObject) pipeline = gst_object_get_parent (GST_OBJECT (parser));
  g_autoptr (GstPad) sink_pad = NULL;
  GstElement *sink;
  Stream *stream;

  if (pipeline == NULL || GST_BIN_NUMCHILDREN (pipeline) > MAX_STREAMS)
    return;
  sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (pipeline), sink);
  sink_pad = gst_element_get_static_pad (sink, "sink");

  stream = g_new0 (Stream, 1);
  stream->rates = user_data;
  stream->time = GST_CLOCK_TIME_NONE;
  gst_segment_init (&stream->segment, GST_FORMAT_UNDEFINED);
  gst_pad_add_probe (sink_pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_data, stream, g_free);
  /* not what the pipeline is in now: that may be on its way to playing, and would leave this one behind */
  gst_element_set_state (sink, GST_STATE_PLAYING);
  gst_pad_link (pad, sink_pad);
}

/* A chained file takes its pads away and makes new ones: a sink without a peer would keep the pipeline from its end. */
static void
on_pad_removed (GstElement * parser, GstPad * pad, gpointer user_data)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  g_autoptr (GstElement) sink =
      peer != NULL ? gst_pad_get_parent_element (peer) : NULL;
  g_autoptr (GstObject) pipeline = gst_object_get_parent (GST_OBJECT (parser));

  if (sink == NULL || pipeline == NULL)
    return;
  gst_element_set_locked_state (sink, TRUE);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_bin_remove (GST_BIN (pipeline), sink);
}

/* Waits for the end of the stream; missing decoders and their like are warnings, not errors. */
static gboolean
wait_for_end (GstElement * pipeline, gint64 deadline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gint64 left = deadline - g_get_monotonic_time ();
  g_autoptr (GstMessage) message = NULL;

  if (left <= 0)
    return FALSE;
  message = gst_bus_timed_pop_filtered (bus, left * GST_USECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  return message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
}

gboolean
probe_rates_scan (ProbeRates * rates, const char *path, gint64 deadline)
{
  g_autoptr (GstElement) pipeline =
      gst_object_ref_sink (gst_pipeline_new (NULL));
  GstElement *source = gst_element_factory_make ("filesrc", NULL);
  GstElement *parser = gst_element_factory_make ("parsebin", NULL);
  gboolean whole;

  if (source == NULL || parser == NULL) {
    g_clear_object (&source);
    g_clear_object (&parser);
    return FALSE;
  }
  g_object_set (source, "location", path, "blocksize", 1024 * 1024, NULL);
  gst_bin_add_many (GST_BIN (pipeline), source, parser, NULL);
  gst_element_link (source, parser);
  g_signal_connect (parser, "pad-added", G_CALLBACK (on_pad_added), rates);
  g_signal_connect (parser, "pad-removed", G_CALLBACK (on_pad_removed), NULL);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  whole = wait_for_end (pipeline, deadline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return whole;
}
