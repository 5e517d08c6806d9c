/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bad and suspected shards. Any thread; runs on the database thread. */
#include "control/catalog/catalog-private.h"

#include <string.h>

#include "control/catalog/catalog-health.h"

/* What is known of shards that cannot give all of their units. node.bad_shards is kept by triggers. */

#define BAD_COLUMNS \
  "b.version, b.number, b.shard, b.node, b.state, b.kind, b.bad_rows, " \
  "b.source, b.user, b.found"

static const char *const bad_states[] = {
  [PMSS_BAD_SUSPECTED] = "suspected",
  [PMSS_BAD_KNOWN] = "bad",
};

static const char *const bad_kinds[] = {
  [PMSS_BAD_MISSING] = "missing",
  [PMSS_BAD_DAMAGED] = "damaged",
  [PMSS_BAD_UNREADABLE] = "unreadable",
};

static const char *const sources[] = {
  [PMSS_FOUND_BY_READER] = "reader",
  [PMSS_FOUND_BY_SCRUB] = "scrub",
  [PMSS_FOUND_BY_LIST] = "list",
  [PMSS_FOUND_BY_VERIFY] = "verify",
  [PMSS_FOUND_BY_REPAIR] = "repair",
};

typedef struct
{
  PmssCatalog *self;
  const PmssBadShard *bad;
  const PmssVersionId *version;
  guint32 number;
  guint shard, limit;
  GPtrArray *list;
  guint64 count;
} BadCall;

void
pmss_bad_shard_free (PmssBadShard * bad)
{
  g_clear_pointer (&bad->rows, g_array_unref);
  g_free (bad->user);
  g_free (bad);
}

const char *
pmss_bad_state_to_string (PmssBadState state)
{
  return bad_states[state];
}

const char *
pmss_bad_kind_to_string (PmssBadKind kind)
{
  return bad_kinds[kind];
}

const char *
pmss_found_by_to_string (PmssFoundBy source)
{
  return sources[source];
}

/* The table's CHECKs allow no other texts. */
static guint
find_text (const char *const *texts, guint n, const char *text)
{
  guint i = 0;

  while (i + 1 < n && g_strcmp0 (texts[i], text) != 0)
    i++;
  return i;
}

#define FIND(texts, text) find_text (texts, G_N_ELEMENTS (texts), text)

static int
compare_rows (gconstpointer a, gconstpointer b)
{
  guint32 x = *(const guint32 *) a, y = *(const guint32 *) b;

  return x < y ? -1 : x > y;
}

/* NULL for SQL's NULL. */
static GArray *
column_bad_rows (PmssRows * rows, guint column)
{
  gsize length;
  const guint8 *blob = pmss_rows_blob (rows, column, &length);
  GArray *list;

  if (pmss_rows_is_null (rows, column))
    return NULL;
  list = g_array_sized_new (FALSE, FALSE, sizeof (guint32),
      (guint) (length / 4));
  for (gsize i = 0; i < length / 4; i++) {
    guint32 row;

    memcpy (&row, blob + i * 4, 4);
    row = GUINT32_FROM_LE (row);
    g_array_append_val (list, row);
  }
  return list;
}

static PmssBadShard *
read_bad_shard (PmssRows * rows, GError ** error)
{
  g_autoptr (PmssBadShard) bad = g_new0 (PmssBadShard, 1);

  if (!pmss_catalog_column_version (rows, 0, &bad->version, error))
    return NULL;
  bad->extent = (guint32) pmss_rows_int (rows, 1);
  bad->shard = (guint) pmss_rows_int (rows, 2);
  bad->node = (guint) pmss_rows_int (rows, 3);
  bad->state = FIND (bad_states, pmss_rows_text (rows, 4));
  bad->kind = FIND (bad_kinds, pmss_rows_text (rows, 5));
  bad->rows = column_bad_rows (rows, 6);
  bad->source = FIND (sources, pmss_rows_text (rows, 7));
  bad->user = g_strdup (pmss_rows_text (rows, 8));
  bad->found = pmss_rows_int (rows, 9);
  return g_steal_pointer (&bad);
}

