/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A system that gives no thread: a reader says so, and its process goes on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "reader-fixture.h"

typedef GThread *(*TryNew) (const char *, GThreadFunc, gpointer, GError **);

/* (atomic) the name of those that there are none for */
static const char *refused;

/* In place of GLib's. */
GThread *
g_thread_try_new (const char *name, GThreadFunc func, gpointer data,
    GError ** error)
{
  const char *none = g_atomic_pointer_get (&refused);
  TryNew real = (TryNew) dlsym (RTLD_NEXT, "g_thread_try_new");

  if (none == NULL || strcmp (none, name) != 0)
    return real (name, func, data, error);
  g_set_error_literal (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN,
      "Resource temporarily unavailable");
  return NULL;
}

static void
test_reader (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = fake_cluster_new_reader (cluster);
  g_autoptr (GError) error = NULL;

  g_atomic_pointer_set (&refused, "pmss-reader");
  g_assert_false (pmss_reader_open (reader, NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "temporarily"));
  g_clear_error (&error);
  g_assert_false (pmss_reader_open (reader, NULL, &error));
  g_clear_error (&error);
  /* it is given one later */
  g_atomic_pointer_set (&refused, NULL);
  pmss_reader_open (reader, NULL, &error);
  g_assert_no_error (error);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  pmss_reader_close (reader);
  fake_cluster_free (cluster);
}

static void
test_never (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 1, 0 },
      CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = fake_cluster_new_reader (cluster);
  g_autoptr (GError) error = NULL;

  g_atomic_pointer_set (&refused, "pmss-reader");
  g_assert_false (pmss_reader_open (reader, NULL, &error));
  pmss_reader_close (reader);
  g_clear_object (&reader);
  g_atomic_pointer_set (&refused, NULL);
  fake_cluster_free (cluster);
}

/* Without the thread that rebuilds the reader's own does it. */
static void
test_rebuilder (void)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 },
      8 * 2 * CLUSTER_UNIT);
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) stats = NULL;
  guint64 rebuilt = 0;
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);

  cluster->nodes[0].gone = G_MAXINT;
  g_atomic_pointer_set (&refused, "pmss-rebuild");
  reader = fake_cluster_open (cluster, "retries", 0, NULL);
  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
  stats = pmss_reader_get_stats (reader);
  g_assert_true (g_variant_lookup (stats, "rebuilt", "t", &rebuilt));
  g_assert_cmpuint (rebuilt, >, 0);
  pmss_reader_close (reader);
  g_atomic_pointer_set (&refused, NULL);
  g_log_set_always_fatal (fatal);
  fake_cluster_free (cluster);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader-threads/reader", test_reader);
  g_test_add_func ("/reader-threads/never", test_never);
  g_test_add_func ("/reader-threads/rebuilder", test_rebuilder);
  return g_test_run ();
}
