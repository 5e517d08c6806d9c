/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key frames of a file, scaled, and JPEG. In the process pmss-probe. */
#include "pictures.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#define MAX_WAIT (10 * G_USEC_PER_SEC)  /* for one key frame */
#define MAX_SIDE 16384          /* pixels */

struct _ProbePictures
{
  GstElement *pipeline;
  GstElement *sink;             /* set by a thread of the pipeline, before it is paused */
  gint64 deadline;
  GstClockTime duration;
};

/* Sound and subtitles are not decoded. */
static gboolean
on_continue (GstElement * decoder, GstPad * pad, GstCaps * caps, gpointer data)
{
  const char *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  return !g_str_has_prefix (name, "audio/") && !g_str_has_prefix (name, "text/")
      && !g_str_has_prefix (name, "subpicture/")
      && !g_str_has_prefix (name, "application/x-s");
}

/* One frame is waited for, not many at a time. */
static void
on_element_added (GstBin * bin, GstBin * parent, GstElement * element,
    gpointer data)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element),
          "max-threads"))
    g_object_set (element, "max-threads", 1, NULL);
}

static GstElement *
make_picture_sink (void)
{
  GstElement *sink = gst_element_factory_make ("appsink", NULL);
  g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("video/x-raw");

  if (sink != NULL)
    g_object_set (sink, "caps", caps, "max-buffers", 1, "sync", FALSE, NULL);
  return sink;
}

static GstElement *
make_other_sink (void)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  if (sink != NULL)
    g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  return sink;
}

static void
on_pad_added (GstElement * decoder, GstPad * pad, gpointer data)
{
  ProbePictures *self = data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  gboolean picture = caps != NULL && self->sink == NULL
      && gst_structure_has_name (gst_caps_get_structure (caps, 0),
      "video/x-raw");
  GstElement *sink = picture ? make_picture_sink () : make_other_sink ();
  g_autoptr (GstPad) peer = NULL;

  if (sink == NULL)
    return;
  gst_bin_add (GST_BIN (self->pipeline), sink);
  peer = gst_element_get_static_pad (sink, "sink");
  if (picture)
    self->sink = sink;
  gst_element_sync_state_with_parent (sink);
  gst_pad_link (pad, peer);
}

/* Until a picture is there. */
static gboolean
wait_for_picture (ProbePictures * self)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  gint64 left = MIN (self->deadline - g_get_monotonic_time (), MAX_WAIT);
  g_autoptr (GstMessage) message = NULL;

  if (left <= 0)
    return FALSE;
  message = gst_bus_timed_pop_filtered (bus, left * GST_USECOND,
      GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR);
  return message != NULL && GST_MESSAGE_TYPE (message)
      == GST_MESSAGE_ASYNC_DONE;
}

static GstElement *
make_source (const char *path, GstSample * picture)
{
  GstElement *source = gst_element_factory_make (picture != NULL ? "appsrc"
      : "filesrc", NULL);

  if (source != NULL && picture != NULL)
    g_object_set (source, "caps", gst_sample_get_caps (picture), NULL);
  else if (source != NULL)
    g_object_set (source, "location", path, NULL);
  return source;
}

static gboolean
build (ProbePictures * self, const char *path, GstSample * picture)
{
  GstElement *source = make_source (path, picture);
  GstElement *decoder = gst_element_factory_make ("decodebin", NULL);

  if (source == NULL || decoder == NULL) {
    g_clear_object (&source);
    g_clear_object (&decoder);
    return FALSE;
  }
  gst_bin_add_many (GST_BIN (self->pipeline), source, decoder, NULL);
  g_signal_connect (self->pipeline, "deep-element-added",
      G_CALLBACK (on_element_added), NULL);
  g_signal_connect (decoder, "autoplug-continue", G_CALLBACK (on_continue),
      NULL);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (on_pad_added), self);
  gst_element_link (source, decoder);
  if (gst_element_set_state (self->pipeline, GST_STATE_PAUSED)
      == GST_STATE_CHANGE_FAILURE)
    return FALSE;
  if (picture != NULL) {
    gst_app_src_push_buffer (GST_APP_SRC (source),
        gst_buffer_ref (gst_sample_get_buffer (picture)));
    gst_app_src_end_of_stream (GST_APP_SRC (source));
  }
  return TRUE;
}

