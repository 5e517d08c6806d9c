/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts of layouts, and what becomes of them. Pure; its owner's thread. */

#include "pmss-layout-part.h"

#include <string.h>

#include "libpmss/pmss-error.h"

static void
clear_node (gpointer data)
{
  PmssNode *node = data;

  g_free (node->address);
  g_free (node->zone);
}

static GArray *
new_nodes (void)
{
  GArray *nodes = g_array_new (FALSE, FALSE, sizeof (PmssNode));

  g_array_set_clear_func (nodes, clear_node);
  return nodes;
}

static PmssNode
copy_node (const PmssNode * node)
{
  PmssNode copy = *node;

  copy.address = g_strdup (node->address);
  copy.zone = g_strdup (node->zone != NULL ? node->zone : "");
  return copy;
}

PmssLayoutPart *
pmss_layout_part_new (void)
{
  PmssLayoutPart *part = g_new0 (PmssLayoutPart, 1);

  part->numbers = g_array_new (FALSE, FALSE, sizeof (guint32));
  part->nodes = new_nodes ();
  part->places = g_array_new (FALSE, FALSE, sizeof (gint16));
  return part;
}

void
pmss_layout_part_free (PmssLayoutPart * part)
{
  g_array_unref (part->numbers);
  g_array_unref (part->nodes);
  g_array_unref (part->places);
  g_free (part);
}

guint
pmss_layout_part_add_node (PmssLayoutPart * part, const PmssNode * node)
{
  PmssNode copy = copy_node (node);

  g_array_append_val (part->nodes, copy);
  return part->nodes->len - 1;
}

static guint
get_width (const PmssLayoutPart * part)
{
  return part->redundancy.k + part->redundancy.m;
}

guint
pmss_layout_part_get_n_extents (const PmssLayoutPart * part)
{
  return part->places->len / get_width (part);
}

guint64
pmss_layout_part_count_extents_of_layout (const PmssLayoutPart * part)
{
  return part->size / part->extent_size + (part->size % part->extent_size != 0);
}

static gboolean
invalid (GError ** error, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "The layout %s", what);
  return FALSE;
}

/* --- A table of nodes, each id once --- */

typedef struct
{
  GArray *nodes;                /* PmssNode; owned */
  GHashTable *indices;          /* id -> index + 1 */
} NodeTable;

static void
node_table_init (NodeTable * table)
{
  table->nodes = new_nodes ();
  table->indices = g_hash_table_new (NULL, NULL);
}

static void
node_table_clear (NodeTable * table)
{
  g_array_unref (table->nodes);
  g_hash_table_unref (table->indices);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (NodeTable, node_table_clear)
/* What is said last of a node counts. -1: too many. */
     static gint node_table_put (NodeTable * table, const PmssNode * node)
{
  gpointer id = GUINT_TO_POINTER (node->id);
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (table->indices, id));
  PmssNode copy;

  if (index == 0 && table->nodes->len >= PMSS_MAX_LAYOUT_NODES)
    return -1;
  copy = copy_node (node);
  if (index > 0) {
    PmssNode *known = &g_array_index (table->nodes, PmssNode, index - 1);

    clear_node (known);
    *known = copy;
    return (gint) index - 1;
  }
  g_array_append_val (table->nodes, copy);
  g_hash_table_insert (table->indices, id,
      GUINT_TO_POINTER (table->nodes->len));
  return (gint) table->nodes->len - 1;
}

/* Where the table has @nodes: an array of gint. */
static gint *
node_table_put_all (NodeTable * table, GArray * nodes, GError ** error)
{
  g_autofree gint *map = g_new (gint, nodes->len + 1);

  for (guint i = 0; i < nodes->len; i++) {
    map[i] = node_table_put (table, &g_array_index (nodes, PmssNode, i));
    if (map[i] < 0) {
      invalid (error, "has too many nodes");
      return NULL;
    }
  }
  return g_steal_pointer (&map);
}

/* Puts those that @places names into @layout, and changes @places to their indices there. */
static void
add_used_nodes (NodeTable * table, PmssLayout * layout, gint16 * places,
    gsize n)
{
  g_autofree gint16 *map = g_new (gint16, table->nodes->len + 1);

  for (guint i = 0; i < table->nodes->len; i++)
    map[i] = -1;
  for (gsize i = 0; i < n; i++) {
    gint16 place = places[i];

    if (place < 0)
      continue;
    if (map[place] < 0)
      map[place] = (gint16) pmss_layout_add_node (layout,
          &g_array_index (table->nodes, PmssNode, place));
    places[i] = map[place];
  }
}

