/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shards are asked for and compared, two extents at a time. On its caller's thread. */
#include "control/striping/striping-private.h"
#include "libpmss/pmss-error.h"

/* Extents that are compared at once: while one is computed the other is on its way, and a link that is far away is never without a request. */
#define WINDOW 2

typedef struct
{
  PmssExtent extent;
  guint waiting;                /* shards that have not been compared; 0: the place is free */
  GError *error;                /* of the first one that was not good */
} Slot;

typedef struct
{
  PmssStriping *striping;
  const PmssCompareFuncs *funcs;
  gpointer user_data;
  GCancellable *cancellable;
  Slot slots[WINDOW];
  gboolean trouble;             /* an extent was not good: a node that broke off once may answer the next run */
  GError *error;                /* why no more extents are taken */
} Comparison;

static void
queue_calls (Comparison * self, guint place, GBytes * shards[PMSS_MAX_SHARDS])
{
  const PmssExtent *extent = &self->slots[place].extent;
  char name[PMSS_SHARD_NAME_SIZE];

  for (guint i = 0; i < extent->n_nodes; i++) {
    pmss_shard_name_write (&self->striping->version.id, extent->number, i,
        name);
    pmss_node_calls_compare (self->striping->calls, extent->nodes[i], name,
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
      || !pmss_striping_compute_extent (self->striping, slot->extent.number,
          shards, &self->error))
    return;
  slot->waiting = slot->extent.n_nodes;
  queue_calls (self, place, shards);
}

static void
end_extent (Comparison * self, Slot * slot)
{
  PmssStriping *striping = self->striping;
  g_autoptr (GError) error = g_steal_pointer (&slot->error);

  if (self->error)
    return;
  if (error == NULL
      && !pmss_catalog_set_extent_state (striping->context->catalog,
          &striping->version.id, slot->extent.number, PMSS_EXTENT_VERIFIED,
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

  if (error != NULL && !slot->error)
    slot->error = g_error_copy (error);
  self->trouble |= error != NULL;
  if (--slot->waiting > 0)
    return;
  end_extent (self, slot);
  fill (self, place);
}

gboolean
pmss_striping_compare_extents (PmssStriping * striping,
    const PmssCompareFuncs * funcs, gpointer user_data,
    GCancellable * cancellable, GError ** error)
{
  Comparison self = { striping, funcs, user_data, cancellable };

  do {
    g_autoptr (GError) local = NULL;

    self.trouble = FALSE;
    for (guint i = 0; i < WINDOW; i++)
      fill (&self, i);
    pmss_node_calls_run (striping->calls, on_compared, &self, cancellable,
        &local);
    if (!self.error)
      self.error = g_steal_pointer (&local);
  } while (self.trouble && !self.error);
  if (self.error)
    g_propagate_error (error, self.error);
  return !self.error;
}
