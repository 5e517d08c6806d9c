/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PmssReader and peers that do what no proper server does. With real servers:
 * integration-reader. */
#include <string.h>

#include "libpmss/format/pmss-erasure.h"
#include "libpmss/pmss-error.h"
#include "reader-fixture.h"

#define ROW (4 * CLUSTER_UNIT)

/* A name that does not resolve is the node's trouble, and no shard's. */
static void
test_unknown_host (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 0 }, 3 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[2].address = "node.invalid";
  reader = fake_cluster_open (cluster, "retries", 1, NULL);
  g_assert_false (fake_cluster_read_all (cluster, reader, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS);
  g_assert_nonnull (strstr (error->message, "node 3 (node.invalid"));
  g_assert_null (strstr (error->message, "damaged"));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Without a wait there is what has come, to the end of its unit. Nobody asks for more. */
static void
test_try_read (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 0 }, 3 * ROW);
  g_autoptr (PmssReader) reader =
      fake_cluster_open (cluster, "retries", 1, NULL);
  g_autoptr (GBytes) bytes = NULL, again = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_reader_is_good (reader));
  g_assert_null (pmss_reader_try_read (reader, 2 * ROW, 10));
  bytes = pmss_reader_read (reader, 100, ROW, NULL, &error);
  g_assert_no_error (error);
  again = pmss_reader_try_read (reader, 100, ROW);
  g_assert_nonnull (again);
  g_assert_cmpuint (g_bytes_get_size (again), ==, CLUSTER_UNIT - 100);
  g_assert_true (g_bytes_equal (bytes, again));
  g_assert_null (pmss_reader_try_read (reader, 3 * ROW, 1));
  pmss_reader_close (reader);
  g_assert_false (pmss_reader_is_good (reader));
  g_assert_null (pmss_reader_try_read (reader, 100, ROW));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* The first two answers end in the middle of a record: the server went. */
static gboolean
end_early (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  static int times = 0;

  if (g_atomic_int_add (&times, 1) >= 2)
    return FALSE;
  answer->text = g_strdup_printf ("HTTP/1.1 206 Partial Content\r\n"
      "Connection: close\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n"
      "Content-Range: bytes %" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT "/%"
      G_GSIZE_FORMAT "\r\n\r\nxyz", length, first, first + length - 1,
      g_bytes_get_size (shard));
  answer->close = TRUE;
  return TRUE;
}

static gboolean
say_garbage (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  static int times = 0;

  if (g_atomic_int_add (&times, 1) >= 2)
    return FALSE;
  answer->text = g_strdup ("220 mail.example ESMTP\r\n\r\n");
  answer->close = TRUE;
  return TRUE;
}

