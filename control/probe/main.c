/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss-probe FILE: says what a file is, as one JSON object on standard output; with --artwork, what a page shows of it. It runs in a process of its own because demuxers parse hostile files:
 * whatever happens to it (a crash, no end, all of the memory it may have) ends with it, and confine.h says what is out of its reach. */

#define _GNU_SOURCE             /* close_range() */
#include <gio/gio.h>
#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artwork.h"
#include "confine.h"
#include "content-type.h"
#include "describe.h"
#include "control/admission/envelope.h"
#include "rates.h"

/* GstDiscoverer 1.22 now and then does not notice that a damaged file has ended. */
#define MAX_DESCRIBE 20         /* seconds */
#define SMALL (1 << 20)         /* bytes */

#ifdef __SANITIZE_ADDRESS__
int __lsan_is_turned_off (void);

/* What demuxers and decoders leak ends with this process, and is not ours to judge. */
int
__lsan_is_turned_off (void)
{
  return 1;
}
#endif

/* GLib reads its tables of types at the first question: before files are out of reach. */
static void
load_types (void)
{
  g_autofree char *type = g_content_type_guess ("a.ogg", NULL, 0, NULL);

  g_debug ("a file's type is found by its name and its first bytes: %s", type);
}

/* A playlist or manifest would make its demuxer fetch whatever it names: nothing in this process may read anything but the file. */
static void
remove_sources (void)
{
  GstRegistry *registry = gst_registry_get ();
  GList *list = gst_registry_get_feature_list (registry,
      GST_TYPE_ELEMENT_FACTORY);

  for (GList * l = list; l; l = l->next) {
    const char *klass = gst_element_factory_get_metadata (l->data,
        GST_ELEMENT_METADATA_KLASS);
    if (g_str_equal (gst_plugin_feature_get_name (l->data), "filesrc")
        || g_str_equal (gst_plugin_feature_get_name (l->data), "appsrc"))
      continue;
    if (strstr (klass, "Source") || strstr (klass, "Adaptive")
        || strstr (klass, "Network"))
      gst_registry_remove_feature (registry, l->data);
  }
  gst_plugin_feature_list_free (list);
}

/* Neither large nor called as media. */
static gboolean
is_small_matter (const char *path, const char *name)
{
  g_autofree char *type = probe_content_type_guess (path, name);
  struct stat st;

  return stat (path, &st) == 0 && st.st_size < SMALL
      && !g_str_has_prefix (type, "audio/")
      && !g_str_has_prefix (type, "video/");
}

/* libav's type finders come last, and to ask them loads some hundred libraries: two thirds of the time that a small file takes, which is not as a rule one of the few
 * kinds that they alone know. */
static void
remove_costly_finders (void)
{
  GstRegistry *registry = gst_registry_get ();
  GList *list = gst_registry_get_feature_list_by_plugin (registry, "libav");

  for (GList * l = list; l; l = l->next)
    if (GST_IS_TYPE_FIND_FACTORY (l->data))
      gst_registry_remove_feature (registry, l->data);
  gst_plugin_feature_list_free (list);
}

static void
set_positive (JsonObject * object, const char *key, guint64 value)
{
  if (value > 0 && value <= G_MAXINT64)
    json_object_set_int_member (object, key, value);
  else
    json_object_set_null_member (object, key);
}

/* Takes @slots: bytes of the file for each two seconds. */
static void
set_demand (JsonObject * object, GArray * slots)
{
  JsonArray *array;

  if (slots == NULL) {
    json_object_set_null_member (object, "demand");
    return;
  }
  array = json_array_sized_new (slots->len);
  for (guint i = 0; i < slots->len; i++)
    json_array_add_int_element (array, (gint64) g_array_index (slots, guint64,
            i));
  json_object_set_array_member (object, "demand", array);
  g_array_unref (slots);
}

/* What a file claims of its duration is taken for true unless its streams end elsewhere (fragmented files tell of a part, cut ones of what they were). */
static GstClockTime
true_duration (ProbeRates * rates, gboolean whole, GstClockTime claimed)
{
  GstClockTime end = probe_rates_get_end (rates);

  if (whole && (end > claimed || end < claimed / 10 * 9))
    return end;
  return claimed;
}

