/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fault-player SOURCE BYTES-PER-SECOND SECONDS [loop]: a viewer, and all that it noticed.
 *
 * Plays SOURCE (as of gst-launch, the element called "source") into a sink that takes each byte when it is due. A viewer with a second of buffer stands
 * still when a byte comes more than a second after that; then it goes on from there. Says "playing" with the first buffer, and at the end, or after SECONDS,
 * one JSON object. Times are of the monotonic clock, in us.
 *
 * With "loop" it plays SOURCE again and again, until its standard input ends, and
 * has SECONDS for each time. Of each time it tells the SHA-256. */
#include <stdio.h>
#include <stdlib.h>

#include <gst/gst.h>
#include <json-glib/json-glib.h>

#include "tools/benchmarks/pace.h"

/* What the viewer has in hand. */
#define BUFFER G_USEC_PER_SEC
/* What a busy machine makes late is not told one by one. */
#define NOTICEABLE (5 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  gint64 came;                  /* the buffer that was the latest */
  gint64 late;
} Gap;

/* A unit, from when the sink could take it. */
typedef struct
{
  gint64 came;
  gint64 took;
} Time;

typedef struct
{
  BenchPace pace;
  GChecksum *checksum;
  gint64 ready;                 /* since when the sink waits for the next one */
  GArray *times;                /* of Time */
  GArray *gaps;                 /* of Gap */
  gboolean is_late;             /* the last gap goes on */
  gboolean loops;
  int stop;                     /* atomic: this time is the last */
  GPtrArray *digests;           /* of each time */
  char *error;                  /* nullable */
  JsonBuilder *messages;
} Player;

static void
note_late (Player * player, gint64 late)
{
  Gap gap = {.came = g_get_monotonic_time (),.late = late };
  Gap *last;

  if (!player->is_late)
    g_array_append_val (player->gaps, gap);
  player->is_late = TRUE;
  last = &g_array_index (player->gaps, Gap, player->gaps->len - 1);
  if (late > last->late)
    *last = gap;
}

static void
take (Player * player, GstBuffer * buffer)
{
  gint64 late = bench_pace_take (&player->pace, gst_buffer_get_size (buffer));

  if (late >= NOTICEABLE)
    note_late (player, late);
  else
    player->is_late = FALSE;
  if (late > BUFFER) {
    bench_pace_slip (&player->pace, late);
    player->is_late = FALSE;
  }
}

static void
note_time (Player * player)
{
  gint64 now = g_get_monotonic_time ();
  const Time time = {.came = now,.took = now - player->ready };

  g_array_append_val (player->times, time);
}

static GstPadProbeReturn
on_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Player *player = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstMapInfo map;

  if (player->pace.bytes == 0)
    g_print ("playing\n");
  else if (!player->loops)
    note_time (player);
  take (player, buffer);
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    g_error ("a buffer cannot be read");
  g_checksum_update (player->checksum, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  player->ready = g_get_monotonic_time ();
  return GST_PAD_PROBE_OK;
}

/* --- What the pipeline says --- */

static void
add_message (Player * player, const char *kind, const char *text)
{
  JsonBuilder *json = player->messages;

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "at");
  json_builder_add_int_value (json, g_get_monotonic_time ());
  json_builder_set_member_name (json, "kind");
  json_builder_add_string_value (json, kind);
  json_builder_set_member_name (json, "text");
  json_builder_add_string_value (json, text);
  json_builder_end_object (json);
}

/* TRUE when it is over. The first error is the element's own. */
static gboolean
hear (Player * player, GstMessage * message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  const GstStructure *structure;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_EOS:
      return TRUE;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, &text);
      player->error = g_strdup_printf ("%s (%s)", error->message, text);
      return TRUE;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, NULL);
      add_message (player, "warning", error->message);
      return FALSE;
    default:
      structure = gst_message_get_structure (message);
      text = gst_structure_to_string (structure);
      add_message (player, gst_structure_get_name (structure), text);
      return FALSE;
  }
}

static gpointer
wait_for_stop (gpointer data)
{
  Player *player = data;

  while (getchar () != EOF);
  g_atomic_int_set (&player->stop, TRUE);
  return NULL;
}

/* At the end: from the beginning again. FALSE: that was the last time. */
static gboolean
play_again (Player * player, GstElement * pipeline)
{
  g_ptr_array_add (player->digests,
      g_strdup (g_checksum_get_string (player->checksum)));
  if (player->error != NULL || !player->loops
      || g_atomic_int_get (&player->stop))
    return FALSE;
  g_checksum_reset (player->checksum);
  if (!gst_element_seek_simple (pipeline, GST_FORMAT_BYTES,
          GST_SEEK_FLAG_FLUSH, 0))
    player->error = g_strdup ("cannot seek");
  return player->error == NULL;
}

static void
hear_all (Player * player, GstElement * pipeline, gint64 seconds)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gint64 end = g_get_monotonic_time () + seconds;
  gboolean over = FALSE;

  while (!over) {
    gint64 left = end - g_get_monotonic_time ();
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
        MAX (left, 0) * GST_USECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR
        | GST_MESSAGE_WARNING | GST_MESSAGE_ELEMENT);

    if (message == NULL)
      player->error = g_strdup ("no end in time");
    over = message == NULL || hear (player, message);
    if (over && play_again (player, pipeline)) {
      end = g_get_monotonic_time () + seconds;
      over = FALSE;
    }
  }
}

