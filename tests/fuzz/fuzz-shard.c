/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "fuzz.h"
#include "libpmss/format/pmss-erasure.h"
#include "libpmss/format/pmss-shard.h"

/* where a header's own checksum and a record's unit checksums lie */
#define HEAD_CRC 124
#define UNIT_CRCS 16

static void
put32 (guint8 * to, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (to, &value, 4);
}

/* Makes the checksums right that stand where they would be, so that what is
 * behind them is reached. */
static void
seal (guint8 * data, size_t size, const PmssExtentGeometry * geometry,
    guint index)
{
  for (guint32 row = 0; row < pmss_extent_geometry_records (geometry, index);
      row++) {
    guint64 at = pmss_extent_geometry_record_offset (geometry, row);
    guint32 length = pmss_extent_geometry_unit_length (geometry, row, index);

    if (at + PMSS_RECORD_HEADER_SIZE + length > size)
      return;
    put32 (data + at + UNIT_CRCS + 4 * index,
        pmss_crc32c (data + at + PMSS_RECORD_HEADER_SIZE, length));
    put32 (data + at + HEAD_CRC, pmss_crc32c (data + at, HEAD_CRC));
  }
}

static gboolean
check (const char *name, const guint8 * data, size_t size, size_t piece)
{
  g_autoptr (PmssShardChecker) checker = pmss_shard_checker_new (name);

  for (size_t at = 0; at < size; at += piece) {
    if (!pmss_shard_checker_feed (checker, data + at, MIN (piece, size - at),
            NULL))
      return FALSE;
  }
  if (!pmss_shard_checker_finish (checker, NULL))
    return FALSE;
  g_assert_cmpuint (pmss_shard_checker_get_expected_size (checker), ==, size);
  return TRUE;
}

typedef struct
{
  guint32 rows, bad;
} Survey;

static void
count_row (guint32 row, const guint32 crc[PMSS_MAX_SHARDS], gpointer user_data)
{
  Survey *survey = user_data;

  g_assert_cmpuint (row, ==, survey->rows);
  survey->rows++;
  survey->bad += crc == NULL;
}

/* A survey looks at every row once, and is of the same opinion. Every byte behind @lost that is a multiple of it cannot be had. */
static void
survey (const char *name, const guint8 * data, size_t size,
    const PmssShardHeader * header, size_t lost, gboolean whole)
{
  g_autoptr (PmssShardChecker) checker = pmss_shard_checker_new (name);
  Survey seen = { 0 };
  gboolean fed = TRUE;
  size_t at = 0;

  pmss_shard_checker_survey (checker, &header->geometry, count_row, &seen);
  while (fed && at < size) {
    size_t until_lost = lost - 1 - at % lost;
    size_t left_out = until_lost == 0 ?
        pmss_shard_checker_leave_out (checker) : 0;
    size_t piece = MIN (MIN (MAX (until_lost, 1), 31), size - at);

    if (left_out == 0)
      fed = pmss_shard_checker_feed (checker, data + at, piece, NULL);
    at += left_out > 0 ? left_out : piece;
  }
  fed = fed && pmss_shard_checker_finish (checker, NULL);
  if (lost > size)
    g_assert_cmpint (fed, ==, whole);
  if (fed)
    g_assert_cmpuint (seen.bad, ==, 0);
  if (fed || at >= size)
    g_assert_cmpuint (seen.rows, <=,
        pmss_extent_geometry_records (&header->geometry, header->index));
}

/* The verdict does not depend on the pieces in which the shard comes. */
static void
check_pieces (const guint8 * data, size_t size, const PmssShardHeader * header)
{
  char name[PMSS_SHARD_NAME_SIZE];
  gboolean whole;

  pmss_shard_name_write (&header->geometry.version, header->geometry.extent,
      header->index, name);
  whole = check (name, data, size, size);
  g_assert_cmpint (check (name, data, size, 97), ==, whole);
  survey (name, data, size, header, size + 1, whole);
  survey (name, data, size, header, 1000, whole);
}

static void
as_name (const uint8_t * data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  PmssVersionId version;
  guint32 extent;
  guint index;

  pmss_shard_name_parse (text, &version, &extent, &index);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autofree guint8 *copy = NULL;
  PmssShardHeader header;
  PmssRecordHeader record;

  as_name (data, size);
  if (size < PMSS_SHARD_HEADER_SIZE)
    return 0;
  pmss_record_header_parse (data, &record, NULL);
  if (pmss_shard_header_parse (data, &header, NULL))
    check_pieces (data, size, &header);

  copy = g_memdup2 (data, size);
  put32 (copy + HEAD_CRC, pmss_crc32c (copy, HEAD_CRC));
  pmss_record_header_parse (copy, &record, NULL);
  if (!pmss_shard_header_parse (copy, &header, NULL))
    return 0;
  seal (copy, size, &header.geometry, header.index);
  check_pieces (copy, size, &header);
  return 0;
}
