/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/repair/repair-private.h"

#include <string.h>

#include "control/catalog/extent-nodes.h"
#include "control/database/database.h"

#define PAGE 500                /* extents a transaction */
#define MAX_PLACES 10000
#define MAX_SUSPICIONS 256
#define USABLE (2 * PMSS_MAX_SHARDS)    /* usable shards beyond k, from -k on */
#define LEVELS (2 * USABLE)     /* what is known; behind it, in the same order, what is only suspected */

struct _PmssRepairPlan
{
  GArray *levels[LEVELS];       /* of PmssRepairPlace; nullable */
  guint n;                      /* places in them */
  guint n_suspicions;           /* of those: behind what is known */
  gboolean any_known;
  guint64 bytes;
};

/* A scan, page by page. */
typedef struct
{
  PmssRepairPlan *plan;
  const PmssNodeView *view;
  gboolean all;
  GHashTable *except;
  PmssRepairPlace last;         /* the page comes after it */
  guint rows;                   /* of the page */
} Scan;

guint
pmss_repair_place_hash (gconstpointer data)
{
  const PmssRepairPlace *place = data;
  guint hash;

  /* versions are random numbers */
  memcpy (&hash, place->version.bytes, sizeof hash);
  return hash + place->extent;
}

gboolean
pmss_repair_place_equal (gconstpointer a, gconstpointer b)
{
  const PmssRepairPlace *one = a, *other = b;

  return one->extent == other->extent
      && pmss_version_id_equal (&one->version, &other->version);
}

static void
count (PmssRepairPlan * self, guint level, int change)
{
  self->n += change;
  if (level >= USABLE)
    self->n_suspicions += change;
}

static gboolean
is_full (PmssRepairPlan * self, guint level)
{
  return self->n >= MAX_PLACES
      || (level >= USABLE && self->n_suspicions >= MAX_SUSPICIONS);
}

/* Makes room for a place of @level at the cost of a less endangered one. */
static gboolean
has_room (PmssRepairPlan * self, guint level)
{
  if (!is_full (self, level))
    return TRUE;
  for (guint i = LEVELS - 1; i > level; i--) {
    if (self->levels[i] && self->levels[i]->len > 0) {
      g_array_set_size (self->levels[i], self->levels[i]->len - 1);
      count (self, i, -1);
      return TRUE;
    }
  }
  return FALSE;
}

static void
add_place (PmssRepairPlan * self, const PmssRepairPlace * place, guint level)
{
  if (!has_room (self, level))
    return;
  if (!self->levels[level])
    self->levels[level] = g_array_new (FALSE, FALSE, sizeof (PmssRepairPlace));
  g_array_append_vals (self->levels[level], place, 1);
  count (self, level, 1);
}

/* Columns of a row: version, number, nodes, k, m, unit, extent size, size, bad shards and suspected ones as bits. */
static void
read_geometry (PmssRows * rows, PmssExtentGeometry * geometry)
{
  guint64 extent = pmss_rows_int (rows, 6);
  gsize length;
  const void *version = pmss_rows_blob (rows, 0, &length);

  memcpy (geometry->version.bytes, version,
      MIN (length, sizeof geometry->version.bytes));
  geometry->extent = pmss_rows_int (rows, 1);
  geometry->redundancy.k = pmss_rows_int (rows, 3);
  geometry->redundancy.m = pmss_rows_int (rows, 4);
  geometry->unit = pmss_rows_int (rows, 5);
  geometry->payload = MIN (extent,
      (guint64) pmss_rows_int (rows, 7) - geometry->extent * extent);
}

