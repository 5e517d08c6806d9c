/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extents: placed, durable, verified, moved. Any thread; runs on the database
 * thread. */
#include "control/catalog/catalog-private.h"
#include "control/catalog/extent-nodes.h"

#include <string.h>

/* Where shards lie. node.shards is kept by these files: it counts the places, the rebuilds and the pending deletions of a node. */

typedef struct
{
  const PmssVersionId *version;
  guint32 number;
  PmssExtent *extent;
  PmssExtentState state;
  guint shard, node, limit;
  guint32 kept;
  gboolean found;
  GArray *extents;
} ExtentCall;

gboolean
pmss_catalog_count_shards (PmssDatabase * database, guint node, int change,
    GError ** error)
{
  return pmss_database_exec (database, error,
      "UPDATE node SET shards = shards + ?2 WHERE id = ?1",
      PMSS_INT (node), PMSS_INT (change))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "There is no such node");
}

gboolean
pmss_catalog_read_extent_row (PmssRows * rows, PmssExtent * extent,
    GError ** error)
{
  extent->number = (guint32) pmss_rows_int (rows, 0);
  extent->state = (PmssExtentState) pmss_rows_int (rows, 1);
  extent->n_nodes = pmss_extent_nodes_read (rows, 2, extent->nodes);
  if (extent->n_nodes > 0)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "The catalog has a malformed extent");
  return FALSE;
}

gboolean
pmss_catalog_read_extent (PmssDatabase * database,
    const PmssVersionId * version, guint32 number, PmssExtent * extent,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number, state, nodes FROM extent"
      " WHERE version = ?1 AND number = ?2",
      PMSS_VERSION_BLOB (version), PMSS_INT (number));

  if (pmss_rows_next (rows, &local))
    return pmss_catalog_read_extent_row (rows, extent, error);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "Extent %u is not placed", number);
  return FALSE;
}

static gboolean
check_version_alive (PmssDatabase * database, const PmssVersionId * id,
    gboolean writing, PmssVersion * version, GError ** error)
{
  if (!pmss_catalog_read_version (database, id, version, error))
    return FALSE;
  if (version->state == PMSS_VERSION_WRITING
      || (version->state == PMSS_VERSION_READY && !writing))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "The version is not being written any more");
  return FALSE;
}

/* Distinct nodes, as many as the version has shards. */
static gboolean
check_nodes (const PmssExtent * extent, const PmssVersion * version,
    GError ** error)
{
  gboolean ok = extent->n_nodes ==
      (guint) version->redundancy.k + version->redundancy.m;

  for (guint i = 0; ok && i < extent->n_nodes; i++) {
    ok = extent->nodes[i] != 0;
    for (guint j = 0; ok && j < i; j++)
      ok = extent->nodes[i] != extent->nodes[j];
  }
  if (!ok)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "Extent %u has to be placed on %u different nodes", extent->number,
        (guint) version->redundancy.k + version->redundancy.m);
  return ok;
}

static gboolean
place_extent (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  const PmssExtent *extent = call->extent;
  guint8 blob[PMSS_EXTENT_NODES_SIZE];
  PmssVersion version;

  if (!check_version_alive (database, call->version, TRUE, &version, error)
      || !check_nodes (extent, &version, error))
    return FALSE;
  for (guint i = 0; i < extent->n_nodes; i++)
    if (!pmss_catalog_check_not_pending (database, call->version, call->number,
            i, extent->nodes[i], error)
        || !pmss_catalog_count_shards (database, extent->nodes[i], 1, error))
      return FALSE;
  pmss_extent_nodes_encode (extent->nodes, extent->n_nodes, blob);
  return pmss_database_exec (database, error,
      "INSERT INTO extent (version, number, state, nodes)"
      " VALUES (?1, ?2, 0, ?3)",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (extent->number),
      PMSS_BLOB (blob, extent->n_nodes * 4));
}

