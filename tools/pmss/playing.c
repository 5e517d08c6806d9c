/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "playing.h"

#include <stdio.h>

#include <gst/gst.h>
#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "reading.h"
#include "starting.h"

/* How often the bus is left to look whether the user has had enough. */
#define POLL_INTERVAL (100 * GST_MSECOND)

/* A pipeline that runs to its end. */
typedef struct
{
  PmssCli *cli;
  const char *uri;
  guint wait;                   /* s, for a start */
  GstElement *pipeline;
  GstElement *source;           /* pmsssrc, once there is one */
  GMutex lock;                  /* protects source: set by a streaming thread */
  GString *missing;             /* what cannot be decoded */
} Playing;

static void
playing_clear (Playing * playing)
{
  if (playing->pipeline)
    gst_element_set_state (playing->pipeline, GST_STATE_NULL);
  gst_clear_object (&playing->pipeline);
  gst_clear_object (&playing->source);
  g_mutex_clear (&playing->lock);
  g_string_free (playing->missing, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Playing, playing_clear)
     static gboolean need_element (const char *name, GError ** error)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);

  if (factory != NULL)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "GStreamer does not know the element %s; in a build that is not "
      "installed, run everything by 'meson devenv -C BUILD'", name);
  return FALSE;
}

static void
on_source_setup (GstElement * bin, GstElement * source, gpointer user_data)
{
  Playing *playing = user_data;

  g_mutex_lock (&playing->lock);
  gst_object_replace ((GstObject **) & playing->source, GST_OBJECT (source));
  g_mutex_unlock (&playing->lock);
  g_object_set (source, "wait-for-admission", playing->wait * GST_SECOND, NULL);
}

/* Every stream ends in a sink that takes what it gets at once. */
static void
on_pad_added (GstElement * bin, GstPad * pad, gpointer user_data)
{
  Playing *playing = user_data;
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_autoptr (GstPad) sink_pad = gst_element_get_static_pad (sink, "sink");

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  gst_bin_add (GST_BIN (playing->pipeline), sink);
  gst_element_sync_state_with_parent (sink);
  if (GST_PAD_LINK_FAILED (gst_pad_link (pad, sink_pad)))
    GST_ELEMENT_ERROR (bin, CORE, PAD, ("A stream cannot be linked"), (NULL));
}

static gboolean
build_decoding (Playing * playing, const char *uri, GError ** error)
{
  GstElement *bin;

  if (!need_element ("uridecodebin", error) ||
      !need_element ("fakesink", error))
    return FALSE;
  bin = gst_element_factory_make ("uridecodebin", NULL);
  g_object_set (bin, "uri", uri, NULL);
  g_signal_connect (bin, "source-setup", G_CALLBACK (on_source_setup), playing);
  g_signal_connect (bin, "pad-added", G_CALLBACK (on_pad_added), playing);
  gst_bin_add (GST_BIN (playing->pipeline), bin);
  return TRUE;
}

static gboolean
build_saving (Playing * playing, const char *uri, const char *save,
    GError ** error)
{
  GstElement *sink;

  if (!need_element ("filesink", error))
    return FALSE;
  playing->source =
      gst_object_ref_sink (gst_element_factory_make ("pmsssrc", NULL));
  sink = gst_element_factory_make ("filesink", NULL);
  g_object_set (playing->source, "location", uri, "wait-for-admission",
      playing->wait * GST_SECOND, NULL);
  g_object_set (sink, "location", save, NULL);
  gst_bin_add_many (GST_BIN (playing->pipeline),
      gst_object_ref (playing->source), sink, NULL);
  if (gst_element_link (playing->source, sink))
    return TRUE;
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_SOFTWARE,
      "pmsssrc cannot be linked to filesink");
  return FALSE;
}

/* The PmssError that pmsssrc tells of in its error's details, else a
 * GStreamer error's nearest. */
static PmssError
error_code (GstMessage * message, const GError * error)
{
  const GstStructure *details = NULL;
  const char *domain;
  int code;

  gst_message_parse_error_details (message, &details);
  domain =
      details != NULL ? gst_structure_get_string (details, "domain") : NULL;
  if (g_strcmp0 (domain, g_quark_to_string (PMSS_ERROR)) == 0
      && gst_structure_get_int (details, "code", &code))
    return (PmssError) code;
  if (g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND))
    return PMSS_ERROR_NOT_FOUND;
  return PMSS_ERROR_FAILED;
}

/* What GStreamer has no plug-in for: "H.264 decoder, AAC decoder" */
static void
note_missing (Playing * playing, GstMessage * message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  const char *name;

  if (structure == NULL
      || !gst_structure_has_name (structure, "missing-plugin"))
    return;
  name = gst_structure_get_string (structure, "name");
  g_string_append_printf (playing->missing, "%s%s",
      playing->missing->len ? ", " : "", name != NULL ? name : "a plug-in");
}

