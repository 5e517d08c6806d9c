/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/format/pmss-erasure.h"
#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-shard.h"
#include "libpmss/format/pmss-striper.h"

static PmssExtentGeometry
geometry_of (guint k, guint m, guint32 unit, guint64 payload)
{
  PmssExtentGeometry geometry = {
    .extent = 7,.redundancy = {k, m},.unit = unit,.payload = payload,
  };

  for (guint i = 0; i < 16; i++)
    geometry.version.bytes[i] = 17 * i;
  return geometry;
}

static void
test_crc (void)
{
  /* RFC 3720 B.4 and the usual check value */
  guint8 bytes[32] = { 0 };

  g_assert_cmphex (pmss_crc32c ("123456789", 9), ==, 0xe3069283);
  g_assert_cmphex (pmss_crc32c (bytes, 32), ==, 0x8a9136aa);
  memset (bytes, 0xff, 32);
  g_assert_cmphex (pmss_crc32c (bytes, 32), ==, 0x62a8ab43);
  g_assert_cmphex (pmss_crc32c (NULL, 0), ==, 0);
  g_assert_cmphex (pmss_crc32c_update (pmss_crc32c ("1234", 4), "56789", 5),
      ==, 0xe3069283);
}

/* The formulas against the definition: unit by unit over the payload. */
static void
check_geometry (const PmssExtentGeometry * geometry)
{
  guint k = geometry->redundancy.k, n = k + geometry->redundancy.m;
  guint64 left = geometry->payload, total = 0;
  guint32 rows = 0;
  guint32 records[PMSS_MAX_SHARDS] = { 0 };
  guint64 sizes[PMSS_MAX_SHARDS];

  for (guint i = 0; i < n; i++)
    sizes[i] = PMSS_SHARD_HEADER_SIZE;
  for (; left > 0; rows++) {
    for (guint i = 0; i < n; i++) {
      guint32 length = pmss_extent_geometry_unit_length (geometry, rows, i);

      if (i < k) {
        g_assert_cmpuint (length, ==, MIN (left, geometry->unit));
        left -= length;
        total += length;
      } else {
        g_assert_cmpuint (length, ==,
            pmss_extent_geometry_unit_length (geometry, rows, 0));
      }
      if (length > 0) {
        g_assert_cmpuint (sizes[i], ==,
            pmss_extent_geometry_record_offset (geometry, rows));
        records[i]++;
        sizes[i] += PMSS_RECORD_HEADER_SIZE + length;
      }
    }
  }
  g_assert_cmpuint (total, ==, geometry->payload);
  g_assert_cmpuint (pmss_extent_geometry_rows (geometry), ==, rows);
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (pmss_extent_geometry_records (geometry, i), ==,
        records[i]);
    g_assert_cmpuint (pmss_extent_geometry_shard_size (geometry, i), ==,
        sizes[i]);
    g_assert_cmpuint (pmss_extent_geometry_unit_length (geometry, rows, i),
        ==, 0);
  }
}

static void
test_geometry (void)
{
  static const guint64 units[] = { 1, 2, 3, 4, 5, 16, 17, 33 };

  for (guint k = 1; k <= PMSS_MAX_K; k++) {
    for (guint i = 0; i < G_N_ELEMENTS (units); i++) {
      for (int delta = -1; delta <= 1; delta++) {
        PmssExtentGeometry geometry = geometry_of (k, k % 5, 4096,
            units[i] * 4096 + delta);

        g_assert_true (pmss_extent_geometry_check (&geometry, NULL));
        check_geometry (&geometry);
      }
    }
  }
}