/* An authority of one's own is something that only an application can name. */
static void
trust (GstElement * source)
{
  const char *file = g_getenv ("PMSS_TEST_CA");
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) error = NULL;

  if (file == NULL
      || !g_object_class_find_property (G_OBJECT_GET_CLASS (source),
          "tls-database"))
    return;
  database = g_tls_file_database_new (file, &error);
  if (database == NULL)
    g_error ("%s", error->message);
  g_object_set (source, "tls-database", database, NULL);
}

/* --- The report --- */

static gboolean
add_counter (GQuark field, const GValue * value, gpointer json)
{
  if (G_VALUE_HOLDS_UINT64 (value)) {
    json_builder_set_member_name (json, g_quark_to_string (field));
    json_builder_add_int_value (json, g_value_get_uint64 (value));
  }
  return TRUE;
}

static void
add_stats (JsonBuilder * json, GstElement * source)
{
  g_autoptr (GstStructure) stats = NULL;

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (source), "stats"))
    g_object_get (source, "stats", &stats, NULL);
  json_builder_set_member_name (json, "stats");
  json_builder_begin_object (json);
  if (stats != NULL)
    gst_structure_foreach (stats, add_counter, json);
  json_builder_end_object (json);
}

static void
add_digests (JsonBuilder * json, GPtrArray * digests)
{
  json_builder_set_member_name (json, "digests");
  json_builder_begin_array (json);
  for (guint i = 0; i < digests->len; i++)
    json_builder_add_string_value (json, digests->pdata[i]);
  json_builder_end_array (json);
}

static void
add_moment (JsonBuilder * json, gint64 came, const char *name, gint64 time)
{
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "came");
  json_builder_add_int_value (json, came);
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, time);
  json_builder_end_object (json);
}

static void
add_gaps (JsonBuilder * json, GArray * gaps)
{
  guint i;

  json_builder_set_member_name (json, "gaps");
  json_builder_begin_array (json);
  for (i = 0; i < gaps->len; i++) {
    Gap *gap = &g_array_index (gaps, Gap, i);

    add_moment (json, gap->came, "late", gap->late);
  }
  json_builder_end_array (json);
}

static void
add_times (JsonBuilder * json, GArray * times)
{
  guint i;

  json_builder_set_member_name (json, "times");
  json_builder_begin_array (json);
  for (i = 0; i < times->len; i++) {
    Time *time = &g_array_index (times, Time, i);

    add_moment (json, time->came, "took", time->took);
  }
  json_builder_end_array (json);
}

static void
print_report (Player * player, GstElement * source)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (json);
  json_builder_set_member_name (json, "bytes");
  json_builder_add_int_value (json, player->pace.bytes);
  json_builder_set_member_name (json, "sha256");
  json_builder_add_string_value (json,
      g_checksum_get_string (player->checksum));
  json_builder_set_member_name (json, "ended");
  json_builder_add_int_value (json, g_get_monotonic_time ());
  json_builder_set_member_name (json, "error");
  if (player->error != NULL)
    json_builder_add_string_value (json, player->error);
  else
    json_builder_add_null_value (json);
  add_digests (json, player->digests);
  add_gaps (json, player->gaps);
  add_times (json, player->times);
  json_builder_end_array (player->messages);
  json_builder_set_member_name (json, "messages");
  json_builder_add_value (json, json_builder_get_root (player->messages));
  add_stats (json, source);
  json_builder_end_object (json);
  root = json_builder_get_root (json);
  text = json_to_string (root, FALSE);
  g_print ("%s\n", text);
}

static GstElement *
make_pipeline (Player * player, const char *source)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *description = g_strconcat (source,
      " ! fakesink name=sink sync=false", NULL);
  GstElement *pipeline = gst_parse_launch (description, &error);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstPad) pad = NULL;

  if (error != NULL) {
    g_printerr ("%s\n", error->message);
    exit (1);
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, player, NULL);
  return pipeline;
}

static void
play (Player * player, const char *description, gint64 seconds)
{
  GstElement *pipeline = make_pipeline (player, description);
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (pipeline), "source");

  trust (source);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  hear_all (player, pipeline, seconds);
  /* the streaming thread rests from here on, and the counters are as they were */
  gst_element_set_state (pipeline, GST_STATE_READY);
  print_report (player, source);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  Player player = { 0, };

  if (argc < 4 || argc > 5 || (argc == 5 && g_strcmp0 (argv[4], "loop") != 0)) {
    g_printerr ("usage: fault-player SOURCE BYTES-PER-SECOND SECONDS [loop]\n");
    return 64;
  }
  gst_init (NULL, NULL);
  /* what our library says is not the report */
  g_log_writer_default_set_use_stderr (TRUE);
  setvbuf (stdout, NULL, _IOLBF, 0);
  player.pace.bytes_per_second = g_ascii_strtod (argv[2], NULL);
  player.checksum = g_checksum_new (G_CHECKSUM_SHA256);
  player.gaps = g_array_new (FALSE, FALSE, sizeof (Gap));
  player.times = g_array_new (FALSE, FALSE, sizeof (Time));
  player.digests = g_ptr_array_new_with_free_func (g_free);
  player.loops = argc == 5;
  if (player.loops)
    g_thread_unref (g_thread_new ("stop", wait_for_stop, &player));
  player.messages = json_builder_new ();
  json_builder_begin_array (player.messages);
  play (&player, argv[1], atoi (argv[3]) * G_USEC_PER_SEC);
  g_checksum_free (player.checksum);
  g_array_unref (player.gaps);
  g_array_unref (player.times);
  g_ptr_array_unref (player.digests);
  g_object_unref (player.messages);
  g_free (player.error);
  return 0;
}
