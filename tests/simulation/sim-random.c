/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers from a seed. */
#include "sim-random.h"

void
sim_random_init (SimRandom * random, guint64 seed)
{
  random->state = seed * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
}

guint64
sim_random_next (SimRandom * random)
{
  guint64 z = random->state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

gint64
sim_random_range (SimRandom * random, gint64 first, gint64 last)
{
  return first + (gint64) (sim_random_next (random) %
      (guint64) (last - first + 1));
}

gboolean
sim_random_percent (SimRandom * random, guint percent)
{
  return sim_random_range (random, 0, 99) < (gint64) percent;
}

gint64
sim_random_spread (SimRandom * random, gint64 first, gint64 last)
{
  guint doublings = 0;
  gint64 low;

  while (first << (doublings + 1) <= last)
    doublings++;
  low = first << sim_random_range (random, 0, doublings);
  return sim_random_range (random, low, MIN (2 * low, last));
}
