/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A layout as docs/protocol.md section 6 writes it. */

#include "pmss-layout-part.h"

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

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
read_nodes (PmssLayoutPart * part, JsonArray * nodes, GError ** error)
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
    pmss_layout_part_add_node (part, &node);
  }
  return TRUE;
}

static gboolean
read_extent (PmssLayoutPart * part, JsonNode * json, GError ** error)
{
  guint n = part->redundancy.k + part->redundancy.m;
  gint16 places[PMSS_MAX_SHARDS];
  JsonArray *array;

  if (!JSON_NODE_HOLDS_ARRAY (json))
    return invalid (error, "it is not an array");
  array = json_node_get_array (json);
  if (json_array_get_length (array) != n)
    return invalid (error, "it has not k+m shards");

  for (guint i = 0; i < n; i++) {
    gint64 place;

    if (!pmss_json_element_int (array, i, "node", -1,
            (gint64) part->nodes->len - 1, &place, error))
      return FALSE;
    for (guint j = 0; j < i && place >= 0; j++) {
      if (places[j] == place)
        return invalid (error, "two of its shards are on one node");
    }
    places[i] = (gint16) place;
  }
  g_array_append_vals (part->places, places, n);
  return TRUE;
}

static gboolean
read_extents (PmssLayoutPart * part, JsonArray * extents, GError ** error)
{
  for (guint i = 0; i < json_array_get_length (extents); i++) {
    if (!read_extent (part, json_array_get_element (extents, i), error)) {
      g_prefix_error (error, "Extent %u of the layout: ", i);
      return FALSE;
    }
  }
  return TRUE;
}

/* Those of changes: one for each of @n extents, and none twice. */
static gboolean
read_numbers (PmssLayoutPart * part, JsonObject * object, guint n,
    GError ** error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  JsonArray *numbers;

  part->changes = TRUE;
  if (!pmss_json_get_array (object, "numbers", PMSS_MAX_LAYOUT_EXTENTS,
          &numbers, error))
    return FALSE;
  if (json_array_get_length (numbers) != n)
    return invalid (error, "The layout's changes have not one number each");
  for (guint i = 0; i < n; i++) {
    gint64 value;
    guint32 number;

    if (!pmss_json_element_int (numbers, i, "number", 0,
            PMSS_MAX_LAYOUT_EXTENTS - 1, &value, error))
      return FALSE;
    number = (guint32) value;
    if (!g_hash_table_add (seen, GUINT_TO_POINTER (number)))
      return invalid (error, "The layout has a change twice");
    g_array_append_val (part->numbers, number);
  }
  return TRUE;
}

static gboolean
read_optional (JsonObject * object, const char *name, gint64 max,
    gint64 * value, GError ** error)
{
  *value = 0;
  return !pmss_json_has (object, name)
      || pmss_json_get_int (object, name, 0, max, value, error);
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

/* All but nodes and extents. */
static gboolean
read_form (PmssLayoutPart * part, JsonObject * object, GError ** error)
{
  gint64 size, k, m, unit, extent, generation, first;

  if (!read_version (object, &part->version, error)
      || !pmss_json_get_int (object, "size", 0, G_MAXINT64, &size, error)
      || !pmss_json_get_int (object, "k", 1, PMSS_MAX_K, &k, error)
      || !pmss_json_get_int (object, "m", 0, PMSS_MAX_M, &m, error)
      || !pmss_json_get_int (object, "unit", PMSS_MIN_UNIT, PMSS_MAX_UNIT,
          &unit, error)
      || !pmss_json_get_int (object, "extent", PMSS_MIN_UNIT, PMSS_MAX_EXTENT,
          &extent, error)
      || !read_optional (object, "generation", G_MAXINT64, &generation, error)
      || !read_optional (object, "first", G_MAXUINT32, &first, error))
    return FALSE;
  part->size = (guint64) size;
  part->redundancy.k = (guint) k;
  part->redundancy.m = (guint) m;
  part->unit = (guint32) unit;
  part->extent_size = (guint32) extent;
  part->generation = (guint64) generation;
  part->first = (guint32) first;
  return TRUE;
}

PmssLayoutPart *
pmss_layout_part_from_json (JsonNode * json, GError ** error)
{
  JsonObject *object = pmss_json_object (json, "layout", error);
  g_autoptr (PmssLayoutPart) part = pmss_layout_part_new ();
  JsonArray *nodes, *extents;

  if (object == NULL || !read_form (part, object, error)
      || !pmss_json_get_array (object, "nodes", PMSS_MAX_LAYOUT_NODES, &nodes,
          error)
      || !pmss_json_get_array (object, "extents", PMSS_MAX_LAYOUT_EXTENTS,
          &extents, error)
      || !read_nodes (part, nodes, error)
      || !read_extents (part, extents, error))
    return NULL;
  if (json_object_has_member (object, "numbers")
      && !read_numbers (part, object, json_array_get_length (extents), error))
    return NULL;
  return g_steal_pointer (&part);
}

PmssLayout *
pmss_layout_from_json (JsonNode * json, GError ** error)
{
  g_autoptr (PmssLayoutBuilder) builder = pmss_layout_builder_new ();
  g_autoptr (PmssLayoutPart) part = pmss_layout_part_from_json (json, error);

  if (part == NULL || !pmss_layout_builder_add (builder, part, error))
    return NULL;
  return pmss_layout_builder_finish (builder, error);
}

static void
write_int (PmssJsonWriter * json, const char *name, gint64 value)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_int_value (json, value);
}

