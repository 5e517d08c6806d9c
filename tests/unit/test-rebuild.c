/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control/repair/rebuild.h"
#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"

#define UNIT 4096

/* One extent as it has to be. */
typedef struct
{
  PmssExtentGeometry geometry;
  PmssErasure *erasure;
  guint k, n;
  GBytes *shards[PMSS_MAX_SHARDS];
} Extent;

static void
extent_init (Extent * extent, guint k, guint m, guint64 payload)
{
  g_autofree guint8 *bytes = g_malloc (payload);

  memset (extent, 0, sizeof *extent);
  pmss_version_id_generate (&extent->geometry.version);
  extent->geometry.extent = 3;
  extent->geometry.redundancy = (PmssRedundancy) {
  k, m};
  extent->geometry.unit = UNIT;
  extent->geometry.payload = payload;
  extent->k = k;
  extent->n = k + m;
  extent->erasure = pmss_erasure_new (extent->geometry.redundancy);
  for (guint64 i = 0; i < payload; i++)
    bytes[i] = i * 7 + i / 253 + 1;
  pmss_striper_run (extent->erasure, &extent->geometry, bytes, extent->shards);
}

static void
extent_clear (Extent * extent)
{
  for (guint i = 0; i < extent->n; i++)
    g_bytes_unref (extent->shards[i]);
  pmss_erasure_unref (extent->erasure);
}

