/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-placement.h"

#define MAX_NODES 32
#define MANY 10000              /* extents: so many that chance evens out */

static const PmssVersionId version = { {0xca, 0xfe, 7} };

typedef struct
{
  PmssPlacementNode nodes[MAX_NODES];
  guint n_nodes;
  PmssRedundancy redundancy;
  guint n;
  guint *chosen;                /* extents x n */
} Cluster;

static guint extents = MANY;

static void
cluster_init (Cluster * cluster, guint n_nodes, guint k, guint m)
{
  memset (cluster, 0, sizeof (*cluster));
  cluster->n_nodes = n_nodes;
  cluster->redundancy = (PmssRedundancy) {
  .k = k,.m = m};
  cluster->n = k + m;
  for (guint i = 0; i < n_nodes; i++)
    cluster->nodes[i] = (PmssPlacementNode) {
    .id = i + 1,.zone = "",.weight = 1,.free = 1000,};
}

static void
cluster_place (Cluster * cluster)
{
  g_autoptr (PmssPlacement) placement = pmss_placement_new (&version,
      cluster->redundancy);

  g_free (cluster->chosen);
  cluster->chosen = g_new (guint, extents * cluster->n);
  for (guint32 i = 0; i < extents; i++) {
    g_autoptr (GError) error = NULL;

    pmss_placement_choose (placement, i, cluster->nodes, cluster->n_nodes, 1,
        cluster->chosen + i * cluster->n, &error);
    g_assert_no_error (error);
  }
}

static void
cluster_clear (Cluster * cluster)
{
  g_free (cluster->chosen);
}

static gboolean
has (Cluster * cluster, guint extent, guint id)
{
  for (guint i = 0; i < cluster->n; i++) {
    if (cluster->chosen[extent * cluster->n + i] == id)
      return TRUE;
  }
  return FALSE;
}

static void
count (Cluster * cluster, guint * shards, guint * data)
{
  memset (shards, 0, (MAX_NODES + 1) * sizeof (*shards));
  memset (data, 0, (MAX_NODES + 1) * sizeof (*data));
  for (guint i = 0; i < extents; i++) {
    for (guint j = 0; j < cluster->n; j++) {
      guint id = cluster->chosen[i * cluster->n + j];

      g_assert_cmpuint (id, >=, 1);
      g_assert_cmpuint (id, <=, cluster->n_nodes);
      shards[id]++;
      data[id] += j < cluster->redundancy.k;
      for (guint l = 0; l < j; l++)
        g_assert_cmpuint (cluster->chosen[i * cluster->n + l], !=, id);
    }
  }
}

static void
assert_near (double value, double expected, double tolerance)
{
  /* few show nothing of how even they are */
  if (extents < MANY)
    return;
  if (value < expected * (1 - tolerance) || value > expected * (1 + tolerance))
    g_error ("%f is not within %f %% of %f", value, 100 * tolerance, expected);
}

