/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PmssReader and the head that control gives. */
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-head.h"
#include "reader-fixture.h"

#define HEAD_LENGTH (CLUSTER_UNIT + 100)

static FakeCluster *
new_cluster_with_head (const guint8 * bytes)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      16 * CLUSTER_UNIT);

  cluster->head = pmss_head_new (pmss_layout_get_version (cluster->layout),
      bytes != NULL ? bytes : cluster->bytes, HEAD_LENGTH);
  return cluster;
}

static gboolean
say_nothing (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  return TRUE;
}

/* What the head has is there without any storage server; no more than that. */
static void
test_head_alone (void)
{
  FakeCluster *cluster = new_cluster_with_head (NULL);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint i;

  for (i = 0; i < 3; i++)
    cluster->nodes[i].misbehave = say_nothing;
  reader = fake_cluster_open (cluster, "timeout", 2, NULL);
  bytes = pmss_reader_read (reader, 10, cluster->size, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
      cluster->bytes + 10, HEAD_LENGTH - 10);
  g_assert_null (pmss_reader_read (reader, HEAD_LENGTH, 1, NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* From the head into the units: no seam, and the reading ahead begins. */
static void
test_head_and_units (void)
{
  FakeCluster *cluster = new_cluster_with_head (NULL);
  g_autoptr (PmssReader) reader = fake_cluster_open (cluster, "timeout", 5,
      NULL);
  g_autoptr (GError) error = NULL;

  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (reader_get_counter (reader, "units"), >=, 16);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Control kept something else, or the wire has changed it: not a byte of it. */
static void
test_head_is_wrong (gconstpointer damaged)
{
  static const guint8 zeros[HEAD_LENGTH];
  FakeCluster *cluster = new_cluster_with_head (zeros);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  if (damaged != NULL) {
    gsize length;
    guint8 *data = g_bytes_unref_to_data (cluster->head, &length);

    data[length - 1] ^= 1;
    cluster->head = g_bytes_new_take (data, length);
  } else {
    PmssVersionId other;

    pmss_version_id_generate (&other);
    g_bytes_unref (cluster->head);
    cluster->head = pmss_head_new (&other, zeros, HEAD_LENGTH);
  }
  reader = fake_cluster_open (cluster, "timeout", 5, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader-head/alone", test_head_alone);
  g_test_add_func ("/reader-head/and-units", test_head_and_units);
  g_test_add_data_func ("/reader-head/of-another", NULL, test_head_is_wrong);
  g_test_add_data_func ("/reader-head/damaged", "", test_head_is_wrong);
  return g_test_run ();
}
