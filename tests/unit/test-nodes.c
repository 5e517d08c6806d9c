/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control-fixture.h"
#include "control/api/router.h"
#include "control/metrics.h"
#include "control/nodes/nodes.h"
#include "control/sessions/revocation-news.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

typedef struct
{
  ControlFixture base;
  PmssNodes *nodes;
  GArray *seen;                 /* states that the watch was told */
} Fixture;

static void
on_state (guint id, PmssNodeState state, gpointer data)
{
  Fixture *f = data;
  g_autoptr (PmssNodeInfo) info = NULL;

  /* no lock is held */
  info = pmss_nodes_peek (f->nodes, id);
  g_assert_cmpint (info->state, ==, state);
  g_array_append_val (f->seen, state);
}

static void
open_nodes (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  f->nodes = pmss_nodes_new (f->base.database, &error);
  g_assert_no_error (error);
  pmss_nodes_set_watch (f->nodes, on_state, f);
}

static void
setup (Fixture * f, gconstpointer data)
{
  control_fixture_init (&f->base);
  f->seen = g_array_new (FALSE, FALSE, sizeof (PmssNodeState));
  open_nodes (f);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  pmss_nodes_free (f->nodes);
  g_array_unref (f->seen);
  control_fixture_clear (&f->base);
}

static char *
join (Fixture * f, PmssNode * node)
{
  gint64 expires;
  g_autoptr (GError) error = NULL;
  g_autofree char *token = pmss_nodes_create_join_token (f->nodes, NULL,
      &expires, &error);
  char *secret;

  g_assert_no_error (error);
  *node = (PmssNode) {
  .address = (char *) "node.example",.port = 8471,.zone = (char *) "rack1"};
  secret = pmss_nodes_join (f->nodes, token, node, 1000, &error);
  g_assert_no_error (error);
  return secret;
}

static gboolean
beat_with (Fixture * f, guint id, const char *secret, const PmssNodeBeat * told,
    GError ** error)
{
  PmssNodeState state;

  g_autofree char *problem = NULL;

  return pmss_nodes_heartbeat (f->nodes, id, secret, told, &state, &problem,
      error);
}

static gboolean
leave (Fixture * f, guint id, const char *secret, GError ** error)
{
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,.leaving = TRUE
  };

  return beat_with (f, id, secret, &told, error);
}

static gboolean
beat (Fixture * f, guint id, const char *secret, const char *address,
    GError ** error)
{
  const PmssNodeBeat told = {
    .address = address,.port = 8471,.reads_tokens = TRUE,
    .stats = {.cpu = 0.5,.used = 10,.free = 990}
  };

  return beat_with (f, id, secret, &told, error);
}

static void
test_join (Fixture * f, gconstpointer data)
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
test_join_expired (Fixture * f, gconstpointer data)
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
test_states (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;
  gint64 now;
  const PmssNodeState expected[] = {
    PMSS_NODE_UP, PMSS_NODE_SUSPECT, PMSS_NODE_DOWN, PMSS_NODE_UP
  };

  g_assert_false (beat (f, node.id, "wrong", "node.example", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_false (beat (f, node.id + 1, secret, "node.example", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);

  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  now = g_get_monotonic_time ();
  pmss_nodes_tick (f->nodes, now);
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC);
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC);
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC);
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_cmpmem (f->seen->data, f->seen->len * sizeof (PmssNodeState),
      expected, sizeof (expected));
}

static void
assert_state (Fixture * f, guint id, PmssNodeState state, const char *reason)
{
  g_autoptr (PmssNodeInfo) info = pmss_nodes_get (f->nodes, id, NULL);
  g_autofree char *sql = g_strdup_printf ("SELECT count (*) FROM node"
      " WHERE id = %u AND state = '%s' AND since = %" G_GINT64_FORMAT, id,
      pmss_node_state_to_string (state), info->since);

  g_assert_cmpint (info->state, ==, state);
  if (reason == NULL)
    g_assert_null (info->reason);
  else
    g_assert_nonnull (g_strstr_len (info->reason, -1, reason));
  g_assert_cmpint (info->since, >, 1);
  g_assert_cmpint (control_fixture_count (&f->base, sql), ==, 1);
}

