/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where shards are asked for, and were before. Under the reader's lock. */
#include "libpmss/reader/pmss-places.h"

static gsize
count (const PmssPlaces * self)
{
  return (gsize) self->n_extents * self->width;
}

static gsize
place_of (const PmssPlaces * self, guint32 extent, guint index)
{
  return (gsize) extent *self->width + index;
}

static gint16
get_link (PmssLayout * layout, const gint * links, guint32 extent, guint index)
{
  gint node = pmss_layout_get_shard_node (layout, extent, index);

  return (gint16) (node < 0 ? -1 : links[node]);
}

void
pmss_places_init (PmssPlaces * self, PmssLayout * layout, const gint * links)
{
  PmssRedundancy redundancy = pmss_layout_get_redundancy (layout);

  self->width = redundancy.k + redundancy.m;
  self->n_extents = pmss_layout_get_n_extents (layout);
  self->current = g_new (gint16, count (self) + 1);
  self->former = NULL;
  for (guint32 e = 0; e < self->n_extents; e++)
    for (guint i = 0; i < self->width; i++)
      self->current[place_of (self, e, i)] = get_link (layout, links, e, i);
}

void
pmss_places_clear (PmssPlaces * self)
{
  g_clear_pointer (&self->current, g_free);
  g_clear_pointer (&self->former, g_free);
}

gint
pmss_places_get (const PmssPlaces * self, guint32 extent, guint index)
{
  return self->current[place_of (self, extent, index)];
}

gint
pmss_places_get_former (const PmssPlaces * self, guint32 extent, guint index)
{
  return self->former == NULL ? -1
      : self->former[place_of (self, extent, index)];
}

/* The place that is kept besides @next; -1: none. */
static gint16
choose_former (const PmssPlaces * self, guint32 extent, guint index,
    gint16 next, PmssPlaceWorksFunc works, gpointer user_data)
{
  const gint16 old[] = {
    (gint16) pmss_places_get (self, extent, index),
    (gint16) pmss_places_get_former (self, extent, index)
  };

  /* not tried yet, and still what it is to be */
  if (next == old[0])
    return old[1];
  for (guint i = 0; i < G_N_ELEMENTS (old); i++)
    if (old[i] >= 0 && old[i] != next
        && works (old[i], extent, index, user_data))
      return old[i];
  return -1;
}

void
pmss_places_take_over (PmssPlaces * self, PmssLayout * layout,
    const gint * links, PmssPlaceWorksFunc works, gpointer user_data)
{
  gint16 *current = g_new (gint16, count (self) + 1);
  gint16 *former = g_new (gint16, count (self) + 1);
  gboolean kept = FALSE;

  for (guint32 e = 0; e < self->n_extents; e++)
    for (guint i = 0; i < self->width; i++) {
      gsize at = place_of (self, e, i);

      current[at] = get_link (layout, links, e, i);
      former[at] = choose_former (self, e, i, current[at], works, user_data);
      kept = kept || former[at] >= 0;
    }
  pmss_places_clear (self);
  self->current = current;
  if (kept)
    self->former = former;
  else
    g_free (former);
}

void
pmss_places_prove (PmssPlaces * self, guint32 extent, guint index, gint link)
{
  gsize at = place_of (self, extent, index);

  if (self->former != NULL && self->current[at] == link)
    self->former[at] = -1;
}

gboolean
pmss_places_fail (PmssPlaces * self, guint32 extent, guint index, gint link)
{
  gsize at = place_of (self, extent, index);
  gint16 former = self->former == NULL ? -1 : self->former[at];

  if (former >= 0)
    self->former[at] = -1;
  if (self->current[at] != link)
    return TRUE;
  if (former < 0)
    return FALSE;
  self->current[at] = former;
  return TRUE;
}

void
pmss_places_mark (const PmssPlaces * self, gboolean * used, guint n_links)
{
  for (gsize at = 0; at < count (self); at++) {
    gint16 current = self->current[at];
    gint16 former = self->former == NULL ? -1 : self->former[at];

    if (current >= 0 && (guint) current < n_links)
      used[current] = TRUE;
    if (former >= 0 && (guint) former < n_links)
      used[former] = TRUE;
  }
}
