/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reader tells control of shards and nodes. */
#include <string.h>

#include "reader-fixture.h"

#define PATIENCE (30 * G_TIME_SPAN_SECOND)

static gboolean
flip (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  fake_node_answer (answer, shard, first, length);
  answer->body[length - 1] ^= 1;
  return TRUE;
}

/* The first to speak is believed, until others contradict: the honest ones of
 * these tests may be suspected, too. */
static gboolean
forge (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  const gsize record = PMSS_RECORD_HEADER_SIZE + CLUSTER_UNIT;
  PmssRecordHeader header;

  fake_node_answer (answer, shard, first, length);
  for (gsize at = 0; at + record <= length; at += record) {
    g_assert_true (pmss_record_header_parse (answer->body + at, &header, NULL));
    header.crc[2] ^= 1;         /* says so of another unit */
    pmss_record_header_write (&header, answer->body + at);
  }
  return TRUE;
}

static void
say (FakeAnswer * answer, const char *status)
{
  answer->text = fake_peer_answer (status, "text/plain", "no");
}

static gboolean
have_nothing (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  say (answer, "404 Not Found");
  return TRUE;
}

static gboolean
be_short (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  say (answer, "416 Range Not Satisfiable");
  return TRUE;
}

static gboolean
fail_to_read (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  say (answer, "500 Internal Server Error");
  return TRUE;
}

static char *
wait_for_reports (FakeCluster * cluster, guint n)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;
  char *text = NULL;

  while (fake_cluster_count_reports (cluster, NULL) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
  fake_cluster_count_reports (cluster, &text);
  return text;
}

static guint
count (const char *text, const char *what)
{
  guint n = 0;

  for (; (text = strstr (text, what)) != NULL; text++)
    n++;
  return n;
}

/* --- What is told --- */

typedef struct
{
  gboolean (*misbehave) (const FakeRequest * request, FakeAnswer * answer,
      GBytes * shard, gsize first, gsize length);
  const char *kind;
  gboolean has_unit;
} Finding;

/* Of each shard and kind once, however many records of it are so. */
static void
test_told (gconstpointer data)
{
  const Finding *finding = data;
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 2 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup ("");
  guint n = 0;
  g_autofree char *told = g_strdup_printf ("\"node\":2,\"kind\":\"%s\"",
      finding->kind);

  cluster->nodes[1].misbehave = finding->misbehave;
  reader = fake_cluster_open (cluster, "retries", 0, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  /* whom a forger contradicts may be told of before it */
  while (count (text, "\"node\":2") == 0) {
    g_free (text);
    text = wait_for_reports (cluster, ++n);
  }
  g_assert_true (g_str_has_prefix (text, "{\"reports\":[{\"extent\":0,"));
  g_assert_cmpuint (count (text, "\"index\":1,\"unit\":null,\"node\":2"), ==,
      finding->has_unit ? 0 : 1);
  g_assert_cmpuint (count (text, "\"node\":2"), ==, 1);
  g_assert_cmpuint (count (text, told), ==, 1);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static void
test_unreachable (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 2 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  cluster->nodes[0].gone = G_MAXINT;
  reader = fake_cluster_open (cluster, "retries", 0, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  text = wait_for_reports (cluster, 1);
  g_assert_cmpstr (text, ==, "{\"reports\":[{\"extent\":0,\"index\":0,"
      "\"unit\":null,\"node\":1,\"kind\":\"unreachable\"}]}\n");
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- How it is told --- */

static int forgets;             /* atomic */

static gboolean
forget_later (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  if (!g_atomic_int_get (&forgets))
    return FALSE;
  say (answer, "404 Not Found");
  return TRUE;
}

static void
read_from (FakeCluster * cluster, PmssReader * reader, guint64 offset)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = pmss_reader_read (reader, offset, 1, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (bytes);
}

/* What is found soon after a report waits for the next one. */
static void
test_one_a_second (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 2 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autofree char *first = NULL;
  g_autofree char *both = NULL;
  gint64 begin;

  cluster->nodes[0].misbehave = have_nothing;
  cluster->nodes[1].misbehave = forget_later;
  reader = fake_cluster_open (cluster, "read-ahead", (guint64) 1, NULL);
  begin = g_get_monotonic_time ();
  read_from (cluster, reader, 0);
  first = wait_for_reports (cluster, 1);
  g_assert_cmpuint (count (first, "\"node\":2"), ==, 0);
  g_atomic_int_set (&forgets, TRUE);
  read_from (cluster, reader, 9 * CLUSTER_UNIT);
  both = wait_for_reports (cluster, 2);
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, G_TIME_SPAN_SECOND);
  g_assert_cmpuint (count (both, "\"node\":1,\"kind\":\"missing\""), ==, 1);
  g_assert_cmpuint (count (both, "\"node\":2,\"kind\":\"missing\""), ==, 1);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* A control server that knows nothing of reports, has no time for them, or
 * does not answer at all, is no trouble for anybody who reads or closes. */
static void
test_no_ear (gconstpointer status)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 2 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gint64 begin;

  cluster->reports_status = status;
  cluster->nodes[1].misbehave = have_nothing;
  reader = fake_cluster_open (cluster, "retries", 0, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  text = wait_for_reports (cluster, 1);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  begin = g_get_monotonic_time ();
  pmss_reader_close (reader);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 5 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (fake_cluster_count_reports (cluster, NULL), ==, 1);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

int
main (int argc, char **argv)
{
  static const Finding findings[] = {
    {flip, "checksum", TRUE},
    {forge, "wrong", TRUE},
    {be_short, "length", FALSE},
    {have_nothing, "missing", FALSE},
    {fail_to_read, "unreadable", FALSE},
  };
  static const char *const names[] =
      { "checksum", "wrong", "length", "missing", "unreadable" };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (findings); i++) {
    g_autofree char *path = g_strconcat ("/reader/reports/", names[i], NULL);

    g_test_add_data_func (path, &findings[i], test_told);
  }
  g_test_add_func ("/reader/reports/unreachable", test_unreachable);
  g_test_add_func ("/reader/reports/one-a-second", test_one_a_second);
  g_test_add_data_func ("/reader/reports/unknown", "404 Not Found",
      test_no_ear);
  g_test_add_data_func ("/reader/reports/too-many", "429 Too Many Requests",
      test_no_ear);
  g_test_add_data_func ("/reader/reports/unanswered", NULL, test_no_ear);
  return g_test_run ();
}
