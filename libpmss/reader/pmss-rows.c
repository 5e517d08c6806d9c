/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-rows.h"

#include <string.h>

static guint
n_units (PmssRows * rows)
{
  return rows->redundancy.k + rows->redundancy.m;
}

static void
row_free (gpointer data)
{
  PmssRow *row = data;

  g_clear_error (&row->error);
  g_free (row);
}

static PmssCached *
join (PmssCache * cache, PmssLayout * layout)
{
  const PmssCacheKey key = {
    .version = *pmss_layout_get_version (layout),
    .redundancy = pmss_layout_get_redundancy (layout),
    .unit = pmss_layout_get_unit (layout),
    .extent_size = pmss_layout_get_extent_size (layout),
    .size = pmss_layout_get_size (layout)
  };

  return pmss_cache_join (cache, &key);
}

void
pmss_rows_init (PmssRows * rows, PmssLayout * layout, PmssCache * cache)
{
  guint32 n_extents = pmss_layout_get_n_extents (layout);

  rows->layout = pmss_layout_ref (layout);
  if (cache != NULL)
    rows->cached = join (cache, layout);
  rows->redundancy = pmss_layout_get_redundancy (layout);
  rows->unit = pmss_layout_get_unit (layout);
  rows->extent_size = pmss_layout_get_extent_size (layout);
  rows->rows_per_extent = rows->extent_size /
      ((guint64) rows->redundancy.k * rows->unit);
  if (n_extents > 0) {
    PmssExtentGeometry last;

    pmss_layout_get_geometry (layout, n_extents - 1, &last);
    rows->n_rows = (n_extents - 1) * rows->rows_per_extent +
        pmss_extent_geometry_rows (&last);
  }
  rows->table =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, row_free);
}

static void
row_drop_blocks (PmssRows * rows, PmssRow * row)
{
  guint i;

  for (i = 0; i < n_units (rows); i++)
    pmss_rows_set_empty (rows, row, i, PMSS_UNIT_NONE);
}

void
pmss_rows_clear (PmssRows * rows)
{
  GHashTableIter iter;
  gpointer row;

  if (rows->table == NULL)
    return;
  g_hash_table_iter_init (&iter, rows->table);
  while (g_hash_table_iter_next (&iter, NULL, &row))
    row_drop_blocks (rows, row);
  g_clear_pointer (&rows->table, g_hash_table_unref);
  g_clear_pointer (&rows->cached, pmss_cached_leave);
  g_clear_pointer (&rows->layout, pmss_layout_unref);
}

guint64
pmss_rows_at (const PmssRows * rows, guint64 offset, guint * index,
    gsize * offset_in_unit)
{
  guint64 row_size = (guint64) rows->redundancy.k * rows->unit;
  guint64 in_extent = offset % rows->extent_size;
  guint64 in_row = in_extent % row_size;

  *index = in_row / rows->unit;
  *offset_in_unit = in_row % rows->unit;
  return offset / rows->extent_size * rows->rows_per_extent +
      in_extent / row_size;
}

guint64
pmss_rows_get_offset (const PmssRows * rows, guint64 row, guint index)
{
  guint64 in_extent = (row % rows->rows_per_extent * rows->redundancy.k
      + index) * rows->unit;
  guint64 offset = row / rows->rows_per_extent * rows->extent_size
      + MIN (in_extent, rows->extent_size);

  return MIN (offset, pmss_layout_get_size (rows->layout));
}

PmssRow *
pmss_rows_get (PmssRows * rows, guint64 number)
{
  return g_hash_table_lookup (rows->table, &number);
}

PmssRow *
pmss_rows_ensure (PmssRows * rows, guint64 number)
{
  PmssRow *row = pmss_rows_get (rows, number);

  if (row != NULL)
    return row;
  row = g_malloc0 (sizeof (PmssRow) + n_units (rows) * sizeof (PmssUnitSlot));
  row->number = number;
  row->extent = number / rows->rows_per_extent;
  row->row = number % rows->rows_per_extent;
  row->used = ++rows->clock;
  g_hash_table_insert (rows->table, &row->number, row);
  return row;
}

void
pmss_rows_geometry (PmssRows * rows, PmssRow * row,
    PmssExtentGeometry * geometry)
{
  pmss_layout_get_geometry (rows->layout, row->extent, geometry);
}

