/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Geometry, headers and names of shards: docs/protocol.md sections 1 to 3. */

#include "pmss-shard.h"

#include <string.h>

#include "pmss-erasure.h"
#include "libpmss/pmss-error.h"

#define SHARD_MAGIC "PMSSHARD"
#define RECORD_MAGIC "PMSU"
#define FORMAT 1
#define CHECKSUM_CRC32C 1

/* where the fields lie */
enum
{
  SHARD_FORMAT = 8,
  SHARD_CHECKSUM = 10,
  SHARD_INDEX = 11,
  SHARD_K = 12,
  SHARD_M = 13,
  SHARD_ZERO_A = 14,
  SHARD_UNIT = 16,
  SHARD_EXTENT = 20,
  SHARD_PAYLOAD = 24,
  SHARD_VERSION = 32,
  SHARD_ZERO_B = 48,
  SHARD_CRC = 124,

  RECORD_ROW = 4,
  RECORD_LENGTH = 8,
  RECORD_INDEX = 12,
  RECORD_ZERO_A = 13,
  RECORD_CRCS = 16,
  RECORD_VERSION = 96,
  RECORD_EXTENT = 112,
  RECORD_ZERO_B = 116,
  RECORD_CRC = 124,
};

static void
put16 (guint8 * to, guint16 value)
{
  value = GUINT16_TO_LE (value);
  memcpy (to, &value, sizeof (value));
}

static void
put32 (guint8 * to, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (to, &value, sizeof (value));
}

static void
put64 (guint8 * to, guint64 value)
{
  value = GUINT64_TO_LE (value);
  memcpy (to, &value, sizeof (value));
}

static guint16
get16 (const guint8 * from)
{
  guint16 value;

  memcpy (&value, from, sizeof (value));
  return GUINT16_FROM_LE (value);
}

static guint32
get32 (const guint8 * from)
{
  guint32 value;

  memcpy (&value, from, sizeof (value));
  return GUINT32_FROM_LE (value);
}

static guint64
get64 (const guint8 * from)
{
  guint64 value;

  memcpy (&value, from, sizeof (value));
  return GUINT64_FROM_LE (value);
}

static gboolean
all_zero (const guint8 * from, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    if (from[i] != 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
invalid (GError ** error, const char *what)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID, what);
  return FALSE;
}

static gboolean
corrupt (GError ** error, const char *what)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT, what);
  return FALSE;
}

/* geometry */

gboolean
pmss_extent_geometry_check (const PmssExtentGeometry * geometry,
    GError ** error)
{
  if (!pmss_redundancy_check (geometry->redundancy))
    return invalid (error, "The redundancy is out of limits");
  if (!pmss_unit_check (geometry->unit))
    return invalid (error, "The stripe unit is out of limits");
  if (geometry->payload < 1 || geometry->payload > PMSS_MAX_EXTENT)
    return invalid (error, "The extent's size is out of limits");
  return TRUE;
}

/* bytes of a full row's data */
static guint64
row_size (const PmssExtentGeometry * geometry)
{
  return (guint64) geometry->redundancy.k * geometry->unit;
}

guint32
pmss_extent_geometry_rows (const PmssExtentGeometry * geometry)
{
  guint64 row = row_size (geometry);

  return (geometry->payload + row - 1) / row;
}

guint32
pmss_extent_geometry_unit_length (const PmssExtentGeometry * geometry,
    guint32 row, guint index)
{
  /* a parity unit is as long as the longest data unit of its row, the first */
  guint column = index < geometry->redundancy.k ? index : 0;
  guint64 start = row * row_size (geometry) + (guint64) column * geometry->unit;

  g_return_val_if_fail (index < geometry->redundancy.k
      + geometry->redundancy.m, 0);

  if (start >= geometry->payload)
    return 0;
  return MIN (geometry->unit, geometry->payload - start);
}

guint32
pmss_extent_geometry_records (const PmssExtentGeometry * geometry, guint index)
{
  guint32 rows = pmss_extent_geometry_rows (geometry);

  /* only the last row can have empty units */
  if (pmss_extent_geometry_unit_length (geometry, rows - 1, index) == 0)
    return rows - 1;
  return rows;
}

guint64
pmss_extent_geometry_record_offset (const PmssExtentGeometry * geometry,
    guint32 row)
{
  return PMSS_SHARD_HEADER_SIZE
      + (guint64) row *(PMSS_RECORD_HEADER_SIZE + geometry->unit);
}

