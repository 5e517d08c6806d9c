/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a reader's sessions with control. */
#include "reader-fixture.h"

#define PATIENCE (30 * G_TIME_SPAN_SECOND)

static void
wait_until (guint (*count) (FakeCluster *), FakeCluster * cluster, guint wanted)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (count (cluster) != wanted) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
}

/* A cluster that forgets a reader's session, so that the reader opens another
 * one. */
static FakeCluster *
forgetful_cluster_new (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);

  cluster->lease = 3;
  cluster->forgets = TRUE;
  return cluster;
}

static void
test_given_back (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = fake_cluster_open (cluster, "retries", 0,
      NULL);

  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 1);
  pmss_reader_close (reader);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  fake_cluster_free (cluster);
}

/* The answer to the opening is lost, and so is that to its repetition: the same
 * session is asked for until an answer comes, and no other one is left. */
static void
test_lost_answers (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;

  cluster->lost_openings = 3;
  reader = fake_cluster_open (cluster, "retries", 5, NULL);
  g_assert_cmpuint (cluster->n_openings, ==, 4);
  g_assert_cmpuint (fake_cluster_count_openings (cluster), ==, 1);
  pmss_reader_close (reader);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  fake_cluster_free (cluster);
}

/* What the medium was replaced by is no use to a reader: the session that
 * showed it is given back. */
static void
test_other_version (void)
{
  FakeCluster *cluster = forgetful_cluster_new ();
  g_autoptr (PmssReader) reader = NULL;

  reader = fake_cluster_open (cluster, "retries", 0, NULL);
  g_mutex_lock (&cluster->lock);
  cluster->replaced = TRUE;
  g_mutex_unlock (&cluster->lock);
  wait_until (fake_cluster_count_openings, cluster, 2);
  wait_until (fake_cluster_count_sessions, cluster, 1);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Closed while it opens another session: both are given back. */
static void
test_closed_while_reopening (void)
{
  FakeCluster *cluster = forgetful_cluster_new ();
  g_autoptr (PmssReader) reader = fake_cluster_open (cluster, "retries", 0,
      NULL);

  g_mutex_lock (&cluster->lock);
  cluster->delay = 50;
  g_mutex_unlock (&cluster->lock);
  wait_until (fake_cluster_count_openings, cluster, 2);
  pmss_reader_close (reader);
  g_assert_cmpuint (fake_cluster_count_sessions (cluster), ==, 0);
  g_clear_object (&reader);
  fake_cluster_free (cluster);
}

/* Whoever closes knows that it is closed when the call returns. */
static gpointer
close_reader (gpointer reader)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  pmss_reader_close (reader);
  bytes = pmss_reader_read (reader, 0, 1, NULL, &error);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  return NULL;
}

static void
test_closed_by_several (void)
{
  guint i, j;

  for (i = 0; i < 20; i++) {
    FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
        CLUSTER_UNIT);
    g_autoptr (PmssReader) reader = fake_cluster_open (cluster, "retries", 0,
        NULL);
    GThread *threads[4];

    for (j = 0; j < G_N_ELEMENTS (threads); j++)
      threads[j] = g_thread_new ("close", close_reader, reader);
    for (j = 0; j < G_N_ELEMENTS (threads); j++)
      g_thread_join (threads[j]);
    g_clear_object (&reader);
    fake_cluster_free (cluster);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader/session/given-back", test_given_back);
  g_test_add_func ("/reader/session/lost-answers", test_lost_answers);
  g_test_add_func ("/reader/session/other-version", test_other_version);
  g_test_add_func ("/reader/session/closed-while-reopening",
      test_closed_while_reopening);
  g_test_add_func ("/reader/session/closed-by-several", test_closed_by_several);
  return g_test_run ();
}
