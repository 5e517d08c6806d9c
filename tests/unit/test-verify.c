/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What shards are worth that were read for a verification: no I/O. With real servers: integration-verify. */

#include <string.h>

#include "control/verify/verify-extent.h"
#include "libpmss/format/pmss-striper.h"

#define UNIT 4096
/* where a record has the checksums of its row's units, and its own */
#define UNIT_CRCS 16
#define HEAD_CRC 124

typedef struct
{
  PmssVerifyExtent extent;
  PmssErasure *erasure;
  guint8 *payload;
  GByteArray *told;             /* what was told of the payload, zeros for what cannot be had */
  gsize lost;
} Fixture;

static void
set_up (Fixture * f, guint k, guint m, gsize size)
{
  PmssExtentGeometry geometry = {.extent = 7,.redundancy = {k, m},
  .unit = UNIT,.payload = size
  };
  GBytes *shards[PMSS_MAX_SHARDS];
  guint nodes[PMSS_MAX_SHARDS];

  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    nodes[i] = i + 1;
  memset (geometry.version.bytes, 0x5a, sizeof geometry.version.bytes);
  f->payload = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    f->payload[i] = i * 31 + i / 251;
  f->erasure = pmss_erasure_new (geometry.redundancy);
  pmss_striper_run (f->erasure, &geometry, f->payload, shards);
  pmss_verify_extent_init (&f->extent, &geometry, nodes);
  for (guint i = 0; i < k + m; i++) {
    f->extent.shards[i].look = PMSS_LOOK_READ;
    f->extent.shards[i].bytes = g_bytes_unref_to_array (shards[i]);
  }
  f->told = g_byte_array_new ();
}

static void
tear_down (Fixture * f)
{
  pmss_verify_extent_clear (&f->extent);
  pmss_erasure_unref (f->erasure);
  g_byte_array_unref (f->told);
  g_free (f->payload);
}

static void
take (const guint8 * bytes, gsize length, gpointer user_data)
{
  Fixture *f = user_data;
  gsize at = f->told->len;

  g_byte_array_set_size (f->told, at + length);
  if (bytes != NULL)
    memcpy (f->told->data + at, bytes, length);
  else
    f->lost += length;
}

/* @expected: "shard:row,row shard:" of the bad ones. */
static void
check (Fixture * f, const char *expected, gsize lost, guint contradictions)
{
  g_autoptr (GString) bad = g_string_new (NULL);

  pmss_verify_judge (&f->extent, f->erasure, take, f);
  for (guint i = 0; i < f->extent.n; i++) {
    const PmssVerifyShard *shard = &f->extent.shards[i];

    g_assert_cmpint (shard->bad, ==, shard->rows != NULL);
    if (!shard->bad)
      continue;
    g_assert_nonnull (shard->reason);
    g_string_append_printf (bad, "%s%u:", bad->len > 0 ? " " : "", i);
    for (guint j = 0; j < shard->rows->len; j++)
      g_string_append_printf (bad, "%s%u", j > 0 ? "," : "",
          g_array_index (shard->rows, guint32, j));
  }
  g_assert_cmpstr (bad->str, ==, expected);
  g_assert_cmpuint (f->extent.contradictions, ==, contradictions);
  g_assert_cmpuint (f->lost, ==, lost);
  if (lost == 0)
    g_assert_cmpmem (f->told->data, f->told->len, f->payload,
        f->extent.geometry.payload);
  tear_down (f);
}

static guint8 *
record (Fixture * f, guint shard, guint32 row)
{
  return f->extent.shards[shard].bytes->data +
      pmss_extent_geometry_record_offset (&f->extent.geometry, row);
}

static void
put32 (guint8 * to, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (to, &value, 4);
}

/* The record of @shard says that unit @index has the checksum @crc. */
static void
say (Fixture * f, guint shard, guint32 row, guint index, guint32 crc)
{
  guint8 *head = record (f, shard, row);

  put32 (head + UNIT_CRCS + 4 * index, crc);
  put32 (head + HEAD_CRC, pmss_crc32c (head, HEAD_CRC));
}

/* Other bytes, with checksums that fit. */
static void
forge (Fixture * f, guint shard, guint32 row)
{
  guint8 *unit = record (f, shard, row) + PMSS_RECORD_HEADER_SIZE;
  guint32 length = pmss_extent_geometry_unit_length (&f->extent.geometry, row,
      shard);

  unit[0] ^= 0x11;
  say (f, shard, row, shard, pmss_crc32c (unit, length));
}

static void
lose (Fixture * f, guint shard, PmssLook look)
{
  g_clear_pointer (&f->extent.shards[shard].bytes, g_byte_array_unref);
  f->extent.shards[shard].look = look;
}

