/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A layout as docs/protocol.md section 6 writes it. */

#include "pmss-layout.h"

#include "pmss-error.h"
#include "pmss-json.h"

#define MAX_ZONE 255

static gboolean
invalid (GError ** error, const char *what)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID, what);
  return FALSE;
}

static gboolean
read_node (JsonNode * json, PmssNode * node, GError ** error)
{
  JsonObject *object = pmss_json_object (json, "nodes", error);
  const char *address, *zone;
  gint64 id, port;

  if (object == NULL
      || !pmss_json_get_int (object, "id", 1, G_MAXUINT, &id, error)
      || !pmss_json_get_string (object, "address", 255, &address, error)
      || !pmss_json_get_int (object, "port", 1, 65535, &port, error)
      || !pmss_json_get_boolean (object, "tls", &node->tls, error)
      || !pmss_json_get_string (object, "zone", MAX_ZONE, &zone, error))
    return FALSE;
  if (!pmss_host_check (address))
    return invalid (error,
        "“address” is neither a host name nor an address");
  node->id = id;
  node->port = port;
  /* the layout copies what it is given */
  node->address = (char *) address;
  node->zone = (char *) zone;
  return TRUE;
}

static gboolean
read_nodes (PmssLayout * layout, JsonArray * nodes, GError ** error)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < json_array_get_length (nodes); i++) {
    PmssNode node;

    if (!read_node (json_array_get_element (nodes, i), &node, error)) {
      g_prefix_error (error, "Node %u of the layout: ", i);
      return FALSE;
    }
    if (!g_hash_table_add (ids, GUINT_TO_POINTER (node.id)))
      return invalid (error, "The layout has a node twice");
    pmss_layout_add_node (layout, &node);
  }
  return TRUE;
}

static gboolean
read_extent (PmssLayout * layout, guint32 number, JsonNode * json,
    GError ** error)
{
  PmssRedundancy redundancy = pmss_layout_get_redundancy (layout);
  guint n = redundancy.k + redundancy.m;
  gint places[PMSS_MAX_SHARDS];
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (json))
    return invalid (error, "it is not an array");
  array = json_node_get_array (json);
  if (json_array_get_length (array) != n)
    return invalid (error, "it has not k+m shards");

  for (guint i = 0; i < n; i++) {
    gint64 place;

    if (!pmss_json_element_int (array, i, "node", -1,
            (gint64) pmss_layout_get_n_nodes (layout) - 1, &place, error))
      return FALSE;
    for (guint j = 0; j < i && place >= 0; j++) {
      if (places[j] == place)
        return invalid (error, "two of its shards are on one node");
    }
    places[i] = place;
  }
  pmss_layout_set_extent (layout, number, places);
  return TRUE;
}

static gboolean
read_extents (PmssLayout * layout, JsonArray * extents, GError ** error)
{
  for (guint32 i = 0; i < pmss_layout_get_n_extents (layout); i++) {
    if (!read_extent (layout, i, json_array_get_element (extents, i), error)) {
      g_prefix_error (error, "Extent %u of the layout: ", i);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
read_version (JsonObject * object, PmssVersionId * version, GError ** error)
{
  const char *text;

  if (!pmss_json_get_string (object, "version", 32, &text, error))
    return FALSE;
  if (!pmss_version_id_parse (text, version))
    return invalid (error, "“version” is not a version id");
  return TRUE;
}

PmssLayout *
pmss_layout_from_json (JsonNode * json, GError ** error)
{
  JsonObject *object = pmss_json_object (json, "layout", error);
  g_autoptr (PmssLayout) layout = NULL;
  gint64 size, k, m, unit, extent;
  PmssVersionId version;
  JsonArray *nodes, *extents;

  if (object == NULL || !read_version (object, &version, error)
      || !pmss_json_get_int (object, "size", 0, G_MAXINT64, &size, error)
      || !pmss_json_get_int (object, "k", 1, PMSS_MAX_K, &k, error)
      || !pmss_json_get_int (object, "m", 0, PMSS_MAX_M, &m, error)
      || !pmss_json_get_int (object, "unit", PMSS_MIN_UNIT, PMSS_MAX_UNIT,
          &unit, error)
      || !pmss_json_get_int (object, "extent", PMSS_MIN_UNIT, PMSS_MAX_EXTENT,
          &extent, error)
      || !pmss_json_get_array (object, "nodes", PMSS_MAX_LAYOUT_NODES, &nodes,
          error)
      || !pmss_json_get_array (object, "extents", G_MAXUINT, &extents, error))
    return NULL;

  /* before anything is allocated in proportion to the size */
  if (json_array_get_length (extents) != size / extent + (size % extent != 0)) {
    invalid (error, "The layout has not as many extents as its size needs");
    return NULL;
  }
  layout = pmss_layout_new (&version, size, (PmssRedundancy) {
      .k = k,.m = m}
      , unit, extent, error);
  if (layout == NULL || !read_nodes (layout, nodes, error)
      || !read_extents (layout, extents, error))
    return NULL;
  return g_steal_pointer (&layout);
}

static JsonArray *
write_nodes (PmssLayout * layout)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < pmss_layout_get_n_nodes (layout); i++) {
    const PmssNode *node = pmss_layout_get_node (layout, i);
    JsonObject *object = json_object_new ();

    json_object_set_int_member (object, "id", node->id);
    json_object_set_string_member (object, "address", node->address);
    json_object_set_int_member (object, "port", node->port);
    json_object_set_boolean_member (object, "tls", node->tls);
    json_object_set_string_member (object, "zone", node->zone);
    json_array_add_object_element (array, object);
  }
  return array;
}

static JsonArray *
write_extents (PmssLayout * layout)
{
  PmssRedundancy redundancy = pmss_layout_get_redundancy (layout);
  JsonArray *array = json_array_new ();

  for (guint32 i = 0; i < pmss_layout_get_n_extents (layout); i++) {
    JsonArray *extent = json_array_new ();

    for (guint j = 0; j < redundancy.k + redundancy.m; j++)
      json_array_add_int_element (extent,
          pmss_layout_get_shard_node (layout, i, j));
    json_array_add_array_element (array, extent);
  }
  return array;
}

JsonNode *
pmss_layout_to_json (PmssLayout * layout)
{
  PmssRedundancy redundancy = pmss_layout_get_redundancy (layout);
  JsonObject *object = json_object_new ();
  char version[PMSS_VERSION_ID_STRLEN];
  JsonNode *node;

  pmss_version_id_to_string (pmss_layout_get_version (layout), version);
  json_object_set_string_member (object, "version", version);
  json_object_set_int_member (object, "size", pmss_layout_get_size (layout));
  json_object_set_int_member (object, "k", redundancy.k);
  json_object_set_int_member (object, "m", redundancy.m);
  json_object_set_int_member (object, "unit", pmss_layout_get_unit (layout));
  json_object_set_int_member (object, "extent",
      pmss_layout_get_extent_size (layout));
  json_object_set_array_member (object, "nodes", write_nodes (layout));
  json_object_set_array_member (object, "extents", write_extents (layout));
  node = json_node_init_object (json_node_alloc (), object);
  json_object_unref (object);
  return node;
}
