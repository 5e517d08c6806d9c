/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes that join, beat, fall silent and are removed. */
#include "libpmss/pmss-error.h"
#include "nodes-fixture.h"

static void
test_join (NodesFixture * f, gconstpointer data)
{
  gint64 expires;
  g_autoptr (GError) error = NULL;
  g_autofree char *token = pmss_nodes_create_join_token (f->nodes, "rack9",
      &expires, &error);
  g_autofree char *secret = NULL;
  g_autoptr (PmssNodeInfo) info = NULL;
  PmssNode node = {
    .address = (char *) "192.0.2.1",.port = 8471,.zone = (char *) "own"
  };

  g_assert_null (pmss_nodes_join (f->nodes, "guessed", &node, 1, &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  secret = pmss_nodes_join (f->nodes, token, &node, 1000, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (node.id, >=, 1);
  info = pmss_nodes_get (f->nodes, node.id, &error);
  g_assert_cmpstr (info->node.zone, ==, "rack9");
  g_assert_cmpint (info->state, ==, PMSS_NODE_DOWN);
  g_assert_cmpint (info->last_seen, ==, 0);

  /* good once */
  g_assert_null (pmss_nodes_join (f->nodes, token, &node, 1, &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
}

static void
test_join_expired (NodesFixture * f, gconstpointer data)
{
  gint64 expires;
  g_autoptr (GError) error = NULL;
  g_autofree char *token = pmss_nodes_create_join_token (f->nodes, NULL,
      &expires, &error);
  PmssNode node = {
    .address = (char *) "a",.port = 1,.zone = (char *) ""
  };

  control_fixture_exec (&f->base, "UPDATE join_token SET expires = 1");
  g_assert_null (pmss_nodes_join (f->nodes, token, &node, 1, &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
}

static void
test_states (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;
  gint64 now;
  const PmssNodeState expected[] = {
    PMSS_NODE_UP, PMSS_NODE_SUSPECT, PMSS_NODE_DOWN, PMSS_NODE_UP
  };

  g_assert_false (nodes_fixture_beat (f, node.id, "wrong", "node.example",
          &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_false (nodes_fixture_beat (f, node.id + 1, secret, "node.example",
          &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);

  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  now = g_get_monotonic_time ();
  pmss_nodes_tick (f->nodes, now);
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC);
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC);
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC);
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_cmpmem (f->seen->data, f->seen->len * sizeof (PmssNodeState),
      expected, sizeof (expected));
}

static void
test_reasons (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;
  gint64 now;

  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN, "joined");
  control_fixture_exec (&f->base, "UPDATE node SET repair = 1");
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);
  /* nobody need be impatient any more */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT sum (repair) FROM node"), ==, 0);
  now = g_get_monotonic_time ();
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "no heartbeat since 20");
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN,
      "no heartbeat since 20");
  g_assert_true (nodes_fixture_leave (f, node.id, secret, &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN,
      "no heartbeat since 20");
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_true (nodes_fixture_leave (f, node.id, secret, &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN, "it stops");
}

/* One that cannot read control's tokens serves nobody, and is not given up. */
static void
test_token_formats (NodesFixture * f, gconstpointer data)
{
  const PmssNodeBeat old = {.address = "node.example",.port = 8471 };
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;

  g_assert_true (nodes_fixture_beat_with (f, node.id, secret, &old, &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "does not read tokens");
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);
}

static void
beat_at (NodesFixture * f, guint id, const char *secret, gint64 skew)
{
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,
    .time = g_get_real_time () / G_USEC_PER_SEC + skew
  };
  g_autoptr (GError) error = NULL;

  g_assert_true (nodes_fixture_beat_with (f, id, secret, &told, &error));
  g_assert_no_error (error);
}

/* One whose clock makes it refuse all new tokens is not plainly up; one whose clock is a little wrong is, with a warning. */
static void
test_clock (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (PmssNodeInfo) warned = NULL, good = NULL;

  beat_at (f, node.id, secret, -120);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "s behind that of control");
  beat_at (f, node.id, secret, 120);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "s ahead of that of control");
  beat_at (f, node.id, secret, -20);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);
  warned = pmss_nodes_peek (f->nodes, node.id);
  g_assert_nonnull (strstr (warned->warning, "clock"));
  beat_at (f, node.id, secret, 0);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);
  good = pmss_nodes_peek (f->nodes, node.id);
  g_assert_null (good->warning);
}

