/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control/overview/cluster-health.h"

#define N 6

/* Six storage servers, all up, and nothing to do. */
typedef struct
{
  PmssClusterFacts facts;
  PmssNodeInfo nodes[N];
  PmssClusterHealth *health;
} Case;

static void
case_init (Case * c)
{
  memset (c, 0, sizeof (*c));
  c->facts.nodes = g_ptr_array_new ();
  c->facts.held = g_array_new (FALSE, TRUE, sizeof (guint64));
  c->facts.redundancy = (PmssRedundancy) {
  4, 2};
  for (guint i = 0; i < N; i++) {
    c->nodes[i] = (PmssNodeInfo) {
      .node = {.id = i + 1 },.state = PMSS_NODE_UP,.last_seen = 1,.used =
          100,.free = 900,.shards = 7,.stats = {.net_out = 1000 }
    };
    g_ptr_array_add (c->facts.nodes, &c->nodes[i]);
  }
  g_array_set_size (c->facts.held, N);
}

static void
case_clear (Case * c)
{
  g_clear_pointer (&c->health, pmss_cluster_health_free);
  pmss_cluster_facts_clear (&c->facts);
}

/* @kinds: those of the items, with a space behind each. */
static void
expect (Case * c, PmssClusterState state, const char *kinds)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_clear_pointer (&c->health, pmss_cluster_health_free);
  c->health = pmss_cluster_health_judge (&c->facts);
  for (guint i = 0; i < c->health->items->len; i++) {
    const PmssClusterItem *item = g_ptr_array_index (c->health->items, i);

    g_string_append_printf (text, "%s ", item->kind);
    g_assert_cmpint (item->severity, !=, PMSS_CLUSTER_OK);
    g_assert_nonnull (item->advice);
  }
  g_assert_cmpstr (text->str, ==, kinds);
  g_assert_cmpint (c->health->state, ==, state);
}

static const PmssClusterItem *
item_at (Case * c, guint i)
{
  return g_ptr_array_index (c->health->items, i);
}

static void
set_down (Case * c, guint node)
{
  c->nodes[node].state = PMSS_NODE_DOWN;
  c->nodes[node].since = 1769860800;
  c->nodes[node].reason = (char *) "no heartbeat";
}

static void
test_well (void)
{
  Case c;

  case_init (&c);
  expect (&c, PMSS_CLUSTER_OK, "");
  g_assert_cmpstr (c.health->sentence, ==, "All 6 storage servers are up, 0 "
      "streams and 0 jobs run; there is nothing to do.");
  c.facts.streams = 1;
  expect (&c, PMSS_CLUSTER_OK, "");
  g_assert_cmpstr (c.health->sentence, ==, "All 6 storage servers are up, 1 "
      "stream and 0 jobs run; there is nothing to do.");
  case_clear (&c);
}

/* As many may be down as the default redundancy can miss. */
static void
test_down (void)
{
  Case c;

  case_init (&c);
  set_down (&c, 2);
  expect (&c, PMSS_CLUSTER_ATTENTION, "node-down few-nodes ");
  g_assert_cmpstr (c.health->sentence, ==, "1 of 6 storage servers is down, 0 "
      "streams and 0 jobs run; there is something to do.");
  g_assert_cmpstr (item_at (&c, 0)->text, ==, "Storage server 3 is down since "
      "2026-01-31T12:00:00Z: no heartbeat.");
  g_assert_cmpstr (item_at (&c, 0)->subject, ==, "3");
  g_assert_cmpstr (item_at (&c, 0)->method, ==, "POST");
  g_assert_cmpstr (item_at (&c, 0)->path, ==, "/nodes/3/repair");
  g_assert_cmpint (item_at (&c, 1)->count, ==, 1);
  c.nodes[2].repair = TRUE;
  expect (&c, PMSS_CLUSTER_ATTENTION, "node-down few-nodes ");
  g_assert_null (item_at (&c, 0)->label);
  set_down (&c, 3);
  expect (&c, PMSS_CLUSTER_ATTENTION, "node-down node-down few-nodes ");
  set_down (&c, 0);
  expect (&c, PMSS_CLUSTER_BAD, "node-down node-down node-down few-nodes ");
  /* one that has nothing is missed by nobody */
  c.nodes[0].shards = c.nodes[2].shards = c.nodes[3].shards = 0;
  expect (&c, PMSS_CLUSTER_ATTENTION,
      "node-down node-down node-down few-nodes ");
  for (guint i = 0; i < N; i++)
    set_down (&c, i);
  pmss_cluster_health_free (c.health);
  c.health = pmss_cluster_health_judge (&c.facts);
  g_assert_cmpint (c.health->state, ==, PMSS_CLUSTER_BAD);
  case_clear (&c);
}

static void
test_none (void)
{
  Case c;

  case_init (&c);
  g_ptr_array_set_size (c.facts.nodes, 0);
  expect (&c, PMSS_CLUSTER_BAD, "no-nodes ");
  g_assert_cmpstr (item_at (&c, 0)->path, ==, "/nodes/join-tokens");
  case_clear (&c);
}

