/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trouble that passes: shards and nodes that are there again, and what is said
 * of them meanwhile. */
#include <string.h>

#include "libpmss/pmss-error.h"
#include "reader-fixture.h"

#define ROW (2 * CLUSTER_UNIT)
#define PATIENCE (30 * G_TIME_SPAN_SECOND)
/* Requests that are refused before the shard is there again. */
#define REFUSALS 3

static const char *refusal;     /* the status */
static int refusals;            /* atomic: so many more requests are refused */

static gboolean
refuse (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  if (g_atomic_int_add (&refusals, -1) <= 0)
    return FALSE;
  answer->text = fake_peer_answer (refusal, "text/plain", "no");
  return TRUE;
}

static void
count_call (gpointer count)
{
  g_atomic_int_inc ((int *) count);
}

/* A reader that has read the first row, and nothing ahead of it. */
static PmssReader *
open_and_read (FakeCluster * cluster)
{
  PmssReader *reader = fake_cluster_open (cluster, "timeout", 60, "read-ahead",
      (guint64) 1, "cache-size", (guint64) 1, NULL);

  fake_cluster_read_byte (cluster, reader, 0);
  return reader;
}

/* A disk is mounted late, or was busy: more shards than redundancy makes up for
 * are not there for a while, and no stream ends for it. */
static void
test_back (gconstpointer status)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  int lost = 0;

  refusal = status;
  cluster->nodes[0].misbehave = cluster->nodes[1].misbehave = refuse;
  reader = open_and_read (cluster);
  g_signal_connect_swapped (reader, "node-lost", G_CALLBACK (count_call),
      &lost);
  g_atomic_int_set (&refusals, REFUSALS * 2);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_atomic_int_get (&refusals), <=, 0);
  /* an answer about a shard speaks for the node */
  g_assert_cmpint (g_atomic_int_get (&lost), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&cluster->nodes[0].probes), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* If it never comes, the reader's timeout ends it, and the error says why. */
