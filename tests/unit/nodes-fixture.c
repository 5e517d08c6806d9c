/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nodes-fixture.h"

#include "libpmss/pmss-error.h"

static void
on_state (guint id, PmssNodeState state, gpointer data)
{
  NodesFixture *f = data;
  g_autoptr (PmssNodeInfo) info = NULL;

  /* no lock is held */
  info = pmss_nodes_peek (f->nodes, id);
  g_assert_cmpint (info->state, ==, state);
  g_array_append_val (f->seen, state);
}

void
nodes_fixture_open (NodesFixture * f)
{
  g_autoptr (GError) error = NULL;

  f->nodes = pmss_nodes_new (f->base.database, &error);
  g_assert_no_error (error);
  pmss_nodes_set_watch (f->nodes, on_state, f);
}

void
nodes_fixture_setup (NodesFixture * f, gconstpointer data)
{
  control_fixture_init (&f->base);
  f->seen = g_array_new (FALSE, FALSE, sizeof (PmssNodeState));
  nodes_fixture_open (f);
}

void
nodes_fixture_teardown (NodesFixture * f, gconstpointer data)
{
  pmss_nodes_free (f->nodes);
  g_array_unref (f->seen);
  control_fixture_clear (&f->base);
}

char *
nodes_fixture_join (NodesFixture * f, PmssNode * node)
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

gboolean
nodes_fixture_beat_with (NodesFixture * f, guint id, const char *secret,
    const PmssNodeBeat * told, GError ** error)
{
  PmssNodeState state;

  g_autofree char *problem = NULL;

  return pmss_nodes_heartbeat (f->nodes, id, secret, told, &state, &problem,
      error);
}

gboolean
nodes_fixture_leave (NodesFixture * f, guint id, const char *secret,
    GError ** error)
{
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,.leaving = TRUE
  };

  return nodes_fixture_beat_with (f, id, secret, &told, error);
}

gboolean
nodes_fixture_beat (NodesFixture * f, guint id, const char *secret,
    const char *address, GError ** error)
{
  const PmssNodeBeat told = {
    .address = address,.port = 8471,.reads_tokens = TRUE,
    .stats = {.cpu = 0.5,.used = 10,.free = 990}
  };

  return nodes_fixture_beat_with (f, id, secret, &told, error);
}

gboolean
nodes_fixture_beat_as (NodesFixture * f, guint id, const char *secret,
    const char *instance, gboolean leaving)
{
  g_autoptr (GError) error = NULL;
  const PmssNodeBeat told = {
    .address = "node.example",.port = 8471,.reads_tokens = TRUE,
    .instance = instance,.leaving = leaving
  };
  gboolean heard = nodes_fixture_beat_with (f, id, secret, &told, &error);

  if (!heard)
    assert_pmss_error (error, CONFLICT);
  return heard;
}

void
nodes_fixture_assert_state (NodesFixture * f, guint id, PmssNodeState state,
    const char *reason)
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
