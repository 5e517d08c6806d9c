/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shards that are being rebuilt. Any thread; runs on the database thread. */
#include "control/catalog/catalog-private.h"

#include "control/catalog/catalog-health.h"

/* Shards that are being written to a node which no layout names yet. */

typedef struct
{
  const PmssVersionId *version;
  guint32 number;
  guint shard, from, to;
} RebuildCall;

static gboolean
read_ready_extent (PmssDatabase * database, const RebuildCall * call,
    PmssExtent * extent, GError ** error)
{
  PmssVersion version;

  if (!pmss_catalog_read_version (database, call->version, &version, error)
      || !pmss_catalog_read_extent (database, call->version, call->number,
          extent, error))
    return FALSE;
  if (version.state != PMSS_VERSION_READY) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The version is not ready");
    return FALSE;
  }
  if (call->shard < extent->n_nodes)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "There is no shard %u", call->shard);
  return FALSE;
}

static gboolean
begin_rebuild (PmssDatabase * database, gpointer data, GError ** error)
{
  RebuildCall *call = data;
  PmssExtent extent;

  return read_ready_extent (database, call, &extent, error)
      && pmss_catalog_check_node_free (database, call->version, &extent,
      call->to, error)
      && pmss_catalog_check_not_pending (database, call->version,
      call->number, call->shard, call->to, error)
      && pmss_catalog_count_shards (database, call->to, 1, error)
      && pmss_database_exec (database, error,
      "INSERT INTO rebuilding (version, number, shard, node)"
      " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number),
      PMSS_INT (call->shard), PMSS_INT (call->to))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The shard is being rebuilt");
}

gboolean
pmss_catalog_begin_rebuild (PmssCatalog * self, const PmssVersionId * version,
    guint32 extent, guint shard, guint node, GError ** error)
{
  RebuildCall call = {
    .version = version,.number = extent,.shard = shard,.to = node
  };

  return pmss_database_transact (self->database, begin_rebuild, &call, error);
}

/* The rebuild turns into a place, and the old place into a pending deletion: both nodes' counts stay. */
static gboolean
finish_rebuild (PmssDatabase * database, gpointer data, GError ** error)
{
  RebuildCall *call = data;
  PmssExtent extent;

  if (!read_ready_extent (database, call, &extent, error))
    return FALSE;
  if (extent.nodes[call->shard] != call->from) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Shard %u is node %u's by now", call->shard, extent.nodes[call->shard]);
    return FALSE;
  }
  return pmss_database_exec (database, error,
      "DELETE FROM rebuilding"
      " WHERE version = ?1 AND number = ?2 AND shard = ?3 AND node = ?4",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number),
      PMSS_INT (call->shard), PMSS_INT (call->to))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The shard is not being rebuilt there")
      && pmss_catalog_abandon_place (database, call->version, call->number,
      call->shard, call->from, error)
      && pmss_catalog_name_node (database, call->version, &extent,
      call->shard, call->to, error);
}

gboolean
pmss_catalog_finish_rebuild (PmssCatalog * self, const PmssVersionId * version,
    guint32 extent, guint shard, guint from, guint to, GError ** error)
{
  RebuildCall call = {
    .version = version,.number = extent,.shard = shard,.from = from,.to = to
  };

  return pmss_database_transact (self->database, finish_rebuild, &call, error);
}

/* Columns version, number, shard, node. */
static gboolean
abandon_rows (PmssDatabase * database, PmssRows * rows, GError ** error)
{
  g_autoptr (GError) local = NULL;

  while (pmss_rows_next (rows, &local)) {
    PmssVersionId version;

    if (!pmss_catalog_column_version (rows, 0, &version, error)
        || !pmss_catalog_abandon_place (database, &version,
            (guint32) pmss_rows_int (rows, 1),
            (guint) pmss_rows_int (rows, 2), (guint) pmss_rows_int (rows, 3),
            error))
      return FALSE;
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
abandon_rebuild (PmssDatabase * database, gpointer data, GError ** error)
{
  RebuildCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "DELETE FROM rebuilding"
      " WHERE version = ?1 AND number = ?2 AND shard = ?3"
      " RETURNING version, number, shard, node",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number),
      PMSS_INT (call->shard));

  return abandon_rows (database, rows, error);
}

gboolean
pmss_catalog_abandon_rebuild (PmssCatalog * self,
    const PmssVersionId * version, guint32 extent, guint shard, GError ** error)
{
  RebuildCall call = {.version = version,.number = extent,.shard = shard };

  return pmss_database_transact (self->database, abandon_rebuild, &call, error);
}

gboolean
pmss_catalog_abandon_rebuilds_of (PmssDatabase * database,
    const PmssVersionId * version, guint32 number, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "DELETE FROM rebuilding WHERE version = ?1 AND number = ?2"
      " RETURNING version, number, shard, node",
      PMSS_VERSION_BLOB (version), PMSS_INT (number));

  return abandon_rows (database, rows, error);
}

static gboolean
abandon_rebuilds (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "DELETE FROM rebuilding RETURNING version, number, shard, node");

  return abandon_rows (database, rows, error);
}

gboolean
pmss_catalog_abandon_rebuilds (PmssCatalog * self, GError ** error)
{
  return pmss_database_transact (self->database, abandon_rebuilds, NULL, error);
}

typedef struct
{
  const PmssVersionId *version;
  guint32 first, end;
  GArray *list;
} ListCall;

static gboolean
list_rebuilding (PmssDatabase * database, gpointer data, GError ** error)
{
  ListCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number, shard, node FROM rebuilding"
      " WHERE version = ?1 AND number >= ?2 AND number < ?3",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->first),
      PMSS_INT (call->end));

  while (pmss_rows_next (rows, &local)) {
    PmssRebuilding one = {
      (guint32) pmss_rows_int (rows, 0), (guint) pmss_rows_int (rows, 1),
      (guint) pmss_rows_int (rows, 2)
    };

    g_array_append_val (call->list, one);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GArray *
pmss_catalog_list_rebuilding (PmssCatalog * self, const PmssVersionId * version,
    guint32 first, guint32 end, GError ** error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (PmssRebuilding));
  ListCall call = { version, first, end, list };

  if (!pmss_database_read (self->database, list_rebuilding, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}
