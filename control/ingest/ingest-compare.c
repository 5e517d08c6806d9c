/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/ingest/ingest-private.h"
#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"

/* Extents that are compared at once: while one is computed the other is on its way, and a link that is far away is never without a request. */
#define WINDOW 2
/* Rows that are asked for at once. */
#define PAGE 100

typedef struct
{
  PmssExtent extent;
  guint waiting;                /* shards that have not been compared; 0: the place is free */
  GError *error;                /* of the first one that was not good */
} Slot;

typedef struct
{
  Ingest *ingest;
  const PmssCompareFuncs *funcs;
  gpointer user_data;
  GCancellable *cancellable;
  Slot slots[WINDOW];
  gboolean trouble;             /* an extent was not good: a node that broke off once may answer the next run */
  GError *error;                /* why no more extents are taken */
} Comparison;

/* The extents of the catalog */

guint64
pmss_ingest_get_payload (Ingest * ingest, guint32 number)
{
  guint64 offset = (guint64) number * ingest->version.extent;

  return MIN (ingest->version.extent, ingest->version.size - offset);
}

gboolean
pmss_ingest_find_unverified (Ingest * ingest, guint32 * next, guint32 end,
    PmssExtent * extent, GError ** error)
{
  while (*next < end) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (ingest->context->catalog, &ingest->version.id, *next, PAGE, error);

    if (!extents || extents->len == 0)
      return FALSE;
    for (guint i = 0; i < extents->len && *next < end; i++) {
      *extent = g_array_index (extents, PmssExtent, i);
      *next = extent->number + 1;
      if (extent->state != PMSS_EXTENT_VERIFIED)
        return TRUE;
    }
  }
  return FALSE;
}

gboolean
pmss_ingest_count_verified (Ingest * ingest, guint64 * verified,
    GError ** error)
{
  guint32 next = 0;

  for (*verified = 0;;) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (ingest->context->catalog, &ingest->version.id, next, PAGE, error);

    if (!extents || extents->len == 0)
      return extents != NULL;
    for (guint i = 0; i < extents->len; i++) {
      const PmssExtent *extent = &g_array_index (extents, PmssExtent, i);

      next = extent->number + 1;
      if (extent->state == PMSS_EXTENT_VERIFIED)
        *verified += pmss_ingest_get_payload (ingest, extent->number);
    }
  }
}

/* What a node should have */

/* The nodes are not asked about the bytes that they were sent: all is computed anew from the upload. */
gboolean
pmss_ingest_compute (Ingest * ingest, guint32 number,
    GBytes * shards[PMSS_MAX_SHARDS], GError ** error)
{
  const PmssVersion *version = &ingest->version;
  PmssExtentGeometry geometry = {
    .version = version->id,
    .extent = number,
    .redundancy = version->redundancy,
    .unit = version->unit,
    .payload = pmss_ingest_get_payload (ingest, number),
  };
  guint64 offset = (guint64) number * version->extent;
  g_autofree guint8 *payload = g_malloc (geometry.payload);

  if (!pmss_ingest_read (ingest, offset, payload, geometry.payload, error))
    return FALSE;
  pmss_striper_run (ingest->erasure, &geometry, payload, shards);
  return TRUE;
}

/* Comparing */

static void
queue_calls (Comparison * self, guint place, GBytes * shards[PMSS_MAX_SHARDS])
{
  const PmssExtent *extent = &self->slots[place].extent;
  char name[PMSS_SHARD_NAME_SIZE];

  for (guint i = 0; i < extent->n_nodes; i++) {
    pmss_shard_name_write (&self->ingest->version.id, extent->number, i, name);
    pmss_node_calls_compare (self->ingest->calls, extent->nodes[i], name,
        shards[i], place * PMSS_MAX_SHARDS + i);
    g_bytes_unref (shards[i]);
  }
}

static void
fill (Comparison * self, guint place)
{
  Slot *slot = &self->slots[place];
  GBytes *shards[PMSS_MAX_SHARDS];

  if (self->error || self->trouble
      || g_cancellable_is_cancelled (self->cancellable)
      || !self->funcs->next (&slot->extent, self->user_data, &self->error)
      || !pmss_ingest_compute (self->ingest, slot->extent.number, shards,
          &self->error))
    return;
  slot->waiting = slot->extent.n_nodes;
  queue_calls (self, place, shards);
}

static void
end_extent (Comparison * self, Slot * slot)
{
  Ingest *ingest = self->ingest;
  g_autoptr (GError) error = g_steal_pointer (&slot->error);

  if (self->error)
    return;
  if (!error && !pmss_catalog_set_extent_state (ingest->context->catalog,
          &ingest->version.id, slot->extent.number, PMSS_EXTENT_VERIFIED,
          &self->error))
    return;
  self->funcs->compared (&slot->extent, error, self->user_data, &self->error);
}

static void
on_compared (guint node, const char *shard, guint tag, const GError * error,
    gpointer user_data)
{
  Comparison *self = user_data;
  guint place = tag / PMSS_MAX_SHARDS;
  Slot *slot = &self->slots[place];

  if (error && !slot->error)
    slot->error = g_error_copy (error);
  self->trouble |= error != NULL;
  if (--slot->waiting > 0)
    return;
  end_extent (self, slot);
  fill (self, place);
}

gboolean
pmss_ingest_compare (Ingest * ingest, const PmssCompareFuncs * funcs,
    gpointer user_data, GCancellable * cancellable, GError ** error)
{
  Comparison self = { ingest, funcs, user_data, cancellable };

  do {
    g_autoptr (GError) local = NULL;

    self.trouble = FALSE;
    for (guint i = 0; i < WINDOW; i++)
      fill (&self, i);
    pmss_node_calls_run (ingest->calls, on_compared, &self, cancellable,
        &local);
    if (!self.error)
      self.error = g_steal_pointer (&local);
  } while (self.trouble && !self.error);
  if (self.error)
    g_propagate_error (error, self.error);
  return !self.error;
}
