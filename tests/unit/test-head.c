/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-head.h"
#include "libpmss/pmss-shard.h"

#define LENGTH 1000

typedef struct
{
  PmssVersionId version;
  guint8 bytes[LENGTH];
  guint8 head[PMSS_RECORD_HEADER_SIZE + LENGTH];
} Sample;

static void
sample_init (Sample * sample)
{
  g_autoptr (GBytes) head = NULL;

  pmss_version_id_generate (&sample->version);
  for (guint i = 0; i < LENGTH; i++)
    sample->bytes[i] = i * 7;
  head = pmss_head_new (&sample->version, sample->bytes, LENGTH);
  g_assert_cmpuint (g_bytes_get_size (head), ==, sizeof (sample->head));
  memcpy (sample->head, g_bytes_get_data (head, NULL), sizeof (sample->head));
}

static GBytes *
parse (Sample * sample, gsize length, guint64 size, GError ** error)
{
  g_autoptr (GBytes) head = g_bytes_new (sample->head, length);

  return pmss_head_parse (head, &sample->version, size, error);
}

static void
assert_refused (Sample * sample, gsize length, guint64 size)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (parse (sample, length, size, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
}

static void
test_good (void)
{
  Sample sample;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  sample_init (&sample);
  bytes = parse (&sample, sizeof (sample.head), LENGTH, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
      sample.bytes, LENGTH);
}

static void
test_wrong_length (void)
{
  Sample sample;

  sample_init (&sample);
  assert_refused (&sample, 0, LENGTH);
  assert_refused (&sample, PMSS_RECORD_HEADER_SIZE, LENGTH);
  assert_refused (&sample, sizeof (sample.head) - 1, LENGTH);
  assert_refused (&sample, sizeof (sample.head), LENGTH - 1);
}

static void
test_every_byte (void)
{
  Sample sample;

  sample_init (&sample);
  for (guint i = 0; i < sizeof (sample.head); i++) {
    sample.head[i] ^= 1;
    assert_refused (&sample, sizeof (sample.head), LENGTH);
    sample.head[i] ^= 1;
  }
}

static void
test_other_version (void)
{
  Sample sample;

  sample_init (&sample);
  sample.version.bytes[3] ^= 1;
  assert_refused (&sample, sizeof (sample.head), LENGTH);
}

/* A record as shards have them is no head, though its checksums are good. */
static void
test_other_place (void)
{
  Sample sample;
  PmssRecordHeader record;

  sample_init (&sample);
  g_assert_true (pmss_record_header_parse (sample.head, &record, NULL));
  record.row = 1;
  pmss_record_header_write (&record, sample.head);
  assert_refused (&sample, sizeof (sample.head), LENGTH);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/head/good", test_good);
  g_test_add_func ("/head/wrong-length", test_wrong_length);
  g_test_add_func ("/head/every-byte", test_every_byte);
  g_test_add_func ("/head/other-version", test_other_version);
  g_test_add_func ("/head/other-place", test_other_place);
  return g_test_run ();
}