/* It takes no writes, as it says: it is up for readers, and somebody should look. */
static void
test_trouble (NodesFixture * f, gconstpointer data)
{
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,
    .trouble = "its disk failed"
  };
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (PmssNodeInfo) bad = NULL, good = NULL;
  g_autoptr (GError) error = NULL;
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);

  g_assert_true (nodes_fixture_beat_with (f, node.id, secret, &told, &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);
  bad = pmss_nodes_peek (f->nodes, node.id);
  g_assert_true (bad->read_only);
  g_assert_cmpstr (bad->warning, ==, "its disk failed");
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  good = pmss_nodes_peek (f->nodes, node.id);
  g_assert_false (good->read_only);
  g_assert_null (good->warning);
  g_log_set_always_fatal (fatal);
}

/* Heartbeats come, and nobody can read: that is suspect at once, and down after a while. */
static void
test_unreachable (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = g_error_new_literal (PMSS_ERROR,
      PMSS_ERROR_UNREACHABLE, "nobody there");

  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  pmss_nodes_note_probe (f->nodes, node.id, 3, failure);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "3 readers cannot reach it");
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "3 readers cannot reach it");
  pmss_nodes_note_probe (f->nodes, node.id, 3, NULL);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);

  pmss_nodes_note_probe (f->nodes, node.id, 1, failure);
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "1 reader cannot reach it, and neither can control: nobody there");
  pmss_nodes_note_probe (f->nodes, node.id + 1, 1, failure);
  pmss_nodes_tick (f->nodes, g_get_monotonic_time ()
      + (PMSS_NODE_DOWN_AFTER + 1) * G_USEC_PER_SEC);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN, "no heartbeat");
  /* what was said once goes on to be so until it is reached */
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "1 reader cannot reach it, and neither can control: nobody there");
}

static void
test_restart (NodesFixture * f, gconstpointer data)
{
  PmssNode node, other;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autofree char *second G_GNUC_UNUSED = nodes_fixture_join (f, &other);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssNodeInfo) info = NULL;

  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  control_fixture_exec (&f->base, "UPDATE node SET since = 7");
  pmss_nodes_free (f->nodes);
  nodes_fixture_open (f);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN,
      "since control started at 20");
  info = pmss_nodes_get (f->nodes, other.id, &error);
  g_assert_cmpint (info->state, ==, PMSS_NODE_DOWN);
  g_assert_cmpint (info->since, ==, 7);
  g_assert_cmpint (info->lasted, >, 50 * 365 * 86400ll);
  /* silence is no news of somebody who was never heard */
  pmss_nodes_tick (f->nodes, 1);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN,
      "since control started at 20");
}