static void
write_string (PmssJsonWriter * json, const char *name, const char *value)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_string_value (json, value);
}

static void
write_nodes (const PmssLayoutPart * part, PmssJsonWriter * json)
{
  pmss_json_writer_set_member_name (json, "nodes");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < part->nodes->len; i++) {
    const PmssNode *node = &g_array_index (part->nodes, PmssNode, i);

    pmss_json_writer_begin_object (json);
    write_int (json, "id", node->id);
    write_string (json, "address", node->address);
    write_int (json, "port", node->port);
    pmss_json_writer_set_member_name (json, "tls");
    pmss_json_writer_add_boolean_value (json, node->tls);
    write_string (json, "zone", node->zone);
    pmss_json_writer_end_object (json);
  }
  pmss_json_writer_end_array (json);
}

static void
write_extents (const PmssLayoutPart * part, PmssJsonWriter * json)
{
  guint width = part->redundancy.k + part->redundancy.m;

  pmss_json_writer_set_member_name (json, "extents");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < pmss_layout_part_get_n_extents (part); i++) {
    pmss_json_writer_begin_array (json);
    for (guint j = 0; j < width; j++)
      pmss_json_writer_add_int_value (json, g_array_index (part->places,
              gint16, (gsize) i * width + j));
    pmss_json_writer_end_array (json);
  }
  pmss_json_writer_end_array (json);
}

static void
write_numbers (const PmssLayoutPart * part, PmssJsonWriter * json)
{
  pmss_json_writer_set_member_name (json, "numbers");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < part->numbers->len; i++)
    pmss_json_writer_add_int_value (json, g_array_index (part->numbers,
            guint32, i));
  pmss_json_writer_end_array (json);
}

void
pmss_layout_part_write (const PmssLayoutPart * part, PmssJsonWriter * json)
{
  char version[PMSS_VERSION_ID_STRLEN];

  pmss_version_id_to_string (&part->version, version);
  pmss_json_writer_begin_object (json);
  write_string (json, "version", version);
  write_int (json, "generation", (gint64) part->generation);
  write_int (json, "size", (gint64) part->size);
  write_int (json, "k", part->redundancy.k);
  write_int (json, "m", part->redundancy.m);
  write_int (json, "unit", part->unit);
  write_int (json, "extent", part->extent_size);
  if (part->changes)
    write_numbers (part, json);
  else
    write_int (json, "first", part->first);
  write_nodes (part, json);
  write_extents (part, json);
  pmss_json_writer_end_object (json);
}

/* All of @layout as one page. */
static PmssLayoutPart *
make_page (PmssLayout * layout)
{
  PmssLayoutPart *part = pmss_layout_part_new ();
  PmssRedundancy redundancy = pmss_layout_get_redundancy (layout);

  part->version = *pmss_layout_get_version (layout);
  part->generation = pmss_layout_get_generation (layout);
  part->size = pmss_layout_get_size (layout);
  part->redundancy = redundancy;
  part->unit = pmss_layout_get_unit (layout);
  part->extent_size = pmss_layout_get_extent_size (layout);
  for (guint i = 0; i < pmss_layout_get_n_nodes (layout); i++)
    pmss_layout_part_add_node (part, pmss_layout_get_node (layout, i));
  for (guint32 i = 0; i < pmss_layout_get_n_extents (layout); i++)
    for (guint j = 0; j < redundancy.k + redundancy.m; j++) {
      gint16 place = (gint16) pmss_layout_get_shard_node (layout, i, j);

      g_array_append_val (part->places, place);
    }
  return part;
}

JsonNode *
pmss_layout_to_json (PmssLayout * layout)
{
  g_autoptr (PmssLayoutPart) page = make_page (layout);
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GBytes) text = NULL;
  gsize length;
  const char *data;

  pmss_layout_part_write (page, json);
  text = pmss_json_writer_finish (json);
  data = g_bytes_get_data (text, &length);
  return pmss_json_parse (data, length, NULL);
}
