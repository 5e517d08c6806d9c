/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How loud a sound is, over its time. In the process pmss-probe. */
#include "peaks.h"

#include <math.h>
#include <string.h>

#define MIN_INTERVAL GST_MSECOND
/* Of a sound that does not say how long it is. */
#define USUAL_INTERVAL (10 * GST_MSECOND)
#define SLOTS 4096
/* No sound is longer; times are added up and multiplied. */
#define MAX_TIME (10000 * (GstClockTime) 3600 * GST_SECOND)

typedef struct
{
  GstElement *pipeline;
  GstElement *converter;        /* set before the pipeline is paused */
  gint64 deadline;
  /* from the beginning on, each of `width`: how long the sound is shows at its end */
  double slots[SLOTS];
  GstClockTime width, end;
  GstSample *cover;
} Peaks;

/* Only the first sound. */
static void
on_pad_added (GstElement * decoder, GstPad * pad, gpointer data)
{
  Peaks *self = data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  g_autoptr (GstPad) peer = NULL;

  if (caps == NULL || !gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "audio/x-raw"))
    return;
  peer = gst_element_get_static_pad (self->converter, "sink");
  if (!gst_pad_is_linked (peer))
    gst_pad_link (pad, peer);
}

static gboolean
build (Peaks * self, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstElement) decoder = NULL;

  self->pipeline = gst_parse_launch ("filesrc name=source ! decodebin "
      "name=decoder audioconvert name=convert ! level name=level "
      "post-messages=true ! fakesink sync=false", &error);
  if (self->pipeline == NULL || error != NULL)
    return FALSE;
  source = gst_bin_get_by_name (GST_BIN (self->pipeline), "source");
  decoder = gst_bin_get_by_name (GST_BIN (self->pipeline), "decoder");
  self->converter = gst_bin_get_by_name (GST_BIN (self->pipeline), "convert");
  g_object_set (source, "location", path, NULL);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (on_pad_added), self);
  return TRUE;
}

static void
take_cover (Peaks * self, GstMessage * message)
{
  GstTagList *tags;

  gst_message_parse_tag (message, &tags);
  if (self->cover == NULL
      && !gst_tag_list_get_sample (tags, GST_TAG_IMAGE, &self->cover))
    gst_tag_list_get_sample (tags, GST_TAG_PREVIEW_IMAGE, &self->cover);
  gst_tag_list_unref (tags);
}

G_GNUC_BEGIN_IGNORE_DEPRECATIONS
/* `level` gives its decibels so. */
    static double
find_loudest (const GstStructure * structure)
{
  const GValue *value = gst_structure_get_value (structure, "peak");
  GValueArray *channels = value != NULL
      && G_VALUE_HOLDS (value, g_value_array_get_type ())
      ? g_value_get_boxed (value) : NULL;
  double loudest = 0;

  for (guint i = 0; channels != NULL && i < channels->n_values; i++) {
    double decibels = g_value_get_double (&channels->values[i]);

    loudest = MAX (loudest, pow (10, decibels / 20));
  }
  return MIN (loudest, 1);
}

G_GNUC_END_IGNORE_DEPRECATIONS
/* Two slots become one. */
    static void
fold (Peaks * self)
{
  for (guint i = 0; i < SLOTS / 2; i++)
    self->slots[i] = MAX (self->slots[2 * i], self->slots[2 * i + 1]);
  memset (self->slots + SLOTS / 2, 0, SLOTS / 2 * sizeof (double));
  self->width *= 2;
}

/* The slot in which it begins, and those of which it has the middle. */
static void
fill (Peaks * self, GstClockTime from, GstClockTime to, double loudest)
{
  guint64 i = from / self->width;

  do {
    self->slots[i] = MAX (self->slots[i], loudest);
    i++;
  } while (i * self->width + self->width / 2 < to);
}

static void
take_level (Peaks * self, GstMessage * message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  GstClockTime time, length;

  if (structure == NULL || !gst_structure_has_name (structure, "level")
      || !gst_structure_get_clock_time (structure, "stream-time", &time)
      || !gst_structure_get_clock_time (structure, "duration", &length)
      || time > MAX_TIME || length > MAX_TIME)
    return;
  while ((time + length) / self->width >= SLOTS)
    fold (self);
  fill (self, time, time + length, find_loudest (structure));
  self->end = MAX (self->end, time + length);
}

/* To the message of @type; FALSE: an error, or no time is left. */
static gboolean
run_to (Peaks * self, GstMessageType type)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);

  for (;;) {
    gint64 left = self->deadline - g_get_monotonic_time ();
    g_autoptr (GstMessage) message = left <= 0 ? NULL :
        gst_bus_timed_pop_filtered (bus, left * GST_USECOND, type
        | GST_MESSAGE_ERROR | GST_MESSAGE_TAG | GST_MESSAGE_ELEMENT);

    if (message == NULL || GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      return FALSE;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_TAG)
      take_cover (self, message);
    else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
      take_level (self, message);
    else
      return TRUE;
  }
}

static gboolean
run (Peaks * self)
{
  g_autoptr (GstElement) level = gst_bin_get_by_name (GST_BIN (self->pipeline),
      "level");
  gint64 duration;

  self->width = USUAL_INTERVAL;
  if (gst_element_set_state (self->pipeline, GST_STATE_PAUSED)
      == GST_STATE_CHANGE_FAILURE || !run_to (self, GST_MESSAGE_ASYNC_DONE))
    return FALSE;
  if (gst_element_query_duration (self->pipeline, GST_FORMAT_TIME, &duration)
      && duration > 0)
    self->width = MAX ((GstClockTime) duration / PROBE_N_PEAKS, MIN_INTERVAL);
  g_object_set (level, "interval", (guint64) self->width, NULL);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  return run_to (self, GST_MESSAGE_EOS) && self->end > 0;
}

/* Of the part of the sound from @from to @to. */
static double
get_peak (const Peaks * self, GstClockTime from, GstClockTime to)
{
  double peak = 0;

  for (guint64 i = from / self->width; i * self->width < MAX (to, from + 1)
      && i < SLOTS; i++)
    peak = MAX (peak, self->slots[i]);
  return peak;
}

JsonArray *
probe_peaks (const char *path, gint64 deadline, GstSample ** cover)
{
  Peaks self = {.deadline = deadline };
  JsonArray *peaks = NULL;

  if (build (&self, path) && run (&self)) {
    peaks = json_array_new ();
    for (guint i = 0; i < PROBE_N_PEAKS; i++)
      json_array_add_double_element (peaks, floor (get_peak (&self,
                  gst_util_uint64_scale (self.end, i, PROBE_N_PEAKS),
                  gst_util_uint64_scale (self.end, i + 1, PROBE_N_PEAKS))
              * 1000 + 0.5) / 1000);
  }
  if (self.pipeline != NULL) {
    gst_element_set_state (self.pipeline, GST_STATE_NULL);
    g_clear_object (&self.converter);
    gst_object_unref (self.pipeline);
  }
  *cover = self.cover;
  return peaks;
}
