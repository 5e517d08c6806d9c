/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan of repair: which extents, in which order. On the repair job's
 * threads. */
#include "control/repair/repair-private.h"

#include <string.h>

#define PAGE 500                /* extents a look into the catalog */
#define MAX_PLACES 10000
#define MAX_SUSPICIONS 256
#define USABLE (2 * PMSS_MAX_SHARDS)    /* usable shards beyond k, from -k on */
#define LEVELS (2 * USABLE)     /* what is known; behind it, in the same order, what is only suspected */

struct _PmssRepairPlan
{
  GArray *levels[LEVELS];       /* of PmssExtentPlace; nullable */
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
  PmssExtentPlace last;         /* the page comes after it */
  guint rows;                   /* of the page */
} Scan;

guint
pmss_repair_place_hash (gconstpointer data)
{
  const PmssExtentPlace *place = data;
  guint hash;

  /* versions are random numbers */
  memcpy (&hash, place->version.bytes, sizeof hash);
  return hash + place->extent;
}

gboolean
pmss_repair_place_equal (gconstpointer a, gconstpointer b)
{
  const PmssExtentPlace *one = a, *other = b;

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
add_place (PmssRepairPlan * self, const PmssExtentPlace * place, guint level)
{
  if (!has_room (self, level))
    return;
  if (!self->levels[level])
    self->levels[level] = g_array_new (FALSE, FALSE, sizeof (PmssExtentPlace));
  g_array_append_vals (self->levels[level], place, 1);
  count (self, level, 1);
}

static void
look_at (Scan * scan, const PmssExtentLook * look)
{
  guint64 known = 0, doubtful = 0;
  guint usable = 0, doubted = 0, level;

  scan->last = (PmssExtentPlace) {
  look->geometry.version, look->geometry.extent};
  for (guint i = 0; i < look->n_nodes; i++) {
    guint64 size = pmss_extent_geometry_shard_size (&look->geometry, i);
    gboolean bad = (look->bad & (1u << i)) != 0;
    gboolean suspected = (look->suspected & (1u << i)) != 0;
    PmssPlaceState state = pmss_node_view_get (scan->view, look->nodes[i]);

    if (state == PMSS_PLACE_GONE || (state == PMSS_PLACE_UP && bad))
      known += size;
    else if (state == PMSS_PLACE_UP && suspected)
      doubtful += size;
    else if (state == PMSS_PLACE_UP)
      usable++;
    doubted += state == PMSS_PLACE_UP && suspected && !bad;
  }
  if (known + doubtful == 0 || (scan->except
          && g_hash_table_contains (scan->except, &scan->last)))
    return;
  scan->plan->bytes += known + doubtful;
  scan->plan->any_known |= known > 0;
  /* a viewer's word makes nothing more urgent that is known to be lost */
  if (known > 0)
    usable += doubted;
  level = PMSS_MAX_SHARDS + usable - look->geometry.redundancy.k;
  add_place (scan->plan, &scan->last, known > 0 ? level : USABLE + level);
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
    g_autoptr (GArray) page = NULL;

    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !(page = pmss_catalog_look_at_extents (context->catalog, &scan.last,
                !scan.all, PAGE, error)))
      return NULL;
    for (guint i = 0; i < page->len; i++)
      look_at (&scan, &g_array_index (page, PmssExtentLook, i));
    scan.rows = page->len;
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
pmss_repair_plan_next (PmssRepairPlan * self, PmssExtentPlace * place)
{
  for (guint i = 0; i < LEVELS; i++) {
    GArray *level = self->levels[i];

    if (level == NULL || level->len == 0)
      continue;
    *place = g_array_index (level, PmssExtentPlace, level->len - 1);
    g_array_set_size (level, level->len - 1);
    count (self, i, -1);
    return TRUE;
  }
  return FALSE;
}