ProbePictures *
probe_pictures_open (const char *path, GstSample * picture, gint64 deadline)
{
  g_autoptr (ProbePictures) self = g_new0 (ProbePictures, 1);
  gint64 duration;

  self->deadline = deadline;
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  if (!build (self, path, picture) || !wait_for_picture (self)
      || self->sink == NULL)
    return NULL;
  if (gst_element_query_duration (self->pipeline, GST_FORMAT_TIME, &duration)
      && duration > 0)
    self->duration = (GstClockTime) duration;
  return g_steal_pointer (&self);
}

void
probe_pictures_close (ProbePictures * self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->pipeline);
  g_free (self);
}

GstClockTime
probe_pictures_get_duration (ProbePictures * self)
{
  return self->duration;
}

static gboolean
seek (ProbePictures * self, GstClockTime time)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);

  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
  return gst_element_seek_simple (self->pipeline, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT
      | GST_SEEK_FLAG_SNAP_BEFORE, (gint64) time) && wait_for_picture (self);
}

static GstClockTime
get_time (GstSample * sample)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstClockTime time = gst_segment_to_stream_time (gst_sample_get_segment
      (sample), GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));

  return GST_CLOCK_TIME_IS_VALID (time) ? time : 0;
}

GstSample *
probe_pictures_take (ProbePictures * self, GstClockTime time,
    GstClockTime * real)
{
  gint64 left = MIN (self->deadline - g_get_monotonic_time (), MAX_WAIT);
  GstSample *sample;

  if (left <= 0 || (self->duration > 0 && !seek (self, time)))
    return NULL;
  sample = gst_app_sink_try_pull_preroll (GST_APP_SINK (self->sink),
      left * GST_USECOND);
  if (sample != NULL)
    *real = get_time (sample);
  return sample;
}

