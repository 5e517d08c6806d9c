/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pending deletions of shards. Any thread; runs on the database thread. */
#include "control/catalog/catalog-private.h"

#define PIECE 1000              /* rows that are dropped at a time */

typedef struct
{
  guint node, limit;
  const char *name;
  GArray *nodes;
  GPtrArray *names;
} PendingCall;

gboolean
pmss_catalog_insert_pending (PmssDatabase * database, guint node,
    const char *name, GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO pending_deletion (node, shard) VALUES (?1, ?2)"
      " ON CONFLICT DO NOTHING", PMSS_INT (node), PMSS_TEXT (name));
}

/* A deletion on its way could hit the shard that is to be written. */
gboolean
pmss_catalog_check_not_pending (PmssDatabase * database,
    const PmssVersionId * version, guint32 number, guint shard, guint node,
    GError ** error)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = NULL;

  pmss_shard_name_write (version, number, shard, name);
  rows = pmss_database_query (database,
      "SELECT 1 FROM pending_deletion WHERE node = ?1 AND shard = ?2",
      PMSS_INT (node), PMSS_TEXT (name));
  if (!pmss_rows_next (rows, &local)) {
    if (local == NULL)
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "Shard %s waits to be deleted from node %u", name, node);
  return FALSE;
}

static gboolean
list_pending (PmssDatabase * database, gpointer data, GError ** error)
{
  PendingCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT shard FROM pending_deletion WHERE node = ?1"
      " ORDER BY shard LIMIT ?2",
      PMSS_INT (call->node), PMSS_INT (call->limit));

  while (pmss_rows_next (rows, &local))
    g_ptr_array_add (call->names, g_strdup (pmss_rows_text (rows, 0)));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_catalog_list_pending (PmssCatalog * self, guint node, guint limit,
    GError ** error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  PendingCall call = {.node = node,.limit = limit,.names = names };

  if (!pmss_database_read (self->database, list_pending, &call, error))
    return NULL;
  return g_steal_pointer (&names);
}

static gboolean
list_pending_nodes (PmssDatabase * database, gpointer data, GError ** error)
{
  PendingCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT node FROM pending_deletion WHERE shard = ?1",
      PMSS_TEXT (call->name));

  while (pmss_rows_next (rows, &local)) {
    guint node = (guint) pmss_rows_int (rows, 0);

    g_array_append_val (call->nodes, node);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GArray *
pmss_catalog_list_pending_nodes (PmssCatalog * self,
    const PmssVersionId * version, guint32 extent, guint shard, GError ** error)
{
  g_autoptr (GArray) nodes = g_array_new (FALSE, FALSE, sizeof (guint));
  char name[PMSS_SHARD_NAME_SIZE];
  PendingCall call = {.name = name,.nodes = nodes };

  pmss_shard_name_write (version, extent, shard, name);
  if (!pmss_database_read (self->database, list_pending_nodes, &call, error))
    return NULL;
  return g_steal_pointer (&nodes);
}

/* Asks in this transaction whether the shard is wanted: a row may have come since the caller saw it on the node. */
static gboolean
add_pending (PmssDatabase * database, gpointer data, GError ** error)
{
  PendingCall *call = data;
  PmssVersionId version;
  guint32 number;
  guint shard;
  gboolean wanted;

  if (!pmss_shard_name_parse (call->name, &version, &number, &shard)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” is not a shard's name", call->name);
    return FALSE;
  }
  if (!pmss_catalog_read_place (database, &version, number, shard, call->node,
          &wanted, error))
    return FALSE;
  if (wanted)
    return TRUE;
  if (!pmss_catalog_insert_pending (database, call->node, call->name, error))
    return FALSE;
  return pmss_database_get_changes (database) == 0
      || pmss_catalog_count_shards (database, call->node, 1, error);
}

gboolean
pmss_catalog_add_pending (PmssCatalog * self, guint node, const char *shard,
    GError ** error)
{
  PendingCall call = {.node = node,.name = shard };

  return pmss_database_transact (self->database, add_pending, &call, error);
}

static gboolean
clear_pending (PmssDatabase * database, gpointer data, GError ** error)
{
  PendingCall *call = data;

  if (!pmss_database_exec (database, error,
          "DELETE FROM pending_deletion WHERE node = ?1 AND shard = ?2",
          PMSS_INT (call->node), PMSS_TEXT (call->name)))
    return FALSE;
  return pmss_database_get_changes (database) == 0
      || pmss_catalog_count_shards (database, call->node, -1, error);
}

gboolean
pmss_catalog_clear_pending (PmssCatalog * self, guint node, const char *shard,
    GError ** error)
{
  PendingCall call = {.node = node,.name = shard };

  return pmss_database_transact (self->database, clear_pending, &call, error);
}

/* Of the nodes with any the first one that was removed; 0: none. One look-up a node. */
static gboolean
find_removed (PmssDatabase * database, guint * node, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "WITH RECURSIVE n (id) AS (SELECT min(node) FROM pending_deletion"
      " UNION ALL SELECT (SELECT min(node) FROM pending_deletion"
      "  WHERE node > n.id) FROM n WHERE n.id IS NOT NULL)"
      " SELECT min(id) FROM n WHERE id NOT IN (SELECT id FROM node)");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *node = (guint) pmss_rows_int (rows, 0);
  return TRUE;
}

static gboolean
drop_removed (PmssDatabase * database, gpointer data, GError ** error)
{
  gboolean *more = data;
  guint node;

  if (!find_removed (database, &node, error))
    return FALSE;
  *more = node != 0;
  return node == 0 || pmss_database_exec (database, error,
      "DELETE FROM pending_deletion WHERE node = ?1 AND shard IN"
      " (SELECT shard FROM pending_deletion WHERE node = ?1 LIMIT ?2)",
      PMSS_INT (node), PMSS_INT (PIECE));
}

gboolean
pmss_catalog_drop_removed (PmssCatalog * self, gboolean * more, GError ** error)
{
  return pmss_database_transact (self->database, drop_removed, more, error);
}
