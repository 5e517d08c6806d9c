/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/format/pmss-layout.h"

G_BEGIN_DECLS

/**
 * PmssPlaces:
 *
 * The link that each shard is asked of. A layout that is taken over in play gives a shard another
 * place. The former place is kept until the new one has given a record: a place that works is not
 * given up for an untried one.
 *
 *               take over                  proven: it gave a record
 *   at A ──────────────────▶ at B, was at A ──────────────────────▶ at B
 *     ▲                             │
 *     └─────────────────────────────┘ failed: it does not have it
 *
 * Links are known by their numbers, which stay the same. Pure; under the
 * reader's lock. Two bytes a shard, four while former places are kept.
 */
typedef struct
{
  guint width;                  /* k + m */
  guint32 n_extents;
  gint16 *current;              /* n_extents x width links; -1: lost */
  gint16 *former;               /* (nullable) as current; -1: none */
} PmssPlaces;

/* @links: the number of the link for each node of @layout. */
void pmss_places_init (PmssPlaces *places, PmssLayout *layout,
    const gint *links);
void pmss_places_clear (PmssPlaces *places);

/* The link that has the shard as the layout says; -1: it is lost. */
gint pmss_places_get (const PmssPlaces *places, guint32 extent, guint index);
/* The link that had it before; -1: none is kept. */
gint pmss_places_get_former (const PmssPlaces *places, guint32 extent,
    guint index);

/* Whether shard @index of @extent can be had from @link now. */
typedef gboolean (*PmssPlaceWorksFunc) (gint link, guint32 extent, guint index,
    gpointer user_data);

/* Takes over the places of @layout, which is of the same geometry. @links as for
 * init(). The places that were are kept as far as they work. */
void pmss_places_take_over (PmssPlaces *places, PmssLayout *layout,
    const gint *links, PmssPlaceWorksFunc works, gpointer user_data);

/* @link gave a record of the shard: nothing else is kept for it. */
void pmss_places_prove (PmssPlaces *places, guint32 extent, guint index,
    gint link);
/* @link does not have the shard. TRUE: that says nothing of where it is asked
 * for from now on, the place before or another one. */
gboolean pmss_places_fail (PmssPlaces *places, guint32 extent, guint index,
    gint link);

/* Sets @used[link], of @n_links, for all links that are in some place. */
void pmss_places_mark (const PmssPlaces *places, gboolean *used, guint n_links);

G_END_DECLS
