/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The layout itself and its arithmetic; its JSON is in pmss-layout-json.c. */

#include "pmss-layout.h"

#include "libpmss/pmss-error.h"

struct _PmssLayout
{
  gatomicrefcount refs;
  PmssVersionId version;
  guint64 generation;
  guint64 size;
  PmssRedundancy redundancy;
  guint n;
  guint32 unit;
  guint32 extent_size;
  guint32 n_extents;
  GArray *nodes;                /* of PmssNode */
  gint16 *places;               /* n_extents x n indices of nodes, -1: lost */
};

G_STATIC_ASSERT (PMSS_MAX_LAYOUT_NODES <= G_MAXINT16);

G_DEFINE_BOXED_TYPE (PmssLayout, pmss_layout, pmss_layout_ref,
    pmss_layout_unref)
     static void node_clear (gpointer data)
{
  PmssNode *node = data;

  g_free (node->address);
  g_free (node->zone);
}

static PmssLayout *
invalid (GError ** error, const char *what)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID, what);
  return NULL;
}

PmssLayout *
pmss_layout_new (const PmssVersionId * version, guint64 size,
    PmssRedundancy redundancy, guint32 unit, guint32 extent_size,
    GError ** error)
{
  g_autoptr (PmssLayout) layout = NULL;
  guint64 n_extents;
  gsize n_places;

  if (!pmss_redundancy_check (redundancy))
    return invalid (error, "The layout's redundancy is out of limits");
  if (!pmss_unit_check (unit))
    return invalid (error, "The layout's stripe unit is out of limits");
  if (extent_size == 0 || extent_size > PMSS_MAX_EXTENT
      || extent_size % (redundancy.k * unit) != 0)
    return invalid (error, "The layout's extent size is not a multiple of "
        "k units or out of limits");
  n_extents = size / extent_size + (size % extent_size != 0);
  if (size > G_MAXINT64 || n_extents > G_MAXUINT32)
    return invalid (error, "The layout's size is out of limits");

  layout = g_new0 (PmssLayout, 1);
  g_atomic_ref_count_init (&layout->refs);
  layout->version = *version;
  layout->size = size;
  layout->redundancy = redundancy;
  layout->n = redundancy.k + redundancy.m;
  layout->unit = unit;
  layout->extent_size = extent_size;
  layout->n_extents = n_extents;
  layout->nodes = g_array_new (FALSE, FALSE, sizeof (PmssNode));
  g_array_set_clear_func (layout->nodes, node_clear);

  n_places = n_extents * layout->n;
  layout->places = g_try_new (gint16, n_places);
  if (layout->places == NULL && n_places > 0)
    return invalid (error, "The layout does not fit the memory");
  for (gsize i = 0; i < n_places; i++)
    layout->places[i] = -1;
  return g_steal_pointer (&layout);
}

PmssLayout *
pmss_layout_ref (PmssLayout * layout)
{
  g_atomic_ref_count_inc (&layout->refs);
  return layout;
}

void
pmss_layout_unref (PmssLayout * layout)
{
  if (!g_atomic_ref_count_dec (&layout->refs))
    return;
  g_array_unref (layout->nodes);
  g_free (layout->places);
  g_free (layout);
}

guint
pmss_layout_add_node (PmssLayout * layout, const PmssNode * node)
{
  PmssNode copy = *node;

  g_return_val_if_fail (layout->nodes->len < PMSS_MAX_LAYOUT_NODES, 0);

  copy.address = g_strdup (node->address);
  copy.zone = g_strdup (node->zone != NULL ? node->zone : "");
  g_array_append_val (layout->nodes, copy);
  return layout->nodes->len - 1;
}

void
pmss_layout_set_extent (PmssLayout * layout, guint32 extent, const gint * nodes)
{
  gint16 *places = layout->places + (gsize) extent * layout->n;

  g_return_if_fail (extent < layout->n_extents);

  for (guint i = 0; i < layout->n; i++) {
    g_return_if_fail (nodes[i] >= -1 && nodes[i] < (gint) layout->nodes->len);
    places[i] = nodes[i];
  }
}

const PmssVersionId *
pmss_layout_get_version (PmssLayout * layout)
{
  return &layout->version;
}

void
pmss_layout_set_generation (PmssLayout * layout, guint64 generation)
{
  layout->generation = generation;
}

guint64
pmss_layout_get_generation (PmssLayout * layout)
{
  return layout->generation;
}

guint64
pmss_layout_get_size (PmssLayout * layout)
{
  return layout->size;
}

PmssRedundancy
pmss_layout_get_redundancy (PmssLayout * layout)
{
  return layout->redundancy;
}

guint32
pmss_layout_get_unit (PmssLayout * layout)
{
  return layout->unit;
}

guint32
pmss_layout_get_extent_size (PmssLayout * layout)
{
  return layout->extent_size;
}

guint32
pmss_layout_get_n_extents (PmssLayout * layout)
{
  return layout->n_extents;
}

guint
pmss_layout_get_n_nodes (PmssLayout * layout)
{
  return layout->nodes->len;
}

const PmssNode *
pmss_layout_get_node (PmssLayout * layout, guint index)
{
  g_return_val_if_fail (index < layout->nodes->len, NULL);

  return &g_array_index (layout->nodes, PmssNode, index);
}

gint
pmss_layout_get_shard_node (PmssLayout * layout, guint32 extent, guint shard)
{
  g_return_val_if_fail (extent < layout->n_extents && shard < layout->n, -1);

  return layout->places[(gsize) extent * layout->n + shard];
}

void
pmss_layout_get_geometry (PmssLayout * layout, guint32 extent,
    PmssExtentGeometry * geometry)
{
  guint64 start = (guint64) extent * layout->extent_size;

  g_return_if_fail (extent < layout->n_extents);

  *geometry = (PmssExtentGeometry) {
  .version = layout->version,.extent = extent,.redundancy =
        layout->redundancy,.unit = layout->unit,.payload =
        MIN (layout->extent_size, layout->size - start),};
}

guint64
pmss_layout_get_n_units (PmssLayout * layout)
{
  return layout->size / layout->unit + (layout->size % layout->unit != 0);
}

void
pmss_layout_locate_unit (PmssLayout * layout, guint64 unit,
    PmssUnitPlace * place)
{
  /* extents are whole rows, so units lie in the file one after the other */
  guint32 per_extent = layout->extent_size / layout->unit;
  guint32 in_extent = unit % per_extent;
  guint64 offset = unit * layout->unit;

  g_return_if_fail (unit < pmss_layout_get_n_units (layout));

  place->extent = unit / per_extent;
  place->row = in_extent / layout->redundancy.k;
  place->index = in_extent % layout->redundancy.k;
  place->length = MIN (layout->unit, layout->size - offset);
  place->offset = offset;
}

guint64
pmss_layout_unit_at (PmssLayout * layout, guint64 offset)
{
  g_return_val_if_fail (offset < layout->size, 0);

  return offset / layout->unit;
}

guint32
pmss_layout_round_extent (guint32 wanted, PmssRedundancy redundancy,
    guint32 unit)
{
  guint64 row = (guint64) redundancy.k * unit;
  guint64 rows;

  g_return_val_if_fail (pmss_redundancy_check (redundancy)
      && pmss_unit_check (unit), 0);

  rows = MAX (1, (wanted + row - 1) / row);
  return MIN (rows, PMSS_MAX_EXTENT / row) * row;
}