/* GStreamer's error in our words, so that the exit code fits. */
static void
take_error (Playing * playing, GstMessage * message, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *debug = NULL;

  gst_message_parse_error (message, &local, &debug);
  if (playing->missing->len)
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_NO_DECODER,
        "GStreamer has no %s here; Debian's package gstreamer1.0-libav has "
        "most decoders", playing->missing->str);
  else
    g_set_error (error, PMSS_ERROR, error_code (message, local), "%s",
        local->message);
}

/* While the element waits for a start, it says when that is. */
static void
note_progress (Playing * playing, GstMessage * message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  GstProgressType type;
  gboolean granted = FALSE;
  gint64 start_in;

  gst_message_parse_progress (message, &type, NULL, NULL);
  if (gst_structure_get_int64 (structure, "start-in", &start_in)
      && gst_structure_get_boolean (structure, "granted", &granted))
    pmss_starting_tell (playing->cli, playing->uri, start_in, granted);
}

static gboolean
run_to_end (Playing * playing, GCancellable * cancellable, GError ** error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (playing->pipeline);

  gst_element_set_state (playing->pipeline, GST_STATE_PLAYING);
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
        POLL_INTERVAL,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT |
        GST_MESSAGE_PROGRESS);

    if (g_cancellable_set_error_if_cancelled (cancellable, error))
      return FALSE;
    if (message == NULL)
      continue;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      return TRUE;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      take_error (playing, message, error);
      return FALSE;
    }
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_PROGRESS)
      note_progress (playing, message);
    else
      note_missing (playing, message);
  }
}

static gboolean
add_field (GQuark field, const GValue * value, gpointer user_data)
{
  GVariantBuilder *builder = user_data;
  GVariant *variant = NULL;

  if (G_VALUE_HOLDS_UINT64 (value))
    variant = g_variant_new_uint64 (g_value_get_uint64 (value));
  else if (G_VALUE_HOLDS_UINT (value))
    variant = g_variant_new_uint32 (g_value_get_uint (value));
  else if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value))
    variant = g_variant_new_string (g_value_get_string (value));
  if (variant != NULL)
    g_variant_builder_add (builder, "{sv}", g_quark_to_string (field), variant);
  return TRUE;
}

/* The element's property in the form that a PmssReader gives. */
static GVariant *
get_stats (GstElement * source)
{
  g_autoptr (GstStructure) stats = NULL;
  const GValue *nodes;
  GVariantBuilder all, list;
  guint i;

  g_object_get (source, "stats", &stats, NULL);
  g_variant_builder_init (&all, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_init (&list, G_VARIANT_TYPE ("aa{sv}"));
  gst_structure_foreach (stats, add_field, &all);
  nodes = gst_structure_get_value (stats, "nodes");
  for (i = 0; nodes && i < gst_value_array_get_size (nodes); i++) {
    const GstStructure *node =
        gst_value_get_structure (gst_value_array_get_value (nodes, i));
    GVariantBuilder one;

    g_variant_builder_init (&one, G_VARIANT_TYPE_VARDICT);
    gst_structure_foreach (node, add_field, &one);
    g_variant_builder_add_value (&list, g_variant_builder_end (&one));
  }
  g_variant_builder_add (&all, "{sv}", "nodes", g_variant_builder_end (&list));
  return g_variant_ref_sink (g_variant_builder_end (&all));
}

/* Names that were made of what the file says. */
static void
print_missing (const char *missing)
{
  g_autofree char *shown = pmss_cli_escape (missing);

  printf ("Not decoded, for want of plug-ins: %s.\n", shown);
}

static void
report (PmssCli * cli, const Playing * playing, GVariant * stats,
    gboolean print_stats, double seconds)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonObject) object = NULL;

  if (!cli->json) {
    printf ("Played to the end in %.2f s.\n", seconds);
    if (playing->missing->len)
      print_missing (playing->missing->str);
    if (print_stats)
      pmss_reading_print_stats (stats, seconds);
    return;
  }
  node = json_node_alloc ();
  object = json_object_new ();
  json_object_set_double_member (object, "seconds", seconds);
  json_object_set_member (object, "stats", json_gvariant_serialize (stats));
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

gboolean
pmss_playing_run (PmssCli * cli, const char *uri, const char *save,
    gboolean stats, guint wait, GError ** error)
{
  g_auto (Playing) playing = {.cli = cli,.uri = uri,.wait = wait };
  g_autoptr (GVariant) counters = NULL;
  gint64 start;

  g_mutex_init (&playing.lock);
  playing.missing = g_string_new (NULL);
  if (!gst_init_check (NULL, NULL, error) || !need_element ("pmsssrc", error))
    return FALSE;
  playing.pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  if (save != NULL ? !build_saving (&playing, uri, save, error) :
      !build_decoding (&playing, uri, error))
    return FALSE;
  start = g_get_monotonic_time ();
  if (!run_to_end (&playing, cli->cancellable, error))
    return FALSE;
  counters = get_stats (playing.source);
  report (cli, &playing, counters, stats,
      (double) (g_get_monotonic_time () - start) / 1e6);
  return TRUE;
}
