/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/admission/calendar.h"
#include "control/admission/capacity.h"

#define S G_USEC_PER_SEC
#define NO_LIMIT PMSS_CALENDAR_NO_LIMIT

typedef struct
{
  PmssCapacity capacity;
  PmssNodeStats stats;
  gint64 now;
} Node;

static void
begin (Node * node)
{
  pmss_capacity_init (&node->capacity);
  pmss_node_stats_clear (&node->stats);
  node->now = 1000 * S;
}

/* Seconds of the same figures. */
static void
pass (Node * node, guint seconds, double promised, gboolean slow)
{
  for (guint i = 0; i < seconds; i++) {
    node->now += S;
    pmss_capacity_note (&node->capacity, &node->stats, node->now, promised,
        slow);
  }
}

static void
assert_near (Node * node, double rate, PmssResource wanted)
{
  PmssResource binds;
  double bytes = (double) pmss_capacity_get (&node->capacity, &binds);

  g_assert_cmpint (binds, ==, wanted);
  g_assert_cmpfloat_with_epsilon (bytes, rate * PMSS_SLOT, rate * 0.02);
}

static void
test_network (void)
{
  Node node;
  PmssResource binds;

  begin (&node);
  pass (&node, 20, 0, FALSE);
  g_assert_true (pmss_capacity_get (&node.capacity, &binds) == NO_LIMIT);
  g_assert_cmpint (binds, ==, PMSS_RESOURCE_NONE);
  node.stats.network_limit = 80e6;
  pass (&node, 1, 0, FALSE);
  assert_near (&node, 9.4e6, PMSS_RESOURCE_NETWORK);
  /* what it sends itself is not others' */
  node.stats.sent = 4.7e6;
  node.stats.net_out = 5e6;
  pass (&node, 60, 0, FALSE);
  assert_near (&node, 9.4e6, PMSS_RESOURCE_NETWORK);
  node.stats.net_out = 7e6;
  pass (&node, 60, 0, FALSE);
  assert_near (&node, 9.4e6 - 1.88e6, PMSS_RESOURCE_NETWORK);
  /* a bond and its two links count the same packets */
  node.stats.net_out = 10e6;
  node.stats.n_interfaces = 2;
  node.stats.interfaces[0].out = node.stats.interfaces[1].out = 5e6;
  pass (&node, 60, 0, FALSE);
  assert_near (&node, 9.4e6, PMSS_RESOURCE_NETWORK);
}

static void
test_cpu (void)
{
  Node node;

  begin (&node);
  node.stats.network_limit = 1e10;
  node.stats.processors = 4;
  node.stats.process_cpu = 0.1;
  node.stats.cpu = 0.05;
  node.stats.sent = 5e6;
  pass (&node, 9, 0, FALSE);
  assert_near (&node, 1.175e9, PMSS_RESOURCE_NETWORK);
  pass (&node, 40, 0, FALSE);
  /* 50 MB for each second of a processor, and 3.9 are left for it */
  assert_near (&node, 195e6, PMSS_RESOURCE_CPU);
  node.stats.cpu = 1;
  pass (&node, 60, 0, FALSE);
  assert_near (&node, 5e6, PMSS_RESOURCE_CPU);
  /* what it costs is still known when nobody reads */
  node.stats.cpu = 0;
  node.stats.sent = 0;
  node.stats.process_cpu = 0;
  pass (&node, 100, 0, FALSE);
  assert_near (&node, 200e6, PMSS_RESOURCE_CPU);
}

static void
test_disk (void)
{
  Node node;

  begin (&node);
  node.stats.network_limit = 1e10;
  node.stats.n_disks = 1;
  node.stats.disks[0].busy = 0.5;
  node.stats.disk_read = 10e6;
  node.stats.disk_write = 0;
  node.stats.sent = 20e6;
  node.stats.cache_hits = 50;
  node.stats.cache_misses = 50;
  pass (&node, 60, 0, FALSE);
  assert_near (&node, 40e6, PMSS_RESOURCE_DISK);
  /* others write */
  node.stats.disk_write = 10e6;
  node.stats.disks[0].busy = 1;
  pass (&node, 60, 0, FALSE);
  assert_near (&node, 20e6, PMSS_RESOURCE_DISK);
  /* all of it is in memory: the disk costs nothing more, but is known */
  node.stats.cache_misses = 0;
  node.stats.disk_write = node.stats.disk_read = 0;
  node.stats.disks[0].busy = 0;
  pass (&node, 60, 0, FALSE);
  assert_near (&node, 40e6, PMSS_RESOURCE_DISK);
}

static void
test_memory (void)
{
  Node node;

  begin (&node);
  node.stats.network_limit = 1e9;
  node.stats.sent = 3e6;
  node.stats.memory_total = 2e9;
  node.stats.memory = 2e9 - 70e6;
  pass (&node, 1, 0, FALSE);
  assert_near (&node, 117.5e6, PMSS_RESOURCE_NETWORK);
  node.stats.memory = 2e9 - 50e6;
  pass (&node, 1, 0, FALSE);
  assert_near (&node, 3e6, PMSS_RESOURCE_MEMORY);
}