static gboolean
holds_block (PmssUnitState state)
{
  return state == PMSS_UNIT_READY || state == PMSS_UNIT_ASKED;
}

static void
tell_others (PmssRows * rows, PmssRow * row, guint index, PmssUnitState state,
    PmssBlock * block)
{
  const PmssUnitSlot *slot = &row->slots[index];

  if (slot->state == PMSS_UNIT_READY)
    pmss_cached_remove (rows->cached, row->number, index, slot->block);
  else if (slot->state == PMSS_UNIT_ASKED)
    pmss_cached_unask (rows->cached, row->number, index);
  if (state == PMSS_UNIT_READY)
    pmss_cached_add (rows->cached, row->number, index, block);
  else if (state == PMSS_UNIT_ASKED)
    pmss_cached_ask (rows->cached, row->number, index);
}

static void
slot_change (PmssRows * rows, PmssRow * row, guint index, PmssUnitState state,
    PmssBlock * block, PmssStream * stream)
{
  PmssUnitSlot *slot = &row->slots[index];

  if (rows->cached != NULL)
    tell_others (rows, row, index, state, block);
  rows->n_blocks -= holds_block (slot->state);
  rows->n_blocks += holds_block (state);
  rows->n_ready -= slot->state == PMSS_UNIT_READY;
  rows->n_ready += state == PMSS_UNIT_READY;
  g_clear_pointer (&slot->block, pmss_block_unref);
  slot->state = state;
  slot->block = block;
  slot->stream = stream;
}

void
pmss_rows_set_asked (PmssRows * rows, PmssRow * row, guint index,
    PmssStream * stream)
{
  slot_change (rows, row, index, PMSS_UNIT_ASKED, NULL, stream);
}

void
pmss_rows_set_ready (PmssRows * rows, PmssRow * row, guint index,
    PmssBlock * block)
{
  slot_change (rows, row, index, PMSS_UNIT_READY, block, NULL);
  row->missing &= ~(1u << index);
}

void
pmss_rows_set_empty (PmssRows * rows, PmssRow * row, guint index,
    PmssUnitState state)
{
  slot_change (rows, row, index, state, NULL, NULL);
  row->slots[index].wanted = FALSE;
}

/* FALSE: it says of the row what its own records, or other units of others, do not. */
static gboolean
adopt_crc (PmssRow * row, PmssBlock * block)
{
  PmssRecordHeader record;

  if (!pmss_record_header_parse (pmss_block_get_record (block), &record, NULL))
    return FALSE;
  if (!row->has_crc)
    memcpy (row->crc, record.crc, sizeof row->crc);
  row->has_crc = TRUE;
  return memcmp (row->crc, record.crc, sizeof row->crc) == 0;
}

void
pmss_rows_adopt (PmssRows * rows, PmssRow * row, guint first)
{
  guint i;

  if (rows->cached == NULL || row->disputed
      || !pmss_cached_is_shared (rows->cached))
    return;
  for (i = first; i < rows->redundancy.k; i++) {
    g_autoptr (PmssBlock) block = NULL;

    if (row->slots[i].state != PMSS_UNIT_NONE)
      continue;
    block = pmss_cached_take (rows->cached, row->number, i);
    if (block != NULL && adopt_crc (row, block))
      pmss_rows_set_ready (rows, row, i, g_steal_pointer (&block));
  }
}

gboolean
pmss_rows_is_coming_to_others (PmssRows * rows, PmssRow * row, guint index)
{
  return rows->cached != NULL && !row->disputed
      && row->slots[index].state == PMSS_UNIT_NONE
      && pmss_cached_is_shared (rows->cached)
      && pmss_cached_is_asked (rows->cached, row->number, index);
}

void
pmss_rows_release (PmssRows * rows, PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint64 first = range->geometry.extent * rows->rows_per_extent +
      range->first_row;

  for (guint64 i = first; i < first + range->n_rows; i++) {
    PmssRow *row = pmss_rows_get (rows, i);

    if (row != NULL && row->slots[range->index].state == PMSS_UNIT_ASKED
        && row->slots[range->index].stream == stream)
      pmss_rows_set_empty (rows, row, range->index, PMSS_UNIT_NONE);
  }
}

void
pmss_rows_spare (PmssRow * row, guint index)
{
  row->slots[index].wanted = FALSE;
  row->missing |= 1u << index;
  row->spared |= 1u << index;
}

