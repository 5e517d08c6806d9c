/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many more streams fit. Any thread. */
#include "control/admission/room.h"

#include "control/database/database.h"
#include "control/nodes/nodes.h"

typedef struct
{
  PmssVersionId version;
  gint64 generation;
} GenerationCall;

static gboolean
read_generation (PmssDatabase * database, gpointer data, GError ** error)
{
  GenerationCall *call = data;

  return pmss_catalog_read_generation (database, &call->version,
      &call->generation, error);
}

/* FALSE: an error; *plan NULL: none is owed to it. */
static gboolean
get_plan (PmssControlContext * context, const PmssMedium * medium,
    PmssStreamPlan ** plan, GError ** error)
{
  PmssPlans *plans = pmss_admission_get_plans (context->admission);
  GenerationCall call = {.version = medium->version };

  return pmss_database_read (context->database, read_generation, &call, error)
      && (pmss_plans_find (plans, &medium->version, call.generation, plan)
      || pmss_plans_load (plans, medium, &medium->version, plan, error));
}

/* Those of the medium that are in @zone. */
static GArray *
find_in_zone (GPtrArray * nodes, const GArray * holders, const char *zone)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeInfo *info = nodes->pdata[i];

    if (g_strcmp0 (info->node.zone, zone) != 0)
      continue;
    for (guint j = 0; j < holders->len; j++)
      if (g_array_index (holders, guint, j) == info->node.id)
        g_array_append_val (found, info->node.id);
  }
  return found;
}

static guint
count_without_zone (PmssControlContext * context, const PmssStreamPlan * plan,
    GPtrArray * nodes, const GArray * holders, const char *zone, guint most)
{
  g_autoptr (GArray) gone = find_in_zone (nodes, holders, zone);

  return gone->len == 0 ? most
      : pmss_admission_count_more (context->admission, plan, gone, most);
}

static void
count_after_zones (PmssControlContext * context, const PmssStreamPlan * plan,
    const GArray * holders, GPtrArray * nodes, PmssRoom * room)
{
  g_autoptr (GHashTable) zones = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer zone;

  /* a node without a zone is one of its own */
  room->after_zone = room->after_node;
  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeInfo *info = nodes->pdata[i];

    if (info->node.zone != NULL && *info->node.zone != '\0')
      g_hash_table_add (zones, info->node.zone);
  }
  g_hash_table_iter_init (&iter, zones);
  while (g_hash_table_iter_next (&iter, &zone, NULL))
    room->after_zone = count_without_zone (context, plan, nodes, holders, zone,
        room->after_zone);
}

static void
count_after_nodes (PmssControlContext * context, const PmssStreamPlan * plan,
    const GArray * holders, PmssRoom * room)
{
  room->after_node = room->more;
  for (guint i = 0; i < holders->len; i++) {
    g_autoptr (GArray) gone = g_array_new (FALSE, FALSE, sizeof (guint));

    g_array_append_val (gone, g_array_index (holders, guint, i));
    room->after_node = pmss_admission_count_more (context->admission, plan,
        gone, room->after_node);
  }
}

gboolean
pmss_room_count (PmssControlContext * context, const char *name,
    PmssRoom * room, GError ** error)
{
  g_autoptr (PmssMedium) medium =
      pmss_catalog_get_ready_medium (context->catalog, name, error);
  g_autoptr (PmssStreamPlan) plan = NULL;
  g_autoptr (GArray) holders = NULL;
  g_autoptr (GPtrArray) nodes = NULL;

  *room = (PmssRoom) {
  0};
  if (medium == NULL || !get_plan (context, medium, &plan, error))
    return FALSE;
  room->bulk = plan == NULL;
  if (room->bulk)
    return TRUE;
  holders = pmss_catalog_list_version_nodes (context->catalog,
      &medium->version, error);
  nodes = holders != NULL ? pmss_nodes_list (context->nodes, error) : NULL;
  if (nodes == NULL)
    return FALSE;
  room->more = pmss_admission_count_more (context->admission, plan, NULL,
      PMSS_ROOM_MOST);
  count_after_nodes (context, plan, holders, room);
  count_after_zones (context, plan, holders, nodes, room);
  return TRUE;
}
