/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"

#define UNIT 4096

typedef struct
{
  PmssExtentGeometry geometry;
  PmssErasure *erasure;
  guint k, n;
  guint8 *payload;
  GBytes *shards[PMSS_MAX_SHARDS];
} Extent;

static void
extent_init (Extent * extent, guint k, guint m, guint64 payload)
{
  memset (extent, 0, sizeof (*extent));
  pmss_version_id_generate (&extent->geometry.version);
  extent->geometry.extent = 3;
  extent->geometry.redundancy = (PmssRedundancy) {
  k, m};
  extent->geometry.unit = UNIT;
  extent->geometry.payload = payload;
  extent->k = k;
  extent->n = k + m;
  extent->erasure = pmss_erasure_new (extent->geometry.redundancy);
  extent->payload = g_malloc (payload);
  for (guint64 i = 0; i < payload; i++)
    extent->payload[i] = i * 7 + i / 253 + 1;
  pmss_striper_run (extent->erasure, &extent->geometry, extent->payload,
      extent->shards);
}

static void
extent_clear (Extent * extent)
{
  for (guint i = 0; i < extent->n; i++)
    g_bytes_unref (extent->shards[i]);
  g_free (extent->payload);
  pmss_erasure_unref (extent->erasure);
}

static void
check_shards (Extent * extent)
{
  for (guint i = 0; i < extent->n; i++) {
    char name[PMSS_SHARD_NAME_SIZE];
    g_autoptr (PmssShardChecker) checker = NULL;
    g_autoptr (GError) error = NULL;
    gsize size;
    gconstpointer data = g_bytes_get_data (extent->shards[i], &size);

    pmss_shard_name_write (&extent->geometry.version, 3, i, name);
    checker = pmss_shard_checker_new (name);
    g_assert_cmpuint (size, ==,
        pmss_extent_geometry_shard_size (&extent->geometry, i));
    pmss_shard_checker_feed (checker, data, size, &error);
    g_assert_no_error (error);
    pmss_shard_checker_finish (checker, &error);
    g_assert_no_error (error);
  }
}

/* The unit of a shard, padded with zeros to @length. */
static guint8 *
get_unit (Extent * extent, guint32 row, guint index, guint32 length,
    PmssRecordHeader * record)
{
  guint32 have = pmss_extent_geometry_unit_length (&extent->geometry, row,
      index);
  guint8 *unit = g_malloc0 (length);
  const guint8 *bytes = g_bytes_get_data (extent->shards[index], NULL);

  if (have == 0)
    return unit;
  bytes += pmss_extent_geometry_record_offset (&extent->geometry, row);
  g_assert_true (pmss_record_header_parse_expected (bytes, &extent->geometry,
          row, index, record, NULL));
  memcpy (unit, bytes + PMSS_RECORD_HEADER_SIZE, have);
  return unit;
}

/* Rebuilds the first @extent->n - k shards' units of @row from the others and
 * checks them against the checksums in the others' records. */
static void
check_row (Extent * extent, guint32 row)
{
  guint32 length = pmss_extent_geometry_unit_length (&extent->geometry, row,
      0);
  guint m = extent->n - extent->k;
  guint8 have[PMSS_MAX_K], want[PMSS_MAX_M];
  guint8 *in[PMSS_MAX_K], *out[PMSS_MAX_M];
  PmssRecordHeader record = { 0 };

  for (guint i = 0; i < extent->k; i++) {
    have[i] = m + i;
    in[i] = get_unit (extent, row, m + i, length, &record);
  }
  for (guint i = 0; i < m; i++) {
    want[i] = i;
    out[i] = g_malloc (length);
  }
  pmss_erasure_decode (extent->erasure, have, (const guint8 **) in, want, m,
      out, length);
  for (guint i = 0; i < m; i++) {
    guint32 real = pmss_extent_geometry_unit_length (&extent->geometry, row, i);
    PmssRecordHeader own;
    g_autofree guint8 *unit = get_unit (extent, row, i, length, &own);

    g_assert_cmpmem (out[i], length, unit, length);
    g_assert_cmphex (pmss_crc32c (out[i], real), ==, record.crc[i]);
    g_free (out[i]);
  }
  for (guint i = 0; i < extent->k; i++)
    g_free (in[i]);
}

/* The bytes are the payload's, in their order. */
static void
check_payload (Extent * extent)
{
  guint64 at = 0;

  for (guint32 row = 0; at < extent->geometry.payload; row++) {
    for (guint i = 0; i < extent->k; i++) {
      guint32 length = pmss_extent_geometry_unit_length (&extent->geometry,
          row, i);
      PmssRecordHeader record;
      g_autofree guint8 *unit = get_unit (extent, row, i, length, &record);

      g_assert_cmpmem (unit, length, extent->payload + at, length);
      at += length;
    }
  }
}

static void
test_sizes (void)
{
  static const guint8 redundancies[][2] = {
    {1, 0}, {1, 2}, {2, 1}, {3, 4}, {4, 2}, {6, 0}, {16, 4},
  };

  for (guint i = 0; i < G_N_ELEMENTS (redundancies); i++) {
    guint k = redundancies[i][0];
    const guint64 sizes[] = {
      1, 2, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, k * UNIT - 1, k * UNIT,
      k * UNIT + 1, 3 * k * UNIT, 3 * k * UNIT + UNIT + 17,
    };

    for (guint j = 0; j < G_N_ELEMENTS (sizes); j++) {
      Extent extent;

      extent_init (&extent, k, redundancies[i][1], sizes[j]);
      check_shards (&extent);
      check_payload (&extent);
      for (guint32 row = 0;
          row < pmss_extent_geometry_rows (&extent.geometry); row++)
        check_row (&extent, row);
      extent_clear (&extent);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/striper/sizes", test_sizes);
  return g_test_run ();
}