static void
check_run (Extent * extent, PmssRebuild * rebuild, guint32 want)
{
  g_autoptr (GError) error = NULL;
  GBytes *made[PMSS_MAX_SHARDS] = { NULL };

  g_assert_true (pmss_rebuild_is_enough (rebuild));
  g_assert_true (pmss_rebuild_run (rebuild, want, made, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < extent->n; i++) {
    g_assert_true ((made[i] != NULL) == ((want >> i) & 1));
    g_assert_true (!made[i] || g_bytes_equal (made[i], extent->shards[i]));
    g_clear_pointer (&made[i], g_bytes_unref);
  }
}

static void
check_too_few (PmssRebuild * rebuild, guint32 lost)
{
  g_autoptr (GError) error = NULL;
  GBytes *made[PMSS_MAX_SHARDS] = { NULL };

  g_assert_false (pmss_rebuild_is_enough (rebuild));
  g_assert_cmpuint (pmss_rebuild_count_lost (rebuild), ==, lost);
  g_assert_false (pmss_rebuild_run (rebuild, 1, made, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS);
  g_assert_null (made[0]);
}

/* Every way to have k shards makes all the others. */
static void
check_patterns (guint k, guint m, guint64 payload)
{
  Extent extent;

  extent_init (&extent, k, m, payload);
  for (guint32 have = 1; have < 1u << extent.n; have++) {
    g_autoptr (PmssRebuild) rebuild = NULL;

    if ((guint) __builtin_popcount (have) != k)
      continue;
    rebuild = pmss_rebuild_new (extent.erasure, &extent.geometry);
    for (guint i = 0; i < extent.n; i++)
      if (have & (1u << i))
        g_assert_true (pmss_rebuild_add (rebuild, i, extent.shards[i]));
    check_run (&extent, rebuild, ~have & ((1u << extent.n) - 1));
    check_run (&extent, rebuild, (1u << extent.n) - 1);
  }
  extent_clear (&extent);
}

static void
test_patterns (void)
{
  static const guint8 profiles[][2] = {
    {1, 1}, {1, 2}, {2, 1}, {4, 2}, {3, 3}
  };

  for (guint i = 0; i < G_N_ELEMENTS (profiles); i++) {
    guint k = profiles[i][0], m = profiles[i][1];
    guint64 row = k * UNIT;

    check_patterns (k, m, 1);
    check_patterns (k, m, UNIT);
    check_patterns (k, m, UNIT + 1);
    check_patterns (k, m, row);
    check_patterns (k, m, 2 * row + 100);
    check_patterns (k, m, 3 * row - 1);
  }
}

static GBytes *
change (GBytes * bytes, gsize at)
{
  guint8 *copy = g_memdup2 (g_bytes_get_data (bytes, NULL),
      g_bytes_get_size (bytes));

  copy[at] ^= 0x10;
  return g_bytes_new_take (copy, g_bytes_get_size (bytes));
}

static void
check_bad_rows (PmssRebuild * rebuild, guint index, guint n, guint32 first)
{
  g_autoptr (GArray) rows = pmss_rebuild_list_bad (rebuild, index);

  g_assert_cmpuint (rows->len, ==, n);
  g_assert_true (n == 0 || g_array_index (rows, guint32, 0) == first);
}

static gsize
in_row (Extent * extent, guint32 row)
{
  return pmss_extent_geometry_record_offset (&extent->geometry, row)
      + PMSS_RECORD_HEADER_SIZE + 17;
}

/* More shards are damaged than there is parity, but no row has lost more units. */
static void
test_damaged (void)
{
  Extent extent;
  g_autoptr (PmssRebuild) rebuild = NULL;

  extent_init (&extent, 4, 2, 6 * 4 * UNIT);
  rebuild = pmss_rebuild_new (extent.erasure, &extent.geometry);
  for (guint i = 0; i < 5; i++) {
    g_autoptr (GBytes) bad = change (extent.shards[i], in_row (&extent, i));

    g_assert_false (pmss_rebuild_add (rebuild, i, bad));
  }
  for (guint i = 0; i < 5; i++)
    check_bad_rows (rebuild, i, 1, i);
  check_run (&extent, rebuild, 0x3f);
  extent_clear (&extent);
}

/* Shards that end early, of which some rows are left; and one whose header alone is bad. */
static void
test_cut (void)
{
  Extent extent;
  g_autoptr (PmssRebuild) rebuild = NULL;
  g_autoptr (GBytes) half = NULL, nothing = NULL, header = NULL;

  extent_init (&extent, 2, 1, 4 * 2 * UNIT);
  half = g_bytes_new_from_bytes (extent.shards[0], 0, in_row (&extent, 2));
  nothing = g_bytes_new (NULL, 0);
  header = change (extent.shards[2], 3);
  rebuild = pmss_rebuild_new (extent.erasure, &extent.geometry);
  g_assert_false (pmss_rebuild_add (rebuild, 0, half));
  check_bad_rows (rebuild, 0, 2, 2);
  g_assert_false (pmss_rebuild_add (rebuild, 1, nothing));
  check_bad_rows (rebuild, 1, 4, 0);
  check_too_few (rebuild, 4);
  g_assert_false (pmss_rebuild_add (rebuild, 2, header));
  check_bad_rows (rebuild, 2, 0, 0);
  check_too_few (rebuild, 2);
  extent_clear (&extent);
}

/* A shard of another content under the same name: good by itself. */
static void
test_lie (void)
{
  Extent extent, other;
  g_autoptr (PmssRebuild) rebuild = NULL;

  extent_init (&extent, 2, 1, 3 * 2 * UNIT);
  extent_init (&other, 2, 1, 3 * 2 * UNIT);
  for (guint i = 0; i < 3; i++)
    g_clear_pointer (&other.shards[i], g_bytes_unref);
  other.geometry.version = extent.geometry.version;
  {
    g_autofree guint8 *bytes = g_malloc0 (other.geometry.payload);

    pmss_striper_run (other.erasure, &other.geometry, bytes, other.shards);
  }
  rebuild = pmss_rebuild_new (extent.erasure, &extent.geometry);
  g_assert_true (pmss_rebuild_add (rebuild, 0, other.shards[0]));
  g_assert_true (pmss_rebuild_add (rebuild, 1, extent.shards[1]));
  check_too_few (rebuild, 3);
  g_assert_true (pmss_rebuild_add (rebuild, 2, extent.shards[2]));
  check_bad_rows (rebuild, 0, 3, 0);
  check_bad_rows (rebuild, 1, 0, 0);
  check_run (&extent, rebuild, 1);
  extent_clear (&other);
  extent_clear (&extent);
}

/* A bad unit whose checksum happens to be right, or was made to be: what is calculated from it is not what was stored, and nobody gets it. */
static void
test_forged (void)
{
  Extent extent;
  g_autoptr (PmssRebuild) rebuild = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *made[PMSS_MAX_SHARDS] = { NULL };
  PmssRecordHeader record;
  guint8 *bytes[2];
  gsize size;

  extent_init (&extent, 2, 1, 2 * UNIT);
  size = g_bytes_get_size (extent.shards[0]);
  rebuild = pmss_rebuild_new (extent.erasure, &extent.geometry);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GBytes) forged = NULL;

    bytes[i] = g_memdup2 (g_bytes_get_data (extent.shards[i], NULL), size);
    pmss_record_header_parse (bytes[i] + PMSS_SHARD_HEADER_SIZE, &record, NULL);
    bytes[0][in_row (&extent, 0)] ^= i == 0;
    record.crc[0] = pmss_crc32c (bytes[0] + PMSS_SHARD_HEADER_SIZE
        + PMSS_RECORD_HEADER_SIZE, UNIT);
    pmss_record_header_write (&record, bytes[i] + PMSS_SHARD_HEADER_SIZE);
    forged = g_bytes_new (bytes[i], size);
    g_assert_true (pmss_rebuild_add (rebuild, i, forged));
  }
  g_assert_true (pmss_rebuild_is_enough (rebuild));
  g_assert_false (pmss_rebuild_run (rebuild, 4, made, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  g_assert_null (made[2]);
  g_free (bytes[0]);
  g_free (bytes[1]);
  extent_clear (&extent);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rebuild/patterns", test_patterns);
  g_test_add_func ("/rebuild/damaged", test_damaged);
  g_test_add_func ("/rebuild/cut", test_cut);
  g_test_add_func ("/rebuild/lie", test_lie);
  g_test_add_func ("/rebuild/forged", test_forged);
  return g_test_run ();
}