/* @places: n_extents x (k + m) indices in @table. */
static PmssLayout *
make_layout (const PmssLayoutPart * form, NodeTable * table, gint16 * places,
    guint64 generation, GError ** error)
{
  guint width = get_width (form);
  PmssLayout *layout = pmss_layout_new (&form->version, form->size,
      form->redundancy, form->unit, form->extent_size, error);
  guint32 n_extents;

  if (layout == NULL)
    return NULL;
  n_extents = pmss_layout_get_n_extents (layout);
  add_used_nodes (table, layout, places, (gsize) n_extents * width);
  for (guint32 i = 0; i < n_extents; i++) {
    gint nodes[PMSS_MAX_SHARDS];

    for (guint j = 0; j < width; j++)
      nodes[j] = places[(gsize) i * width + j];
    pmss_layout_set_extent (layout, i, nodes);
  }
  pmss_layout_set_generation (layout, generation);
  return layout;
}

/* --- Geometry --- */

/* @layout's, without places. */
static PmssLayoutPart *
part_of (PmssLayout * layout)
{
  PmssLayoutPart *part = pmss_layout_part_new ();

  part->version = *pmss_layout_get_version (layout);
  part->size = pmss_layout_get_size (layout);
  part->redundancy = pmss_layout_get_redundancy (layout);
  part->unit = pmss_layout_get_unit (layout);
  part->extent_size = pmss_layout_get_extent_size (layout);
  part->generation = pmss_layout_get_generation (layout);
  return part;
}

static gboolean
check_same (const PmssLayoutPart * a, const PmssLayoutPart * b, GError ** error)
{
  if (!pmss_version_id_equal (&a->version, &b->version))
    return invalid (error, "is of another version");
  if (a->size != b->size)
    return invalid (error, "is of another size");
  if (a->redundancy.k != b->redundancy.k || a->redundancy.m != b->redundancy.m)
    return invalid (error, "has another redundancy");
  if (a->unit != b->unit || a->extent_size != b->extent_size)
    return invalid (error, "has another stripe unit or extent size");
  return TRUE;
}

gboolean
pmss_layout_check_same_geometry (PmssLayout * layout, PmssLayout * other,
    GError ** error)
{
  g_autoptr (PmssLayoutPart) a = part_of (layout);
  g_autoptr (PmssLayoutPart) b = part_of (other);

  return check_same (a, b, error);
}

/* --- Changes --- */

static gboolean
check_changes (const PmssLayoutPart * form, const PmssLayoutPart * part,
    GError ** error)
{
  guint64 n_extents = pmss_layout_part_count_extents_of_layout (form);

  if (!part->changes)
    return invalid (error, "has no changes");
  if (!check_same (form, part, error))
    return FALSE;
  if (part->generation < form->generation)
    return invalid (error, "is older than the one that is known");
  for (guint i = 0; i < part->numbers->len; i++)
    if (g_array_index (part->numbers, guint32, i) >= n_extents)
      return invalid (error, "has changes behind its end");
  return TRUE;
}

static gint16 *
copy_places (PmssLayout * layout, const gint * map, guint width)
{
  guint32 n_extents = pmss_layout_get_n_extents (layout);
  gint16 *places = g_new (gint16, (gsize) n_extents * width + 1);

  for (guint32 i = 0; i < n_extents; i++)
    for (guint j = 0; j < width; j++) {
      gint node = pmss_layout_get_shard_node (layout, i, j);

      places[(gsize) i * width + j] = (gint16) (node < 0 ? -1 : map[node]);
    }
  return places;
}

/* The places of @part's @i-th extent. */
static void
put_extent (const PmssLayoutPart * part, guint i, const gint * map,
    gint16 * places)
{
  guint width = get_width (part);

  for (guint j = 0; j < width; j++) {
    gint16 node = g_array_index (part->places, gint16, (gsize) i * width + j);

    places[j] = (gint16) (node < 0 ? -1 : map[node]);
  }
}

static gint *
put_layout_nodes (NodeTable * table, PmssLayout * layout)
{
  guint n = pmss_layout_get_n_nodes (layout);
  gint *map = g_new (gint, n + 1);

  for (guint i = 0; i < n; i++)
    map[i] = node_table_put (table, pmss_layout_get_node (layout, i));
  return map;
}