/* What ends with the server's trouble, the shard must not suffer for. */
static void
test_passing_trouble (gconstpointer misbehave)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 0 }, 3 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[1].misbehave = misbehave;
  reader = fake_cluster_open (cluster, "retries", 3, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- Refused tokens --- */

static gboolean
refuse (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  answer->text = fake_peer_answer ("401 Unauthorized", "text/plain", "no");
  return TRUE;
}

static gboolean
refuse_first_token (const FakeRequest * request, FakeAnswer * answer,
    GBytes * shard, gsize first, gsize length)
{
  return g_str_equal (request->authorization, "Bearer token-0")
      && refuse (request, answer, shard, first, length);
}

/* A node whose clock or key is wrong is one node less, no more: nobody waits
 * for control because of it, and control is not asked for ever. */
static void
test_refused_by_one (gconstpointer control_is_silent)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[0].misbehave = refuse;
  cluster->silent = control_is_silent != NULL;
  reader = fake_cluster_open (cluster, "timeout", 5, "read-ahead",
      (guint64) 4 * CLUSTER_UNIT, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_cluster_count_renewals (cluster), ==, 1);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Tokens that are too old: a new one, and all goes on. */
static void
test_refused_until_renewed (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 3, 0 },
      24 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  for (i = 0; i < 3; i++)
    cluster->nodes[i].misbehave = refuse_first_token;
  reader = fake_cluster_open (cluster, "timeout", 5, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_cluster_count_renewals (cluster), ==, 1);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static gboolean
refuse_renewed (const FakeRequest * request, FakeAnswer * answer,
    GBytes * shard, gsize first, gsize length)
{
  return !g_str_equal (request->authorization, "Bearer token-0")
      && refuse (request, answer, shard, first, length);
}

/* Control's clock has stepped, or the nodes' have: every token from now on is
 * refused, and the first goes on being good. */
static void
test_renewed_are_refused (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 3, 0 },
      24 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  gint64 end = g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND;
  guint i;

  cluster->lease = 3;
  for (i = 0; i < 3; i++)
    cluster->nodes[i].misbehave = refuse_renewed;
  reader = fake_cluster_open (cluster, "timeout", 5, "read-ahead",
      (guint64) 4 * CLUSTER_UNIT, "cache-size", (guint64) 8 * CLUSTER_UNIT,
      NULL);
  bytes = pmss_reader_read (reader, 0, 1, NULL, &error);
  g_assert_no_error (error);
  while (fake_cluster_count_renewals (cluster) < 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static void
test_refused_by_all (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  for (i = 0; i < 3; i++)
    cluster->nodes[i].misbehave = refuse;
  reader = fake_cluster_open (cluster, "timeout", 5, NULL);
  g_assert_false (fake_cluster_read_all (cluster, reader, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static gboolean
wait_for_units (PmssReader * reader, guint64 n)
{
  gint64 end = g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND;

  while (reader_get_counter (reader, "units") < n)
    if (g_get_monotonic_time () > end)
      return FALSE;
    else
      g_usleep (1000);
  return TRUE;
}

/* What stands before the place of a jump in its row comes along. */
static void
test_jump_looks_back (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 0 }, 8 * ROW);
  g_autoptr (PmssReader) reader = fake_cluster_open (cluster, "timeout", 30,
      NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = pmss_reader_read (reader, 6 * ROW - 1, 1, NULL,
      &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 1);
  g_assert_true (wait_for_units (reader, 3 * 4));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- What is said of nodes --- */

static gboolean
have_nothing (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  answer->text = fake_peer_answer ("404 Not Found", "text/plain", "no");
  return TRUE;
}

static guint64
get_node_counter (PmssReader * reader, guint index, const char *name)
{
  g_autoptr (GVariant) stats = pmss_reader_get_stats (reader);
  g_autoptr (GVariant) nodes =
      g_variant_lookup_value (stats, "nodes", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) node = g_variant_get_child_value (nodes, index);
  guint64 value = G_MAXUINT64;

  g_variant_lookup (node, name, "t", &value);
  return value;
}

static void
test_rebuilt_is_whose (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[1].misbehave = have_nothing;
  reader = fake_cluster_open (cluster, "timeout", 30, "read-ahead",
      (guint64) 4 * CLUSTER_UNIT, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  /* Of 8; the last two rows may have been planned without it anyway. */
  g_assert_cmpuint (reader_get_counter (reader, "rebuilt"), >=, 6);
  g_assert_cmpuint (get_node_counter (reader, 0, "rebuilt"), ==, 0);
  g_assert_cmpuint (get_node_counter (reader, 1, "rebuilt"), ==,
      reader_get_counter (reader, "rebuilt"));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static gboolean
hang_up (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  answer->text = g_strdup ("");
  answer->close = TRUE;
  return TRUE;
}

static void
count_call (gpointer count)
{
  g_atomic_int_inc ((int *) count);
}

/* A probe that ends because the reader is closed says nothing about the node. */
static void
test_closed_while_probing (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  gint64 end = g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND;
  int lost = 0;

  cluster->nodes[0].misbehave = hang_up;
  cluster->nodes[0].sick = TRUE;
  reader = fake_cluster_open (cluster, "retries", 3, NULL);
  g_signal_connect_swapped (reader, "node-lost", G_CALLBACK (count_call),
      &lost);
  pmss_reader_read_async (reader, 0, 1, NULL, NULL, NULL);
  while (g_atomic_int_get (&cluster->nodes[0].probes) == 0)
    g_assert_cmpint (g_get_monotonic_time (), <, end);
  pmss_reader_close (reader);
  g_assert_cmpint (g_atomic_int_get (&lost), ==, 0);
  while (g_main_context_iteration (NULL, FALSE));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Nobody else can be asked: then a node is not left alone for long, however
 * often it was asked in vain, and goes on as soon as it is back. */
static void
test_urgent_probes (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 0 },
      4 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin = g_get_monotonic_time ();

  cluster->nodes[1].gone = 8;
  reader = fake_cluster_open (cluster, "retries", -1, "timeout", 60, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_atomic_int_get (&cluster->nodes[1].probes), ==, 9);
  /* pauses that double each time would come to 12.7 s */
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 6 * G_TIME_SPAN_SECOND);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* That it was asked so often meanwhile is no reason to ask it seldom when others
 * are back. */
static void
test_after_urgent_probes (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      4 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  gint64 end;

  cluster->nodes[0].gone = 8;
  cluster->nodes[1].gone = 10;
  reader = fake_cluster_open (cluster, "retries", -1, "timeout", 60, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  /* pauses that double each time would come to 38 s */
  end = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;
  while (g_atomic_int_get (&cluster->nodes[1].probes) < 11) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- Lies --- */

/* A record that is sound in itself, of bytes that nobody stored. */
static void
forge_record (guint8 * record)
{
  PmssRecordHeader header;
  guint8 *unit = record + PMSS_RECORD_HEADER_SIZE;

  g_assert_true (pmss_record_header_parse (record, &header, NULL));
  unit[header.length / 2] ^= 0x55;
  header.crc[header.index] = pmss_crc32c (unit, header.length);
  pmss_record_header_write (&header, record);
}

static gboolean
forge (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  const gsize full = PMSS_RECORD_HEADER_SIZE + CLUSTER_UNIT;

  fake_node_answer (answer, shard, first, length);
  for (gsize at = 0; at + full <= length; at += full)
    forge_record (answer->body + at);
  return TRUE;
}

static gboolean
announce (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < 1000; i++)
    g_string_append (text, "HTTP/1.1 102 Wait\r\n\r\n");
  answer->text = g_string_free (text, FALSE);
  answer->trickle = 20;
  return TRUE;
}

static gboolean
never_end (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  fake_node_answer (answer, shard, first, length);
  answer->endless = TRUE;
  return TRUE;
}

/* One node may do what it will: the others have enough. */
static void
test_liar (gconstpointer misbehave)
{
  guint i;

  for (i = 0; i < 3; i++) {
    FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 2 },
        16 * CLUSTER_UNIT);
    g_autoptr (PmssReader) reader = NULL;
    g_autoptr (GError) error = NULL;
    gint64 begin = g_get_monotonic_time ();

    cluster->nodes[i].misbehave = misbehave;
    reader = fake_cluster_open (cluster, "timeout", 60, "retries", 0, NULL);
    fake_cluster_read_all (cluster, reader, &error);
    g_assert_no_error (error);
    g_assert_cmpint (g_get_monotonic_time () - begin, <,
        15 * G_TIME_SPAN_SECOND);
    g_clear_object (&reader);
    fake_cluster_free (cluster);
  }
}

/* A node that says again and again that it is about to answer is told off
 * at once: it must not keep the loop busy. */
static void
test_announcements (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[0].misbehave = announce;
  reader = fake_cluster_open (cluster, "retries", 0, NULL);
  g_assert_false (fake_cluster_read_all (cluster, reader, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS);
  g_assert_nonnull (strstr (error->message, "interim"));
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Whether all of it can be read, and is right. */
static gboolean
is_right (FakeCluster * cluster, PmssReader * reader)
{
  gboolean right = TRUE;

  for (guint64 at = 0; at < cluster->size; at += CLUSTER_UNIT) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes =
        pmss_reader_read (reader, at, CLUSTER_UNIT, NULL, &error);

    g_assert_no_error (error);
    right = memcmp (g_bytes_get_data (bytes, NULL), cluster->bytes + at,
        g_bytes_get_size (bytes)) == 0 && right;
  }
  return right;
}

/* What a node has forged is given up as soon as two others have spoken. */
static void
test_forger (void)
{
  guint i;

  for (i = 0; i < 3; i++) {
    FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 2 },
        16 * CLUSTER_UNIT);
    gint64 end = g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND;
    g_autoptr (PmssReader) reader = NULL;

    cluster->nodes[i].misbehave = forge;
    reader = fake_cluster_open (cluster, "retries", 0, NULL);
    while (!is_right (cluster, reader))
      g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_clear_object (&reader);
    fake_cluster_free (cluster);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader/unknown-host", test_unknown_host);
  g_test_add_func ("/reader/try-read", test_try_read);
  g_test_add_data_func ("/reader/ends-early", end_early, test_passing_trouble);
  g_test_add_data_func ("/reader/says-garbage", say_garbage,
      test_passing_trouble);
  g_test_add_data_func ("/reader/refused-by-one", NULL, test_refused_by_one);
  g_test_add_data_func ("/reader/refused-by-one-control-silent", "",
      test_refused_by_one);
  g_test_add_func ("/reader/refused-until-renewed", test_refused_until_renewed);
  g_test_add_func ("/reader/renewed-are-refused", test_renewed_are_refused);
  g_test_add_func ("/reader/refused-by-all", test_refused_by_all);
  g_test_add_func ("/reader/jump-looks-back", test_jump_looks_back);
  g_test_add_func ("/reader/rebuilt-is-whose", test_rebuilt_is_whose);
  g_test_add_func ("/reader/closed-while-probing", test_closed_while_probing);
  g_test_add_func ("/reader/urgent-probes", test_urgent_probes);
  g_test_add_func ("/reader/after-urgent-probes", test_after_urgent_probes);
  g_test_add_func ("/reader/forger", test_forger);
  g_test_add_data_func ("/reader/trickles", fake_node_trickle, test_liar);
  g_test_add_data_func ("/reader/announces", announce, test_liar);
  g_test_add_func ("/reader/announcements", test_announcements);
  g_test_add_data_func ("/reader/never-ends", never_end, test_liar);
  return g_test_run ();
}
