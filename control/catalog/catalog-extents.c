/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/catalog/catalog-private.h"

#include <string.h>

/* Where shards lie and where they may still lie. node.shards is kept here: it counts the places and the pending deletions of a node. */

typedef struct
{
  const PmssVersionId *version;
  guint32 number;
  PmssExtent *extent;
  PmssExtentState state;
  guint shard, node, limit;
  guint32 kept;
  const char *name;
  gboolean found;
  GArray *extents, *nodes;
  GPtrArray *names;
} ExtentCall;

static gboolean
count_shards (PmssDatabase * database, guint node, int change, GError ** error)
{
  return pmss_database_exec (database, error,
      "UPDATE node SET shards = shards + ?2 WHERE id = ?1",
      PMSS_INT (node), PMSS_INT (change))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "There is no such node");
}

static void
pack_nodes (const PmssExtent * extent, guint8 out[PMSS_MAX_SHARDS * 4])
{
  for (guint i = 0; i < extent->n_nodes; i++) {
    guint32 id = GUINT32_TO_LE (extent->nodes[i]);

    memcpy (out + i * 4, &id, 4);
  }
}

/* Columns number, state, nodes. */
static gboolean
read_extent_row (PmssRows * rows, PmssExtent * extent, GError ** error)
{
  gsize length;
  const guint8 *blob = pmss_rows_blob (rows, 2, &length);

  extent->number = (guint32) pmss_rows_int (rows, 0);
  extent->state = (PmssExtentState) pmss_rows_int (rows, 1);
  extent->n_nodes = (guint) (length / 4);
  if (extent->n_nodes < 1 || extent->n_nodes > PMSS_MAX_SHARDS) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "The catalog has a malformed extent");
    return FALSE;
  }
  for (guint i = 0; i < extent->n_nodes; i++) {
    guint32 id;

    memcpy (&id, blob + i * 4, 4);
    extent->nodes[i] = GUINT32_FROM_LE (id);
  }
  return TRUE;
}

static gboolean
read_extent (PmssDatabase * database, const ExtentCall * call,
    PmssExtent * extent, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number, state, nodes FROM extent"
      " WHERE version = ?1 AND number = ?2",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number));

  if (pmss_rows_next (rows, &local))
    return read_extent_row (rows, extent, error);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "Extent %u is not placed", call->number);
  return FALSE;
}

static gboolean
insert_pending (PmssDatabase * database, guint node, const char *name,
    GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO pending_deletion (node, shard) VALUES (?1, ?2)"
      " ON CONFLICT DO NOTHING", PMSS_INT (node), PMSS_TEXT (name));
}

/* A deletion on its way could hit the shard that is to be written. */
static gboolean
check_not_pending (PmssDatabase * database, const ExtentCall * call,
    guint shard, guint node, GError ** error)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = NULL;

  pmss_shard_name_write (call->version, call->number, shard, name);
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
  guint8 blob[PMSS_MAX_SHARDS * 4];
  PmssVersion version;

  if (!check_version_alive (database, call->version, TRUE, &version, error)
      || !check_nodes (extent, &version, error))
    return FALSE;
  for (guint i = 0; i < extent->n_nodes; i++)
    if (!check_not_pending (database, call, i, extent->nodes[i], error)
        || !count_shards (database, extent->nodes[i], 1, error))
      return FALSE;
  pack_nodes (extent, blob);
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
static gboolean
abandon_place (PmssDatabase * database, const ExtentCall * call, guint shard,
    guint node, GError ** error)
{
  char name[PMSS_SHARD_NAME_SIZE];

  if (node == 0)
    return TRUE;
  pmss_shard_name_write (call->version, call->number, shard, name);
  return insert_pending (database, node, name, error)
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CORRUPT,
      "The catalog has a shard that is both placed and to be deleted");
}

