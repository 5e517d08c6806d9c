/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts that change while they are read, and control servers that lie of it. */
#include <string.h>

#include "libpmss/pmss-error.h"
#include "reader-fixture.h"

#define ROW (2 * CLUSTER_UNIT)
#define PATIENCE (30 * G_TIME_SPAN_SECOND)
#define DEAD_PORT 1

/* What control says: the cluster's layout, but for what is set. */
typedef struct
{
  guint64 generation;
  guint64 size;                 /* 0: the right one */
  PmssRedundancy redundancy;    /* k = 0: the right one */
  gboolean other_version;
  guint16 ports[CLUSTER_MAX_NODES];     /* 0: the node's own */
  guint ids[CLUSTER_MAX_NODES]; /* 0: the node's own */
} Saying;

static PmssLayout *
make_layout (FakeCluster * cluster, const Saying * saying)
{
  PmssRedundancy r = saying->redundancy.k > 0 ? saying->redundancy
      : cluster->redundancy;
  PmssVersionId version = *pmss_layout_get_version (cluster->layout);
  PmssLayout *layout;
  gint places[PMSS_MAX_SHARDS];

  version.bytes[0] ^= saying->other_version;
  layout = pmss_layout_new (&version, saying->size > 0 ? saying->size
      : cluster->size, r, CLUSTER_UNIT, 8 * cluster->redundancy.k *
      CLUSTER_UNIT, NULL);
  for (guint i = 0; i < r.k + r.m; i++) {
    PmssNode node = {.id = saying->ids[i] > 0 ? saying->ids[i] : i + 1,
      .address = (char *) "127.0.0.1",.port = saying->ports[i]
    };

    if (node.port == 0)
      node.port = fake_peer_get_port (cluster->nodes[i % 3].peer);
    places[i] = (gint) pmss_layout_add_node (layout, &node);
  }
  pmss_layout_set_extent (layout, 0, places);
  pmss_layout_set_generation (layout, saying->generation);
  return layout;
}

static void
say (FakeCluster * cluster, const Saying * saying)
{
  PmssLayout *layout = make_layout (cluster, saying);

  g_mutex_lock (&cluster->lock);
  g_clear_pointer (&cluster->next_layout, pmss_layout_unref);
  cluster->next_layout = layout;
  cluster->tells_renewals = TRUE;
  g_mutex_unlock (&cluster->lock);
}

static guint
count_layouts (FakeCluster * cluster)
{
  guint n;

  g_mutex_lock (&cluster->lock);
  n = cluster->n_layouts;
  g_mutex_unlock (&cluster->lock);
  return n;
}

static guint
count_reports (FakeCluster * cluster)
{
  return fake_cluster_count_reports (cluster, NULL);
}

static void
wait_for_count (guint (*count) (FakeCluster *), FakeCluster * cluster,
    guint wanted)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (count (cluster) < wanted) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
}

static FakeCluster *
new_cluster (guint lease)
{
  FakeCluster *cluster = fake_cluster_new ((PmssRedundancy) { 2, 1 }, 8 * ROW);

  cluster->lease = lease;
  pmss_layout_set_generation (cluster->layout, 5);
  return cluster;
}

/* A reader that has read the first row, and keeps next to nothing. */
static PmssReader *
open_and_read (FakeCluster * cluster)
{
  PmssReader *reader = fake_cluster_open (cluster, "timeout", 20, "read-ahead",
      (guint64) 1, "cache-size", (guint64) 1, NULL);

  fake_cluster_read_byte (cluster, reader, 0);
  return reader;
}

static void
close_all (FakeCluster * cluster, PmssReader * reader)
{
  pmss_reader_close (reader);
  g_object_unref (reader);
  fake_cluster_free (cluster);
}

static void
assert_reads (PmssReader * reader, FakeCluster * cluster)
{
  g_autoptr (GError) error = NULL;

  fake_cluster_read_all (cluster, reader, &error);
  g_assert_no_error (error);
}