guint
pmss_rows_count_ready (PmssRows * rows, PmssRow * row)
{
  guint i, n = 0;

  for (i = 0; i < n_units (rows); i++)
    n += row->slots[i].state == PMSS_UNIT_READY;
  return n;
}

guint
pmss_rows_count_claimed (PmssRows * rows, PmssRow * row)
{
  PmssExtentGeometry geometry;
  guint i, n = 0;

  pmss_rows_geometry (rows, row, &geometry);
  for (i = 0; i < n_units (rows); i++)
    n += holds_block (row->slots[i].state)
        || pmss_extent_geometry_unit_length (&geometry, row->row, i) == 0;
  return n;
}

/* What was believed so far is not believed any more, nor what was rebuilt with
 * its help. */
static void
row_change_sides (PmssRows * rows, PmssRow * row)
{
  guint i;

  for (i = 0; i < n_units (rows); i++) {
    if (row->agreeing & (1u << i))
      pmss_rows_set_empty (rows, row, i, PMSS_UNIT_BAD);
    else if ((row->contradicting & (1u << i))
        || row->slots[i].state == PMSS_UNIT_READY)
      pmss_rows_set_empty (rows, row, i, PMSS_UNIT_NONE);
  }
  row->has_crc = FALSE;
  row->disputed = TRUE;
  row->agreeing = row->contradicting = 0;
  row->job = NULL;
  row->coming = 0;
}

gboolean
pmss_rows_check_crc (PmssRows * rows, PmssRow * row, PmssBlock * block)
{
  PmssRecordHeader record;

  if (!pmss_record_header_parse (pmss_block_get_record (block), &record, NULL))
    return FALSE;
  if (!row->has_crc)
    memcpy (row->crc, record.crc, sizeof row->crc);
  row->has_crc = TRUE;
  if (memcmp (row->crc, record.crc, sizeof row->crc) == 0) {
    row->agreeing |= 1u << record.index;
    return TRUE;
  }
  row->contradicting |= 1u << record.index;
  pmss_rows_set_empty (rows, row, record.index, PMSS_UNIT_BAD);
  if (__builtin_popcount (row->contradicting) >
      __builtin_popcount (row->agreeing))
    row_change_sides (rows, row);
  return FALSE;
}

gboolean
pmss_rows_disbelieve (PmssRows * rows, PmssRow * row)
{
  guint i, others = 0;

  for (i = 0; i < n_units (rows); i++)
    others += !(row->agreeing & (1u << i))
        && ((row->contradicting & (1u << i))
        || row->slots[i].state != PMSS_UNIT_BAD);
  if (others < rows->redundancy.k)
    return FALSE;
  row_change_sides (rows, row);
  return TRUE;
}

void
pmss_rows_forgive (PmssRows * rows, PmssRow * row)
{
  guint i;

  for (i = 0; i < n_units (rows); i++) {
    if (row->slots[i].state == PMSS_UNIT_BAD)
      pmss_rows_set_empty (rows, row, i, PMSS_UNIT_NONE);
  }
  row->contradicting = 0;
}

void
pmss_rows_empty (PmssRows * rows)
{
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, rows->table);
  while (g_hash_table_iter_next (&iter, NULL, &row)) {
    /* it was freed with the rebuilder */
    ((PmssRow *) row)->job = NULL;
    row_drop_blocks (rows, row);
  }
}

static gboolean
row_can_go (PmssRows * rows, PmssRow * row)
{
  guint i;

  for (i = 0; i < n_units (rows); i++) {
    if (row->slots[i].state == PMSS_UNIT_ASKED)
      return FALSE;
  }
  return row->job == NULL;
}

void
pmss_rows_evict (PmssRows * rows, guint64 first, guint64 last, gsize max_blocks)
{
  /* Rows without blocks are small, but a reader that jumps about would
   * collect them without end. */
  while (rows->n_blocks > max_blocks
      || g_hash_table_size (rows->table) > max_blocks + (last - first) + 64) {
    GHashTableIter iter;
    gpointer value;
    PmssRow *oldest = NULL;

    g_hash_table_iter_init (&iter, rows->table);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
      PmssRow *row = value;

      if ((row->number < first || row->number > last)
          && (oldest == NULL || row->used < oldest->used)
          && row_can_go (rows, row))
        oldest = row;
    }
    if (oldest == NULL)
      return;
    row_drop_blocks (rows, oldest);
    g_hash_table_remove (rows->table, &oldest->number);
  }
}