static void
test_correction (void)
{
  Node node;

  begin (&node);
  node.stats.network_limit = 80e6;
  pass (&node, 1, 0, TRUE);
  assert_near (&node, 9.4e6 * 0.97, PMSS_RESOURCE_NETWORK);
  pass (&node, 9, 0, FALSE);
  assert_near (&node, 9.4e6 * 0.97, PMSS_RESOURCE_NETWORK);
  pass (&node, 1, 0, FALSE);
  g_assert_cmpfloat_with_epsilon (node.capacity.correction, 0.975, 1e-9);
  pass (&node, 1000, 0, FALSE);
  g_assert_cmpfloat (node.capacity.correction, ==, 1);
  /* whatever is complained of, something is left */
  pass (&node, 1000, 0, TRUE);
  g_assert_cmpfloat (node.capacity.correction, ==,
      PMSS_CAPACITY_LEAST_CORRECTION);
}

/* Its disk is late; that it sends little is no fault where little is promised. */
static void
test_behind (void)
{
  Node node;

  begin (&node);
  node.stats.network_limit = 80e6;
  node.stats.sent = 1e6;
  node.stats.requests = 100;
  node.stats.late = 2;
  pass (&node, 5, 1e6, FALSE);
  g_assert_cmpfloat (node.capacity.correction, ==, 1);
  pass (&node, 1, 2e6, FALSE);
  g_assert_cmpfloat (node.capacity.correction, <, 1);
}

/* On loopback nothing binds, whatever else is known. */
static void
test_loopback (void)
{
  Node node;

  begin (&node);
  node.stats.processors = 1;
  node.stats.process_cpu = node.stats.cpu = 1;
  node.stats.sent = 5e6;
  node.stats.memory_total = node.stats.memory = 1e9;
  pass (&node, 60, 0, TRUE);
  g_assert_true (pmss_capacity_get (&node.capacity, NULL) == NO_LIMIT);
}

/* A heartbeat that was seen already says nothing. */
static void
test_again (void)
{
  Node node;

  begin (&node);
  node.stats.network_limit = 80e6;
  pass (&node, 1, 0, FALSE);
  for (guint i = 0; i < 100; i++)
    pmss_capacity_note (&node.capacity, &node.stats, node.now, 0, TRUE);
  g_assert_cmpfloat (node.capacity.correction, ==, 1);
}

static double
choose (GRand * rand)
{
  static const double figures[] = {
    0, 1, 1e-300, 1e300, 0x1p60, 1.25e14, 65536, -1, INFINITY, -INFINITY, 0.5,
    NAN, 1e6, 5e-324
  };

  return figures[g_rand_int_range (rand, 0, G_N_ELEMENTS (figures))];
}

/* Whatever it says: numbers stay numbers, and within their bounds. */
static void
test_hostile (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (14);
  Node node;

  begin (&node);
  for (guint i = 0; i < 100000; i++) {
    PmssNodeStats *s = &node.stats;
    double *const all[] = {
      &s->network_limit, &s->sent, &s->net_out, &s->cpu, &s->process_cpu,
      &s->processors, &s->memory, &s->memory_total, &s->disk_read,
      &s->disk_write, &s->cache_hits, &s->cache_misses, &s->late, &s->requests,
      &s->disks[0].busy, &s->interfaces[0].out
    };
    guint64 capacity;

    *all[g_rand_int_range (rand, 0, G_N_ELEMENTS (all))] = choose (rand);
    s->n_disks = (guint) g_rand_int_range (rand, 0, 2);
    s->n_interfaces = (guint) g_rand_int_range (rand, 0, 2);
    pass (&node, 1, choose (rand), g_rand_boolean (rand));
    capacity = pmss_capacity_get (&node.capacity, NULL);
    g_assert_true (capacity == NO_LIMIT || capacity <= PMSS_CAPACITY_MOST);
    g_assert_cmpfloat (node.capacity.correction, >=,
        PMSS_CAPACITY_LEAST_CORRECTION);
    g_assert_cmpfloat (node.capacity.correction, <=, 1);
  }
  /* and what is true counts again soon */
  pmss_node_stats_clear (&node.stats);
  node.stats.network_limit = 80e6;
  pass (&node, 3000, 0, FALSE);
  assert_near (&node, 9.4e6, PMSS_RESOURCE_NETWORK);
}

static void
test_restore (void)
{
  Node node;

  begin (&node);
  pmss_capacity_restore (&node.capacity, PMSS_RESOURCE_DISK, 2000);
  assert_near (&node, 1000, PMSS_RESOURCE_DISK);
  node.stats.network_limit = 80e6;
  pass (&node, 1, 0, FALSE);
  assert_near (&node, 9.4e6, PMSS_RESOURCE_NETWORK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/admission-capacity/network", test_network);
  g_test_add_func ("/admission-capacity/cpu", test_cpu);
  g_test_add_func ("/admission-capacity/disk", test_disk);
  g_test_add_func ("/admission-capacity/memory", test_memory);
  g_test_add_func ("/admission-capacity/correction", test_correction);
  g_test_add_func ("/admission-capacity/behind", test_behind);
  g_test_add_func ("/admission-capacity/loopback", test_loopback);
  g_test_add_func ("/admission-capacity/again", test_again);
  g_test_add_func ("/admission-capacity/hostile", test_hostile);
  g_test_add_func ("/admission-capacity/restore", test_restore);
  return g_test_run ();
}