/* What a viewer's line has to carry is the file, container included: the average is the file's size by its duration, and a peak of the streams' bytes grows by
 * what the container adds. Pictures and the like that lie in the file without a time make no peak higher, so that share is bounded. */
static void
add_rates (JsonObject * object, ProbeRates * rates, gboolean whole,
    guint64 size, GstClockTime duration)
{
  guint64 average = 0, peak_1s = 0, peak_10s = 0;

  if (duration > 0)
    average = gst_util_uint64_scale (size, 8 * GST_SECOND, duration);
  if (whole && probe_rates_get_bytes (rates) > 0) {
    double overhead = size / (double) probe_rates_get_bytes (rates);
    overhead = CLAMP (overhead, 1.0, 1.25);
    peak_1s = probe_rates_get_peak (rates, GST_SECOND) * overhead;
    peak_10s = probe_rates_get_peak (rates, 10 * GST_SECOND) * overhead;
    peak_10s = MAX (peak_10s, average);
    peak_1s = MAX (peak_1s, peak_10s);
  }
  set_demand (object, whole ? probe_rates_get_slots (rates,
          PMSS_SLOT * GST_SECOND, size) : NULL);
  set_positive (object, "duration_ns", duration);
  set_positive (object, "avg_bitrate", average);
  set_positive (object, "peak_bitrate_1s", peak_1s);
  set_positive (object, "peak_bitrate_10s", peak_10s);
}

static JsonNode *
run_probe (const char *path, const char *name, guint seconds)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  g_autoptr (ProbeRates) rates = probe_rates_new ();
  gint64 deadline = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  GstClockTime duration;
  struct stat st;
  gboolean whole = FALSE;

  if (probe_describe (object, path, name, CLAMP (seconds / 2, 1,
              MAX_DESCRIBE) * GST_SECOND, &duration))
    whole = probe_rates_scan (rates, path, deadline);
  add_rates (object, rates, whole, stat (path, &st) == 0 ? st.st_size : 0,
      true_duration (rates, whole, duration));
  json_node_take_object (node, object);
  return node;
}

/* A decoder may hang: nothing is tidied up that would wait for it. */
static G_NORETURN void
run_artwork (const char *path, guint seconds)
{
  char *text = probe_artwork (path,
      g_get_monotonic_time () + seconds * G_USEC_PER_SEC);

  g_print ("%s\n", text);
  fflush (stdout);
  _exit (0);
}

int
main (int argc, char *argv[])
{
  g_autofree char *name = NULL;
  gboolean artwork = FALSE;
  int seconds = 120;
  const GOptionEntry entries[] = {
    {"name", 'n', 0, G_OPTION_ARG_STRING, &name, "What the file is called",
        "NAME"},
    {"deadline", 'd', 0, G_OPTION_ARG_INT, &seconds,
        "Stop after so many seconds (120)", "SECONDS"},
    {"artwork", 'a', 0, G_OPTION_ARG_NONE, &artwork,
        "Make pictures of it, in place of a description", NULL},
    {NULL}
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *text = NULL;

  setlocale (LC_ALL, "C.UTF-8");
  close_range (STDERR_FILENO + 1, ~0U, 0);
  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("%s\n", error->message);
    return 64;
  }
  if (argc != 2 || seconds < 1 || seconds > 3600) {
    g_printerr
        ("Usage: pmss-probe [--artwork] [--name NAME] [--deadline 1..3600] FILE\n");
    return 64;
  }
  if (!g_file_test (argv[1], G_FILE_TEST_IS_REGULAR)) {
    g_printerr ("%s is not a file\n", argv[1]);
    return 66;
  }
  if (!gst_init_check (NULL, NULL, &error)) {
    g_printerr ("%s\n", error->message);
    return 69;
  }
  /* those who wait for a picture wait for more important things, too */
  if (artwork && nice (10) == -1)
    g_info ("nice: not possible");
  remove_sources ();
  load_types ();
  if (!probe_confine (argv[1], seconds, &error)) {
    g_printerr ("%s\n", error->message);
    return 71;
  }
  if (is_small_matter (argv[1], name))
    remove_costly_finders ();
  if (artwork)
    run_artwork (argv[1], seconds);
  node = run_probe (argv[1], name, seconds);
  text = json_to_string (node, FALSE);
  g_print ("%s\n", text);
  return 0;
}