static gboolean
read_list (PmssRows * rows, GPtrArray * list, GError ** error)
{
  g_autoptr (GError) local = NULL;

  while (pmss_rows_next (rows, &local)) {
    PmssBadShard *bad = read_bad_shard (rows, error);

    if (bad == NULL)
      return FALSE;
    g_ptr_array_add (list, bad);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* @named: whether the layout of a ready version names @bad->node there. @records: of that shard, none where the last extent has fewer units than k. */
static gboolean
count_records (PmssDatabase * database, const PmssBadShard * bad,
    gboolean * named, guint32 * records, GError ** error)
{
  g_autoptr (GError) local = NULL;
  PmssExtentGeometry geometry;
  PmssVersion version;
  PmssExtent extent;

  *named = FALSE;
  if (!pmss_catalog_read_version (database, &bad->version, &version, &local)
      || !pmss_catalog_read_extent (database, &bad->version, bad->extent,
          &extent, &local)) {
    if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (version.state != PMSS_VERSION_READY || bad->shard >= extent.n_nodes
      || bad->node == 0 || extent.nodes[bad->shard] != bad->node
      || !pmss_version_get_geometry (&version, bad->extent, &geometry))
    return TRUE;
  *records = pmss_extent_geometry_records (&geometry, bad->shard);
  *named = TRUE;
  return TRUE;
}

/* Those below @records, ascending, each once. NULL: all, or too many to list. */
static GArray *
join_rows (GArray * a, GArray * b, guint32 records)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint n = 0;

  g_array_append_vals (all, a->data, a->len);
  if (b != NULL)
    g_array_append_vals (all, b->data, b->len);
  g_array_sort (all, compare_rows);
  for (guint i = 0; i < all->len; i++) {
    guint32 row = g_array_index (all, guint32, i);

    if (row < records && (n == 0 || g_array_index (all, guint32, n - 1) != row))
      g_array_index (all, guint32, n++) = row;
  }
  g_array_set_size (all, n);
  return n <= PMSS_MAX_BAD_ROWS ? g_steal_pointer (&all) : NULL;
}

/* NULL without @error: nothing is known yet. */
static PmssBadShard *
find_known (PmssDatabase * database, const PmssBadShard * bad, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " BAD_COLUMNS " FROM bad_shard b"
      " WHERE version = ?1 AND number = ?2 AND shard = ?3",
      PMSS_VERSION_BLOB (&bad->version), PMSS_INT (bad->extent),
      PMSS_INT (bad->shard));

  return pmss_rows_next (rows, error) ? read_bad_shard (rows, error) : NULL;
}

static gboolean
query_count (PmssRows * rows, guint64 * count, GError ** error)
{
  if (!pmss_rows_next (rows, error))
    return FALSE;
  *count = (guint64) pmss_rows_int (rows, 0);
  return TRUE;
}

static gboolean
count_bad_shards (PmssDatabase * database, gpointer data, GError ** error)
{
  BadCall *call = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT coalesce (sum (bad_shards), 0) FROM node");

  return query_count (rows, &call->count, error);
}

gboolean
pmss_catalog_count_bad_shards (PmssCatalog * self, guint64 * count,
    GError ** error)
{
  BadCall call = { 0 };

  if (!pmss_database_read (self->database, count_bad_shards, &call, error))
    return FALSE;
  *count = call.count;
  return TRUE;
}

static gboolean
count_suspected (PmssDatabase * database, const char *user, guint64 * count,
    GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count (*) FROM bad_shard"
      " WHERE user = ?1 AND state = 'suspected'", PMSS_TEXT (user));

  return query_count (rows, count, error);
}

/* Whether one more row may be written; @user: (nullable) whose reader told. */
static gboolean
has_room (PmssCatalog * self, const char *user, gboolean * room,
    GError ** error)
{
  PmssDatabase *database = self->database;
  BadCall call = { 0 };
  gboolean full;
  guint64 suspected = 0;

  if (!count_bad_shards (database, &call, error)
      || (user != NULL && !count_suspected (database, user, &suspected, error)))
    return FALSE;
  full = call.count >= PMSS_MAX_BAD_SHARDS;
  /* what readers suspect leaves half of it to what is known */
  *room = user == NULL ? !full : suspected < PMSS_MAX_SUSPECTED
      && call.count < PMSS_MAX_BAD_SHARDS / 2;
  if (full && !self->full)
    g_warning ("%u bad shards are known: what is found besides is not noted",
        PMSS_MAX_BAD_SHARDS);
  self->full = full;
  return TRUE;
}

static gboolean
write_bad_shard (PmssDatabase * database, const PmssBadShard * bad,
    GArray * rows, GError ** error)
{
  g_autofree guint32 *blob = g_new (guint32, rows != NULL ? rows->len + 1 : 1);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    blob[i] = GUINT32_TO_LE (g_array_index (rows, guint32, i));
  return pmss_database_exec (database, error,
      "INSERT INTO bad_shard (version, number, shard, node, state, kind,"
      " bad_rows, source, user, found)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, unixepoch ())"
      " ON CONFLICT DO UPDATE SET state = ?5, kind = ?6, bad_rows = ?7,"
      " source = ?8, user = ?9,"
      " found = iif (state = ?5, found, excluded.found)",
      PMSS_VERSION_BLOB (&bad->version), PMSS_INT (bad->extent),
      PMSS_INT (bad->shard), PMSS_INT (bad->node),
      PMSS_TEXT (bad_states[bad->state]), PMSS_TEXT (bad_kinds[bad->kind]),
      rows != NULL ? PMSS_BLOB (blob, rows->len * 4) : PMSS_NULL,
      PMSS_TEXT (sources[bad->source]), PMSS_TEXT (bad->user));
}

