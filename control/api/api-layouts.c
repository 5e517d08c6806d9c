/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route that draws a medium's layout. On handlers' threads. */
#include "control/api/router.h"

#include "control/catalog/catalog.h"
#include "control/nodes/nodes.h"
#include "control/shard-health/layout-map.h"
#include "libpmss/pmss-error.h"

#define DEFAULT_COUNT 256
#define MAX_COUNT 1024

static void
add_nodes (PmssJsonWriter * json, GPtrArray * nodes)
{
  pmss_json_writer_set_member_name (json, "nodes");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (nodes, i);

    pmss_json_writer_begin_object (json);
    pmss_api_add_int (json, "id", info->node.id);
    pmss_api_add_string (json, "state",
        pmss_node_state_to_string (info->state));
    pmss_api_add_string (json, "zone", info->node.zone);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
}

static void
add_row (PmssJsonWriter * json, const PmssMapRow * row)
{
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "index", row->extent);
  pmss_json_writer_set_member_name (json, "shards");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < row->n; i++) {
    pmss_json_writer_begin_object (json);
    pmss_api_add_known (json, "node", row->nodes[i] != 0 ?
        (gint64) row->nodes[i] : -1);
    pmss_api_add_string (json, "state",
        pmss_spot_state_to_string (row->states[i]));
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
}

static void
respond_map (PmssApiCall * call, const PmssVersion * version,
    GPtrArray * nodes, GArray * rows, guint64 first)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  gint64 extents = (gint64) ((version->size + version->extent - 1)
      / version->extent);
  gint64 next = (gint64) first + rows->len;

  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "k", version->redundancy.k);
  pmss_api_add_int (json, "m", version->redundancy.m);
  pmss_api_add_int (json, "unit", version->unit);
  pmss_api_add_int (json, "extent_size", version->extent);
  pmss_api_add_int (json, "extents", extents);
  add_nodes (json, nodes);
  pmss_json_writer_set_member_name (json, "rows");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < rows->len; i++)
    add_row (json, &g_array_index (rows, PmssMapRow, i));
  pmss_json_writer_end_array (json);
  pmss_api_add_known (json, "next", rows->len > 0 && next < extents ? next
      : -1);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static gboolean
find_version (PmssApiCall * call, PmssVersion * version, GError ** error)
{
  PmssCatalog *catalog = call->context->catalog;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_ready_medium (catalog,
      call->param, error);

  return medium != NULL && pmss_catalog_get_version (catalog, &medium->version,
      version, error);
}

static void
get_layout (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GArray) rows = NULL;
  PmssVersion version;
  guint64 first, count;

  if (!pmss_api_check_medium_name (call)
      || !pmss_api_get_query_uint (call, "first", 0, G_MAXUINT32, 0, &first)
      || !pmss_api_get_query_uint (call, "count", 1, MAX_COUNT, DEFAULT_COUNT,
          &count))
    return;
  if (find_version (call, &version, &error))
    rows = pmss_layout_map_load (call->context, &version, (guint32) first,
        (guint) count, &nodes, &error);
  if (rows != NULL)
    respond_map (call, &version, nodes, rows, first);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_layouts[] = {
  {"GET", "/api/v1/layouts/{name+}", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      get_layout},
  {NULL}
};