static void
test_never_back (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin;

  refusal = "404 Not Found";
  cluster->nodes[0].misbehave = cluster->nodes[1].misbehave = refuse;
  reader = fake_cluster_open (cluster, "timeout", 2, "read-ahead", (guint64) 1,
      "cache-size", (guint64) 1, NULL);
  fake_cluster_read_byte (cluster, reader, 0);
  g_atomic_int_set (&refusals, G_MAXINT);
  begin = g_get_monotonic_time ();
  g_assert_false (fake_cluster_read_all (cluster, reader, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS);
  g_assert_nonnull (strstr (error->message, "node 1 (127.0.0.1"));
  g_assert_nonnull (strstr (error->message, "node 2 (127.0.0.1"));
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, G_TIME_SPAN_SECOND);
  /* Whoever reads again wants it tried again, at once. */
  g_clear_error (&error);
  g_atomic_int_set (&refusals, 0);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

static gboolean
damage (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  if (g_atomic_int_add (&refusals, -1) <= 0)
    return FALSE;
  fake_node_answer (answer, shard, first, length);
  answer->body[length - 1] ^= 1;
  return TRUE;
}

/* Records, too. */
static void
test_damaged_once (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  g_atomic_int_set (&refusals, 1);
  cluster->nodes[0].misbehave = damage;
  reader = fake_cluster_open (cluster, "retries", 3, NULL);
  g_assert_false (fake_cluster_read_all (cluster, reader, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS);
  g_clear_error (&error);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- One restart --- */

static int cut;                 /* atomic: requests that were cut off */

/* The first two requests are under way together, and end together. */
static gboolean
cut_two (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  if (g_atomic_int_add (&cut, 1) >= 2)
    return FALSE;
  while (g_atomic_int_get (&cut) < 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (100);
  }
  answer->text = g_strdup ("");
  answer->close = TRUE;
  return TRUE;
}

/* A server that is started anew ends all its connections: that is one failure,
 * and as it answers the probe nobody is told of it. */
static void
test_restarted (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  int lost = 0;

  g_atomic_int_set (&cut, 0);
  /* has a part of the first row, and the last unit, which go out at once */
  cluster->nodes[1].misbehave = cut_two;
  reader = fake_cluster_open (cluster, "max-extra", 0, "timeout", 60,
      "read-ahead", (guint64) 1, NULL);
  g_signal_connect_swapped (reader, "node-lost", G_CALLBACK (count_call),
      &lost);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  /* it may be asked for more before the end is reached, or not */
  g_assert_cmpint (g_atomic_int_get (&cut), >=, 2);
  g_assert_cmpint (g_atomic_int_get (&lost), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* A server whose disk takes no more writes says so when it is asked how it is,
 * and gives what it has. */
static void
test_unwell (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 0 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[1].gone = 1;
  cluster->nodes[1].health = "503 Service Unavailable";
  reader = fake_cluster_open (cluster, "timeout", 10, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_atomic_int_get (&cluster->nodes[1].probes), ==, 2);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- What a node that is gone costs --- */

/* How often the I/O thread has slept and woken up. */
static guint64
count_wakeups (void)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (tasks)) != NULL) {
    g_autofree char *comm_path =
        g_strdup_printf ("/proc/self/task/%s/comm", name);
    g_autofree char *status_path =
        g_strdup_printf ("/proc/self/task/%s/status", name);
    g_autofree char *comm = NULL, *status = NULL;
    const char *count;

    if (!g_file_get_contents (comm_path, &comm, NULL, NULL)
        || !g_str_equal (comm, "pmss-reader\n")
        || !g_file_get_contents (status_path, &status, NULL, NULL))
      continue;
    count = strstr (status, "\nvoluntary_ctxt_switches:");
    g_assert_nonnull (count);
    return g_ascii_strtoull (strchr (count, ':') + 1 + strspn (strchr (count,
                ':') + 1, "\t "), NULL, 10);
  }
  g_assert_not_reached ();
}

static guint
count_wakeups_for (gint64 time)
{
  guint64 before = count_wakeups ();

  g_usleep (time);
  return count_wakeups () - before;
}

/* It is asked again, more and more seldom, and nothing else happens; paused, not
 * even that. */
static void
test_wakeups (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  gint64 end = g_get_monotonic_time () + PATIENCE;

  cluster->nodes[0].gone = G_MAXINT;
  reader = fake_cluster_open (cluster, "timeout", 60, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  /* the pauses are 0, 0.1, 0.2, 0.4, 0.8, 1.6 s by then */
  while (g_atomic_int_get (&cluster->nodes[0].probes) < 5) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
  g_assert_cmpuint (count_wakeups_for (G_TIME_SPAN_SECOND), <, 12);
  pmss_reader_pause (reader);
  g_usleep (20 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpuint (count_wakeups_for (G_TIME_SPAN_SECOND), <, 6);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- Who does not wait for the opening --- */

static void
test_not_open (void)
{
  g_autoptr (PmssClient) client = pmss_client_new ("http://127.0.0.1:1", NULL);
  g_autoptr (PmssReader) reader = pmss_reader_new (client, "films/a");
  g_autoptr (GError) error = NULL;
  GError *opening = NULL;

  g_object_set (reader, "retries", 0, NULL);
  g_assert_null (pmss_reader_read (reader, 0, 1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED);
  g_clear_error (&error);
  for (guint i = 0; i < 2; i++) {
    g_assert_false (pmss_reader_open (reader, NULL, &opening));
    g_assert_null (pmss_reader_read (reader, 0, 1, NULL, &error));
    g_assert_error (error, opening->domain, opening->code);
    g_assert_cmpstr (error->message, ==, opening->message);
    g_assert_cmpuint (pmss_reader_get_size (reader), ==, 0);
    g_assert_null (pmss_reader_get_session (reader));
    g_clear_error (&error);
    g_clear_error (&opening);
  }
  pmss_reader_close (reader);
  g_assert_null (pmss_reader_read (reader, 0, 1, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (pmss_reader_open (reader, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* What a reader has of its session nobody changes when control forgets that and
 * gives it another. */
static void
test_session_stays (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  const PmssSession *session;
  g_autofree char *id = NULL;
  gint64 end = g_get_monotonic_time () + PATIENCE;

  cluster->lease = 3;
  cluster->forgets = TRUE;
  reader = fake_cluster_open (cluster, "timeout", 60, NULL);
  session = pmss_reader_get_session (reader);
  id = g_strdup (session->id);
  while (fake_cluster_count_openings (cluster) < 3) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
  g_assert_true (pmss_reader_get_session (reader) == session);
  g_assert_cmpstr (session->id, ==, id);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

int
main (int argc, char **argv)
{
  static const char *const statuses[] = {
    "404 Not Found", "416 Range Not Satisfiable", "500 Internal Server Error",
    "503 Service Unavailable"
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++) {
    g_autofree char *path = g_strdup_printf ("/reader/back/%.3s", statuses[i]);

    g_test_add_data_func (path, statuses[i], test_back);
  }
  g_test_add_func ("/reader/back/never", test_never_back);
  g_test_add_func ("/reader/back/damaged-once", test_damaged_once);
  g_test_add_func ("/reader/back/restarted", test_restarted);
  g_test_add_func ("/reader/back/unwell", test_unwell);
  g_test_add_func ("/reader/back/wakeups", test_wakeups);
  g_test_add_func ("/reader/back/not-open", test_not_open);
  g_test_add_func ("/reader/back/session-stays", test_session_stays);
  return g_test_run ();
}