guint64
pmss_extent_geometry_shard_size (const PmssExtentGeometry * geometry,
    guint index)
{
  guint32 records = pmss_extent_geometry_records (geometry, index);

  if (records == 0)
    return PMSS_SHARD_HEADER_SIZE;
  return pmss_extent_geometry_record_offset (geometry, records - 1)
      + PMSS_RECORD_HEADER_SIZE
      + pmss_extent_geometry_unit_length (geometry, records - 1, index);
}

/* the shard's header */

void
pmss_shard_header_write (const PmssShardHeader * header,
    guint8 out[PMSS_SHARD_HEADER_SIZE])
{
  const PmssExtentGeometry *geometry = &header->geometry;

  memset (out, 0, PMSS_SHARD_HEADER_SIZE);
  memcpy (out, SHARD_MAGIC, 8);
  put16 (out + SHARD_FORMAT, FORMAT);
  out[SHARD_CHECKSUM] = CHECKSUM_CRC32C;
  out[SHARD_INDEX] = header->index;
  out[SHARD_K] = geometry->redundancy.k;
  out[SHARD_M] = geometry->redundancy.m;
  put32 (out + SHARD_UNIT, geometry->unit);
  put32 (out + SHARD_EXTENT, geometry->extent);
  put64 (out + SHARD_PAYLOAD, geometry->payload);
  memcpy (out + SHARD_VERSION, geometry->version.bytes, 16);
  put32 (out + SHARD_CRC, pmss_crc32c (out, SHARD_CRC));
}

gboolean
pmss_shard_header_parse (const guint8 in[PMSS_SHARD_HEADER_SIZE],
    PmssShardHeader * header, GError ** error)
{
  PmssShardHeader parsed = { 0 };
  PmssExtentGeometry *geometry = &parsed.geometry;

  if (memcmp (in, SHARD_MAGIC, 8) != 0)
    return corrupt (error, "Not a shard: its first bytes are not PMSSHARD");
  if (get32 (in + SHARD_CRC) != pmss_crc32c (in, SHARD_CRC))
    return corrupt (error, "The checksum of the shard's header is wrong");
  if (get16 (in + SHARD_FORMAT) != FORMAT)
    return corrupt (error, "The shard has a format that is not known here");
  if (in[SHARD_CHECKSUM] != CHECKSUM_CRC32C)
    return corrupt (error, "The shard has a checksum that is not known here");
  if (!all_zero (in + SHARD_ZERO_A, SHARD_UNIT - SHARD_ZERO_A)
      || !all_zero (in + SHARD_ZERO_B, SHARD_CRC - SHARD_ZERO_B))
    return corrupt (error, "A reserved field of the shard's header is not 0");

  parsed.index = in[SHARD_INDEX];
  geometry->redundancy.k = in[SHARD_K];
  geometry->redundancy.m = in[SHARD_M];
  geometry->unit = get32 (in + SHARD_UNIT);
  geometry->extent = get32 (in + SHARD_EXTENT);
  geometry->payload = get64 (in + SHARD_PAYLOAD);
  memcpy (geometry->version.bytes, in + SHARD_VERSION, 16);

  if (!pmss_extent_geometry_check (geometry, NULL)
      || parsed.index >= geometry->redundancy.k + geometry->redundancy.m)
    return corrupt (error, "The shard's header has numbers out of limits");
  *header = parsed;
  return TRUE;
}

/* a record's header */

void
pmss_record_header_write (const PmssRecordHeader * record,
    guint8 out[PMSS_RECORD_HEADER_SIZE])
{
  memset (out, 0, PMSS_RECORD_HEADER_SIZE);
  memcpy (out, RECORD_MAGIC, 4);
  put32 (out + RECORD_ROW, record->row);
  put32 (out + RECORD_LENGTH, record->length);
  out[RECORD_INDEX] = record->index;
  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    put32 (out + RECORD_CRCS + 4 * i, record->crc[i]);
  memcpy (out + RECORD_VERSION, record->version.bytes, 16);
  put32 (out + RECORD_EXTENT, record->extent);
  put32 (out + RECORD_CRC, pmss_crc32c (out, RECORD_CRC));
}