static void
test_geometry_limits (void)
{
  const struct
  {
    gboolean good;
    PmssExtentGeometry geometry;
  } all[] = {
    {TRUE, geometry_of (1, 0, 4096, 1)},
    {TRUE, geometry_of (16, 4, 4u << 20, 256u << 20)},
    {FALSE, geometry_of (0, 2, 4096, 1)},
    {FALSE, geometry_of (17, 2, 4096, 1)},
    {FALSE, geometry_of (4, 5, 4096, 1)},
    {FALSE, geometry_of (4, 2, 4095, 1)},
    {FALSE, geometry_of (4, 2, 8u << 20, 1)},
    {FALSE, geometry_of (4, 2, 0, 1)},
    {FALSE, geometry_of (4, 2, 4096, 0)},
    {FALSE, geometry_of (4, 2, 4096, (256u << 20) + 1)},
    {FALSE, geometry_of (4, 2, 4096, G_MAXUINT64)},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    g_assert_cmpint (pmss_extent_geometry_check (&all[i].geometry, NULL), ==,
        all[i].good);
}

static void
seal (guint8 * header)
{
  guint32 crc = GUINT32_TO_LE (pmss_crc32c (header, 124));

  memcpy (header + 124, &crc, 4);
}

static void
test_shard_header (void)
{
  /* offsets and values that even a right checksum must not let pass */
  static const guint8 bad[][2] = {
    {8, 2}, {9, 1}, {10, 0}, {10, 2}, {11, 6}, {12, 0}, {12, 17}, {13, 5},
    {14, 1}, {15, 1}, {16, 1}, {19, 0x80}, {31, 1}, {48, 1}, {123, 1},
  };
  PmssShardHeader header = {.geometry = geometry_of (4, 2, 262144, 1000000),
    .index = 5
  };
  guint8 bytes[PMSS_SHARD_HEADER_SIZE];
  PmssShardHeader parsed;
  g_autoptr (GError) error = NULL;

  pmss_shard_header_write (&header, bytes);
  g_assert_true (pmss_shard_header_parse (bytes, &parsed, &error));
  g_assert_cmpuint (parsed.index, ==, 5);
  g_assert_cmpuint (parsed.geometry.redundancy.k, ==, 4);
  g_assert_cmpuint (parsed.geometry.redundancy.m, ==, 2);
  g_assert_cmpuint (parsed.geometry.unit, ==, 262144);
  g_assert_cmpuint (parsed.geometry.extent, ==, 7);
  g_assert_cmpuint (parsed.geometry.payload, ==, 1000000);
  g_assert_true (pmss_version_id_equal (&parsed.geometry.version,
          &header.geometry.version));
  /* as docs/protocol.md has it */
  g_assert_cmpmem (bytes, 12, "PMSSHARD\1\0\1\5", 12);
  g_assert_cmpmem (bytes + 16, 8, "\0\0\4\0\7\0\0\0", 8);

  for (guint bit = 0; bit < 128 * 8; bit++) {
    bytes[bit / 8] ^= 1 << bit % 8;
    g_assert_false (pmss_shard_header_parse (bytes, &parsed, NULL));
    bytes[bit / 8] ^= 1 << bit % 8;
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    pmss_shard_header_write (&header, bytes);
    bytes[bad[i][0]] = bad[i][1];
    seal (bytes);
    g_assert_false (pmss_shard_header_parse (bytes, &parsed, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
    g_clear_error (&error);
  }
}

static void
test_record_header (void)
{
  PmssExtentGeometry geometry = geometry_of (4, 2, 4096, 5 * 4096 + 10);
  PmssRecordHeader record = {.row = 1,.length = 10,.index = 1,
    .version = geometry.version,.extent = 7
  };
  guint8 bytes[PMSS_RECORD_HEADER_SIZE];
  PmssRecordHeader parsed;

  record.crc[0] = 1;
  record.crc[1] = 2;
  record.crc[4] = 3;
  record.crc[5] = 4;
  pmss_record_header_write (&record, bytes);
  g_assert_true (pmss_record_header_parse_expected (bytes, &geometry, 1, 1,
          &parsed, NULL));
  g_assert_cmpuint (parsed.crc[5], ==, 4);
  g_assert_cmpuint (parsed.length, ==, 10);

  for (guint bit = 0; bit < 128 * 8; bit++) {
    bytes[bit / 8] ^= 1 << bit % 8;
    g_assert_false (pmss_record_header_parse (bytes, &parsed, NULL));
    bytes[bit / 8] ^= 1 << bit % 8;
  }

  g_assert_false (pmss_record_header_parse_expected (bytes, &geometry, 0, 1,
          &parsed, NULL));
  g_assert_false (pmss_record_header_parse_expected (bytes, &geometry, 1, 0,
          &parsed, NULL));
  geometry.extent++;
  g_assert_false (pmss_record_header_parse_expected (bytes, &geometry, 1, 1,
          &parsed, NULL));
  geometry.extent--;
  geometry.version.bytes[3]++;
  g_assert_false (pmss_record_header_parse_expected (bytes, &geometry, 1, 1,
          &parsed, NULL));
  geometry.version.bytes[3]--;
  geometry.payload++;
  g_assert_false (pmss_record_header_parse_expected (bytes, &geometry, 1, 1,
          &parsed, NULL));
  geometry.payload--;

  /* a checksum of an empty unit, and of a shard that there is not */
  record.crc[2] = 1;
  pmss_record_header_write (&record, bytes);
  g_assert_false (pmss_record_header_parse_expected (bytes, &geometry, 1, 1,
          &parsed, NULL));
  record.crc[2] = 0;
  record.crc[6] = 1;
  pmss_record_header_write (&record, bytes);
  g_assert_false (pmss_record_header_parse_expected (bytes, &geometry, 1, 1,
          &parsed, NULL));
}

static void
test_names (void)
{
  static const char *const bad[] = {
    "", "00112233445566778899aabbccddeeff",
    "00112233445566778899aabbccddeeff-00000007",
    "00112233445566778899aabbccddeeff-00000007.",
    "00112233445566778899aabbccddeeff-00000007.20",
    "00112233445566778899aabbccddeeff-00000007.100",
    "00112233445566778899aabbccddeeff-00000007.04",
    "00112233445566778899aabbccddeeff-00000007.-1",
    "00112233445566778899aabbccddeeff-00000007.+1",
    "00112233445566778899aabbccddeeff-00000007. 1",
    "00112233445566778899aabbccddeeff-0000000A.1",
    "00112233445566778899aabbccddeeff-0x000007.1",
    "00112233445566778899aabbccddeeff-+0000007.1",
    "00112233445566778899AAbbccddeeff-00000007.1",
    "00112233445566778899aabbccddeeff_00000007.1",
    "00112233445566778899aabbccddeeff-00000007/1",
    "00112233445566778899aabbccddeeff-00000007.1/",
    "../112233445566778899aabbccddeeff-0000007.1",
  };
  PmssVersionId id, parsed;
  char name[PMSS_SHARD_NAME_SIZE];
  guint32 extent;
  guint index;

  pmss_version_id_generate (&id);
  for (guint i = 0; i < PMSS_MAX_SHARDS; i++) {
    pmss_shard_name_write (&id, 0xfedc0000u + i, i, name);
    g_assert_true (pmss_shard_name_parse (name, &parsed, &extent, &index));
    g_assert_true (pmss_version_id_equal (&id, &parsed));
    g_assert_cmphex (extent, ==, 0xfedc0000u + i);
    g_assert_cmpuint (index, ==, i);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (pmss_shard_name_parse (bad[i], &parsed, &extent, &index));
}

/* One shard of an extent of 3+2 that is not whole rows. */
static GBytes *
make_shard (guint index, char name[PMSS_SHARD_NAME_SIZE])
{
  PmssExtentGeometry geometry = geometry_of (3, 2, 4096, 7 * 4096 + 5);
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (geometry.redundancy);
  g_autofree guint8 *payload = g_malloc (geometry.payload);
  GBytes *shards[PMSS_MAX_SHARDS];
  GBytes *shard;

  for (gsize i = 0; i < geometry.payload; i++)
    payload[i] = i * 31 + i / 251;
  pmss_striper_run (erasure, &geometry, payload, shards);
  shard = g_bytes_ref (shards[index]);
  for (guint i = 0; i < 5; i++)
    g_bytes_unref (shards[i]);
  pmss_shard_name_write (&geometry.version, geometry.extent, index, name);
  return shard;
}

static gboolean
check_in_pieces (const char *name, const guint8 * data, gsize size, gsize piece,
    GError ** error)
{
  g_autoptr (PmssShardChecker) checker = pmss_shard_checker_new (name);

  for (gsize at = 0; at < size; at += piece) {
    if (!pmss_shard_checker_feed (checker, data + at, MIN (piece, size - at),
            error)) {
      /* it stays failed */
      g_assert_false (pmss_shard_checker_feed (checker, data, 1, NULL));
      g_assert_false (pmss_shard_checker_finish (checker, NULL));
      return FALSE;
    }
  }
  return pmss_shard_checker_finish (checker, error);
}

static void
test_checker (void)
{
  static const gsize pieces[] = { 1, 7, 127, 128, 129, 4096, 4224, 1 << 20 };

  for (guint index = 0; index < 5; index++) {
    char name[PMSS_SHARD_NAME_SIZE];
    g_autoptr (GBytes) shard = make_shard (index, name);
    gsize size;
    const guint8 *data = g_bytes_get_data (shard, &size);

    for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
      g_autoptr (GError) error = NULL;

      g_assert_true (check_in_pieces (name, data, size, pieces[i], &error));
      g_assert_no_error (error);
    }
  }
}

static void
test_checker_refuses (void)
{
  char name[PMSS_SHARD_NAME_SIZE], other[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_shard (1, name);
  gsize size = g_bytes_get_size (shard);
  g_autofree guint8 *data = g_malloc (size + 1);
  g_autoptr (GError) error = NULL;

  memcpy (data, g_bytes_get_data (shard, NULL), size);
  data[size] = 0;

  /* cut at any place, and one byte too many */
  for (gsize cut = 0; cut < size; cut += 13)
    g_assert_false (check_in_pieces (name, data, cut, 1024, NULL));
  g_assert_false (check_in_pieces (name, data, size - 1, 1024, NULL));
  g_assert_false (check_in_pieces (name, data, size + 1, 1024, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);

  /* any byte altered */
  for (gsize at = 0; at < size; at += 11) {
    data[at] ^= 0x10;
    g_assert_false (check_in_pieces (name, data, size, size, NULL));
    data[at] ^= 0x10;
  }

  /* another name */
  g_assert_true (check_in_pieces (name, data, size, size, NULL));
  memcpy (other, name, sizeof (other));
  other[strlen (other) - 1] = '2';
  g_assert_false (check_in_pieces (other, data, size, size, NULL));
  g_assert_false (check_in_pieces ("nonsense", data, size, size, NULL));
}

static void
test_checker_expected_size (void)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_shard (4, name);
  g_autoptr (PmssShardChecker) checker = pmss_shard_checker_new (name);
  gsize size;
  const guint8 *data = g_bytes_get_data (shard, &size);

  g_assert_true (pmss_shard_checker_feed (checker, data, 127, NULL));
  g_assert_cmpuint (pmss_shard_checker_get_expected_size (checker), ==, 0);
  g_assert_null (pmss_shard_checker_get_header (checker));
  g_assert_true (pmss_shard_checker_feed (checker, data + 127, 1, NULL));
  g_assert_cmpuint (pmss_shard_checker_get_expected_size (checker), ==, size);
  g_assert_cmpuint (pmss_shard_checker_get_header (checker)->index, ==, 4);
}

/* --- surveys --- */

/* What a survey said of the rows: '+' good, '-' bad, in order. */
static void
note_row (guint32 row, const guint32 crc[PMSS_MAX_SHARDS], gpointer user_data)
{
  GString *rows = user_data;

  g_assert_cmpuint (row, ==, rows->len);
  g_string_append_c (rows, crc ? '+' : '-');
}

/* @lost: bytes from here on to the end of their record or header cannot be had. */
static gboolean
survey (const char *name, const PmssExtentGeometry * geometry,
    const guint8 * data, gsize size, gsize piece, gsize lost, GString * rows,
    GError ** error)
{
  g_autoptr (PmssShardChecker) checker = pmss_shard_checker_new (name);
  gsize at = 0;

  g_string_truncate (rows, 0);
  pmss_shard_checker_survey (checker, geometry, note_row, rows);
  while (at < size) {
    gsize n = MIN (piece, size - at);

    if (at < lost)
      n = MIN (n, lost - at);
    if (at == lost) {
      n = pmss_shard_checker_leave_out (checker);
      if (n == 0) {
        g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT, "lost");
        return FALSE;
      }
    } else if (!pmss_shard_checker_feed (checker, data + at, n, error)) {
      return FALSE;
    }
    at += n;
  }
  return pmss_shard_checker_finish (checker, error);
}

static void
test_survey (void)
{
  static const gsize pieces[] = { 1, 127, 128, 129, 4096, 4224, 1 << 20 };
  PmssExtentGeometry geometry = geometry_of (3, 2, 4096, 7 * 4096 + 5);
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_shard (1, name);
  g_autoptr (GString) rows = g_string_new (NULL);
  gsize size = g_bytes_get_size (shard);
  g_autofree guint8 *data = g_memdup2 (g_bytes_get_data (shard, NULL), size);

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    g_autoptr (GError) error = NULL;
    gsize piece = pieces[i];

    g_assert_true (survey (name, NULL, data, size, piece, size, rows, &error));
    g_assert_no_error (error);
    g_assert_cmpstr (rows->str, ==, "+++");

    /* a byte of each record, of its header and of its unit */
    for (guint row = 0; row < 3; row++) {
      g_autofree char *expected = g_strdup ("+++");
      gsize record = pmss_extent_geometry_record_offset (&geometry, row);
      gsize places[] = { record, record + 20, record + 128, record + 132 };

      expected[row] = '-';
      for (guint j = 0; j < G_N_ELEMENTS (places); j++) {
        g_clear_error (&error);
        data[places[j]] ^= 0x40;
        g_assert_false (survey (name, NULL, data, size, piece, size, rows,
                &error));
        g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
        g_assert_cmpstr (rows->str, ==, expected);
        data[places[j]] ^= 0x40;
        g_assert_false (survey (name, NULL, data, size, piece, places[j], rows,
                NULL));
        g_assert_cmpstr (rows->str, ==, expected);
      }
    }

    /* two at once, and the end gone */
    data[128] ^= 1;
    g_clear_error (&error);
    g_assert_false (survey (name, NULL, data, size - 1, piece, size, rows,
            &error));
    g_assert_cmpstr (rows->str, ==, "-+-");
    g_assert_nonnull (strstr (error->message, "2 bad records"));
    data[128] ^= 1;

    /* one that is bad, and whose end is gone, is one */
    data[pmss_extent_geometry_record_offset (&geometry, 2)] ^= 1;
    g_clear_error (&error);
    g_assert_false (survey (name, NULL, data, size - 1, piece, size, rows,
            &error));
    g_assert_cmpstr (rows->str, ==, "++-");
    g_assert_null (strstr (error->message, "bad records"));
    data[pmss_extent_geometry_record_offset (&geometry, 2)] ^= 1;
    g_assert_false (survey (name, NULL, data, 128, piece, size, rows, NULL));
    g_assert_cmpstr (rows->str, ==, "---");
  }
}

static void
test_survey_header (void)
{
  PmssExtentGeometry geometry = geometry_of (3, 2, 4096, 7 * 4096 + 5);
  PmssExtentGeometry other = geometry_of (3, 2, 4096, 7 * 4096 + 6);
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GBytes) shard = make_shard (1, name);
  g_autoptr (GString) rows = g_string_new (NULL);
  gsize size = g_bytes_get_size (shard);
  g_autofree guint8 *data = g_malloc0 (size + 1);

  memcpy (data, g_bytes_get_data (shard, NULL), size);
  /* too long: all rows are there, and the shard is bad */
  g_assert_false (survey (name, &geometry, data, size + 1, 500, size + 1, rows,
          NULL));
  g_assert_cmpstr (rows->str, ==, "+++");
  /* another shape than it has to have: the last unit is too short */
  g_assert_true (survey (name, &geometry, data, size, 500, size, rows, NULL));
  g_assert_false (survey (name, &other, data, size, 500, size, rows, NULL));
  g_assert_cmpstr (rows->str, ==, "++-");

  /* a bad header hides the records, unless it is known what is behind it */
  data[30] ^= 1;
  g_assert_false (survey (name, NULL, data, size, 500, size, rows, NULL));
  g_assert_cmpstr (rows->str, ==, "");
  g_assert_false (survey (name, &geometry, data, size, 500, size, rows, NULL));
  g_assert_cmpstr (rows->str, ==, "+++");
  g_assert_false (survey (name, NULL, data, size, 500, 0, rows, NULL));
  g_assert_cmpstr (rows->str, ==, "");
  g_assert_false (survey (name, &geometry, data, size, 500, 0, rows, NULL));
  g_assert_cmpstr (rows->str, ==, "+++");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shard/crc", test_crc);
  g_test_add_func ("/shard/geometry", test_geometry);
  g_test_add_func ("/shard/geometry-limits", test_geometry_limits);
  g_test_add_func ("/shard/header", test_shard_header);
  g_test_add_func ("/shard/record-header", test_record_header);
  g_test_add_func ("/shard/names", test_names);
  g_test_add_func ("/shard/checker", test_checker);
  g_test_add_func ("/shard/checker-refuses", test_checker_refuses);
  g_test_add_func ("/shard/checker-expected-size", test_checker_expected_size);
  g_test_add_func ("/shard/survey", test_survey);
  g_test_add_func ("/shard/survey-header", test_survey_header);
  return g_test_run ();
}
