/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exercises a source element from the outside, so that the same can be done
 * under a sanitizer, valgrind and GStreamer's tracers, and to file:// as well:
 *
 *   pmsssrc-exercise pull URI FILE SEED COUNT    random ranges, byte for byte
 *   pmsssrc-exercise push URI FILE SEED COUNT    random seeks, byte for byte
 *   pmsssrc-exercise cycles URI COUNT            state changes of all kinds
 *   pmsssrc-exercise seeks URI                   prints what comes after seeks
 *
 * Ends with 0 when all was as it should be, or with a message.
 */
#include <gio/gio.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE (60 * GST_SECOND)

static void
G_GNUC_PRINTF (1, 2)
die (const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("pmsssrc-exercise: %s\n", text);
  exit (1);
}

static void
die_of_bus (GstElement * pipeline, const char *what)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;

  if (message)
    gst_message_parse_error (message, &error, &debug);
  die ("%s: %s (%s)", what, error ? error->message : "no error was posted",
      debug ? debug : "");
}

static GstElement *
make_source (const char *uri)
{
  g_autoptr (GError) error = NULL;
  GstElement *source =
      gst_element_make_from_uri (GST_URI_SRC, uri, "source", &error);

  if (!source)
    die ("%s: %s", uri, error->message);
  return source;
}

static GMappedFile *
map_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  GMappedFile *file = g_mapped_file_new (path, FALSE, &error);

  if (!file)
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

  switch (g_rand_int_range (rand, 0, 4)) {
    case 0:
      at -= at % edge;
      break;
    case 1:
      at = size - MIN (size, (guint64) g_rand_int_range (rand, 0, 300000));
      break;
    default:
      break;
  }
  if (g_rand_boolean (rand) && at > 0)
    at -= MIN (at, (guint64) g_rand_int_range (rand, 0, 200));
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

static void
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

static void
add_linked (GstElement * pipeline, GstElement * a, GstElement * b)
{
  gst_bin_add_many (GST_BIN (pipeline), a, b, NULL);
  if (!gst_element_link (a, b))
    die ("cannot link");
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

    if (!sample)
      die_of_bus (pipeline, "no data");
    length = gst_buffer_get_size (gst_sample_get_buffer (sample));
    if (length > stop - at)
      die ("more than was asked for");
    compare (gst_sample_get_buffer (sample), file, at, length);
    at += length;
  }
}

static void
exercise_push (const char *uri, const char *path, guint32 seed, guint count)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *source = make_source (uri);
  GstElement *sink = gst_element_factory_make ("appsink", NULL);
  g_autoptr (GMappedFile) file = map_file (path);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  guint64 size = g_mapped_file_get_length (file);

  /* without preroll: a flush in PLAYING would take the state away for a moment */
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

      if (more || !gst_app_sink_is_eos (GST_APP_SINK (sink)))
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

  if (!message)
    die_of_bus (pipeline, what);
}

/* Up to PLAYING and down again; every other time without waiting for anything,
 * so that it ends in the middle of whatever it is doing then. */
static void
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

  if (!sample)
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

static void
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

int
main (int argc, char **argv)
{
  const char *verb = argc > 1 ? argv[1] : "";

  gst_init (NULL, NULL);
  if (g_str_equal (verb, "pull") && argc == 6)
    exercise_pull (argv[2], argv[3], atoi (argv[4]), atoi (argv[5]));
  else if (g_str_equal (verb, "push") && argc == 6)
    exercise_push (argv[2], argv[3], atoi (argv[4]), atoi (argv[5]));
  else if (g_str_equal (verb, "cycles") && argc == 4)
    exercise_cycles (argv[2], atoi (argv[3]));
  else if (g_str_equal (verb, "seeks") && argc == 3)
    exercise_seeks (argv[2]);
  else
    die ("see the head of the source for the arguments");

  gst_deinit ();
  return 0;
}