static void
test_even (void)
{
  static const guint8 shapes[][3] = {
    {6, 4, 2}, {10, 4, 2}, {7, 1, 2}, {12, 6, 0}, {20, 16, 4}, {30, 3, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    guint n_nodes = shapes[i][0], k = shapes[i][1], m = shapes[i][2];
    guint shards[MAX_NODES + 1], data[MAX_NODES + 1];
    Cluster cluster;

    cluster_init (&cluster, n_nodes, k, m);
    cluster_place (&cluster);
    count (&cluster, shards, data);
    for (guint id = 1; id <= n_nodes; id++) {
      assert_near (shards[id], (double) extents * (k + m) / n_nodes, 0.1);
      /* the roles even out what the hash leaves */
      assert_near (data[id], (double) extents * k / n_nodes,
          m > 0 ? 0.01 : 0.1);
    }
    cluster_clear (&cluster);
  }
}

static void
test_weights (void)
{
  guint shards[MAX_NODES + 1], data[MAX_NODES + 1];
  Cluster cluster;

  cluster_init (&cluster, 20, 1, 0);
  for (guint i = 0; i < 10; i++)
    cluster.nodes[i].weight = 3;
  cluster_place (&cluster);
  count (&cluster, shards, data);
  for (guint id = 1; id <= 20; id++)
    assert_near (shards[id], extents * (id <= 10 ? 3 : 1) / 40.0, 0.2);
  cluster_clear (&cluster);
}

static void
test_deterministic (void)
{
  Cluster a, b;

  cluster_init (&a, 9, 4, 2);
  cluster_init (&b, 9, 4, 2);
  cluster_place (&a);
  /* whatever order the nodes are listed in */
  for (guint i = 0; i < 9; i++)
    b.nodes[i].id = 9 - i;
  cluster_place (&b);
  g_assert_cmpmem (a.chosen, extents * 6 * sizeof (guint), b.chosen,
      extents * 6 * sizeof (guint));
  cluster_clear (&a);
  cluster_clear (&b);
}

static void
test_new_node (void)
{
  guint moved = 0;
  Cluster before, after;

  cluster_init (&before, 10, 4, 2);
  cluster_init (&after, 11, 4, 2);
  cluster_place (&before);
  cluster_place (&after);
  for (guint i = 0; i < extents; i++) {
    guint gone = 0;

    for (guint j = 0; j < 6; j++) {
      guint id = after.chosen[i * 6 + j];

      /* whoever is in the set now was in it before, or is new */
      g_assert_true (id == 11 || has (&before, i, id));
      gone += !has (&after, i, before.chosen[i * 6 + j]);
    }
    g_assert_cmpuint (gone, ==, has (&after, i, 11) ? 1 : 0);
    moved += gone;
  }
  assert_near (moved, extents * 6 / 11.0, 0.05);
  cluster_clear (&before);
  cluster_clear (&after);
}

static void
test_lost_node (void)
{
  Cluster before, after;

  cluster_init (&before, 10, 4, 2);
  cluster_init (&after, 9, 4, 2);
  cluster_place (&before);
  cluster_place (&after);
  for (guint i = 0; i < extents; i++) {
    for (guint j = 0; j < 6; j++) {
      guint id = before.chosen[i * 6 + j];

      if (id != 10)
        g_assert_true (has (&after, i, id));
    }
  }
  cluster_clear (&before);
  cluster_clear (&after);
}

static void
check_zones (guint n_zones, guint n_nodes, guint k, guint m)
{
  guint limit = (k + m + n_zones - 1) / n_zones;
  g_auto (GStrv) names = g_new0 (char *, n_zones + 1);
  Cluster cluster;

  cluster_init (&cluster, n_nodes, k, m);
  for (guint i = 0; i < n_zones; i++)
    names[i] = g_strdup_printf ("zone-%u", i);
  for (guint i = 0; i < n_nodes; i++)
    cluster.nodes[i].zone = names[i % n_zones];
  cluster_place (&cluster);
  for (guint i = 0; i < extents; i++) {
    guint in_zone[MAX_NODES] = { 0 };

    for (guint j = 0; j < k + m; j++) {
      guint zone = (cluster.chosen[i * (k + m) + j] - 1) % n_zones;

      g_assert_cmpuint (++in_zone[zone], <=, limit);
    }
  }
  cluster_clear (&cluster);
}

static void
test_zones (void)
{
  check_zones (6, 12, 4, 2);
  check_zones (8, 24, 4, 2);
  check_zones (3, 12, 4, 2);
  check_zones (2, 9, 1, 2);
  check_zones (1, 6, 4, 2);
  check_zones (3, 7, 1, 2);
}

/* Where one zone is too small for its share, the others carry it. */
static void
test_small_zone (void)
{
  guint shards[MAX_NODES + 1], data[MAX_NODES + 1];
  Cluster cluster;

  cluster_init (&cluster, 7, 4, 2);
  for (guint i = 0; i < 6; i++)
    cluster.nodes[i].zone = "big";
  cluster.nodes[6].zone = "small";
  cluster_place (&cluster);
  count (&cluster, shards, data);
  g_assert_cmpuint (shards[7], ==, extents);
  cluster_clear (&cluster);
}

/* N = n: any three extents in a row load all nodes the same. */
static void
test_neighbours (void)
{
  Cluster cluster;

  cluster_init (&cluster, 6, 4, 2);
  cluster_place (&cluster);
  for (guint i = 0; i + 3 <= extents; i++) {
    guint data[7] = { 0 };

    for (guint j = 0; j < 3; j++) {
      for (guint s = 0; s < 4; s++)
        data[cluster.chosen[(i + j) * 6 + s]]++;
    }
    for (guint id = 1; id <= 6; id++)
      g_assert_cmpuint (data[id], ==, 2);
  }
  cluster_clear (&cluster);
}

/* A placement that is told what was placed before goes on as the first one
 * would have. */
static void
test_resume (void)
{
  g_autoptr (PmssPlacement) resumed = NULL;
  Cluster cluster;

  cluster_init (&cluster, 9, 4, 2);
  cluster_place (&cluster);
  resumed = pmss_placement_new (&version, cluster.redundancy);
  for (guint32 i = 0; i < 500; i++)
    pmss_placement_note (resumed, cluster.chosen + i * 6);
  for (guint32 i = 500; i < 1000; i++) {
    guint chosen[6];

    g_assert_true (pmss_placement_choose (resumed, i, cluster.nodes, 9, 1,
            chosen, NULL));
    g_assert_cmpmem (chosen, sizeof (chosen), cluster.chosen + i * 6,
        sizeof (chosen));
  }
  cluster_clear (&cluster);
}

static void
test_room (void)
{
  g_autoptr (PmssPlacement) placement = NULL;
  g_autoptr (GError) error = NULL;
  Cluster cluster;
  guint chosen[6];

  cluster_init (&cluster, 7, 4, 2);
  placement = pmss_placement_new (&version, cluster.redundancy);
  cluster.nodes[2].free = 99;
  for (guint32 i = 0; i < 100; i++) {
    g_assert_true (pmss_placement_choose (placement, i, cluster.nodes, 7, 100,
            chosen, NULL));
    for (guint j = 0; j < 6; j++)
      g_assert_cmpuint (chosen[j], !=, 3);
  }
  cluster.nodes[3].free = 0;
  g_assert_false (pmss_placement_choose (placement, 100, cluster.nodes, 7, 100,
          chosen, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE);
  g_assert_false (pmss_placement_choose (placement, 100, NULL, 0, 1, chosen,
          NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("PMSS_TEST_FEW") != NULL)
    extents = MANY / 10;
  g_test_add_func ("/placement/even", test_even);
  g_test_add_func ("/placement/weights", test_weights);
  g_test_add_func ("/placement/deterministic", test_deterministic);
  g_test_add_func ("/placement/new-node", test_new_node);
  g_test_add_func ("/placement/lost-node", test_lost_node);
  g_test_add_func ("/placement/zones", test_zones);
  g_test_add_func ("/placement/small-zone", test_small_zone);
  g_test_add_func ("/placement/neighbours", test_neighbours);
  g_test_add_func ("/placement/resume", test_resume);
  g_test_add_func ("/placement/room", test_room);
  return g_test_run ();
}