static void
test_leaving (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;
  const PmssNodeState expected[] = {
    PMSS_NODE_UP, PMSS_NODE_DOWN, PMSS_NODE_UP
  };

  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_false (nodes_fixture_leave (f, node.id, "wrong", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  for (guint i = 0; i < 2; i++) {
    g_assert_true (nodes_fixture_leave (f, node.id, secret, &error));
    nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN, "it stops");
  }
  pmss_nodes_tick (f->nodes, g_get_monotonic_time ());
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_cmpmem (f->seen->data, f->seen->len * sizeof (PmssNodeState),
      expected, sizeof (expected));
}

static void
test_remove (NodesFixture * f, gconstpointer data)
{
  PmssNode node, next;
  g_autofree char *secret = nodes_fixture_join (f, &node), *other = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_nodes_remove (f->nodes, node.id, &error));
  g_assert_false (pmss_nodes_remove (f->nodes, node.id, &error));
  assert_pmss_error (error, NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  assert_pmss_error (error, NOT_AUTHORIZED);

  /* its number is never used again */
  other = nodes_fixture_join (f, &next);
  g_assert_cmpuint (next.id, >, node.id);
  list = pmss_nodes_list (f->nodes, NULL);
  g_assert_cmpuint (list->len, ==, 1);
}

/* Shards that nobody needs are not counted as needed, and each refusal says
 * what comes next. */
static void
test_remove_refused (NodesFixture * f, gconstpointer data)
{
  static const struct
  {
    const char *sql, *says[3];
  } cases[] = {
    {"UPDATE node SET state = 'up', shards = 7",
        {"not down", "of it: 7;", "stop it"}},
    {"UPDATE node SET state = 'down'",
        {"is down", "of it: 7;", "pmss node repair 1"}},
    {"INSERT INTO pending_deletion (node, shard) VALUES (1, 'a'), (1, 'b')",
        {"of it: 5 ", "(and 2 that only wait", "pmss node repair 1"}},
    {"UPDATE node SET repair = 1", {"of it: 5 ", "being rebuilt",
            "pmss job ls"}},
    {"UPDATE node SET shards = 2, state = 'suspect'",
        {"wait to be deleted", ": 2;", "try again"}},
  };
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (node.id, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    control_fixture_exec (&f->base, cases[i].sql);
    g_assert_false (pmss_nodes_remove (f->nodes, node.id, &error));
    assert_pmss_error (error, CONFLICT);
    for (guint j = 0; j < G_N_ELEMENTS (cases[i].says); j++)
      g_assert_nonnull (strstr (error->message, cases[i].says[j]));
    g_clear_error (&error);
  }
  control_fixture_exec (&f->base, "UPDATE node SET state = 'down'");
  g_assert_true (pmss_nodes_remove (f->nodes, node.id, &error));
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM node"), ==, 0);
}

typedef struct
{
  GMutex lock;
  GCond cond;
  gboolean entered, left;
} Slow;

static void
watch_slowly (guint id, PmssNodeState state, gpointer data)
{
  Slow *slow = data;

  g_mutex_lock (&slow->lock);
  slow->entered = TRUE;
  g_cond_signal (&slow->cond);
  g_mutex_unlock (&slow->lock);
  g_usleep (50000);
  slow->left = TRUE;
}

static gpointer
tick_late (gpointer data)
{
  NodesFixture *f = data;

  pmss_nodes_tick (f->nodes, g_get_monotonic_time ()
      + PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC);
  return NULL;
}

/* Who has taken its watch away may be freed: nobody is in it. */
static void
test_watch_ends (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;
  Slow slow = { 0 };
  GThread *thread;

  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  pmss_nodes_set_watch (f->nodes, watch_slowly, &slow);
  thread = g_thread_new ("tick", tick_late, f);
  g_mutex_lock (&slow.lock);
  while (!slow.entered)
    g_cond_wait (&slow.cond, &slow.lock);
  g_mutex_unlock (&slow.lock);
  pmss_nodes_set_watch (f->nodes, NULL, NULL);
  g_assert_true (slow.left);
  g_thread_join (thread);
}

#define ADD(name, func) \
  g_test_add ("/nodes/" name, NodesFixture, NULL, nodes_fixture_setup, func, \
      nodes_fixture_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("join", test_join);
  ADD ("join-expired", test_join_expired);
  ADD ("states", test_states);
  ADD ("reasons", test_reasons);
  ADD ("token-formats", test_token_formats);
  ADD ("clock", test_clock);
  ADD ("trouble", test_trouble);
  ADD ("unreachable", test_unreachable);
  ADD ("restart", test_restart);
  ADD ("leaving", test_leaving);
  ADD ("remove", test_remove);
  ADD ("remove-refused", test_remove_refused);
  ADD ("watch-ends", test_watch_ends);
  return g_test_run ();
}