/* Reads until @node has been asked. */
static void
read_until_asked (PmssReader * reader, FakeCluster * cluster, FakeNode * node)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;

  while (g_atomic_int_get (&node->requests) == 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    assert_reads (reader, cluster);
  }
}

/* Node 1 is at another address, as a renewal tells: the shards come from there,
 * and nobody was ever without. */
static void
test_moved (void)
{
  FakeCluster *cluster = new_cluster (1);
  FakeNode moved = { NULL };
  PmssReader *reader = open_and_read (cluster);
  Saying saying = {.generation = 6 };

  fake_node_start (&moved, cluster, 0);
  saying.ports[0] = fake_peer_get_port (moved.peer);
  say (cluster, &saying);
  wait_for_count (count_layouts, cluster, 1);
  read_until_asked (reader, cluster, &moved);
  /* it is asked whether it is there before it is asked for more */
  g_assert_cmpint (g_atomic_int_get (&moved.probes), ==, 1);
  g_assert_cmpuint (count_layouts (cluster), ==, 1);
  fake_peer_free (cluster->nodes[0].peer);
  assert_reads (reader, cluster);
  cluster->nodes[0].peer = moved.peer;
  close_all (cluster, reader);
}

/* More shards than redundancy makes up for are elsewhere, and no renewal is due
 * for an hour: it is learnt of at once. */
static void
test_at_once (void)
{
  FakeCluster *cluster = new_cluster (3600);
  FakeNode moved[2] = { {NULL}, {NULL} };
  PmssReader *reader = open_and_read (cluster);
  Saying saying = {.generation = 7 };

  for (guint i = 0; i < 2; i++) {
    fake_node_start (&moved[i], cluster, i);
    saying.ports[i] = fake_peer_get_port (moved[i].peer);
    saying.ids[i] = 20 + i;
    g_atomic_int_set (&cluster->nodes[i].gone, G_MAXINT);
  }
  say (cluster, &saying);
  assert_reads (reader, cluster);
  g_assert_cmpint (g_atomic_int_get (&moved[0].requests), >, 0);
  g_assert_cmpuint (fake_cluster_count_renewals (cluster), ==, 0);
  for (guint i = 0; i < 2; i++)
    fake_peer_free (moved[i].peer);
  close_all (cluster, reader);
}

static gboolean
answer_404 (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  answer->text = fake_peer_answer ("404 Not Found", "text/plain", "no");
  return TRUE;
}

static gboolean
damage (const FakeRequest * request, FakeAnswer * answer, GBytes * shard,
    gsize first, gsize length)
{
  fake_node_answer (answer, shard, first, length);
  memset (answer->body, 0, length);
  return TRUE;
}

/* Control says that all shards are where they are not: what works goes on. */
static void
lie_of_places (gboolean (*misbehave) (const FakeRequest *, FakeAnswer *,
        GBytes *, gsize, gsize), gboolean sick)
{
  FakeCluster *cluster = new_cluster (1);
  FakeNode moved[3] = { {NULL}, {NULL}, {NULL} };
  PmssReader *reader = open_and_read (cluster);
  Saying saying = {.generation = 6 };

  for (guint i = 0; i < 3; i++) {
    moved[i].misbehave = misbehave;
    moved[i].sick = sick;
    fake_node_start (&moved[i], cluster, i);
    saying.ports[i] = fake_peer_get_port (moved[i].peer);
  }
  say (cluster, &saying);
  wait_for_count (count_layouts, cluster, 1);
  for (guint i = 0; i < 5; i++)
    assert_reads (reader, cluster);
  if (misbehave != NULL) {
    read_until_asked (reader, cluster, &moved[0]);
    /* control said that it is there, and is told that it is not */
    wait_for_count (count_reports, cluster, 1);
  }
  assert_reads (reader, cluster);
  pmss_reader_close (reader);
  for (guint i = 0; i < 3; i++)
    fake_peer_free (moved[i].peer);
  close_all (cluster, reader);
}

static void
test_lying_places (void)
{
  lie_of_places (answer_404, FALSE);
  lie_of_places (damage, FALSE);
  lie_of_places (NULL, TRUE);
}