gboolean
pmss_record_header_parse (const guint8 in[PMSS_RECORD_HEADER_SIZE],
    PmssRecordHeader * record, GError ** error)
{
  PmssRecordHeader parsed;

  if (memcmp (in, RECORD_MAGIC, 4) != 0)
    return corrupt (error, "Not a record: its first bytes are not PMSU");
  if (get32 (in + RECORD_CRC) != pmss_crc32c (in, RECORD_CRC))
    return corrupt (error, "The checksum of a record's header is wrong");
  if (!all_zero (in + RECORD_ZERO_A, RECORD_CRCS - RECORD_ZERO_A)
      || !all_zero (in + RECORD_ZERO_B, RECORD_CRC - RECORD_ZERO_B))
    return corrupt (error, "A reserved field of a record's header is not 0");

  parsed.row = get32 (in + RECORD_ROW);
  parsed.length = get32 (in + RECORD_LENGTH);
  parsed.index = in[RECORD_INDEX];
  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    parsed.crc[i] = get32 (in + RECORD_CRCS + 4 * i);
  memcpy (parsed.version.bytes, in + RECORD_VERSION, 16);
  parsed.extent = get32 (in + RECORD_EXTENT);

  if (parsed.length < 1 || parsed.length > PMSS_MAX_UNIT
      || parsed.index >= PMSS_MAX_SHARDS)
    return corrupt (error, "A record's header has numbers out of limits");
  *record = parsed;
  return TRUE;
}

/* Empty units and unused places have the checksum 0. */
static gboolean
check_empty_places (const PmssRecordHeader * record,
    const PmssExtentGeometry * geometry)
{
  guint n = geometry->redundancy.k + geometry->redundancy.m;

  for (guint i = 0; i < PMSS_MAX_SHARDS; i++) {
    if (record->crc[i] != 0 && (i >= n
            || pmss_extent_geometry_unit_length (geometry, record->row,
                i) == 0))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_record_header_parse_expected (const guint8 in[PMSS_RECORD_HEADER_SIZE],
    const PmssExtentGeometry * geometry, guint32 row, guint index,
    PmssRecordHeader * record, GError ** error)
{
  PmssRecordHeader parsed;

  if (!pmss_record_header_parse (in, &parsed, error))
    return FALSE;
  if (parsed.row != row || parsed.index != index
      || parsed.extent != geometry->extent
      || !pmss_version_id_equal (&parsed.version, &geometry->version))
    return corrupt (error, "A record belongs to another place");
  if (parsed.length != pmss_extent_geometry_unit_length (geometry, row, index))
    return corrupt (error, "A record has a length that it cannot have");
  if (!check_empty_places (&parsed, geometry))
    return corrupt (error, "A record has a checksum of a unit that is empty");
  *record = parsed;
  return TRUE;
}

/* names */

void
pmss_shard_name_write (const PmssVersionId * version, guint32 extent,
    guint index, char out[PMSS_SHARD_NAME_SIZE])
{
  char id[PMSS_VERSION_ID_STRLEN];

  g_return_if_fail (index < PMSS_MAX_SHARDS);
  pmss_version_id_to_string (version, id);
  g_snprintf (out, PMSS_SHARD_NAME_SIZE, "%s-%08x.%u", id, extent, index);
}

/* Whatever is a name is written back as the same text: that is the whole
 * grammar. */
gboolean
pmss_shard_name_parse (const char *name, PmssVersionId * version,
    guint32 * extent, guint * index)
{
  gsize length = strnlen (name, PMSS_SHARD_NAME_SIZE);
  char text[PMSS_SHARD_NAME_SIZE];
  PmssVersionId id;
  guint64 number, shard;

  if (length < PMSS_SHARD_NAME_SIZE - 2 || length >= PMSS_SHARD_NAME_SIZE)
    return FALSE;
  memcpy (text, name, length + 1);
  text[32] = '\0';
  text[41] = '\0';
  if (!pmss_version_id_parse (text, &id)
      || !g_ascii_string_to_unsigned (text + 33, 16, 0, G_MAXUINT32, &number,
          NULL)
      || !g_ascii_string_to_unsigned (text + 42, 10, 0, PMSS_MAX_SHARDS - 1,
          &shard, NULL))
    return FALSE;
  pmss_shard_name_write (&id, number, shard, text);
  if (strcmp (text, name) != 0)
    return FALSE;
  *version = id;
  *extent = number;
  *index = shard;
  return TRUE;
}
