/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One extent's bytes become its shard files. Pure; any thread. */

#include "pmss-striper.h"

#include <string.h>

typedef struct
{
  PmssErasure *erasure;
  const PmssExtentGeometry *geometry;
  guint k, n;
  /* the shard files */
  guint8 *files[PMSS_MAX_SHARDS];
  /* two units of zeros that pad the last row's short and empty units; only
   * where there is such a row and parity */
  guint8 *padding;
} Striper;

static void
write_shard_header (Striper * striper, guint index)
{
  PmssShardHeader header = {.geometry = *striper->geometry,.index = index };

  pmss_shard_header_write (&header, striper->files[index]);
}

/* Where the unit of shard @index in @row goes in its file. */
static guint8 *
unit_place (Striper * striper, guint32 row, guint index)
{
  return striper->files[index] + PMSS_RECORD_HEADER_SIZE
      + pmss_extent_geometry_record_offset (striper->geometry, row);
}

/* The data unit as the code sees it: @length bytes. */
static const guint8 *
padded_unit (Striper * striper, const guint8 * unit, guint32 unit_length,
    guint32 length)
{
  guint8 *zeros;

  if (unit_length == length)
    return unit;
  if (striper->padding == NULL)
    striper->padding = g_malloc0 (2 * (gsize) length);
  zeros = striper->padding + length;
  if (unit_length == 0)
    return zeros;
  /* there is only one that is short but not empty */
  return memcpy (striper->padding, unit, unit_length);
}

static void
encode_row (Striper * striper, guint32 row, const guint8 * payload)
{
  const PmssExtentGeometry *geometry = striper->geometry;
  guint32 length = pmss_extent_geometry_unit_length (geometry, row, 0);
  const guint8 *data[PMSS_MAX_K];
  guint8 *parity[PMSS_MAX_M];

  for (guint i = 0; i < striper->k; i++) {
    gsize offset = ((gsize) row * striper->k + i) * geometry->unit;

    data[i] = padded_unit (striper, payload + MIN (offset, geometry->payload),
        pmss_extent_geometry_unit_length (geometry, row, i), length);
  }
  for (guint i = striper->k; i < striper->n; i++)
    parity[i - striper->k] = unit_place (striper, row, i);
  pmss_erasure_encode (striper->erasure, data, parity, length);
}

/* Puts the row's data units in their places. */
static void
copy_row (Striper * striper, guint32 row, const guint8 * payload)
{
  const PmssExtentGeometry *geometry = striper->geometry;

  for (guint i = 0; i < striper->k; i++) {
    guint32 length = pmss_extent_geometry_unit_length (geometry, row, i);

    if (length > 0)
      memcpy (unit_place (striper, row, i),
          payload + ((gsize) row * striper->k + i) * geometry->unit, length);
  }
}

static void
write_record_headers (Striper * striper, guint32 row)
{
  const PmssExtentGeometry *geometry = striper->geometry;
  PmssRecordHeader record = {
    .row = row,
    .version = geometry->version,
    .extent = geometry->extent,
  };
  guint32 lengths[PMSS_MAX_SHARDS];

  for (guint i = 0; i < striper->n; i++) {
    lengths[i] = pmss_extent_geometry_unit_length (geometry, row, i);
    if (lengths[i] > 0)
      record.crc[i] = pmss_crc32c (unit_place (striper, row, i), lengths[i]);
  }
  for (guint i = 0; i < striper->n; i++) {
    if (lengths[i] == 0)
      continue;
    record.index = i;
    record.length = lengths[i];
    pmss_record_header_write (&record, unit_place (striper, row, i)
        - PMSS_RECORD_HEADER_SIZE);
  }
}

void
pmss_striper_run (PmssErasure * erasure, const PmssExtentGeometry * geometry,
    const guint8 * payload, GBytes * shards[PMSS_MAX_SHARDS])
{
  Striper striper = {
    .erasure = erasure,
    .geometry = geometry,
    .k = geometry->redundancy.k,
    .n = geometry->redundancy.k + geometry->redundancy.m,
  };
  guint32 rows = pmss_extent_geometry_rows (geometry);

  for (guint i = 0; i < striper.n; i++) {
    striper.files[i] = g_malloc (pmss_extent_geometry_shard_size (geometry, i));
    write_shard_header (&striper, i);
  }
  for (guint32 row = 0; row < rows; row++) {
    copy_row (&striper, row, payload);
    encode_row (&striper, row, payload);
    write_record_headers (&striper, row);
  }
  for (guint i = 0; i < striper.n; i++)
    shards[i] = g_bytes_new_take (striper.files[i],
        pmss_extent_geometry_shard_size (geometry, i));
  g_free (striper.padding);
}
