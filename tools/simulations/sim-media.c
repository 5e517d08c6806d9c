/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Media that a seed makes. One thread. */
#include "sim-media.h"

#include <math.h>

static void
medium_free (SimMedium * medium)
{
  g_free (medium->before);
  g_free (medium->places);
  pmss_envelope_free (medium->envelope);
  g_free (medium);
}

/* Cards are dealt until the deck is over, so that all nodes get as much. */
typedef struct
{
  guint32 *ids;
  guint n, next;
} Deck;

static guint32
deal (Deck * deck, GRand * rand)
{
  guint at;
  guint32 id;

  if (deck->next == deck->n)
    deck->next = 0;
  at = (guint) g_rand_int_range (rand, (gint) deck->next, (gint) deck->n);
  id = deck->ids[at];
  deck->ids[at] = deck->ids[deck->next];
  deck->ids[deck->next++] = id;
  return id;
}

static gboolean
has_id (const guint32 * ids, guint n, guint32 id)
{
  for (guint i = 0; i < n; i++)
    if (ids[i] == id)
      return TRUE;
  return FALSE;
}

static void
place (SimMedium * medium, GRand * rand, guint n_nodes)
{
  Deck deck = {.ids = g_new (guint32, n_nodes),.n = n_nodes };

  for (guint i = 0; i < n_nodes; i++)
    deck.ids[i] = i + 1;
  medium->extents = (guint) (medium->size / SIM_EXTENT + 1);
  medium->places = g_new (guint32, (SIM_K + SIM_M) * medium->extents);
  for (guint extent = 0; extent < medium->extents; extent++) {
    guint32 *ids = medium->places + (SIM_K + SIM_M) * extent;

    for (guint i = 0; i < SIM_K + SIM_M;) {
      ids[i] = deal (&deck, rand);
      if (!has_id (ids, i, ids[i]))
        i++;
    }
  }
  g_free (deck.ids);
}

static double
normal (GRand * rand)
{
  double u = 1 - g_rand_double (rand), v = g_rand_double (rand);

  return sqrt (-2 * log (u)) * cos (2 * G_PI * v);
}

/* Scenes of 4 to 60 s have rates that differ much, their slots some. */
static void
fill_demand (GRand * rand, guint64 * demand, guint n, double rate,
    double scenes, double noise)
{
  double scene = 1;
  guint left = 0;

  for (guint i = 0; i < n; i++) {
    if (left-- == 0) {
      left = (guint) g_rand_int_range (rand, 2, 30);
      scene = exp (scenes * normal (rand) - scenes * scenes / 2);
    }
    demand[i] = (guint64) MAX (1, rate * scene
        * (1 + noise * g_rand_double_range (rand, -1, 1)));
  }
}

static SimMedium *
medium_new (GRand * rand, guint kind, guint n_nodes)
{
  SimMedium *medium = g_new0 (SimMedium, 1);
  /* Mbit/s and minutes */
  double rate = kind == 2 ? g_rand_double_range (rand, 0.128, 0.9)
      : g_rand_double_range (rand, 2, 8);
  double minutes = kind == 2 ? g_rand_double_range (rand, 3, 60)
      : g_rand_double_range (rand, 20, 120);
  guint n = (guint) (minutes * 60 / PMSS_SLOT);
  g_autofree guint64 *demand = g_new (guint64, n);

  fill_demand (rand, demand, n, rate * 1e6 / 8 * PMSS_SLOT,
      kind == 0 ? 0.6 : 0, kind == 0 ? 0.3 : 0.03);
  medium->slots = n;
  medium->before = g_new0 (guint64, n + 1);
  for (guint i = 0; i < n; i++)
    medium->before[i + 1] = medium->before[i] + demand[i];
  medium->size = medium->before[n];
  medium->buffer = pmss_envelope_buffer_for (medium->size, n);
  medium->envelope = pmss_envelope_smooth (demand, n, medium->buffer);
  place (medium, rand, n_nodes);
  return medium;
}

GPtrArray *
sim_media_new (GRand * rand, guint n_media, guint n_nodes)
{
  GPtrArray *media = g_ptr_array_new_with_free_func (
      (GDestroyNotify) medium_free);

  for (guint i = 0; i < n_media; i++)
    g_ptr_array_add (media, medium_new (rand, i % 3, n_nodes));
  return media;
}

PmssStreamPlan *
sim_medium_plan (const SimMedium * medium)
{
  return pmss_stream_plan_new (medium->envelope, SIM_EXTENT, SIM_K, SIM_M,
      medium->places, medium->extents, SIM_OVERHEAD);
}

PmssStreamPlan *
sim_medium_plan_at (const SimMedium * medium, guint64 rate)
{
  g_autofree guint64 *demand = g_new (guint64, medium->slots);
  g_autoptr (PmssEnvelope) envelope = NULL;
  double longer = (double) rate * medium->slots / medium->size;

  for (guint i = 0; i < medium->slots; i++)
    demand[i] = rate;
  envelope = pmss_envelope_smooth (demand, medium->slots, 0);
  return pmss_stream_plan_new (envelope,
      (guint64) ceil (SIM_EXTENT * longer) + 1, SIM_K, SIM_M, medium->places,
      medium->extents, SIM_OVERHEAD);
}

guint64
sim_medium_get_average (const SimMedium * medium)
{
  return medium->size / medium->slots + 1;
}

guint64
sim_medium_get_peak (const SimMedium * medium)
{
  guint64 peak = 0;

  for (guint i = 0; i < medium->slots; i++)
    peak = MAX (peak, medium->before[i + 1] - medium->before[i]);
  return peak;
}

/* Whether a bucket of the buffer's size never runs dry. */
static gboolean
is_enough (const SimMedium * medium, guint64 rate)
{
  guint64 tokens = medium->buffer;

  for (guint i = 0; i < medium->slots; i++) {
    guint64 bytes = medium->before[i + 1] - medium->before[i];

    if (tokens + rate < bytes)
      return FALSE;
    tokens = MIN (tokens + rate - bytes, medium->buffer);
  }
  return TRUE;
}

guint64
sim_medium_get_bucket (const SimMedium * medium)
{
  guint64 low = 0, high = sim_medium_get_peak (medium);

  while (high - low > 1) {
    guint64 middle = (low + high) / 2;

    if (is_enough (medium, middle))
      high = middle;
    else
      low = middle;
  }
  return high;
}
