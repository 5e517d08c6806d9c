/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges what can be read of a medium. Any thread. */
#include "control/shard-health/medium-health.h"

#include "control/catalog/catalog-health.h"
#include "control/nodes/nodes.h"

#define PAGE 500

typedef struct
{
  PmssCatalog *catalog;
  PmssVersion version;
  GHashTable *nodes;            /* id -> PmssNodeInfo, of the array */
  GHashTable *down;             /* ids */
  PmssMediumHealth *health;

  /* the bad shards, page by page, in the order of the extents */
  GPtrArray *bad;
  guint next;
  gboolean last_page;
} Judging;

static void
judging_clear (Judging * judging)
{
  g_clear_pointer (&judging->nodes, g_hash_table_unref);
  g_clear_pointer (&judging->down, g_hash_table_unref);
  g_clear_pointer (&judging->bad, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Judging, judging_clear)
     void pmss_medium_health_free (PmssMediumHealth * health)
{
  g_array_unref (health->damage.ranges);
  g_array_unref (health->nodes_down);
  g_free (health);
}

static gboolean
read_bad_page (Judging * judging, GError ** error)
{
  g_autoptr (PmssBadShard) after = judging->bad != NULL
      ? g_ptr_array_steal_index (judging->bad, judging->bad->len - 1) : NULL;

  g_clear_pointer (&judging->bad, g_ptr_array_unref);
  judging->bad = pmss_catalog_list_bad_shards (judging->catalog,
      &judging->version.id, after, PAGE, error);
  judging->next = 0;
  judging->last_page = judging->bad != NULL && judging->bad->len < PAGE;
  return judging->bad != NULL;
}

static void
note_bad (Judging * judging, const PmssExtent * extent,
    const PmssBadShard * bad, PmssShardHealth * shards, GPtrArray * lists)
{
  PmssMediumHealth *health = judging->health;
  PmssShardHealth *shard = &shards[bad->shard];

  if (bad->extent != extent->number || bad->shard >= extent->n_nodes
      || bad->node != extent->nodes[bad->shard])
    return;
  if (bad->state == PMSS_BAD_SUSPECTED) {
    health->suspected_shards++;
    return;
  }
  health->bad_shards++;
  if (bad->rows == NULL) {
    shard->presence = PMSS_SHARD_LOST;
    return;
  }
  shard->bad_rows = bad->rows;
  g_ptr_array_add (lists, g_array_ref (bad->rows));
}

/* All that are of extents up to this one. @lists: keeps their rows. */
static gboolean
take_bad (Judging * judging, const PmssExtent * extent,
    PmssShardHealth * shards, GPtrArray * lists, GError ** error)
{
  for (;;) {
    const PmssBadShard *bad;

    if (judging->next == judging->bad->len) {
      if (judging->last_page)
        return TRUE;
      if (!read_bad_page (judging, error))
        return FALSE;
      continue;
    }
    bad = g_ptr_array_index (judging->bad, judging->next);
    if (bad->extent > extent->number)
      return TRUE;
    note_bad (judging, extent, bad, shards, lists);
    judging->next++;
  }
}

static PmssShardPresence
find_presence (Judging * judging, guint node)
{
  PmssNodeInfo *info = g_hash_table_lookup (judging->nodes,
      GUINT_TO_POINTER (node));

  if (info == NULL)
    return PMSS_SHARD_LOST;
  if (info->state != PMSS_NODE_DOWN)
    return PMSS_SHARD_PRESENT;
  g_hash_table_add (judging->down, GUINT_TO_POINTER (node));
  return PMSS_SHARD_AWAY;
}

static gboolean
judge_extent (Judging * judging, const PmssExtent * extent, GError ** error)
{
  const PmssVersion *version = &judging->version;
  PmssMediumHealth *health = judging->health;
  guint64 offset = (guint64) extent->number * version->extent;
  PmssShardHealth shards[PMSS_MAX_SHARDS] = { 0 };
  g_autoptr (GPtrArray) lists =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  PmssExtentGeometry geometry;
  PmssHealth state;

  /* what came when the version was changed meanwhile */
  if (!pmss_version_get_geometry (version, extent->number, &geometry)
      || extent->n_nodes !=
      (guint) version->redundancy.k + version->redundancy.m)
    return TRUE;
  for (guint i = 0; i < extent->n_nodes; i++)
    shards[i].presence = find_presence (judging, extent->nodes[i]);
  if (!take_bad (judging, extent, shards, lists, error))
    return FALSE;
  state = pmss_extent_health_judge (&geometry, shards, offset, &health->damage);
  health->extents++;
  health->by_state[state]++;
  health->state = MAX (health->state, state);
  return TRUE;
}

static gboolean
judge_extents (Judging * judging, GError ** error)
{
  guint64 first = 0;

  while (first <= G_MAXUINT32) {
    g_autoptr (GArray) page = pmss_catalog_list_extents (judging->catalog,
        &judging->version.id, (guint32) first, PAGE, error);

    if (page == NULL)
      return FALSE;
    for (guint i = 0; i < page->len; i++)
      if (!judge_extent (judging, &g_array_index (page, PmssExtent, i), error))
        return FALSE;
    if (page->len < PAGE)
      return TRUE;
    first = (guint64) g_array_index (page, PmssExtent, PAGE - 1).number + 1;
  }
  return TRUE;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint x = *(const guint *) a, y = *(const guint *) b;

  return x < y ? -1 : x > y;
}

static void
list_down (Judging * judging)
{
  GArray *list = judging->health->nodes_down;
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, judging->down);
  while (g_hash_table_iter_next (&iter, &id, NULL)) {
    guint node = GPOINTER_TO_UINT (id);

    g_array_append_val (list, node);
  }
  g_array_sort (list, compare_ids);
}

PmssMediumHealth *
pmss_medium_health_new (PmssControlContext * context,
    const PmssVersionId * version, GError ** error)
{
  g_autoptr (PmssMediumHealth) health = g_new0 (PmssMediumHealth, 1);
  g_auto (Judging) judging = {.catalog = context->catalog,.health = health };
  g_autoptr (GPtrArray) nodes = NULL;

  health->damage.ranges = g_array_new (FALSE, FALSE, sizeof (PmssByteRange));
  health->damage.max = PMSS_MAX_DAMAGED_RANGES;
  health->nodes_down = g_array_new (FALSE, FALSE, sizeof (guint));
  judging.nodes = g_hash_table_new (NULL, NULL);
  judging.down = g_hash_table_new (NULL, NULL);
  nodes = pmss_nodes_list (context->nodes, error);
  if (nodes == NULL)
    return NULL;
  for (guint i = 0; i < nodes->len; i++) {
    PmssNodeInfo *info = g_ptr_array_index (nodes, i);

    g_hash_table_insert (judging.nodes, GUINT_TO_POINTER (info->node.id), info);
  }
  if (!pmss_catalog_get_version (context->catalog, version, &judging.version,
          error)
      || !read_bad_page (&judging, error)
      || !judge_extents (&judging, error))
    return NULL;
  list_down (&judging);
  return g_steal_pointer (&health);
}
