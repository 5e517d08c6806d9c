/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of one client share what it takes to read. */
#include <string.h>

#include "libpmss/reader/pmss-io.h"
#include "reader-fixture.h"

#define PATIENCE (30 * G_TIME_SPAN_SECOND)
#define MANY 40

static PmssReader *
new_reader_beside (PmssReader * reader)
{
  g_autoptr (PmssClient) client = NULL;

  g_object_get (reader, "client", &client, NULL);
  return pmss_reader_new (client, "films/a");
}

static PmssReader *
open_beside (PmssReader * reader)
{
  PmssReader *other = new_reader_beside (reader);
  g_autoptr (GError) error = NULL;

  pmss_reader_open (other, NULL, &error);
  g_assert_no_error (error);
  return other;
}

static void
read_all (FakeCluster * cluster, PmssReader * reader)
{
  g_autoptr (GError) error = NULL;

  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
}

static guint
count_connections (FakeCluster * cluster)
{
  guint n = fake_peer_get_connections (cluster->control);

  for (guint i = 0; i < cluster->redundancy.k + cluster->redundancy.m; i++)
    n += fake_peer_get_connections (cluster->nodes[i].peer);
  return n;
}

/* A moment, unless it is over. */
static void
pause_until (gint64 end)
{
  g_assert_cmpint (g_get_monotonic_time (), <, end);
  g_usleep (1000);
}

/* One that has made no connection. A reader that waits too long for a node, on a slow machine, cuts what it has asked for: the next one then lacks those
 * connections, and the one after it finds them. */
static PmssReader *
read_on_idle_connections (FakeCluster * cluster, PmssReader * first,
    guint * n_readers)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  for (;;) {
    guint before = count_connections (cluster);
    PmssReader *other = open_beside (first);

    ++*n_readers;
    read_all (cluster, other);
    if (count_connections (cluster) == before)
      return other;
    g_object_unref (other);
    pause_until (end);
  }
}

/* A second film, while the first one is open, and a third one when nobody holds anything of it. */
static void
test_connections (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  PmssReader *first = fake_cluster_open (cluster, "retries", 0, NULL);
  PmssReader *second, *third;
  guint n_readers = 1;

  read_all (cluster, first);
  second = read_on_idle_connections (cluster, first, &n_readers);
  pmss_reader_close (first);
  pmss_reader_close (second);
  third = read_on_idle_connections (cluster, first, &n_readers);
  g_assert_cmpuint (fake_cluster_count_openings (cluster), ==, n_readers);
  g_object_unref (first);
  g_object_unref (second);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 1);
  g_object_unref (third);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  fake_cluster_free (cluster);
}

/* Whoever comes later asks whether it is there, and not for shards. */
static void
test_dead_node (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  FakeNode *dead = &cluster->nodes[0];
  gint64 end = g_get_monotonic_time () + PATIENCE;
  PmssReader *first, *second;
  int requests;

  g_atomic_int_set (&dead->gone, G_MAXINT);
  first = fake_cluster_open (cluster, "retries", 0, "cache-size", (guint64) 1,
      NULL);
  read_all (cluster, first);
  while (reader_get_counter (first, "errors") < 2)
    pause_until (end);
  requests = g_atomic_int_get (&dead->requests);
  g_assert_cmpint (requests, >, 0);
  second = open_beside (first);
  read_all (cluster, second);
  g_assert_cmpint (g_atomic_int_get (&dead->requests), ==, requests);
  /* and learns that it is well again */
  g_atomic_int_set (&dead->gone, 0);
  while (g_atomic_int_get (&dead->requests) == requests) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_object_unref (second);
    second = open_beside (first);
    read_all (cluster, second);
  }
  g_object_unref (second);
  g_object_unref (first);
  fake_cluster_free (cluster);
}

static guint
count_threads (const char *prefix)
{
  g_autoptr (GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (tasks)) != NULL) {
    g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/comm", name);
    g_autofree char *comm = NULL;

    n += g_file_get_contents (path, &comm, NULL, NULL)
        && g_str_has_prefix (comm, prefix);
  }
  return n;
}

/* The last of them may end a moment after the last reader. */
static void
wait_for_no_threads (void)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (count_threads ("pmss-re") > 0) {
    pause_until (end);
  }
}

/* However many they are, and though each has to have units rebuilt. */
static void
test_threads (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  PmssReader *readers[MANY];

  g_atomic_int_set (&cluster->nodes[0].gone, G_MAXINT);
  readers[0] = fake_cluster_open (cluster, "retries", 0, "cache-size",
      (guint64) 1, NULL);
  for (guint i = 1; i < MANY; i++)
    readers[i] = open_beside (readers[0]);
  for (guint i = 0; i < MANY; i++)
    read_all (cluster, readers[i]);
  g_assert_cmpuint (count_threads ("pmss-reader"), ==, 1);
  g_assert_cmpuint (count_threads ("pmss-rebuild"), ==, 1);
  for (guint i = 0; i < MANY; i++)
    g_object_unref (readers[i]);
  wait_for_no_threads ();
  fake_cluster_free (cluster);
}