static void
test_nodes (void)
{
  Case c;

  case_init (&c);
  c.nodes[0].state = PMSS_NODE_SUSPECT;
  c.nodes[0].reason = (char *) "readers cannot reach it";
  c.nodes[1].warning = (char *) "its clock is 12 s ahead";
  c.nodes[2].free = 1;
  c.nodes[3].bad_shards = 1;
  g_array_index (c.facts.held, guint64, 4) = 17;
  expect (&c, PMSS_CLUSTER_ATTENTION, "node-suspect node-warning node-full "
      "node-bad-shards node-held-shards ");
  g_assert_cmpstr (item_at (&c, 1)->reason, ==, "its clock is 12 s ahead");
  g_assert_cmpint (item_at (&c, 2)->bytes, ==, 1);
  g_assert_cmpstr (item_at (&c, 3)->text, ==, "Storage server 4 has 1 bad "
      "shard.");
  g_assert_cmpint (item_at (&c, 4)->confirm, ==, 17);
  g_assert_cmpstr (item_at (&c, 4)->method, ==, "PATCH");
  /* what a server said last is of no use when it is down */
  set_down (&c, 2);
  expect (&c, PMSS_CLUSTER_ATTENTION, "node-suspect node-warning node-down "
      "node-bad-shards node-held-shards few-nodes ");
  case_clear (&c);
}

static void
add_fault (Case * c, PmssFaultKind kind, guint node, double figure)
{
  const PmssFault fault = {.kind = kind,.node = node,.since = 5,.figure =
        figure,.other = figure
  };

  g_array_append_val (c->facts.faults, fault);
}

static void
test_faults (void)
{
  Case c;

  case_init (&c);
  c.facts.faults = g_array_new (FALSE, FALSE, sizeof (PmssFault));
  add_fault (&c, PMSS_FAULT_CERTIFICATE, 0, 3);
  add_fault (&c, PMSS_FAULT_DISK_LOW, 1, 7e9);
  add_fault (&c, PMSS_FAULT_CPU, 2, 0.99);
  add_fault (&c, PMSS_FAULT_SLOW, 3, 4);
  add_fault (&c, PMSS_FAULT_CLOCK, 4, 12);
  /* one that was removed just now */
  add_fault (&c, PMSS_FAULT_CPU, 77, 0.99);
  expect (&c, PMSS_CLUSTER_ATTENTION, "certificate node-disk-low "
      "node-overload node-slow node-clock ");
  g_assert_true (g_str_has_prefix (item_at (&c, 0)->text, "The control "
          "server's certificate ends in 3 days: "));
  g_assert_cmpint (item_at (&c, 1)->bytes, ==, 7000000000);
  g_assert_cmpint (item_at (&c, 3)->count, ==, 4);
  g_assert_cmpint (item_at (&c, 3)->since, ==, 5);
  g_assert_cmpstr (item_at (&c, 3)->subject, ==, "3");
  g_assert_cmpstr (item_at (&c, 3)->text, ==, "Storage server 3: it is slow "
      "for viewers: 4 of 4 who read from it complain.");
  /* other items say it already */
  c.nodes[0].free = 1;
  c.nodes[3].clock_told = TRUE;
  set_down (&c, 1);
  expect (&c, PMSS_CLUSTER_ATTENTION, "node-full node-down certificate "
      "node-slow few-nodes ");
  case_clear (&c);
}

static void
test_work (void)
{
  Case c;

  case_init (&c);
  c.facts.history = g_strdup ("its disk is full");
  expect (&c, PMSS_CLUSTER_ATTENTION, "history ");
  g_assert_cmpstr (item_at (&c, 0)->text, ==,
      "The history of figures is not kept: its disk is full.");
  g_clear_pointer (&c.facts.history, g_free);
  c.facts.jobs[PMSS_JOB_WAITING] = 1;
  c.facts.jobs[PMSS_JOB_FAILED] = 3;
  expect (&c, PMSS_CLUSTER_ATTENTION, "jobs-waiting jobs-failed ");
  g_assert_cmpstr (item_at (&c, 0)->text, ==,
      "1 job waits, and goes on by itself.");
  g_assert_cmpstr (item_at (&c, 1)->text, ==, "3 jobs have failed.");
  c.facts.disk = g_strdup ("The disk is full");
  expect (&c, PMSS_CLUSTER_BAD, "disk-full jobs-waiting jobs-failed ");
  case_clear (&c);
}

/* Sums do not run over, whatever nodes say. */
static void
test_sums (void)
{
  PmssNodeSums sums;
  Case c;

  case_init (&c);
  set_down (&c, 1);
  pmss_cluster_facts_sum (&c.facts, &sums);
  g_assert_cmpuint (sums.rate, ==, 5 * 8000);
  g_assert_cmpuint (sums.used, ==, 600);
  g_assert_cmpint (pmss_node_info_get_rate (&c.nodes[1]), ==, -1);
  for (guint i = 0; i < N; i++) {
    c.nodes[i].used = c.nodes[i].free = G_MAXUINT64;
    c.nodes[i].stats.net_out = 1e14;
  }
  pmss_cluster_facts_sum (&c.facts, &sums);
  g_assert_cmpuint (sums.used, ==, G_MAXINT64);
  g_assert_cmpuint (sums.rate, ==, 5 * G_GUINT64_CONSTANT (800000000000000));
  c.nodes[0].stats.net_out = PMSS_UNKNOWN;
  g_assert_cmpint (pmss_node_info_get_rate (&c.nodes[0]), ==, -1);
  case_clear (&c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cluster-health/well", test_well);
  g_test_add_func ("/cluster-health/down", test_down);
  g_test_add_func ("/cluster-health/none", test_none);
  g_test_add_func ("/cluster-health/nodes", test_nodes);
  g_test_add_func ("/cluster-health/faults", test_faults);
  g_test_add_func ("/cluster-health/work", test_work);
  g_test_add_func ("/cluster-health/sums", test_sums);
  return g_test_run ();
}
