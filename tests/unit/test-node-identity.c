/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which server a node is, and where. */
#include "libpmss/pmss-error.h"
#include "nodes-fixture.h"

static void
on_prove (const PmssNode * place, gpointer data)
{
  ++*(guint *) data;
}

static void
assert_place (NodesFixture * f, guint id, const char *address,
    PmssNodeState state, const char *reason)
{
  g_autoptr (PmssNodeInfo) info = pmss_nodes_get (f->nodes, id, NULL);

  g_assert_cmpstr (info->node.address, ==, address);
  nodes_fixture_assert_state (f, id, state, reason);
}

static void
test_address_changes (NodesFixture * f, gconstpointer data)
{
  PmssNode node, moved = {.address = (char *) "192.0.2.7",.port = 8471 };
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) failure = g_error_new (PMSS_ERROR,
      PMSS_ERROR_UNREACHABLE, "nobody is there");
  guint asked = 0;

  pmss_nodes_set_prove (f->nodes, on_prove, &asked);
  moved.id = node.id;
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  /* said is not proved: the old place stays, and one question is asked */
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_cmpuint (asked, ==, 1);
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT, "to prove");
  pmss_nodes_note_proof (f->nodes, &moved, failure);
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT,
      "nobody is there");
  /* the proof of another place is none of this one */
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.8", &error));
  pmss_nodes_note_proof (f->nodes, &moved, NULL);
  assert_place (f, node.id, "node.example", PMSS_NODE_SUSPECT, "192.0.2.8");
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.7", &error));
  /* one question in a while, whatever it claims: control is no port scanner */
  g_assert_cmpuint (asked, ==, 1);
  pmss_nodes_note_proof (f->nodes, &moved, NULL);
  assert_place (f, node.id, "192.0.2.7", PMSS_NODE_UP, NULL);

  /* a restart: known by its new address, and down until it beats */
  pmss_nodes_free (f->nodes);
  nodes_fixture_open (f);
  assert_place (f, node.id, "192.0.2.7", PMSS_NODE_DOWN, "not heard of");
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_no_error (error);
}

/* It says that it is where another node is, which is not even asked. */
static void
test_address_of_another (NodesFixture * f, gconstpointer data)
{
  PmssNode node, other;
  g_autofree char *secret = nodes_fixture_join (f, &node), *others =
      nodes_fixture_join (f, &other);
  g_autoptr (GError) error = NULL;
  guint asked = 0;
  const PmssNodeBeat elsewhere = {
    .address = "192.0.2.7",.port = 8471,.reads_tokens = TRUE
  };

  pmss_nodes_set_prove (f->nodes, on_prove, &asked);
  other.address = (char *) "192.0.2.7";
  g_assert_true (pmss_nodes_set_place (f->nodes, other.id, &other, &error));
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_true (nodes_fixture_beat_with (f, other.id, others, &elsewhere,
          &error));
  assert_place (f, other.id, "192.0.2.7", PMSS_NODE_UP, NULL);
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.7", &error));
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
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  assert_place (f, node.id, "node.example", PMSS_NODE_UP, NULL);
  /* the other one is gone: whoever proves to be there is */
  g_assert_true (nodes_fixture_leave (f, other.id, others, &error));
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.7", &error));
  g_assert_cmpuint (asked, ==, 1);
}

static void
test_tls_stays (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (GError) error = NULL;
  guint asked = 0;

  pmss_nodes_set_prove (f->nodes, on_prove, &asked);
  node.tls = TRUE;
  g_assert_true (pmss_nodes_set_place (f->nodes, node.id, &node, &error));
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "node.example",
          &error));
  g_assert_true (nodes_fixture_beat (f, node.id, secret, "192.0.2.9", &error));
  g_assert_cmpuint (asked, ==, 0);
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_SUSPECT, "no TLS any more");
}

static void
assert_instance (NodesFixture * f, guint id, const char *instance)
{
  g_autofree char *known = pmss_nodes_get_instance (f->nodes, id);

  g_assert_cmpstr (known, ==, instance);
}

/* Killed, started again and stopped in order, all within a moment: it is down. */
static void
test_restart_and_stop (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);

  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_FIRST,
          FALSE));
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, FALSE));
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, TRUE));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_DOWN, "it stops");
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, FALSE));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);
}

/* Two servers with one identity: the one that was there stays the node. */
static void
test_copies (NodesFixture * f, gconstpointer data)
{
  PmssNode node;
  g_autofree char *secret = nodes_fixture_join (f, &node);
  g_autoptr (PmssNodeInfo) info = NULL;

  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_FIRST,
          FALSE));
  /* it may have been started anew */
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, FALSE));
  assert_instance (f, node.id, NULL);
  /* nor does it get the place by leaving, and coming again */
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, TRUE));
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, FALSE));
  assert_instance (f, node.id, NULL);
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_FIRST,
          FALSE));
  /* it was not */
  g_assert_false (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY,
          FALSE));
  assert_instance (f, node.id, NODES_FIRST);
  info = pmss_nodes_peek (f->nodes, node.id);
  g_assert_nonnull (strstr (info->warning, "another server"));
  /* what the copy says does not count: not that it stops, either */
  g_assert_false (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, TRUE));
  nodes_fixture_assert_state (f, node.id, PMSS_NODE_UP, NULL);

  /* a start of control changes nothing about it */
  pmss_nodes_free (f->nodes);
  nodes_fixture_open (f);
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, FALSE));
  assert_instance (f, node.id, NULL);
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_FIRST,
          FALSE));
  g_assert_false (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY,
          FALSE));
  /* it stops: the other one is the node now */
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_FIRST, TRUE));
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, FALSE));
  assert_instance (f, node.id, NODES_COPY);
  g_assert_true (nodes_fixture_beat_as (f, node.id, secret, NODES_COPY, FALSE));
}

#define ADD(name, func) \
  g_test_add ("/node-identity/" name, NodesFixture, NULL, nodes_fixture_setup, func, \
      nodes_fixture_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("address-changes", test_address_changes);
  ADD ("address-of-another", test_address_of_another);
  ADD ("tls-stays", test_tls_stays);
  ADD ("copies", test_copies);
  ADD ("restart-and-stop", test_restart_and_stop);
  return g_test_run ();
}