PmssLayout *
pmss_layout_apply_changes (PmssLayout * layout, const PmssLayoutPart * part,
    GError ** error)
{
  g_autoptr (PmssLayoutPart) form = part_of (layout);
  g_auto (NodeTable) table = { NULL, NULL };
  g_autofree gint *old_map = NULL;
  g_autofree gint *map = NULL;
  g_autofree gint16 *places = NULL;
  guint width = get_width (form);

  node_table_init (&table);
  if (!check_changes (form, part, error))
    return NULL;
  old_map = put_layout_nodes (&table, layout);
  map = node_table_put_all (&table, part->nodes, error);
  if (map == NULL)
    return NULL;
  places = copy_places (layout, old_map, width);
  for (guint i = 0; i < part->numbers->len; i++)
    put_extent (part, i, map, places +
        (gsize) g_array_index (part->numbers, guint32, i) * width);
  return make_layout (form, &table, places, part->generation, error);
}

/* --- Pages --- */

struct _PmssLayoutBuilder
{
  PmssLayoutPart *form;         /* NULL: no page yet; its generation is the oldest one */
  NodeTable table;
  GArray *places;               /* gint16 */
};

PmssLayoutBuilder *
pmss_layout_builder_new (void)
{
  PmssLayoutBuilder *builder = g_new0 (PmssLayoutBuilder, 1);

  node_table_init (&builder->table);
  builder->places = g_array_new (FALSE, FALSE, sizeof (gint16));
  return builder;
}

void
pmss_layout_builder_free (PmssLayoutBuilder * builder)
{
  g_clear_pointer (&builder->form, pmss_layout_part_free);
  node_table_clear (&builder->table);
  g_array_unref (builder->places);
  g_free (builder);
}

static guint64
count_built (const PmssLayoutBuilder * builder)
{
  return builder->places->len / get_width (builder->form);
}

static gboolean
take_form (PmssLayoutBuilder * builder, const PmssLayoutPart * page,
    GError ** error)
{
  PmssLayoutPart *form;

  if (pmss_layout_part_count_extents_of_layout (page) > PMSS_MAX_LAYOUT_EXTENTS)
    return invalid (error, "has too many extents");
  form = pmss_layout_part_new ();
  form->version = page->version;
  form->size = page->size;
  form->redundancy = page->redundancy;
  form->unit = page->unit;
  form->extent_size = page->extent_size;
  form->generation = page->generation;
  builder->form = form;
  return TRUE;
}

static gboolean
check_page (PmssLayoutBuilder * builder, const PmssLayoutPart * page,
    GError ** error)
{
  guint64 built, n_extents;

  if (page->changes)
    return invalid (error, "is not whole");
  if (builder->form == NULL && !take_form (builder, page, error))
    return FALSE;
  if (!check_same (builder->form, page, error))
    return FALSE;
  built = count_built (builder);
  n_extents = pmss_layout_part_count_extents_of_layout (page);
  if (page->first != built)
    return invalid (error, "has a page that does not follow the last one");
  if (built + pmss_layout_part_get_n_extents (page) > n_extents)
    return invalid (error, "has more extents than its size needs");
  if (pmss_layout_part_get_n_extents (page) == 0 && n_extents > 0)
    return invalid (error, "has not as many extents as its size needs");
  return TRUE;
}

gboolean
pmss_layout_builder_add (PmssLayoutBuilder * builder,
    const PmssLayoutPart * page, GError ** error)
{
  g_autofree gint *map = NULL;
  guint width = get_width (page);

  if (!check_page (builder, page, error))
    return FALSE;
  map = node_table_put_all (&builder->table, page->nodes, error);
  if (map == NULL)
    return FALSE;
  builder->form->generation = MIN (builder->form->generation, page->generation);
  for (guint i = 0; i < pmss_layout_part_get_n_extents (page); i++) {
    gint16 places[PMSS_MAX_SHARDS];

    put_extent (page, i, map, places);
    g_array_append_vals (builder->places, places, width);
  }
  return TRUE;
}

gboolean
pmss_layout_builder_get_next (PmssLayoutBuilder * builder, guint32 * first)
{
  if (builder->form == NULL) {
    *first = 0;
    return TRUE;
  }
  *first = (guint32) count_built (builder);
  return *first < pmss_layout_part_count_extents_of_layout (builder->form);
}

PmssLayout *
pmss_layout_builder_finish (PmssLayoutBuilder * builder, GError ** error)
{
  guint32 next;

  if (pmss_layout_builder_get_next (builder, &next)) {
    invalid (error, "has not as many extents as its size needs");
    return NULL;
  }
  return make_layout (builder->form, &builder->table,
      (gint16 *) (gpointer) builder->places->data, builder->form->generation,
      error);
}
