/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssRing:
 *
 * Some series of one node, second by second, for ten minutes, as packed numbers. Seconds are of a
 * clock that nobody sets. A second that was left out is a gap. Pure; its owner's thread.
 */
typedef struct _PmssRing PmssRing;

#define PMSS_RING_SECONDS 600

PmssRing *pmss_ring_new  (guint n_series);
void      pmss_ring_free (PmssRing *ring);
/* @values: one for each series. A second that is not later than the last one is passed over. */
void      pmss_ring_add  (PmssRing *ring, gint64 second, const double *values);
/* NaN: a gap, or not in the ring. */
double    pmss_ring_get  (const PmssRing *ring, guint series, gint64 second);
/* The last second that was added; G_MININT64: none yet. */
gint64    pmss_ring_get_last (const PmssRing *ring);

G_END_DECLS
