/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plans and comparisons ask about bad shards. */
#include "control/catalog/catalog-private.h"

#include "control/catalog/catalog-health.h"
#include "control/catalog/extent-nodes.h"

/* --- News --- */

typedef struct
{
  gint64 since;
  gboolean found;
} News;

static gboolean
find_news (PmssDatabase * database, gpointer data, GError ** error)
{
  News *news = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT 1 FROM bad_shard WHERE found > ?1"
      " AND source NOT IN ('repair', 'reader') LIMIT 1",
      PMSS_INT (news->since));

  news->found = pmss_rows_next (rows, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_catalog_has_new_bad_shards (PmssCatalog * self, gint64 since,
    gboolean * found, GError ** error)
{
  News news = {.since = since };

  if (!pmss_database_read (self->database, find_news, &news, error))
    return FALSE;
  *found = news.found;
  return TRUE;
}

static gboolean
count_known (PmssDatabase * database, gpointer data, GError ** error)
{
  GHashTable *counts = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT node, count(*) FROM bad_shard WHERE state = 'bad'"
      " GROUP BY node");

  while (pmss_rows_next (rows, &local))
    g_hash_table_insert (counts,
        GUINT_TO_POINTER ((guint) pmss_rows_int (rows, 0)),
        GUINT_TO_POINTER ((guint) pmss_rows_int (rows, 1)));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GHashTable *
pmss_catalog_count_known_bad (PmssCatalog * self, GError ** error)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);

  if (!pmss_database_read (self->database, count_known, counts, error))
    return NULL;
  return g_steal_pointer (&counts);
}

static gboolean
find_told (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssBadTold *told = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT source = 'reader', count(*), max(found) FROM bad_shard"
      " WHERE source <> 'repair' GROUP BY source = 'reader'");

  while (pmss_rows_next (rows, &local)) {
    guint *mark = pmss_rows_int (rows, 0) ? &told->by_readers : &told->by_us;

    *mark = (guint) (pmss_rows_int (rows, 1) * 31 + pmss_rows_int (rows, 2));
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_catalog_get_bad_told (PmssCatalog * self, PmssBadTold * told,
    GError ** error)
{
  *told = (PmssBadTold) {
  0};
  return pmss_database_read (self->database, find_told, told, error);
}

/* --- Missing on a node --- */

typedef struct
{
  guint node;
  const PmssExtentPlace *from, *to;
  GPtrArray *names;
} MissingCall;

static gboolean
list_missing (PmssDatabase * database, gpointer data, GError ** error)
{
  MissingCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT version, number, shard FROM bad_shard"
      " WHERE node = ?5 AND state = 'bad' AND kind = 'missing'"
      " AND (version, number) >= (?1, ?2) AND (version, number) <= (?3, ?4)",
      PMSS_VERSION_BLOB (&call->from->version), PMSS_INT (call->from->extent),
      PMSS_VERSION_BLOB (&call->to->version), PMSS_INT (call->to->extent),
      PMSS_INT (call->node));

  while (pmss_rows_next (rows, &local)) {
    char name[PMSS_SHARD_NAME_SIZE];
    PmssVersionId version;

    if (!pmss_catalog_column_version (rows, 0, &version, error))
      return FALSE;
    pmss_shard_name_write (&version, (guint32) pmss_rows_int (rows, 1),
        (guint) pmss_rows_int (rows, 2), name);
    g_ptr_array_add (call->names, g_strdup (name));
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GPtrArray *
pmss_catalog_list_missing (PmssCatalog * self, guint node,
    const PmssExtentPlace * from, const PmssExtentPlace * to, GError ** error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  MissingCall call = { node, from, to, names };

  if (!pmss_database_read (self->database, list_missing, &call, error))
    return NULL;
  return g_steal_pointer (&names);
}

/* --- Extents and what is bad of them --- */

typedef struct
{
  const PmssExtentPlace *after;
  gboolean only_bad;
  guint limit;
  GArray *looks;
} LookCall;

/* Columns: version, number, nodes, k, m, unit, extent size, size, bad shards and suspected ones as bits. */
static gboolean
read_look (PmssRows * rows, PmssExtentLook * look, GError ** error)
{
  guint64 extent = (guint64) pmss_rows_int (rows, 6);
  PmssExtentGeometry *geometry = &look->geometry;

  *look = (PmssExtentLook) {
  0};
  if (!pmss_catalog_column_version (rows, 0, &geometry->version, error))
    return FALSE;
  geometry->extent = (guint32) pmss_rows_int (rows, 1);
  geometry->redundancy.k = (guint8) pmss_rows_int (rows, 3);
  geometry->redundancy.m = (guint8) pmss_rows_int (rows, 4);
  geometry->unit = (guint32) pmss_rows_int (rows, 5);
  geometry->payload = MIN (extent,
      (guint64) pmss_rows_int (rows, 7) - geometry->extent * extent);
  look->bad = (guint32) pmss_rows_int (rows, 8);
  look->suspected = (guint32) pmss_rows_int (rows, 9);
  look->n_nodes = pmss_extent_nodes_read (rows, 2, look->nodes);
  return TRUE;
}

static PmssRows *
query_looks (PmssDatabase * database, const LookCall * call)
{
  const PmssExtentPlace *after = call->after;

  if (!call->only_bad)
    return pmss_database_query (database,
        "SELECT extent.version, number, nodes, k, m, unit, version.extent,"
        " size, (SELECT sum(1 << shard) FROM bad_shard AS bad"
        "  WHERE bad.version = extent.version AND bad.number = extent.number"
        "  AND state = 'bad'),"
        " (SELECT sum(1 << shard) FROM bad_shard AS bad"
        "  WHERE bad.version = extent.version AND bad.number = extent.number"
        "  AND state = 'suspected')"
        " FROM extent JOIN version ON version.id = extent.version"
        " WHERE (extent.version, number) > (?1, ?2)"
        " AND version.state = 'ready'"
        " ORDER BY extent.version, number LIMIT ?3",
        PMSS_VERSION_BLOB (&after->version), PMSS_INT (after->extent),
        PMSS_INT (call->limit));
  return pmss_database_query (database,
      "SELECT extent.version, extent.number, nodes, k, m, unit,"
      " version.extent, size, sum((1 << shard) * (bad.state = 'bad')),"
      " sum((1 << shard) * (bad.state = 'suspected'))"
      " FROM bad_shard AS bad JOIN extent USING (version, number)"
      " JOIN version ON version.id = bad.version"
      " WHERE (bad.version, bad.number) > (?1, ?2) AND version.state = 'ready'"
      " GROUP BY bad.version, bad.number"
      " ORDER BY bad.version, bad.number LIMIT ?3",
      PMSS_VERSION_BLOB (&after->version), PMSS_INT (after->extent),
      PMSS_INT (call->limit));
}

static gboolean
look_at_extents (PmssDatabase * database, gpointer data, GError ** error)
{
  LookCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = query_looks (database, call);

  while (pmss_rows_next (rows, &local)) {
    PmssExtentLook look;

    if (!read_look (rows, &look, error))
      return FALSE;
    g_array_append_val (call->looks, look);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GArray *
pmss_catalog_look_at_extents (PmssCatalog * self,
    const PmssExtentPlace * after, gboolean only_bad, guint limit,
    GError ** error)
{
  g_autoptr (GArray) looks =
      g_array_new (FALSE, FALSE, sizeof (PmssExtentLook));
  LookCall call = { after, only_bad, limit, looks };

  if (!pmss_database_read (self->database, look_at_extents, &call, error))
    return NULL;
  return g_steal_pointer (&looks);
}
