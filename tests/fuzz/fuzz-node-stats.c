/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The figures of a heartbeat. */

#include <string.h>

#include "control/nodes/node-stats.h"
#include "fuzz.h"
#include "libpmss/pmss-json.h"

static GBytes *
write_stats (const PmssNodeStats * stats)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();

  pmss_node_stats_write (stats, json);
  return pmss_json_writer_finish (json);
}

/* What was believed is written as JSON, and believed again. */
static void
check_again (const PmssNodeStats * stats)
{
  g_autoptr (GBytes) bytes = write_stats (stats);
  g_autoptr (GBytes) later = NULL;
  g_autoptr (JsonNode) node = NULL;
  PmssNodeStats again;
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);

  node = pmss_json_parse (text, size, NULL);
  g_assert_nonnull (node);
  g_assert_true (pmss_node_stats_parse (json_node_get_object (node), &again,
          NULL));
  later = write_stats (&again);
  g_assert_true (g_bytes_equal (bytes, later));
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autoptr (JsonNode) node = pmss_json_parse ((const char *) data, size, NULL);
  g_autoptr (GError) error = NULL;
  PmssNodeStats stats;
  gboolean good;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return 0;
  good = pmss_node_stats_parse (json_node_get_object (node), &stats, &error);
  g_assert_true (good == (error == NULL));
  if (good)
    check_again (&stats);
  return 0;
}