gboolean
pmss_catalog_place_extent (PmssCatalog * self, const PmssVersionId * version,
    guint32 number, const guint * nodes, guint n_nodes, GError ** error)
{
  PmssExtent extent = {.number = number,.n_nodes = n_nodes };
  ExtentCall call = {
    .version = version,.number = number,.extent = &extent
  };

  g_return_val_if_fail (n_nodes >= 1 && n_nodes <= PMSS_MAX_SHARDS, FALSE);
  memcpy (extent.nodes, nodes, n_nodes * sizeof (guint));
  return pmss_database_transact (self->database, place_extent, &call, error);
}

/* The old place turns from a place into a pending deletion: its node's count stays. */
gboolean
pmss_catalog_abandon_place (PmssDatabase * database,
    const PmssVersionId * version, guint32 number, guint shard, guint node,
    GError ** error)
{
  char name[PMSS_SHARD_NAME_SIZE];

  if (node == 0)
    return TRUE;
  pmss_shard_name_write (version, number, shard, name);
  return pmss_catalog_insert_pending (database, node, name, error)
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CORRUPT,
      "The catalog has a shard that is both placed and to be deleted");
}

gboolean
pmss_catalog_check_node_free (PmssDatabase * database,
    const PmssVersionId * version, const PmssExtent * extent, guint node,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = NULL;
  guint shard = 0;

  while (shard < extent->n_nodes && extent->nodes[shard] != node)
    shard++;
  if (shard == extent->n_nodes) {
    rows = pmss_database_query (database,
        "SELECT shard FROM rebuilding"
        " WHERE version = ?1 AND number = ?2 AND node = ?3",
        PMSS_VERSION_BLOB (version), PMSS_INT (extent->number),
        PMSS_INT (node));
    if (!pmss_rows_next (rows, &local)) {
      if (local == NULL)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    shard = (guint) pmss_rows_int (rows, 0);
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "Node %u has shard %u of this extent", node, shard);
  return FALSE;
}

gboolean
pmss_catalog_name_node (PmssDatabase * database,
    const PmssVersionId * version, PmssExtent * extent, guint shard,
    guint node, GError ** error)
{
  guint8 blob[PMSS_EXTENT_NODES_SIZE];

  extent->nodes[shard] = node;
  pmss_extent_nodes_encode (extent->nodes, extent->n_nodes, blob);
  return pmss_database_exec (database, error,
      "DELETE FROM bad_shard"
      " WHERE version = ?1 AND number = ?2 AND shard = ?3",
      PMSS_VERSION_BLOB (version), PMSS_INT (extent->number), PMSS_INT (shard))
      && pmss_database_exec (database, error,
      "UPDATE extent SET nodes = ?3 WHERE version = ?1 AND number = ?2",
      PMSS_VERSION_BLOB (version), PMSS_INT (extent->number),
      PMSS_BLOB (blob, extent->n_nodes * 4));
}

static gboolean
replace_shard (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  PmssVersion version;
  PmssExtent extent;
  guint old;

  if (!check_version_alive (database, call->version, FALSE, &version, error)
      || !pmss_catalog_read_extent (database, call->version, call->number,
          &extent, error))
    return FALSE;
  if (call->shard >= extent.n_nodes) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "There is no shard %u", call->shard);
    return FALSE;
  }
  old = extent.nodes[call->shard];
  return pmss_catalog_check_node_free (database, call->version, &extent,
      call->node, error)
      && pmss_catalog_check_not_pending (database, call->version, call->number,
      call->shard, call->node, error)
      && pmss_catalog_count_shards (database, call->node, 1, error)
      && pmss_catalog_abandon_place (database, call->version, call->number,
      call->shard, old, error)
      && pmss_catalog_name_node (database, call->version, &extent, call->shard,
      call->node, error);
}

gboolean
pmss_catalog_replace_shard (PmssCatalog * self, const PmssVersionId * version,
    guint32 number, guint shard, guint node, GError ** error)
{
  ExtentCall call = {
    .version = version,.number = number,.shard = shard,.node = node
  };

  return pmss_database_transact (self->database, replace_shard, &call, error);
}

