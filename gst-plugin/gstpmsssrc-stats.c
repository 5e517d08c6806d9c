/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libpmss' statistics as a structure. Any thread. */
#include "gstpmsssrc-stats.h"

static const char *const counters[] = {
  "bytes", "units", "requests", "rebuilt", "hedged", "extra", "late",
  "errors", "wasted", "cache-used", NULL
};

static void
copy_entry (GstStructure * structure, const char *key, GVariant * value)
{
  switch (g_variant_classify (value)) {
    case G_VARIANT_CLASS_UINT64:
      gst_structure_set (structure, key, G_TYPE_UINT64,
          g_variant_get_uint64 (value), NULL);
      break;
    case G_VARIANT_CLASS_UINT32:
      gst_structure_set (structure, key, G_TYPE_UINT,
          g_variant_get_uint32 (value), NULL);
      break;
    case G_VARIANT_CLASS_STRING:
      gst_structure_set (structure, key, G_TYPE_STRING,
          g_variant_get_string (value, NULL), NULL);
      break;
    default:
      /* of arrays only "nodes" is known, and has a conversion of its own */
      break;
  }
}

static void
copy_entries (GstStructure * structure, GVariant * stats)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, stats);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    copy_entry (structure, key, value);
}

static void
append_node (GValue * array, GVariant * node, guint64 * rate, guint64 * rtt,
    guint * n_rtt)
{
  GstStructure *structure = gst_structure_new_empty ("pmss-node-stats");
  GValue item = G_VALUE_INIT;
  guint64 value;

  copy_entries (structure, node);
  if (gst_structure_get_uint64 (structure, "rate", &value))
    *rate += value;
  if (gst_structure_get_uint64 (structure, "rtt", &value) && value) {
    *rtt += value;
    (*n_rtt)++;
  }

  g_value_init (&item, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&item, structure);
  gst_value_array_append_and_take_value (array, &item);
}

GstStructure *
gst_pmss_stats_to_structure (GVariant * stats)
{
  GstStructure *structure = gst_structure_new_empty ("pmss-stats");
  GValue array = G_VALUE_INIT;
  guint64 rate = 0, rtt = 0;
  guint n_rtt = 0;

  for (guint i = 0; counters[i]; i++)
    gst_structure_set (structure, counters[i], G_TYPE_UINT64,
        G_GUINT64_CONSTANT (0), NULL);
  g_value_init (&array, GST_TYPE_ARRAY);

  if (stats != NULL) {
    g_autoptr (GVariant) nodes = NULL;

    copy_entries (structure, stats);
    nodes = g_variant_lookup_value (stats, "nodes", G_VARIANT_TYPE ("aa{sv}"));
    for (gsize i = 0; nodes && i < g_variant_n_children (nodes); i++) {
      g_autoptr (GVariant) node = g_variant_get_child_value (nodes, i);

      append_node (&array, node, &rate, &rtt, &n_rtt);
    }
  }

  gst_structure_set (structure, "rate", G_TYPE_UINT64, rate,
      "rtt", G_TYPE_UINT64, n_rtt ? rtt / n_rtt : 0, NULL);
  gst_structure_take_value (structure, "nodes", &array);
  return structure;
}
