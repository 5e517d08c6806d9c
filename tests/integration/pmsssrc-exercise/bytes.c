/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes out, byte for byte, and what is left behind. */
#include "exercise.h"

#include <gst/app/gstappsink.h>

static GMappedFile *
map_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  GMappedFile *file = g_mapped_file_new (path, FALSE, &error);

  if (file == NULL)
    die ("%s", error->message);
  return file;
}

/* Ranges as demuxers ask for them: of all sizes, and often at the edges. */
static void
choose_range (GRand * rand, guint64 size, guint64 * offset, guint * length)
{
  static const guint edges[] = { 4096, 256 * 1024, 16 * 1024 * 1024 };
  guint64 at = size * g_rand_double (rand);
  guint edge = edges[g_rand_int_range (rand, 0, G_N_ELEMENTS (edges))];
  guint64 tail = g_rand_int_range (rand, 0, 300000);
  guint64 before = g_rand_int_range (rand, 0, 200);

  switch (g_rand_int_range (rand, 0, 4)) {
    case 0:
      at -= at % edge;
      break;
    case 1:
      at = size - MIN (size, tail);
      break;
    default:
      break;
  }
  if (g_rand_boolean (rand))
    at -= MIN (at, before);
  *offset = at;
  /* 1 byte to 8 MiB, each magnitude as likely */
  *length = 1 + g_rand_int_range (rand, 0, 1 << g_rand_int_range (rand, 0, 24));
}

static void
compare (GstBuffer * buffer, GMappedFile * file, guint64 offset, gsize length)
{
  const guint8 *expected =
      (const guint8 *) g_mapped_file_get_contents (file) + offset;

  if (gst_buffer_get_size (buffer) != length)
    die ("%" G_GSIZE_FORMAT " bytes instead of %" G_GSIZE_FORMAT " at %"
        G_GUINT64_FORMAT, gst_buffer_get_size (buffer), length, offset);
  if (GST_BUFFER_OFFSET (buffer) != offset
      || GST_BUFFER_OFFSET_END (buffer) != offset + length)
    die ("a buffer of %" G_GUINT64_FORMAT " says %" G_GUINT64_FORMAT " to %"
        G_GUINT64_FORMAT, offset, GST_BUFFER_OFFSET (buffer),
        GST_BUFFER_OFFSET_END (buffer));
  if (gst_buffer_memcmp (buffer, 0, expected, length) != 0)
    die ("wrong bytes in %" G_GSIZE_FORMAT " at %" G_GUINT64_FORMAT, length,
        offset);
}

void
exercise_pull (const char *uri, const char *path, guint32 seed, guint count)
{
  GstElement *source = gst_object_ref_sink (make_source (uri));
  g_autoptr (GstPad) pad = gst_element_get_static_pad (source, "src");
  g_autoptr (GMappedFile) file = map_file (path);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GstBus) bus = gst_bus_new ();
  guint64 size = g_mapped_file_get_length (file);

  gst_element_set_bus (source, bus);
  if (!gst_pad_activate_mode (pad, GST_PAD_MODE_PULL, TRUE))
    die_of_bus (source, "pull mode");

  for (guint i = 0; i < count; i++) {
    GstBuffer *buffer = NULL;
    GstFlowReturn ret;
    guint64 offset;
    guint length;

    choose_range (rand, size, &offset, &length);
    ret = gst_pad_get_range (pad, offset, length, &buffer);
    if (ret != (offset < size ? GST_FLOW_OK : GST_FLOW_EOS))
      die_of_bus (source, gst_flow_get_name (ret));
    if (ret == GST_FLOW_OK) {
      compare (buffer, file, offset, MIN (length, size - offset));
      gst_buffer_unref (buffer);
    }
  }

  gst_pad_activate_mode (pad, GST_PAD_MODE_PULL, FALSE);
  gst_element_set_state (source, GST_STATE_NULL);
  gst_element_set_bus (source, NULL);
  gst_object_unref (source);
}

/* Reads from @offset to @stop, or the end. */
static void
read_pushed (GstElement * pipeline, GstElement * sink, GMappedFile * file,
    guint64 offset, guint64 stop)
{
  guint64 at = offset;

  while (at < stop) {
    g_autoptr (GstSample) sample =
        gst_app_sink_try_pull_sample (GST_APP_SINK (sink), PATIENCE);
    gsize length;

    if (sample == NULL)
      die_of_bus (pipeline, "no data");
    length = gst_buffer_get_size (gst_sample_get_buffer (sample));
    if (length > stop - at)
      die ("more than was asked for");
    compare (gst_sample_get_buffer (sample), file, at, length);
    at += length;
  }
}

void
exercise_push (const char *uri, const char *path, guint32 seed, guint count)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *source = make_source (uri);
  GstElement *sink = gst_element_factory_make ("appsink", NULL);
  g_autoptr (GMappedFile) file = map_file (path);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint64 size = g_mapped_file_get_length (file);

  /* without preroll: a flush in PLAYING would take the state away for a moment
   * */
  g_object_set (sink, "sync", FALSE, "async", FALSE, "max-buffers", 4, NULL);
  add_linked (pipeline, source, sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  read_pushed (pipeline, sink, file, 0, size);

  for (guint i = 0; i < count; i++) {
    guint64 offset, stop;
    guint length;

    choose_range (rand, size, &offset, &length);
    stop = MIN (size, offset + length);
    if (!gst_element_seek (source, 1.0, GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH,
            GST_SEEK_TYPE_SET, offset, GST_SEEK_TYPE_SET, stop))
      die ("a seek to %" G_GUINT64_FORMAT " was refused", offset);
    read_pushed (pipeline, sink, file, offset, stop);
    if (i % 16 == 0 && !gst_app_sink_is_eos (GST_APP_SINK (sink))) {
      g_autoptr (GstSample) more =
          gst_app_sink_try_pull_sample (GST_APP_SINK (sink), PATIENCE);

      if (more != NULL || !gst_app_sink_is_eos (GST_APP_SINK (sink)))
        die ("no end at %" G_GUINT64_FORMAT, stop);
    }
  }

  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

static void
wait_for (GstElement * pipeline, GstMessageType type, const char *what)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, PATIENCE, type);

  if (message == NULL)
    die_of_bus (pipeline, what);
}

/* Up to PLAYING and down again; every other time without waiting for anything,
 * so that it ends in the middle of whatever it is doing then. */
void
exercise_cycles (const char *uri, guint count)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  add_linked (pipeline, make_source (uri), sink);
  for (guint i = 0; i < count; i++) {
    gst_element_set_state (pipeline, i % 3 ? GST_STATE_PLAYING :
        GST_STATE_PAUSED);
    if (i % 2)
      wait_for (pipeline, GST_MESSAGE_ASYNC_DONE, "no preroll");
    gst_element_set_state (pipeline, i % 5 ? GST_STATE_NULL : GST_STATE_READY);
    if (i % 5) {
      g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

      gst_bus_set_flushing (bus, TRUE);
      gst_bus_set_flushing (bus, FALSE);
    }
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}