static gboolean
set_extent_state (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE extent SET state = ?3 WHERE version = ?1 AND number = ?2",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number),
      PMSS_INT (call->state))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_NOT_FOUND,
      "The extent is not placed");
}

gboolean
pmss_catalog_set_extent_state (PmssCatalog * self,
    const PmssVersionId * version, guint32 number, PmssExtentState state,
    GError ** error)
{
  ExtentCall call = {
    .version = version,.number = number,.state = state
  };

  return pmss_database_transact (self->database, set_extent_state, &call,
      error);
}

static gboolean
list_extents (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number, state, nodes FROM extent"
      " WHERE version = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number),
      PMSS_INT (call->limit));
  PmssExtent extent;

  while (pmss_rows_next (rows, &local)) {
    if (!pmss_catalog_read_extent_row (rows, &extent, error))
      return FALSE;
    g_array_append_val (call->extents, extent);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GArray *
pmss_catalog_list_extents (PmssCatalog * self, const PmssVersionId * version,
    guint32 first, guint limit, GError ** error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (PmssExtent));
  ExtentCall call = {
    .version = version,.number = first,.limit = limit,.extents = list
  };

  if (!pmss_database_read (self->database, list_extents, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

static gboolean
remove_extent (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  PmssExtent extent;

  if (!pmss_catalog_read_extent (database, call->version, call->number, &extent,
          error))
    return FALSE;
  for (guint i = 0; i < extent.n_nodes; i++) {
    guint node = extent.nodes[i];
    gboolean ok = node == 0 || ((call->kept & (1u << i)) != 0
        ? pmss_catalog_abandon_place (database, call->version, call->number, i,
            node, error)
        : pmss_catalog_count_shards (database, node, -1, error));

    if (!ok)
      return FALSE;
  }
  return pmss_catalog_abandon_rebuilds_of (database, call->version,
      call->number, error)
      && pmss_database_exec (database, error,
      "DELETE FROM extent WHERE version = ?1 AND number = ?2",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number));
}

gboolean
pmss_catalog_remove_extent (PmssCatalog * self, const PmssVersionId * version,
    guint32 number, guint32 kept, GError ** error)
{
  ExtentCall call = {.version = version,.number = number,.kept = kept };

  return pmss_database_transact (self->database, remove_extent, &call, error);
}

/* Whether the layout has @node in that place. */
static gboolean
read_layout_place (PmssDatabase * database, const PmssVersionId * version,
    guint32 number, guint shard, guint node, gboolean * wanted, GError ** error)
{
  g_autoptr (GError) local = NULL;
  PmssExtent extent;

  *wanted = FALSE;
  if (pmss_catalog_read_extent (database, version, number, &extent, &local)) {
    *wanted = shard < extent.n_nodes && extent.nodes[shard] == node;
    return TRUE;
  }
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_catalog_read_place (PmssDatabase * database,
    const PmssVersionId * version, guint32 number, guint shard, guint node,
    gboolean * wanted, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = NULL;

  if (!read_layout_place (database, version, number, shard, node, wanted,
          error))
    return FALSE;
  if (*wanted)
    return TRUE;
  rows = pmss_database_query (database,
      "SELECT 1 FROM rebuilding"
      " WHERE version = ?1 AND number = ?2 AND shard = ?3 AND node = ?4",
      PMSS_VERSION_BLOB (version), PMSS_INT (number), PMSS_INT (shard),
      PMSS_INT (node));
  *wanted = pmss_rows_next (rows, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
wants_shard (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;

  return pmss_catalog_read_place (database, call->version, call->number,
      call->shard, call->node, &call->found, error);
}

gboolean
pmss_catalog_wants_shard (PmssCatalog * self, const PmssVersionId * version,
    guint32 number, guint shard, guint node, gboolean * wanted, GError ** error)
{
  ExtentCall call = {
    .version = version,.number = number,.shard = shard,.node = node
  };

  if (!pmss_database_read (self->database, wants_shard, &call, error))
    return FALSE;
  *wanted = call.found;
  return TRUE;
}
