/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * SimRandom:
 *
 * Random numbers that follow from a seed alone (SplitMix64 of Steele, Lea and Flood), on every
 * machine. A value, owned by its holder.
 */
typedef struct
{
  guint64 state;
} SimRandom;

void     sim_random_init    (SimRandom *random, guint64 seed);
guint64  sim_random_next    (SimRandom *random);
/* From @first to @last, both included. */
gint64   sim_random_range   (SimRandom *random, gint64 first, gint64 last);
/* TRUE in @percent of all calls. */
gboolean sim_random_percent (SimRandom *random, guint percent);
/* Between @first and @last, all orders of magnitude alike; @first > 0. */
gint64   sim_random_spread  (SimRandom *random, gint64 first, gint64 last);

G_END_DECLS