static gboolean
add_bad_shard (PmssDatabase * database, gpointer data, GError ** error)
{
  BadCall *call = data;
  const PmssBadShard *bad = call->bad;
  g_autoptr (PmssBadShard) known = NULL;
  g_autoptr (GArray) rows = NULL;
  g_autoptr (GError) local = NULL;
  gboolean room = TRUE, named, join;
  guint32 records = 0;

  if (!count_records (database, bad, &named, &records, error))
    return FALSE;
  if (!named)
    return TRUE;
  known = find_known (database, bad, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  /* SUSPECTED < KNOWN */
  if (known != NULL && known->state > bad->state)
    return TRUE;
  join = known != NULL && known->state == bad->state;
  if (bad->rows != NULL && !(join && known->rows == NULL)) {
    rows = join_rows (bad->rows, join ? known->rows : NULL, records);
    /* the shard has no such rows; none at all were named where something else is bad */
    if (rows != NULL && rows->len == 0 && bad->rows->len > 0)
      return TRUE;
  }
  if (known == NULL
      && !has_room (call->self, bad->state == PMSS_BAD_SUSPECTED ? bad->user
          : NULL, &room, error))
    return FALSE;
  return !room || write_bad_shard (database, bad, rows, error);
}

gboolean
pmss_catalog_add_bad_shard (PmssCatalog * self, const PmssBadShard * bad,
    GError ** error)
{
  BadCall call = {.self = self,.bad = bad };

  return pmss_database_transact (self->database, add_bad_shard, &call, error);
}

static gboolean
clear_bad_shard (PmssDatabase * database, gpointer data, GError ** error)
{
  BadCall *call = data;

  return pmss_database_exec (database, error,
      "DELETE FROM bad_shard"
      " WHERE version = ?1 AND number = ?2 AND shard = ?3",
      PMSS_VERSION_BLOB (call->version), PMSS_INT (call->number),
      PMSS_INT (call->shard));
}

gboolean
pmss_catalog_clear_bad_shard (PmssCatalog * self,
    const PmssVersionId * version, guint32 extent, guint shard, GError ** error)
{
  BadCall call = {.version = version,.number = extent,.shard = shard };

  return pmss_database_transact (self->database, clear_bad_shard, &call, error);
}

/* A version id is 16 bytes: an empty blob sorts before all of them. */
static gboolean
list_bad_shards (PmssDatabase * database, gpointer data, GError ** error)
{
  static const PmssBadShard none = { 0 };
  BadCall *call = data;
  const PmssBadShard *after = call->bad != NULL ? call->bad : &none;
  gsize length = call->bad != NULL ? sizeof (after->version.bytes) : 0;
  g_autoptr (PmssRows) rows = NULL;

  if (call->version != NULL)
    rows = pmss_database_query (database,
        "SELECT " BAD_COLUMNS " FROM bad_shard b"
        " CROSS JOIN version v ON v.id = b.version AND v.state = 'ready'"
        " WHERE b.version = ?5"
        " AND (b.version, b.number, b.shard) > (?1, ?2, ?3)"
        " ORDER BY b.version, b.number, b.shard LIMIT ?4",
        PMSS_BLOB (after->version.bytes, length), PMSS_INT (after->extent),
        PMSS_INT (after->shard), PMSS_INT (call->limit),
        PMSS_VERSION_BLOB (call->version));
  else
    rows = pmss_database_query (database,
        "SELECT " BAD_COLUMNS " FROM bad_shard b"
        " CROSS JOIN version v ON v.id = b.version AND v.state = 'ready'"
        " WHERE (b.version, b.number, b.shard) > (?1, ?2, ?3)"
        " ORDER BY b.version, b.number, b.shard LIMIT ?4",
        PMSS_BLOB (after->version.bytes, length), PMSS_INT (after->extent),
        PMSS_INT (after->shard), PMSS_INT (call->limit));
  return read_list (rows, call->list, error);
}

GPtrArray *
pmss_catalog_list_bad_shards (PmssCatalog * self,
    const PmssVersionId * version, const PmssBadShard * after, guint limit,
    GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_bad_shard_free);
  BadCall call = {
    .version = version,.bad = after,.limit = limit,.list = list
  };

  if (!pmss_database_read (self->database, list_bad_shards, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}