static guint64
get_held (PmssReader * reader)
{
  return reader_get_counter (reader, "cache-used") / CLUSTER_UNIT;
}

/* One that comes gets its part of what another one has, which need not read for that; one that goes
 * leaves it. */
static void
test_memory (void)
{
  const guint64 most = 12;
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  gint64 end = g_get_monotonic_time () + PATIENCE;
  PmssReader *first = fake_cluster_open (cluster, "max-memory",
      most * (PMSS_RECORD_HEADER_SIZE + CLUSTER_UNIT), NULL);
  PmssReader *second;

  read_all (cluster, first);
  g_assert_cmpuint (get_held (first), >, most / 2);
  g_assert_cmpuint (get_held (first), <=, most);
  second = open_beside (first);
  read_all (cluster, second);
  while (get_held (first) + get_held (second) > most) {
    pause_until (end);
  }
  g_assert_cmpuint (get_held (first), >, 0);
  pmss_reader_close (first);
  g_assert_cmpuint (get_held (first), ==, 0);
  while (get_held (second) <= most / 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    read_all (cluster, second);
  }
  g_assert_cmpuint (get_held (second), <=, most);
  g_object_unref (first);
  g_object_unref (second);
  fake_cluster_free (cluster);
}

static guint
count_requests (FakeCluster * cluster)
{
  guint n = 0;

  for (guint i = 0; i < cluster->redundancy.k + cluster->redundancy.m; i++)
    n += g_atomic_int_get (&cluster->nodes[i].requests);
  return n;
}

/* A second reader asks no node for what the first one holds, nor a third for what the second took,
 * when the first one has gone. When all have gone nothing is kept. */
static void
test_film_once (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  PmssReader *first = fake_cluster_open (cluster, "retries", 0, NULL);
  PmssReader *second, *third;
  guint requests;

  read_all (cluster, first);
  requests = count_requests (cluster);
  second = open_beside (first);
  read_all (cluster, second);
  g_assert_cmpuint (count_requests (cluster), ==, requests);
  g_assert_cmpuint (reader_get_counter (second, "units"), ==, 0);
  pmss_reader_close (first);
  third = open_beside (first);
  g_object_unref (first);
  read_all (cluster, third);
  g_assert_cmpuint (count_requests (cluster), ==, requests);
  pmss_reader_close (second);
  pmss_reader_close (third);
  first = open_beside (second);
  read_all (cluster, first);
  g_assert_cmpuint (count_requests (cluster), >, requests);
  g_object_unref (first);
  g_object_unref (second);
  g_object_unref (third);
  fake_cluster_free (cluster);
}

/* Two that read on, one a little behind the other, with caches that hold less than the film: what
 * the first one gets, the second one has from it. */
static void
test_film_apart (void)
{
  const guint n_rows = 8, k = 2, behind = 2;
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      n_rows * k * CLUSTER_UNIT);
  PmssReader *first = fake_cluster_open (cluster, "retries", 0, "cache-size",
      (guint64) 5 * k * CLUSTER_UNIT, "read-ahead",
      (guint64) 2 * k * CLUSTER_UNIT, NULL);
  PmssReader *second = new_reader_beside (first);
  g_autoptr (GError) error = NULL;

  g_object_set (second, "cache-size", (guint64) 5 * k * CLUSTER_UNIT,
      "read-ahead", (guint64) 2 * k * CLUSTER_UNIT, NULL);
  pmss_reader_open (second, NULL, &error);
  g_assert_no_error (error);
  for (guint unit = 0; unit < (n_rows + behind) * k; unit++) {
    if (unit < n_rows * k)
      fake_cluster_read_byte (cluster, first, unit * CLUSTER_UNIT);
    if (unit >= behind * k)
      fake_cluster_read_byte (cluster, second,
          (unit - behind * k) * CLUSTER_UNIT);
  }
  g_assert_cmpuint (reader_get_counter (first, "units"), >=, n_rows * k);
  g_assert_cmpuint (reader_get_counter (second, "units"), <=, k);
  g_object_unref (first);
  g_object_unref (second);
  fake_cluster_free (cluster);
}

static gboolean
spoil (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  g_autoptr (GBytes) spoilt = NULL;
  gsize size;
  guint8 *bytes = g_memdup2 (g_bytes_get_data (shard, NULL),
      g_bytes_get_size (shard));

  size = g_bytes_get_size (shard);
  bytes[first + PMSS_RECORD_HEADER_SIZE] ^= 1;
  spoilt = g_bytes_new_take (bytes, size);
  fake_node_answer (answer, spoilt, first, length);
  return TRUE;
}

