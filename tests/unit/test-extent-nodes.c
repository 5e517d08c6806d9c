/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The column extent.nodes: what is written is read, and nothing else is. */
#include "control/catalog/extent-nodes.h"

static void
test_both_ways (void)
{
  guint nodes[PMSS_MAX_SHARDS], read[PMSS_MAX_SHARDS];
  guint8 blob[PMSS_EXTENT_NODES_SIZE];

  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    nodes[i] = i == 1 ? 0 : G_MAXUINT32 - i;
  for (guint n = 1; n <= PMSS_MAX_SHARDS; n++) {
    pmss_extent_nodes_encode (nodes, n, blob);
    g_assert_cmpuint (pmss_extent_nodes_decode (blob, 4 * n, read), ==, n);
    g_assert_cmpmem (read, n * sizeof (guint), nodes, n * sizeof (guint));
  }
}

/* Least significant byte first, whatever the machine. */
static void
test_bytes (void)
{
  static const guint8 expected[] = { 1, 0, 0, 0, 0x78, 0x56, 0x34, 0x12 };
  static const guint nodes[] = { 1, 0x12345678 };
  guint8 blob[PMSS_EXTENT_NODES_SIZE];

  pmss_extent_nodes_encode (nodes, 2, blob);
  g_assert_cmpmem (blob, 8, expected, 8);
}

static void
test_malformed (void)
{
  static const gsize lengths[] = {
    0, 1, 3, 5, 4 * PMSS_MAX_SHARDS - 1, 4 * PMSS_MAX_SHARDS + 1,
    4 * PMSS_MAX_SHARDS + 4, G_MAXSIZE, G_MAXSIZE - 3,
  };
  guint8 blob[PMSS_EXTENT_NODES_SIZE] = { 0 };
  guint nodes[PMSS_MAX_SHARDS];

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    g_assert_cmpuint (pmss_extent_nodes_decode (blob, lengths[i], nodes), ==,
        0);
  g_assert_cmpuint (pmss_extent_nodes_decode (NULL, 0, nodes), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/extent-nodes/both-ways", test_both_ways);
  g_test_add_func ("/extent-nodes/bytes", test_bytes);
  g_test_add_func ("/extent-nodes/malformed", test_malformed);
  return g_test_run ();
}