static void
test_reasons (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;
  gint64 now;

  assert_state (f, node.id, PMSS_NODE_DOWN, "joined");
  control_fixture_exec (&f->base, "UPDATE node SET repair = 1");
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  assert_state (f, node.id, PMSS_NODE_UP, NULL);
  /* nobody need be impatient any more */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT sum (repair) FROM node"), ==, 0);
  now = g_get_monotonic_time ();
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC);
  assert_state (f, node.id, PMSS_NODE_SUSPECT, "no heartbeat since 20");
  pmss_nodes_tick (f->nodes, now + PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC);
  assert_state (f, node.id, PMSS_NODE_DOWN, "no heartbeat since 20");
  g_assert_true (leave (f, node.id, secret, &error));
  assert_state (f, node.id, PMSS_NODE_DOWN, "no heartbeat since 20");
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_true (leave (f, node.id, secret, &error));
  assert_state (f, node.id, PMSS_NODE_DOWN, "it stops");
}

/* One that cannot read control's tokens serves nobody, and is not given up. */
static void
test_token_formats (Fixture * f, gconstpointer data)
{
  const PmssNodeBeat old = {.address = "node.example",.port = 8471 };
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;

  g_assert_true (beat_with (f, node.id, secret, &old, &error));
  assert_state (f, node.id, PMSS_NODE_SUSPECT, "does not read tokens");
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  assert_state (f, node.id, PMSS_NODE_UP, NULL);
}

static void
beat_at (Fixture * f, guint id, const char *secret, gint64 skew)
{
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,
    .time = g_get_real_time () / G_USEC_PER_SEC + skew
  };
  g_autoptr (GError) error = NULL;

  g_assert_true (beat_with (f, id, secret, &told, &error));
  g_assert_no_error (error);
}

/* One whose clock makes it refuse all new tokens is not plainly up; one whose clock is a little wrong is, with a warning. */
static void
test_clock (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (PmssNodeInfo) warned = NULL, good = NULL;

  beat_at (f, node.id, secret, -120);
  assert_state (f, node.id, PMSS_NODE_SUSPECT, "s behind that of control");
  beat_at (f, node.id, secret, 120);
  assert_state (f, node.id, PMSS_NODE_SUSPECT, "s ahead of that of control");
  beat_at (f, node.id, secret, -20);
  assert_state (f, node.id, PMSS_NODE_UP, NULL);
  warned = pmss_nodes_peek (f->nodes, node.id);
  g_assert_nonnull (strstr (warned->warning, "clock"));
  beat_at (f, node.id, secret, 0);
  assert_state (f, node.id, PMSS_NODE_UP, NULL);
  good = pmss_nodes_peek (f->nodes, node.id);
  g_assert_null (good->warning);
}

/* It takes no writes, as it says: it is up for readers, and somebody should look. */
static void
test_trouble (Fixture * f, gconstpointer data)
{
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,
    .trouble = "its disk failed"
  };
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (PmssNodeInfo) bad = NULL, good = NULL;
  g_autoptr (GError) error = NULL;
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);

  g_assert_true (beat_with (f, node.id, secret, &told, &error));
  assert_state (f, node.id, PMSS_NODE_UP, NULL);
  bad = pmss_nodes_peek (f->nodes, node.id);
  g_assert_true (bad->read_only);
  g_assert_cmpstr (bad->warning, ==, "its disk failed");
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  good = pmss_nodes_peek (f->nodes, node.id);
  g_assert_false (good->read_only);
  g_assert_null (good->warning);
  g_log_set_always_fatal (fatal);
}

/* Heartbeats come, and nobody can read: that is suspect at once, and down after a while. */
static void
test_unreachable (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = g_error_new_literal (PMSS_ERROR,
      PMSS_ERROR_UNREACHABLE, "nobody there");

  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  pmss_nodes_note_probe (f->nodes, node.id, 3, failure);
  assert_state (f, node.id, PMSS_NODE_SUSPECT, "3 readers cannot reach it");
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  assert_state (f, node.id, PMSS_NODE_SUSPECT, "3 readers cannot reach it");
  pmss_nodes_note_probe (f->nodes, node.id, 3, NULL);
  assert_state (f, node.id, PMSS_NODE_UP, NULL);

  pmss_nodes_note_probe (f->nodes, node.id, 1, failure);
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "1 reader cannot reach it, and neither can control: nobody there");
  pmss_nodes_note_probe (f->nodes, node.id + 1, 1, failure);
  pmss_nodes_tick (f->nodes, g_get_monotonic_time ()
      + (PMSS_NODE_DOWN_AFTER + 1) * G_USEC_PER_SEC);
  assert_state (f, node.id, PMSS_NODE_DOWN, "no heartbeat");
  /* what was said once goes on to be so until it is reached */
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  assert_state (f, node.id, PMSS_NODE_SUSPECT,
      "1 reader cannot reach it, and neither can control: nobody there");
}