/* What one reader found damaged, another one does not get; it gets what was made in its place. */
static void
test_bad_unit (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  PmssReader *first, *second;

  cluster->nodes[0].misbehave = spoil;
  first = fake_cluster_open (cluster, "retries", 0, NULL);
  read_all (cluster, first);
  g_assert_cmpuint (reader_get_counter (first, "errors"), >, 0);
  g_assert_cmpuint (reader_get_counter (first, "rebuilt"), >, 0);
  second = open_beside (first);
  read_all (cluster, second);
  g_assert_cmpuint (reader_get_counter (second, "errors"), ==, 0);
  g_assert_cmpuint (reader_get_counter (second, "units"), ==, 0);
  g_object_unref (first);
  g_object_unref (second);
  fake_cluster_free (cluster);
}

static void
closed (GObject * reader, GAsyncResult * result, gpointer user_data)
{
  gboolean *is_closed = user_data;
  g_autoptr (GError) error = NULL;

  *is_closed = pmss_reader_close_finish (PMSS_READER (reader), result, &error);
  g_assert_no_error (error);
}

static void
wait_until (gboolean * over)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (!*over) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_main_context_iteration (NULL, FALSE);
  }
}

/* Closing takes time where control does not answer; who does not wait for it
 * learns of its end. */
static void
test_close_async (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);
  PmssReader *reader = fake_cluster_open (cluster, "retries", 0, NULL);
  PmssReader *never = new_reader_beside (reader);
  gboolean is_closed = FALSE, again = FALSE, was_never = FALSE;

  pmss_reader_close_async (reader, closed, &is_closed);
  pmss_reader_close_async (reader, closed, &again);
  g_assert_false (is_closed);
  wait_until (&is_closed);
  wait_until (&again);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  pmss_reader_close_async (never, closed, &was_never);
  wait_until (&was_never);
  g_object_unref (never);
  g_object_unref (reader);
  fake_cluster_free (cluster);
}

/* --- In the I/O thread --- */

typedef struct
{
  PmssReader *reader;           /* (nullable): given back in the handler; the I/O thread's */
  gboolean over;                /* atomic */
} Handled;

static void
drop_in_handler (PmssReader * emitter, guint node, const char *peer,
    const GError * error, Handled * handled)
{
  PmssReader *reader = handled->reader;

  handled->reader = NULL;
  if (reader == NULL)
    return;
  pmss_reader_close (reader);
  g_object_unref (reader);
  g_atomic_int_set (&handled->over, TRUE);
}

/* Another reader is closed in the thread that would have to be waited for. */
static void
test_in_handler (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  PmssReader *reader = fake_cluster_open (cluster, "retries", 0, NULL);
  Handled handled = {.reader = open_beside (reader) };
  gint64 end = g_get_monotonic_time () + PATIENCE;

  g_signal_connect (reader, "node-lost", G_CALLBACK (drop_in_handler),
      &handled);
  g_atomic_int_set (&cluster->nodes[0].gone, G_MAXINT);
  read_all (cluster, reader);
  while (!g_atomic_int_get (&handled.over)) {
    pause_until (end);
  }
  while (fake_cluster_count_sessions (cluster) > 1) {
    pause_until (end);
  }
  g_object_unref (reader);
  fake_cluster_free (cluster);
}

static gboolean
drop_reader (gpointer reader)
{
  pmss_reader_close (reader);
  g_object_unref (reader);
  return G_SOURCE_REMOVE;
}

/* The last reader, and with it the client, goes in the client's own thread. */
static void
test_last_in_own_thread (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  PmssReader *reader = fake_cluster_open (cluster, "retries", 0, NULL);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (PmssClient) client = NULL;

  read_all (cluster, reader);
  g_object_get (reader, "client", &client, NULL);
  g_source_set_callback (source, drop_reader, reader, NULL);
  g_source_attach (source, pmss_io_get_context (pmss_io_get (client)));
  g_clear_object (&client);
  wait_for_no_threads ();
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  fake_cluster_free (cluster);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader/shared/connections", test_connections);
  g_test_add_func ("/reader/shared/dead-node", test_dead_node);
  g_test_add_func ("/reader/shared/threads", test_threads);
  g_test_add_func ("/reader/shared/memory", test_memory);
  g_test_add_func ("/reader/shared/film-once", test_film_once);
  g_test_add_func ("/reader/shared/film-apart", test_film_apart);
  g_test_add_func ("/reader/shared/bad-unit", test_bad_unit);
  g_test_add_func ("/reader/shared/close-async", test_close_async);
  g_test_add_func ("/reader/shared/in-handler", test_in_handler);
  g_test_add_func ("/reader/shared/last-in-own-thread",
      test_last_in_own_thread);
  return g_test_run ();
}