static gboolean
replace_shard (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  guint8 blob[PMSS_MAX_SHARDS * 4];
  PmssVersion version;
  PmssExtent extent;
  guint old;

  if (!check_version_alive (database, call->version, FALSE, &version, error)
      || !read_extent (database, call, &extent, error))
    return FALSE;
  if (call->shard >= extent.n_nodes) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "There is no shard %u", call->shard);
    return FALSE;
  }
  for (guint i = 0; i < extent.n_nodes; i++) {
    if (extent.nodes[i] == call->node) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
          "Node %u has shard %u of this extent", call->node, i);
      return FALSE;
    }
  }
  old = extent.nodes[call->shard];
  extent.nodes[call->shard] = call->node;
  pack_nodes (&extent, blob);
  return check_not_pending (database, call, call->shard, call->node, error)
      && count_shards (database, call->node, 1, error)
      && abandon_place (database, call, call->shard, old, error)
      && pmss_database_exec (database, error,
      "UPDATE extent SET nodes = ?3 WHERE version = ?1 AND number = ?2",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number),
      PMSS_BLOB (blob, extent.n_nodes * 4));
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
    if (!read_extent_row (rows, &extent, error))
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

  if (!pmss_database_transact (self->database, list_extents, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

static gboolean
remove_extent (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  PmssExtent extent;

  if (!read_extent (database, call, &extent, error))
    return FALSE;
  for (guint i = 0; i < extent.n_nodes; i++) {
    guint node = extent.nodes[i];
    gboolean ok = node == 0 || ((call->kept & (1u << i)) != 0
        ? abandon_place (database, call, i, node, error)
        : count_shards (database, node, -1, error));

    if (!ok)
      return FALSE;
  }
  return pmss_database_exec (database, error,
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

static gboolean
places_shard (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  g_autoptr (GError) local = NULL;
  PmssExtent extent;

  if (read_extent (database, call, &extent, &local)) {
    call->found = call->shard < extent.n_nodes
        && extent.nodes[call->shard] == call->node;
    return TRUE;
  }
  call->found = FALSE;
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_catalog_places_shard (PmssCatalog * self, const PmssVersionId * version,
    guint32 number, guint shard, guint node, gboolean * places, GError ** error)
{
  ExtentCall call = {
    .version = version,.number = number,.shard = shard,.node = node
  };

  if (!pmss_database_transact (self->database, places_shard, &call, error))
    return FALSE;
  *places = call.found;
  return TRUE;
}

static gboolean
list_pending (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
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
  ExtentCall call = {.node = node,.limit = limit,.names = names };

  if (!pmss_database_transact (self->database, list_pending, &call, error))
    return NULL;
  return g_steal_pointer (&names);
}

/* Asks again, in this transaction, whether the shard is wanted: a row may have come since the caller saw it on the node. */
static gboolean
list_pending_nodes (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
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
  ExtentCall call = {.name = name,.nodes = nodes };

  pmss_shard_name_write (version, extent, shard, name);
  if (!pmss_database_transact (self->database, list_pending_nodes, &call,
          error))
    return NULL;
  return g_steal_pointer (&nodes);
}

static gboolean
add_pending (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;
  PmssVersionId version;

  if (!pmss_shard_name_parse (call->name, &version, &call->number,
          &call->shard)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "'%s' is not a shard's name", call->name);
    return FALSE;
  }
  call->version = &version;
  if (!places_shard (database, call, error))
    return FALSE;
  if (call->found)
    return TRUE;
  if (!insert_pending (database, call->node, call->name, error))
    return FALSE;
  return pmss_database_get_changes (database) == 0
      || count_shards (database, call->node, 1, error);
}

gboolean
pmss_catalog_add_pending (PmssCatalog * self, guint node, const char *shard,
    GError ** error)
{
  ExtentCall call = {.node = node,.name = shard };

  return pmss_database_transact (self->database, add_pending, &call, error);
}

static gboolean
clear_pending (PmssDatabase * database, gpointer data, GError ** error)
{
  ExtentCall *call = data;

  if (!pmss_database_exec (database, error,
          "DELETE FROM pending_deletion WHERE node = ?1 AND shard = ?2",
          PMSS_INT (call->node), PMSS_TEXT (call->name)))
    return FALSE;
  return pmss_database_get_changes (database) == 0
      || count_shards (database, call->node, -1, error);
}

gboolean
pmss_catalog_clear_pending (PmssCatalog * self, guint node, const char *shard,
    GError ** error)
{
  ExtentCall call = {.node = node,.name = shard };

  return pmss_database_transact (self->database, clear_pending, &call, error);
}