static void
test_whole (void)
{
  static const struct
  {
    guint k, m;
    gsize size;
  } cases[] = {
    {4, 2, 4 * UNIT * 3}, {4, 2, 4 * UNIT * 3 + 5}, {4, 2, 3}, {1, 0, 9999},
    {1, 2, 2 * UNIT + 1}, {6, 0, 100000}, {10, 4, 10 * UNIT + UNIT},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f = { 0 };

    set_up (&f, cases[i].k, cases[i].m, cases[i].size);
    check (&f, "", 0, 0);
  }
}

static void
test_damaged (void)
{
  Fixture f = { 0 };

  set_up (&f, 4, 2, 4 * UNIT * 3 + 5);
  record (&f, 1, 2)[130] ^= 1;
  record (&f, 5, 0)[3] ^= 1;
  record (&f, 5, 3)[67] ^= 1;
  /* the last row has one unit of data, and parity */
  check (&f, "1:2 5:0,3", 0, 0);

  memset (&f, 0, sizeof f);
  set_up (&f, 4, 2, 4 * UNIT * 3 + 5);
  f.extent.shards[0].bytes->data[9] ^= 1;
  f.extent.shards[2].too_long = TRUE;
  f.extent.shards[2].reason = g_strdup ("longer");
  g_byte_array_set_size (f.extent.shards[3].bytes, 128 + 2 * (128 + UNIT) - 1);
  check (&f, "0: 2: 3:1,2", 0, 0);
}

static void
test_lost (void)
{
  Fixture f = { 0 };

  set_up (&f, 4, 2, 4 * UNIT * 3);
  lose (&f, 0, PMSS_LOOK_MISSING);
  lose (&f, 3, PMSS_LOOK_AWAY);
  check (&f, "", 0, 0);

  /* one row has one too few */
  memset (&f, 0, sizeof f);
  set_up (&f, 4, 2, 4 * UNIT * 3);
  lose (&f, 0, PMSS_LOOK_MISSING);
  lose (&f, 3, PMSS_LOOK_NOWHERE);
  record (&f, 4, 1)[1000] ^= 1;
  check (&f, "4:1", 4 * UNIT, 0);

  memset (&f, 0, sizeof f);
  set_up (&f, 1, 1, 3 * UNIT);
  lose (&f, 0, PMSS_LOOK_AWAY);
  lose (&f, 1, PMSS_LOOK_AWAY);
  check (&f, "", 3 * UNIT, 0);
}

static void
test_forged (void)
{
  Fixture f = { 0 };

  set_up (&f, 4, 2, 4 * UNIT * 3);
  forge (&f, 2, 1);
  forge (&f, 4, 0);
  check (&f, "2:1 4:0", 0, 0);

  /* it accuses another one: that is believed of the many only */
  memset (&f, 0, sizeof f);
  set_up (&f, 4, 2, 4 * UNIT * 3);
  say (&f, 0, 2, 3, 4711);
  check (&f, "0:2", 0, 0);

  /* one against one: nobody knows, nobody is convicted */
  memset (&f, 0, sizeof f);
  set_up (&f, 1, 1, 2 * UNIT);
  forge (&f, 1, 1);
  check (&f, "", 0, 1);

  /* no redundancy: only the checksum of the whole tells */
  memset (&f, 0, sizeof f);
  set_up (&f, 1, 0, 2 * UNIT);
  forge (&f, 0, 1);
  pmss_verify_judge (&f.extent, f.erasure, take, &f);
  g_assert_cmpint (memcmp (f.told->data, f.payload, 2 * UNIT), !=, 0);
  g_assert_false (f.extent.shards[0].bad);
  tear_down (&f);
}

/* All records agree, and yet a unit is not what the others make of it. */
static void
test_wrong_parity (void)
{
  Fixture f = { 0 };
  guint8 *unit;

  set_up (&f, 4, 2, 4 * UNIT * 2);
  unit = record (&f, 5, 1) + PMSS_RECORD_HEADER_SIZE;
  unit[77] ^= 4;
  for (guint i = 0; i < 6; i++)
    say (&f, i, 1, 5, pmss_crc32c (unit, UNIT));
  check (&f, "5:1", 0, 0);

  /* and a unit of data is made from it */
  memset (&f, 0, sizeof f);
  set_up (&f, 4, 2, 4 * UNIT * 2);
  unit = record (&f, 4, 1) + PMSS_RECORD_HEADER_SIZE;
  unit[77] ^= 4;
  for (guint i = 0; i < 6; i++)
    say (&f, i, 1, 4, pmss_crc32c (unit, UNIT));
  lose (&f, 0, PMSS_LOOK_AWAY);
  check (&f, "", 4 * UNIT, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/verify/whole", test_whole);
  g_test_add_func ("/verify/damaged", test_damaged);
  g_test_add_func ("/verify/lost", test_lost);
  g_test_add_func ("/verify/forged", test_forged);
  g_test_add_func ("/verify/wrong-parity", test_wrong_parity);
  return g_test_run ();
}