gboolean
probe_pictures_rewind (ProbePictures * self)
{
  return g_get_monotonic_time () < self->deadline
      && gst_element_seek_simple (self->pipeline, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH, 0)
      && gst_element_set_state (self->pipeline, GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE;
}

GstSample *
probe_pictures_next (ProbePictures * self, GstClockTime * real, gboolean * end)
{
  gint64 left = MIN (self->deadline - g_get_monotonic_time (), MAX_WAIT);
  GstSample *sample = left <= 0 ? NULL :
      gst_app_sink_try_pull_sample (GST_APP_SINK (self->sink),
      left * GST_USECOND);

  *end = sample == NULL && gst_app_sink_is_eos (GST_APP_SINK (self->sink));
  if (sample != NULL)
    *real = get_time (sample);
  return sample;
}

/* --- pictures --- */

static gboolean
get_info (GstSample * sample, GstVideoInfo * info)
{
  return gst_sample_get_caps (sample) != NULL
      && gst_video_info_from_caps (info, gst_sample_get_caps (sample))
      && info->width > 0 && info->height > 0 && info->width <= MAX_SIDE
      && info->height <= MAX_SIDE && info->par_n > 0 && info->par_d > 0;
}

gboolean
probe_picture_fit (GstSample * sample, guint max_width, guint max_height,
    guint * width, guint * height)
{
  GstVideoInfo info;
  double shown_width, scale;

  if (!get_info (sample, &info))
    return FALSE;
  shown_width = info.width * (double) info.par_n / info.par_d;
  scale = MIN (1, MIN (max_width / shown_width,
          max_height / (double) info.height));
  *width = MAX (2, (guint) (shown_width * scale + 0.5) & ~1u);
  *height = MAX (2, (guint) (info.height * scale + 0.5) & ~1u);
  return TRUE;
}

static GstStructure *
get_place (GstSample * sample, guint width, guint height)
{
  guint inner_width = width, inner_height = height;

  probe_picture_fit (sample, width, height, &inner_width, &inner_height);
  return gst_structure_new ("options", GST_VIDEO_CONVERTER_OPT_DEST_X,
      G_TYPE_INT, (int) ((width - inner_width) / 2 & ~1u),
      GST_VIDEO_CONVERTER_OPT_DEST_Y, G_TYPE_INT,
      (int) ((height - inner_height) / 2 & ~1u),
      GST_VIDEO_CONVERTER_OPT_DEST_WIDTH, G_TYPE_INT, (int) inner_width,
      GST_VIDEO_CONVERTER_OPT_DEST_HEIGHT, G_TYPE_INT, (int) inner_height,
      NULL);
}

static gboolean
convert (GstSample * sample, GstVideoInfo * in, GstVideoInfo * out,
    GstBuffer * to)
{
  GstVideoConverter *converter = gst_video_converter_new (in, out,
      get_place (sample, (guint) out->width, (guint) out->height));
  GstVideoFrame from, target;
  gboolean done = FALSE;

  if (converter == NULL)
    return FALSE;
  if (gst_video_frame_map (&from, in, gst_sample_get_buffer (sample),
          GST_MAP_READ)) {
    if (gst_video_frame_map (&target, out, to, GST_MAP_WRITE)) {
      gst_video_converter_frame (converter, &from, &target);
      gst_video_frame_unmap (&target);
      done = TRUE;
    }
    gst_video_frame_unmap (&from);
  }
  gst_video_converter_free (converter);
  return done;
}

GstBuffer *
probe_picture_scale (GstSample * sample, const char *format, guint width,
    guint height)
{
  g_autoptr (GstBuffer) buffer = NULL;
  GstVideoInfo in, out;

  if (!get_info (sample, &in)
      || !gst_video_info_set_format (&out,
          gst_video_format_from_string (format), width, height))
    return NULL;
  /* the converter wants them to be the same */
  out.fps_n = in.fps_n;
  out.fps_d = in.fps_d;
  buffer = gst_buffer_new_allocate (NULL, out.size, NULL);
  return convert (sample, &in, &out, buffer) ? g_steal_pointer (&buffer) : NULL;
}

/* --- JPEG --- */

static GBytes *
run_encoder (GstElement * pipeline, GstElement * source, GstElement * sink,
    GstBuffer * buffer, gint64 deadline)
{
  gint64 left = deadline - g_get_monotonic_time ();
  g_autoptr (GstSample) sample = NULL;
  GstMapInfo map;
  GBytes *bytes = NULL;

  if (left <= 0 || gst_element_set_state (pipeline, GST_STATE_PLAYING)
      == GST_STATE_CHANGE_FAILURE)
    return NULL;
  gst_app_src_push_buffer (GST_APP_SRC (source), gst_buffer_ref (buffer));
  gst_app_src_end_of_stream (GST_APP_SRC (source));
  sample = gst_app_sink_try_pull_sample (GST_APP_SINK (sink),
      left * GST_USECOND);
  if (sample != NULL && gst_buffer_map (gst_sample_get_buffer (sample), &map,
          GST_MAP_READ)) {
    bytes = g_bytes_new (map.data, map.size);
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  }
  return bytes;
}

GBytes *
probe_picture_encode (GstBuffer * buffer, guint width, guint height,
    int quality, gint64 deadline)
{
  g_autoptr (GstElement) pipeline =
      gst_object_ref_sink (gst_pipeline_new (NULL));
  GstElement *source = gst_element_factory_make ("appsrc", NULL);
  GstElement *encoder = gst_element_factory_make ("jpegenc", NULL);
  GstElement *sink = gst_element_factory_make ("appsink", NULL);
  g_autoptr (GstCaps) caps = gst_caps_new_simple ("video/x-raw", "format",
      G_TYPE_STRING, "I420", "width", G_TYPE_INT, (int) width, "height",
      G_TYPE_INT, (int) height, "framerate", GST_TYPE_FRACTION, 0, 1, NULL);
  GBytes *bytes;

  if (source == NULL || encoder == NULL || sink == NULL) {
    g_clear_object (&source);
    g_clear_object (&encoder);
    g_clear_object (&sink);
    return NULL;
  }
  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME, NULL);
  g_object_set (encoder, "quality", quality, NULL);
  g_object_set (sink, "sync", FALSE, NULL);
  gst_bin_add_many (GST_BIN (pipeline), source, encoder, sink, NULL);
  gst_element_link_many (source, encoder, sink, NULL);
  bytes = run_encoder (pipeline, source, sink, buffer, deadline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return bytes;
}
