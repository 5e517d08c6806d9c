/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes that are late: who is not waited for, when, and how much is asked for
 * twice. With real servers: tests/faults. */
#include "libpmss/reader/pmss-budget.h"
#include "reader-fixture.h"

#define ROW (4 * CLUSTER_UNIT)
#define PATIENCE (30 * G_TIME_SPAN_SECOND)

static gboolean
hesitate (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  fake_node_answer (answer, shard, first, length);
  answer->delay = 400;
  return TRUE;
}

/* It is never silent, and still nobody may have to wait for it; nor for m. */
static void
test_slow_nodes (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 2 }, 6 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[0].misbehave = cluster->nodes[3].misbehave = fake_node_trickle;
  reader = fake_cluster_open (cluster, "timeout", 10, "read-ahead",
      (guint64) 2 * ROW, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (reader_get_counter (reader, "late"), >=, 2);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Where all are slow alike, it is the client's network: nothing is asked twice. */
static void
test_slow_together (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 2 }, 4 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  guint i;

  for (i = 0; i < 6; i++)
    cluster->nodes[i].misbehave = hesitate;
  reader = fake_cluster_open (cluster, "timeout", 10, "read-ahead",
      (guint64) 2 * ROW, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (reader_get_counter (reader, "hedged"), ==, 0);
  g_assert_cmpuint (reader_get_counter (reader, "extra"), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Waits until the reader has counted @n. */
static void
wait_for (PmssReader * reader, const char *counter, guint64 n)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (reader_get_counter (reader, counter) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
}

static void
read_first (PmssReader * reader)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = pmss_reader_read (reader, 0, 1, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (bytes);
}

/* --- Deadlines --- */

/* Of a film whose rows last for minutes nothing is needed for minutes: a node
 * that is slow has the time. */
static void
test_far_deadline (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;

  cluster->bitrate = 2 * CLUSTER_UNIT * 8 / 240;
  cluster->nodes[1].misbehave = hesitate;
  reader = fake_cluster_open (cluster, "timeout", 10, NULL);
  read_first (reader);
  wait_for (reader, "units", 16);
  g_assert_cmpuint (reader_get_counter (reader, "late"), ==, 0);
  g_assert_cmpuint (reader_get_counter (reader, "extra"), ==, 0);
  g_assert_cmpuint (reader_get_counter (reader, "wasted"), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Longer than four times what any other takes, whatever else the machine does. */
static gboolean
dawdle (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  fake_node_answer (answer, shard, first, length);
  answer->delay = 20000;
  return TRUE;
}

/* A node that is slow, and a film that is about to need what it owes. */
static void
test_near_deadline (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      16 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;

  cluster->bitrate = 2 * CLUSTER_UNIT * 8 * 10;
  cluster->nodes[1].misbehave = dawdle;
  reader = fake_cluster_open (cluster, "timeout", 60, NULL);
  read_first (reader);
  wait_for (reader, "late", 1);
  wait_for (reader, "rebuilt", 1);
  wait_for (reader, "extra", 1);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* --- What is asked for twice --- */

static int silence;             /* atomic */

static gboolean
fall_silent (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  return g_atomic_int_get (&silence);
}

/* All that redundancy makes up for at once, while much is under way. */
static void
test_burst (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 2 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin;

  cluster->nodes[0].misbehave = cluster->nodes[3].misbehave = fall_silent;
  g_atomic_int_set (&silence, FALSE);
  reader = fake_cluster_open (cluster, "timeout", 30, "read-ahead",
      (guint64) 3 * ROW, NULL);
  read_first (reader);
  g_atomic_int_set (&silence, TRUE);
  begin = g_get_monotonic_time ();
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 5 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (reader_get_counter (reader, "extra"), <=, 2 * 8);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Nothing may be asked for twice: then a late node is given up, soon enough,
 * and others are asked in its place. */
static void
test_no_budget (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 2 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begin = g_get_monotonic_time ();

  cluster->nodes[0].misbehave = cluster->nodes[3].misbehave = fake_node_trickle;
  reader = fake_cluster_open (cluster, "timeout", 30, "max-extra", 0,
      "read-ahead", (guint64) 3 * ROW, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 6 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (reader_get_counter (reader, "late"), >=, 2);
  g_assert_cmpuint (reader_get_counter (reader, "extra"), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* A node that is gone is no reason to ask for anything twice. */
static void
test_gone_is_not_extra (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 4, 2 }, 8 * ROW);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  cluster->nodes[1].gone = G_MAXINT;
  reader = fake_cluster_open (cluster, "max-extra", 0, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (reader_get_counter (reader, "rebuilt"), >=, 8);
  g_assert_cmpuint (reader_get_counter (reader, "extra"), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Whatever the order: never more than the burst and the share. */
static void
test_budget (void)
{
  const guint percents[] = { 0, 1, 5, 100 };

  for (guint i = 0; i < G_N_ELEMENTS (percents); i++) {
    guint64 asked = 0, extra = 0, most = 0;
    PmssBudget budget;

    pmss_budget_init (&budget, percents[i]);
    if (percents[i] > 0)
      g_assert_cmpuint (pmss_budget_get_units (&budget), ==, PMSS_BUDGET_BURST);
    for (guint j = 0; j < 100000; j++) {
      gboolean twice = pmss_budget_get_units (&budget) > 0
          && g_test_rand_int_range (0, 3) == 0;

      pmss_budget_note (&budget, twice);
      asked += !twice;
      extra += twice;
      most = PMSS_BUDGET_BURST + asked * percents[i] / 100;
      g_assert_cmpuint (extra, <=, percents[i] == 0 ? 0 : most);
    }
    /* and what is allowed can be had */
    if (percents[i] < 25)
      g_assert_cmpuint (extra + 2 * PMSS_BUDGET_BURST, >=, most);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader/late/slow-nodes", test_slow_nodes);
  g_test_add_func ("/reader/late/slow-together", test_slow_together);
  g_test_add_func ("/reader/late/far-deadline", test_far_deadline);
  g_test_add_func ("/reader/late/near-deadline", test_near_deadline);
  g_test_add_func ("/reader/late/burst", test_burst);
  g_test_add_func ("/reader/late/no-budget", test_no_budget);
  g_test_add_func ("/reader/late/gone-is-not-extra", test_gone_is_not_extra);
  g_test_add_func ("/reader/late/budget", test_budget);
  return g_test_run ();
}
