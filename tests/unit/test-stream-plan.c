/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which bytes a stream takes of which node, slot by slot. */
#include "control/admission/stream-plan.h"

#define EXTENT 1000

static PmssEnvelope *
make_even (guint64 rate, guint n)
{
  g_autofree guint64 *demand = g_new (guint64, n);

  for (guint i = 0; i < n; i++)
    demand[i] = rate;
  return pmss_envelope_smooth (demand, n, 0);
}

/* Slots that lie in one extent come as one part; one that spans two as two. */
static void
test_parts (void)
{
  const guint32 places[] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (PmssEnvelope) envelope = make_even (300, 5);
  g_autoptr (PmssStreamPlan) plan = pmss_stream_plan_new (envelope, EXTENT, 2,
      1, places, 2, 1);
  /* 600, 300, 300, 300, 0; the third slot's first 100 are of the first one */
  const struct
  {
    guint32 slot, slots;
    guint64 bytes;
    guint32 node;
  } expected[] = {
    {0, 1, 600, 1}, {1, 1, 300, 1}, {2, 1, 100, 1}, {2, 1, 200, 4},
    {3, 1, 300, 4},
  };
  PmssPlanWalk walk;
  PmssPlanPart part;
  guint32 slot;

  pmss_plan_walk_init (&walk, plan, 0);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_assert_true (pmss_plan_walk_next (&walk, &slot, &part));
    g_assert_cmpuint (slot, ==, expected[i].slot);
    g_assert_cmpuint (part.slots, ==, expected[i].slots);
    g_assert_cmpuint (part.bytes, >=, expected[i].bytes / 2);
    g_assert_cmpuint (part.bytes, <=, expected[i].bytes / 2 + 1);
    g_assert_cmpuint (part.nodes[0], ==, expected[i].node);
    g_assert_cmpuint (part.parity[0], ==, expected[i].node + 2);
    g_assert_cmpuint (part.n_nodes, ==, 2);
    g_assert_cmpuint (part.n_parity, ==, 1);
  }
  g_assert_false (pmss_plan_walk_next (&walk, &slot, &part));
}

static guint64
overlap (guint64 begin, guint64 end, guint64 from, guint64 to)
{
  return MIN (end, to) > MAX (begin, from) ? MIN (end, to) - MAX (begin,
      from) : 0;
}

/* Each slot's bytes, extent by extent, against the envelope. */
static void
check_walk (const PmssStreamPlan * plan, const PmssEnvelope * envelope,
    guint n_extents, guint32 from)
{
  guint32 slots = pmss_stream_plan_get_slots (plan);
  g_autofree guint64 *taken = g_new0 (guint64, (gsize) slots * n_extents);
  g_autofree guint64 *ahead = g_new0 (guint64, slots);
  PmssPlanWalk walk;
  PmssPlanPart part;
  guint32 slot;

  pmss_plan_walk_init (&walk, plan, from);
  while (pmss_plan_walk_next (&walk, &slot, &part)) {
    g_assert_cmpuint (slot, >=, from);
    g_assert_cmpuint (part.ahead, <=, part.bytes);
    for (guint32 i = 0; i < part.slots; i++) {
      taken[(gsize) (slot + i) * n_extents + part.nodes[0] - 1] += part.bytes;
      ahead[slot + i] += part.ahead * part.n_nodes;
    }
  }
  /* of two nodes each part is rounded up */
  for (slot = from; slot < slots; slot++)
    g_assert_cmpuint (ahead[slot], <=, pmss_envelope_get_ahead (envelope)
        + 4 * n_extents);
  for (slot = from; slot < slots; slot++)
    for (guint extent = 0; extent < n_extents; extent++) {
      guint64 bytes = overlap (pmss_envelope_get_before (envelope, slot),
          pmss_envelope_get_before (envelope, slot + 1),
          (guint64) extent * EXTENT, (extent + 1ULL) * EXTENT);
      guint64 found = taken[(gsize) slot * n_extents + extent];

      g_assert_cmpuint (found, >=, bytes / 2);
      g_assert_cmpuint (found, <=, bytes / 2 + 2);
    }
}

