/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page of a version's shards with their states. Any thread. */
#include "control/shard-health/layout-map.h"

#include "control/catalog/catalog-health.h"
#include "control/nodes/nodes.h"

#define PAGE 500

typedef struct
{
  PmssControlContext *context;
  const PmssVersion *version;
  GHashTable *states;           /* node id -> PmssNodeState + 1 */
  GArray *rows;
  guint32 first;
  guint64 end;                  /* the extent behind the last one */
} Map;

const char *
pmss_spot_state_to_string (PmssSpotState state)
{
  static const char *const names[] = {
    [PMSS_SPOT_OK] = "ok",
    [PMSS_SPOT_AWAY] = "away",
    [PMSS_SPOT_MISSING] = "missing",
    [PMSS_SPOT_BAD] = "bad",
    [PMSS_SPOT_REBUILDING] = "rebuilding",
  };

  return names[state];
}

static PmssSpotState
find_state (Map * map, guint node)
{
  guint state = GPOINTER_TO_UINT (g_hash_table_lookup (map->states,
          GUINT_TO_POINTER (node)));

  if (node == 0 || state == 0)
    return PMSS_SPOT_MISSING;
  return state - 1 == PMSS_NODE_DOWN ? PMSS_SPOT_AWAY : PMSS_SPOT_OK;
}

static void
add_row (Map * map, const PmssExtent * extent)
{
  PmssMapRow row = {.extent = extent->number,.n = extent->n_nodes };

  for (guint i = 0; i < row.n; i++) {
    row.nodes[i] = extent->nodes[i];
    row.states[i] = find_state (map, extent->nodes[i]);
  }
  g_array_append_val (map->rows, row);
  map->end = (guint64) extent->number + 1;
}

static PmssMapRow *
find_row (Map * map, guint32 extent)
{
  for (guint i = 0; i < map->rows->len; i++) {
    PmssMapRow *row = &g_array_index (map->rows, PmssMapRow, i);

    if (row->extent == extent)
      return row;
  }
  return NULL;
}

/* @node: 0: whichever the layout names. */
static void
mark (Map * map, guint32 extent, guint shard, guint node, PmssSpotState state)
{
  guint32 place = extent - map->first;
  PmssMapRow *row = place < map->rows->len ? &g_array_index (map->rows,
      PmssMapRow, place) : NULL;

  /* where extents are missing the places do not fit */
  if (row == NULL || row->extent != extent)
    row = find_row (map, extent);
  if (row == NULL || shard >= row->n || (node != 0
          && row->nodes[shard] != node))
    return;
  row->states[shard] = state;
}

static gboolean
mark_bad (Map * map, GError ** error)
{
  PmssBadShard before = {.version = map->version->id,
    .extent = map->first - 1,.shard = PMSS_MAX_SHARDS
  };
  const PmssBadShard *after = map->first > 0 ? &before : NULL;
  g_autoptr (GPtrArray) page = NULL;

  for (;;) {
    g_autoptr (GPtrArray) old = g_steal_pointer (&page);

    page = pmss_catalog_list_bad_shards (map->context->catalog,
        &map->version->id, after, PAGE, error);
    if (page == NULL)
      return FALSE;
    for (guint i = 0; i < page->len; i++) {
      const PmssBadShard *bad = g_ptr_array_index (page, i);

      if (bad->extent >= map->end)
        return TRUE;
      if (bad->state == PMSS_BAD_KNOWN)
        mark (map, bad->extent, bad->shard, bad->node,
            bad->kind == PMSS_BAD_MISSING ? PMSS_SPOT_MISSING : PMSS_SPOT_BAD);
    }
    if (page->len < PAGE)
      return TRUE;
    after = g_ptr_array_index (page, PAGE - 1);
  }
}

static gboolean
mark_rebuilding (Map * map, GError ** error)
{
  g_autoptr (GArray) list = pmss_catalog_list_rebuilding
      (map->context->catalog, &map->version->id, map->first,
      (guint32) MIN (map->end, G_MAXUINT32), error);

  for (guint i = 0; list != NULL && i < list->len; i++) {
    const PmssRebuilding *one = &g_array_index (list, PmssRebuilding, i);

    mark (map, one->extent, one->shard, 0, PMSS_SPOT_REBUILDING);
  }
  return list != NULL;
}

static gboolean
fill (Map * map, guint count, GError ** error)
{
  g_autoptr (GArray) extents = pmss_catalog_list_extents
      (map->context->catalog, &map->version->id, map->first, count, error);

  if (extents == NULL)
    return FALSE;
  for (guint i = 0; i < extents->len; i++)
    add_row (map, &g_array_index (extents, PmssExtent, i));
  return extents->len == 0 || (mark_bad (map, error)
      && mark_rebuilding (map, error));
}

GArray *
pmss_layout_map_load (PmssControlContext * context,
    const PmssVersion * version, guint32 first, guint count,
    GPtrArray ** nodes, GError ** error)
{
  g_autoptr (GArray) rows = g_array_new (FALSE, FALSE, sizeof (PmssMapRow));
  g_autoptr (GHashTable) states = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) infos = pmss_nodes_list (context->nodes, error);
  Map map = { context, version, states, rows, first, first };

  if (infos == NULL)
    return NULL;
  for (guint i = 0; i < infos->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (infos, i);

    g_hash_table_insert (states, GUINT_TO_POINTER (info->node.id),
        GUINT_TO_POINTER (info->state + 1));
  }
  if (!fill (&map, count, error))
    return NULL;
  *nodes = g_steal_pointer (&infos);
  return g_steal_pointer (&rows);
}