static void
test_restart (Fixture * f, gconstpointer data)
{
  PmssNode node, other;
  g_autofree char *secret = join (f, &node);
  g_autofree char *second G_GNUC_UNUSED = join (f, &other);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssNodeInfo) info = NULL;

  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  control_fixture_exec (&f->base, "UPDATE node SET since = 7");
  pmss_nodes_free (f->nodes);
  open_nodes (f);
  assert_state (f, node.id, PMSS_NODE_DOWN, "since control started at 20");
  info = pmss_nodes_get (f->nodes, other.id, &error);
  g_assert_cmpint (info->state, ==, PMSS_NODE_DOWN);
  g_assert_cmpint (info->since, ==, 7);
  g_assert_cmpint (info->lasted, >, 50 * 365 * 86400ll);
  /* silence is no news of somebody who was never heard */
  pmss_nodes_tick (f->nodes, 1);
  assert_state (f, node.id, PMSS_NODE_DOWN, "since control started at 20");
}

static void
test_leaving (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;
  const PmssNodeState expected[] = {
    PMSS_NODE_UP, PMSS_NODE_DOWN, PMSS_NODE_UP
  };

  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_false (leave (f, node.id, "wrong", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  for (guint i = 0; i < 2; i++) {
    g_assert_true (leave (f, node.id, secret, &error));
    assert_state (f, node.id, PMSS_NODE_DOWN, "it stops");
  }
  pmss_nodes_tick (f->nodes, g_get_monotonic_time ());
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_cmpmem (f->seen->data, f->seen->len * sizeof (PmssNodeState),
      expected, sizeof (expected));
}

static void
on_prove (const PmssNode * place, gpointer data)
{
  ++*(guint *) data;
}

static void
assert_place (Fixture * f, guint id, const char *address, PmssNodeState state,
    const char *reason)
{
  g_autoptr (PmssNodeInfo) info = pmss_nodes_get (f->nodes, id, NULL);

  g_assert_cmpstr (info->node.address, ==, address);
  assert_state (f, id, state, reason);
}

static void
test_address_changes (Fixture * f, gconstpointer data)
{
  PmssNode node, moved = {.address = (char *) "192.0.2.7",.port = 8471 };
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = g_error_new (PMSS_ERROR,
      PMSS_ERROR_UNREACHABLE, "nobody is there");
  guint asked = 0;

  pmss_nodes_set_prove (f->nodes, on_prove, &asked);
  moved.id = node.id;
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  /* said is not proved: the old place stays, and one question is asked */
  g_assert_true (beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_true (beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_cmpuint (asked, ==, 1);
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT, "to prove");
  pmss_nodes_note_proof (f->nodes, &moved, failure);
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT,
      "nobody is there");
  /* the proof of another place is none of this one */
  g_assert_true (beat (f, node.id, secret, "192.0.2.8", &error));
  pmss_nodes_note_proof (f->nodes, &moved, NULL);
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT, "192.0.2.8");
  g_assert_true (beat (f, node.id, secret, "192.0.2.7", &error));
  /* one question in a while, whatever it claims: control is no port scanner */
  g_assert_cmpuint (asked, ==, 1);
  pmss_nodes_note_proof (f->nodes, &moved, NULL);
  assert_place (f, node.id, "192.0.2.7", PMSS_NODE_UP, NULL);

  /* a restart: known by its new address, and down until it beats */
  pmss_nodes_free (f->nodes);
  open_nodes (f);
  assert_place (f, node.id, "192.0.2.7", PMSS_NODE_DOWN, "not heard of");
  g_assert_true (beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_no_error (error);
}

/* It says that it is where another node is, which is not even asked. */
static void
test_address_of_another (Fixture * f, gconstpointer data)
{
  PmssNode node, other;
  g_autofree char *secret = join (f, &node), *others = join (f, &other);
  g_autoptr (GError) error = NULL;
  guint asked = 0;
  const PmssNodeBeat elsewhere = {
    .address = "192.0.2.7",.port = 8471,.reads_tokens = TRUE
  };

  pmss_nodes_set_prove (f->nodes, on_prove, &asked);
  other.address = (char *) "192.0.2.7";
  g_assert_true (pmss_nodes_set_place (f->nodes, other.id, &other, &error));
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_true (beat_with (f, other.id, others, &elsewhere, &error));
  assert_place (f, other.id, "192.0.2.7", PMSS_NODE_UP, NULL);
  g_assert_true (beat (f, node.id, secret, "192.0.2.7", &error));
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT, "where node 2");
  g_assert_cmpuint (asked, ==, 0);
  /* nor can an administrator put it there by mistake */
  node.address = (char *) "192.0.2.7";
  g_assert_false (pmss_nodes_set_place (f->nodes, node.id, &node, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT, "where node 2");
  /* nor may anybody join there */
  node.address = (char *) "192.0.2.7";
  g_assert_null (pmss_nodes_join (f->nodes, "any", &node, 1, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  /* it says that no more */
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  assert_place (f, node.id, "node.example", PMSS_NODE_UP, NULL);
  /* the other one is gone: whoever proves to be there is */
  g_assert_true (leave (f, other.id, others, &error));
  g_assert_true (beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_cmpuint (asked, ==, 1);
}

static void
test_tls_stays (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;
  guint asked = 0;

  pmss_nodes_set_prove (f->nodes, on_prove, &asked);
  node.tls = TRUE;
  g_assert_true (pmss_nodes_set_place (f->nodes, node.id, &node, &error));
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_true (beat (f, node.id, secret, "192.0.2.9", &error));
  g_assert_cmpuint (asked, ==, 0);
  assert_state (f, node.id, PMSS_NODE_SUSPECT, "no TLS any more");
}

static gboolean
beat_as (Fixture * f, guint id, const char *secret, const char *instance,
    gboolean leaving)
{
  g_autoptr (GError) error = NULL;
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,
    .instance = instance,.leaving = leaving
  };
  gboolean heard = beat_with (f, id, secret, &told, &error);

  if (!heard)
    assert_pmss_error (error, CONFLICT);
  return heard;
}

static void
assert_instance (Fixture * f, guint id, const char *instance)
{
  g_autofree char *known = pmss_nodes_get_instance (f->nodes, id);

  g_assert_cmpstr (known, ==, instance);
}

#define FIRST "11111111111111111111111111111111"
#define COPY "22222222222222222222222222222222"

/* Killed, started again and stopped in order, all within a moment: it is down. */
static void
test_restart_and_stop (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);

  g_assert_true (beat_as (f, node.id, secret, FIRST, FALSE));
  g_assert_true (beat_as (f, node.id, secret, COPY, FALSE));
  g_assert_true (beat_as (f, node.id, secret, COPY, TRUE));
  assert_state (f, node.id, PMSS_NODE_DOWN, "it stops");
  g_assert_true (beat_as (f, node.id, secret, COPY, FALSE));
  assert_state (f, node.id, PMSS_NODE_UP, NULL);
}


/* Two servers with one identity: the one that was there stays the node. */
static void
test_copies (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (PmssNodeInfo) info = NULL;

  g_assert_true (beat_as (f, node.id, secret, FIRST, FALSE));
  /* it may have been started anew */
  g_assert_true (beat_as (f, node.id, secret, COPY, FALSE));
  assert_instance (f, node.id, NULL);
  /* nor does it get the place by leaving, and coming again */
  g_assert_true (beat_as (f, node.id, secret, COPY, TRUE));
  g_assert_true (beat_as (f, node.id, secret, COPY, FALSE));
  assert_instance (f, node.id, NULL);
  g_assert_true (beat_as (f, node.id, secret, FIRST, FALSE));
  /* it was not */
  g_assert_false (beat_as (f, node.id, secret, COPY, FALSE));
  assert_instance (f, node.id, FIRST);
  info = pmss_nodes_peek (f->nodes, node.id);
  g_assert_nonnull (strstr (info->warning, "another server"));
  /* what the copy says does not count: not that it stops, either */
  g_assert_false (beat_as (f, node.id, secret, COPY, TRUE));
  assert_state (f, node.id, PMSS_NODE_UP, NULL);

  /* a start of control changes nothing about it */
  pmss_nodes_free (f->nodes);
  open_nodes (f);
  g_assert_true (beat_as (f, node.id, secret, COPY, FALSE));
  assert_instance (f, node.id, NULL);
  g_assert_true (beat_as (f, node.id, secret, FIRST, FALSE));
  g_assert_false (beat_as (f, node.id, secret, COPY, FALSE));
  /* it stops: the other one is the node now */
  g_assert_true (beat_as (f, node.id, secret, FIRST, TRUE));
  g_assert_true (beat_as (f, node.id, secret, COPY, FALSE));
  assert_instance (f, node.id, COPY);
  g_assert_true (beat_as (f, node.id, secret, COPY, FALSE));
}

static void
test_remove (Fixture * f, gconstpointer data)
{
  PmssNode node, next;
  g_autofree char *secret = join (f, &node), *other = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_nodes_remove (f->nodes, node.id, &error));
  g_assert_false (pmss_nodes_remove (f->nodes, node.id, &error));
  assert_pmss_error (error, NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (beat (f, node.id, secret, "node.example", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);

  /* its number is never used again */
  other = join (f, &next);
  g_assert_cmpuint (next.id, >, node.id);
  list = pmss_nodes_list (f->nodes, NULL);
  g_assert_cmpuint (list->len, ==, 1);
}

/* Shards that nobody needs are not counted as needed, and each refusal says
 * what comes next. */
static void
test_remove_refused (Fixture * f, gconstpointer data)
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
  g_autofree char *secret = join (f, &node);
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

#define BEATS 200

typedef struct
{
  Fixture *fixture;
  guint id;
  const char *secret;
} Beater;

static gpointer
beat_often (gpointer data)
{
  Beater *b = data;

  for (guint i = 0; i < BEATS; i++) {
    g_assert_true (beat (b->fixture, b->id, b->secret, "node.example", NULL));
  }
  return NULL;
}

static void
test_threads (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  Beater beater = { f, node.id, secret };
  GThread *threads[4];

  /* the watch is called on the beating threads: only one change is to come */
  g_assert_true (beat (f, node.id, secret, "node.example", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("beat", beat_often, &beater);
  for (guint i = 0; i < BEATS; i++) {
    g_autoptr (GPtrArray) list = pmss_nodes_list (f->nodes, NULL);

    g_assert_cmpuint (list->len, ==, 1);
    pmss_nodes_tick (f->nodes, g_get_monotonic_time ());
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (f->seen->len, ==, 1);
}

/* What a heartbeat that knows of @after is told: how many, and the number. */
static gint64
ask_news (Fixture * f, gint64 after, guint * revoked)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GBytes) text = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  pmss_json_writer_begin_object (json);
  pmss_revocation_news_add (f->base.database, after, json);
  pmss_json_writer_end_object (json);
  text = pmss_json_writer_finish (json);
  node = pmss_json_parse (g_bytes_get_data (text, NULL),
      g_bytes_get_size (text), NULL);
  object = json_node_get_object (node);
  *revoked = json_array_get_length (json_object_get_array_member (object,
          "revoked"));
  return json_object_get_int_member (object, "revocations");
}

/* While something holds the database heartbeats are taken, states change, and /metrics is answered. */
static void
test_busy_database (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autofree char *text = NULL;
  PmssControlContext context = {.database = f->base.database,
    .nodes = f->nodes
  };
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  guint revoked;

  control_fixture_hold (&f->base);
  g_assert_true (beat (f, node.id, secret, "node.example", &error));
  g_assert_no_error (error);
  pmss_nodes_tick (f->nodes, now + 20 * G_USEC_PER_SEC);
  g_assert_cmpuint (f->seen->len, ==, 2);
  g_assert_true (beat_as (f, node.id, secret, FIRST, FALSE));
  g_assert_cmpuint (f->seen->len, ==, 3);
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 0);
  text = pmss_control_metrics (&context);
  g_assert_nonnull (strstr (text, "pmss_control_nodes{state=\"up\"} 1\n"));
  g_assert_nonnull (strstr (text, "pmss_control_sessions 0\n"));
  control_fixture_release (&f->base);

  /* and the database has the last of them */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM node WHERE state = 'up' AND instance = '" FIRST
          "'"), ==, 1);
}

/* The whole answer to a request without a login. */
static char *
ask_health (PmssHttpd * httpd)
{
  static const char request[] =
      "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  char *answer = g_malloc0 (4096);

  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect_to_host (client, "127.0.0.1",
      pmss_httpd_get_port (httpd), NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_output_stream_write_all (g_io_stream_get_output_stream
          (G_IO_STREAM (connection)), request, strlen (request), NULL, NULL,
          &error));
  g_input_stream_read_all (g_io_stream_get_input_stream
      (G_IO_STREAM (connection)), answer, 4095, NULL, NULL, &error);
  g_assert_no_error (error);
  return answer;
}

/* Nor does /healthz wait for ever: it says so. */
static void
test_stuck_database (Fixture * f, gconstpointer data)
{
  PmssControlContext context = {.database = f->base.database,
    .nodes = f->nodes,.reserve = pmss_disk_reserve_new (f->base.folder, 0)
  };
  const PmssHttpdConfig config = {.listen = "127.0.0.1:0",
    .max_connections = 16
  };
  g_autoptr (GError) error = NULL;
  PmssHttpd *httpd = pmss_httpd_start (&config, &pmss_router, &context, &error);
  g_autofree char *stuck = NULL, *well = NULL;

  g_assert_no_error (error);
  control_fixture_hold (&f->base);
  stuck = ask_health (httpd);
  control_fixture_release (&f->base);
  g_assert_true (g_str_has_prefix (stuck, "HTTP/1.1 503 "));
  g_assert_nonnull (strstr (stuck, "The database is busy"));
  well = ask_health (httpd);
  g_assert_true (g_str_has_prefix (well, "HTTP/1.1 200 "));
  pmss_httpd_stop (httpd, 1);
  pmss_disk_reserve_free (context.reserve);
}

/* Revocations are told as soon as the database can, and what is over is not asked for again. */
static void
test_revocations (Fixture * f, gconstpointer data)
{
  guint revoked;

  control_fixture_exec (&f->base, "INSERT INTO revocation (session, until)"
      " VALUES ('00112233445566778899aabbccddeeff', unixepoch () + 1000)");
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 1);
  g_assert_cmpint (ask_news (f, 1, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 0);

  control_fixture_hold (&f->base);
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 0);
  g_assert_cmpuint (revoked, ==, 0);
  control_fixture_release (&f->base);
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 1);

  control_fixture_exec (&f->base, "UPDATE revocation SET until = 1");
  g_assert_cmpint (ask_news (f, 0, &revoked), ==, 1);
  g_assert_cmpuint (revoked, ==, 0);
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
  Fixture *f = data;

  pmss_nodes_tick (f->nodes, g_get_monotonic_time ()
      + PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC);
  return NULL;
}

/* Who has taken its watch away may be freed: nobody is in it. */
static void
test_watch_ends (Fixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = join (f, &node);
  g_autoptr (GError) error = NULL;
  Slow slow = { 0 };
  GThread *thread;

  g_assert_true (beat (f, node.id, secret, "node.example", &error));
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
  g_test_add ("/nodes/" name, Fixture, NULL, setup, func, teardown)

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
  ADD ("address-changes", test_address_changes);
  ADD ("address-of-another", test_address_of_another);
  ADD ("tls-stays", test_tls_stays);
  ADD ("copies", test_copies);
  ADD ("restart-and-stop", test_restart_and_stop);
  ADD ("remove", test_remove);
  ADD ("remove-refused", test_remove_refused);
  ADD ("threads", test_threads);
  ADD ("busy-database", test_busy_database);
  ADD ("stuck-database", test_stuck_database);
  ADD ("revocations", test_revocations);
  ADD ("watch-ends", test_watch_ends);
  return g_test_run ();
}