static PmssEnvelope *
make_random (GRand * rand)
{
  guint n = (guint) g_rand_int_range (rand, 1, 80);
  g_autofree guint64 *demand = g_new (guint64, n);

  for (guint i = 0; i < n; i++)
    demand[i] = g_rand_int_range (rand, 0, 4) == 0 ? 0
        : (guint64) g_rand_int_range (rand, 0, 1 << g_rand_int_range (rand, 1,
            13));
  demand[0]++;
  return pmss_envelope_smooth (demand, n, (guint64) g_rand_int_range (rand, 0,
          3000));
}

static void
check_positions (const PmssStreamPlan * plan, const PmssEnvelope * envelope,
    GRand * rand)
{
  guint64 bytes = pmss_envelope_get_bytes (envelope);

  for (guint i = 0; i < 20; i++) {
    guint64 position = g_rand_int (rand) % bytes;
    guint32 slot = pmss_stream_plan_find_slot (plan, position);

    g_assert_cmpuint (pmss_envelope_get_before (envelope, slot), <=, position);
    g_assert_cmpuint (pmss_envelope_get_before (envelope, slot + 1), >,
        position);
  }
  g_assert_cmpuint (pmss_stream_plan_find_slot (plan, bytes), ==,
      pmss_stream_plan_get_slots (plan));
  g_assert_cmpuint (pmss_stream_plan_find_slot (plan, G_MAXUINT64), ==,
      pmss_stream_plan_get_slots (plan));
}

static void
test_random (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (14);

  for (guint i = 0; i < 1000; i++) {
    g_autoptr (PmssEnvelope) envelope = make_random (rand);
    guint n = (guint) (pmss_envelope_get_bytes (envelope) / EXTENT + 1);
    g_autofree guint32 *places = g_new (guint32, 2 * n);
    g_autoptr (PmssStreamPlan) plan = NULL;

    for (guint extent = 0; extent < n; extent++)
      places[2 * extent] = places[2 * extent + 1] = extent + 1;
    plan = pmss_stream_plan_new (envelope, EXTENT, 2, 0, places, n, 1);
    check_walk (plan, envelope, n, 0);
    check_walk (plan, envelope, n, g_rand_int (rand)
        % (pmss_stream_plan_get_slots (plan) + 2));
    check_positions (plan, envelope, rand);
  }
}

/* The largest numbers that an envelope may have. */
static void
test_extremes (void)
{
  const guint64 demand[] = { G_GUINT64_CONSTANT (1) << 45 };
  const guint32 places[] = { 1, 2 };
  g_autoptr (PmssEnvelope) all = pmss_envelope_smooth (demand, 1, G_MAXUINT32);
  g_autoptr (PmssEnvelope) bulk = pmss_envelope_estimate (1, 0);
  g_autoptr (PmssStreamPlan) huge = pmss_stream_plan_new (all,
      demand[0] / 2, 1, 0, places, 2, 2);
  g_autoptr (PmssStreamPlan) none = pmss_stream_plan_new (bulk, EXTENT, 1, 0,
      NULL, 0, 1);
  g_autoptr (PmssStreamPlan) cut = pmss_stream_plan_new (all, EXTENT, 1, 0,
      places, 2, 1);
  PmssPlanWalk walk;
  PmssPlanPart part;
  guint32 slot;

  pmss_plan_walk_init (&walk, huge, 0);
  for (guint i = 0; i < 2; i++) {
    g_assert_true (pmss_plan_walk_next (&walk, &slot, &part));
    g_assert_cmpuint (part.nodes[0], ==, i + 1);
    g_assert_cmpuint (part.bytes / 2, ==, demand[0] / 2
        + (demand[0] / 2 >> 17));
  }
  g_assert_false (pmss_plan_walk_next (&walk, &slot, &part));
  pmss_plan_walk_init (&walk, none, 0);
  g_assert_false (pmss_plan_walk_next (&walk, &slot, &part));
  g_assert_cmpuint (pmss_stream_plan_get_slots (none), ==, 0);
  /* the layout is shorter than the envelope */
  pmss_plan_walk_init (&walk, cut, 0);
  g_assert_true (pmss_plan_walk_next (&walk, &slot, &part));
  g_assert_true (pmss_plan_walk_next (&walk, &slot, &part));
  g_assert_false (pmss_plan_walk_next (&walk, &slot, &part));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream-plan/parts", test_parts);
  g_test_add_func ("/stream-plan/random", test_random);
  g_test_add_func ("/stream-plan/extremes", test_extremes);
  return g_test_run ();
}