static void
look_at_row (Scan * scan, PmssRows * rows)
{
  PmssExtentGeometry geometry = { 0 };
  guint nodes[PMSS_MAX_SHARDS];
  guint n = pmss_extent_nodes_read (rows, 2, nodes);
  guint32 bad = pmss_rows_int (rows, 8);
  guint32 suspected = pmss_rows_int (rows, 9);
  guint64 known = 0, doubtful = 0;
  guint usable = 0, doubted = 0, level;

  read_geometry (rows, &geometry);
  scan->last = (PmssRepairPlace) {
  geometry.version, geometry.extent};
  for (guint i = 0; i < n; i++) {
    guint64 size = pmss_extent_geometry_shard_size (&geometry, i);
    PmssPlaceState state = pmss_node_view_get (scan->view, nodes[i]);

    if (state == PMSS_PLACE_GONE
        || (state == PMSS_PLACE_UP && (bad & (1u << i))))
      known += size;
    else if (state == PMSS_PLACE_UP && (suspected & (1u << i)))
      doubtful += size;
    else if (state == PMSS_PLACE_UP)
      usable++;
    doubted += state == PMSS_PLACE_UP && (suspected & ~bad & (1u << i)) != 0;
  }
  if (known + doubtful == 0 || (scan->except
          && g_hash_table_contains (scan->except, &scan->last)))
    return;
  scan->plan->bytes += known + doubtful;
  scan->plan->any_known |= known > 0;
  /* a viewer's word makes nothing more urgent that is known to be lost */
  if (known > 0)
    usable += doubted;
  level = PMSS_MAX_SHARDS + usable - geometry.redundancy.k;
  add_place (scan->plan, &scan->last, known > 0 ? level : USABLE + level);
}

static gboolean
scan_page (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Scan *scan = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = scan->all ? pmss_database_query (database,
      "SELECT extent.version, number, nodes, k, m, unit, version.extent, size,"
      " (SELECT sum(1 << shard) FROM bad_shard AS bad"
      "  WHERE bad.version = extent.version AND bad.number = extent.number"
      "  AND state = 'bad'),"
      " (SELECT sum(1 << shard) FROM bad_shard AS bad"
      "  WHERE bad.version = extent.version AND bad.number = extent.number"
      "  AND state = 'suspected')"
      " FROM extent JOIN version ON version.id = extent.version"
      " WHERE (extent.version, number) > (?1, ?2) AND version.state = 'ready'"
      " ORDER BY extent.version, number LIMIT ?3",
      PMSS_BLOB (scan->last.version.bytes, 16), PMSS_INT (scan->last.extent),
      PMSS_INT (PAGE)) : pmss_database_query (database,
      "SELECT extent.version, extent.number, nodes, k, m, unit, version.extent,"
      " size, sum((1 << shard) * (bad.state = 'bad')),"
      " sum((1 << shard) * (bad.state = 'suspected'))"
      " FROM bad_shard AS bad JOIN extent USING (version, number)"
      " JOIN version ON version.id = bad.version"
      " WHERE (bad.version, bad.number) > (?1, ?2) AND version.state = 'ready'"
      " GROUP BY bad.version, bad.number"
      " ORDER BY bad.version, bad.number LIMIT ?3",
      PMSS_BLOB (scan->last.version.bytes, 16), PMSS_INT (scan->last.extent),
      PMSS_INT (PAGE));

  for (scan->rows = 0; pmss_rows_next (rows, &local); scan->rows++)
    look_at_row (scan, rows);
  if (!local)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

PmssRepairPlan *
pmss_repair_plan_new (PmssControlContext * context, const PmssNodeView * view,
    gboolean all, GHashTable * except, GCancellable * cancellable,
    GError ** error)
{
  g_autoptr (PmssRepairPlan) self = g_new0 (PmssRepairPlan, 1);
  /* no version has this id: it is before all others */
  Scan scan = { self, view, all || view->gone_shards > 0, except };

  do {
    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !pmss_database_read (context->database, scan_page, &scan, error))
      return NULL;
  } while (scan.rows == PAGE);
  return g_steal_pointer (&self);
}

void
pmss_repair_plan_free (PmssRepairPlan * self)
{
  for (guint i = 0; i < LEVELS; i++)
    g_clear_pointer (&self->levels[i], g_array_unref);
  g_free (self);
}

guint64
pmss_repair_plan_get_bytes (PmssRepairPlan * self)
{
  return self->bytes;
}

gboolean
pmss_repair_plan_is_suspicion (PmssRepairPlan * self)
{
  return self->bytes > 0 && !self->any_known;
}

gboolean
pmss_repair_plan_next (PmssRepairPlan * self, PmssRepairPlace * place)
{
  for (guint i = 0; i < LEVELS; i++) {
    GArray *level = self->levels[i];

    if (!level || level->len == 0)
      continue;
    *place = g_array_index (level, PmssRepairPlace, level->len - 1);
    g_array_set_size (level, level->len - 1);
    count (self, i, -1);
    return TRUE;
  }
  return FALSE;
}