/* Nobody is there, in one generation after the other. */
static void
test_lying_addresses (void)
{
  FakeCluster *cluster = new_cluster (1);
  PmssReader *reader = open_and_read (cluster);

  for (guint i = 1; i <= 4; i++) {
    Saying saying = {.generation = 5 + i };

    for (guint j = 0; j < 3; j++) {
      saying.ports[j] = (guint16) (DEAD_PORT + i);
      saying.ids[j] = i < 3 ? 0 : 100 * i + j;
    }
    say (cluster, &saying);
    wait_for_count (count_layouts, cluster, i);
    assert_reads (reader, cluster);
  }
  close_all (cluster, reader);
}

/* Layouts of something else are refused; the session goes on. */
static void
test_lying_layouts (void)
{
  static const Saying lies[] = {
    {.generation = 6,.size = 7 * ROW},
    {.generation = 7,.size = 80 * ROW},
    {.generation = 8,.redundancy = {1, 1}},
    {.generation = 9,.redundancy = {2, 2}},
    {.generation = 10,.redundancy = {2, 0}},
  };
  static const Saying quiet[] = {
    {.generation = 4}, {.generation = 11,.other_version = TRUE},
  };
  FakeCluster *cluster = new_cluster (1);
  PmssReader *reader = open_and_read (cluster);
  guint n;

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++) {
    n = count_layouts (cluster);
    say (cluster, &lies[i]);
    wait_for_count (count_layouts, cluster, n + 1);
    assert_reads (reader, cluster);
  }
  for (guint i = 0; i < G_N_ELEMENTS (quiet); i++) {
    say (cluster, &quiet[i]);
    wait_for_count (fake_cluster_count_renewals, cluster,
        fake_cluster_count_renewals (cluster) + 1);
    n = count_layouts (cluster);
    wait_for_count (fake_cluster_count_renewals, cluster,
        fake_cluster_count_renewals (cluster) + 1);
    g_assert_cmpuint (count_layouts (cluster), ==, n);
    assert_reads (reader, cluster);
  }
  g_assert_cmpuint (fake_cluster_count_openings (cluster), ==, 1);
  close_all (cluster, reader);
}

/* Renewals that are not answered are repeated before the lease ends. */
static void
test_lost_renewals (void)
{
  FakeCluster *cluster = new_cluster (3);
  PmssReader *reader = open_and_read (cluster);
  gint64 begin = g_get_monotonic_time ();

  g_mutex_lock (&cluster->lock);
  cluster->lost_renewals = 2;
  g_mutex_unlock (&cluster->lock);
  wait_for_count (fake_cluster_count_renewals, cluster, 3);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 3 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (fake_cluster_count_openings (cluster), ==, 1);
  close_all (cluster, reader);
}

/* The lease that a renewal tells counts from then on. */
static void
test_changed_lease (void)
{
  FakeCluster *cluster = new_cluster (3);
  PmssReader *reader = open_and_read (cluster);
  gint64 begin;

  g_mutex_lock (&cluster->lock);
  cluster->lease = 1;
  g_mutex_unlock (&cluster->lock);
  wait_for_count (fake_cluster_count_renewals, cluster, 1);
  begin = g_get_monotonic_time ();
  wait_for_count (fake_cluster_count_renewals, cluster, 3);
  g_assert_cmpint (g_get_monotonic_time () - begin, <,
      1900 * G_TIME_SPAN_MILLISECOND);
  /* as long as control keeps it */
  g_assert_cmpuint (fake_peer_get_connections (cluster->control), ==, 1);
  close_all (cluster, reader);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reader/layout/moved", test_moved);
  g_test_add_func ("/reader/layout/at-once", test_at_once);
  g_test_add_func ("/reader/layout/lying-places", test_lying_places);
  g_test_add_func ("/reader/layout/lying-addresses", test_lying_addresses);
  g_test_add_func ("/reader/layout/lying-layouts", test_lying_layouts);
  g_test_add_func ("/reader/layout/lost-renewals", test_lost_renewals);
  g_test_add_func ("/reader/layout/changed-lease", test_changed_lease);
  return g_test_run ();
}
