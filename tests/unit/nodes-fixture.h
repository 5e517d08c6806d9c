/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control-fixture.h"
#include "control/nodes/nodes.h"

G_BEGIN_DECLS

/* Control's nodes on a database of their own. */
typedef struct
{
  ControlFixture base;
  PmssNodes *nodes;
  GArray *seen;                 /* PmssNodeState: what the watch was told */
} NodesFixture;

/* For g_test_add(). */
void     nodes_fixture_setup    (NodesFixture *f, gconstpointer data);
void     nodes_fixture_teardown (NodesFixture *f, gconstpointer data);
/* A start of control, after the end of the nodes that were. */
void     nodes_fixture_open     (NodesFixture *f);

/* A server at node.example joins. Returns its secret. */
char    *nodes_fixture_join     (NodesFixture *f, PmssNode *node);
gboolean nodes_fixture_beat_with (NodesFixture *f, guint id, const char *secret,
    const PmssNodeBeat *told, GError **error);
/* A heartbeat from @address, where all is well. */
gboolean nodes_fixture_beat     (NodesFixture *f, guint id, const char *secret,
    const char *address, GError **error);
/* Of the server whose start made @instance. FALSE: another one is the node. */
#define NODES_FIRST "11111111111111111111111111111111"
#define NODES_COPY "22222222222222222222222222222222"
gboolean nodes_fixture_beat_as  (NodesFixture *f, guint id, const char *secret,
    const char *instance, gboolean leaving);
/* The last heartbeat of a server that stops. */
gboolean nodes_fixture_leave    (NodesFixture *f, guint id, const char *secret, GError **error);
/* In memory and in the database. @reason: (nullable): a part of it; NULL: there is none. */
void     nodes_fixture_assert_state (NodesFixture *f, guint id, PmssNodeState state,
    const char *reason);

G_END_DECLS
