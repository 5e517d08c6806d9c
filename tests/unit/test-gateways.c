/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which gateway a viewer is sent to. */
#include "control/gateway/gateways.h"

#define MBIT G_GUINT64_CONSTANT (1000000)
#define RATE (8 * MBIT)

#define assert_order(...) G_STMT_START { \
  const guint wanted[] = { __VA_ARGS__ }; \
  g_assert_cmpuint (gateways->len, ==, G_N_ELEMENTS (wanted)); \
  pmss_gateways_sort (gateways, RATE); \
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) \
    g_assert_cmpuint (g_array_index (gateways, PmssGatewayState, i).id, ==, \
        wanted[i]); \
} G_STMT_END

static GArray *
make (const PmssGatewayState * states, guint n)
{
  GArray *gateways = g_array_new (FALSE, FALSE, sizeof (PmssGatewayState));

  g_array_append_vals (gateways, states, n);
  return gateways;
}

static void
test_holders_first (void)
{
  const PmssGatewayState states[] = {
    {1, FALSE, 1000 * MBIT, 0},
    {2, TRUE, 1000 * MBIT, 500 * MBIT},
    {3, TRUE, 1000 * MBIT, 400 * MBIT},
    {4, FALSE, 0, 0},
  };
  g_autoptr (GArray) gateways = make (states, G_N_ELEMENTS (states));

  assert_order (3, 2, 1, 4);
}

/* The part that is in use counts, not the bits: and this viewer's are in it. */
static void
test_share (void)
{
  const PmssGatewayState states[] = {
    {1, TRUE, 100 * MBIT, 50 * MBIT},
    {2, TRUE, 1000 * MBIT, 400 * MBIT},
    {3, TRUE, 10000 * MBIT, 1000 * MBIT},
    {4, TRUE, 20 * MBIT, 0},
  };
  g_autoptr (GArray) gateways = make (states, G_N_ELEMENTS (states));

  assert_order (3, 4, 2, 1);
}

/* What is full comes last, also where the shards are; of those the least full one first. */
static void
test_full (void)
{
  const PmssGatewayState states[] = {
    {1, TRUE, 1000 * MBIT, 1000 * MBIT},
    {2, FALSE, 100 * MBIT, 95 * MBIT},
    {3, FALSE, 1000 * MBIT, 800 * MBIT},
    {4, TRUE, 6 * MBIT, 0},
    {5, TRUE, 1000 * MBIT, 893 * MBIT},
  };
  g_autoptr (GArray) gateways = make (states, G_N_ELEMENTS (states));

  assert_order (3, 5, 1, 2, 4);
}

/* A link of which nobody knows the limit is not full; it counts as one of 1 Gbit/s. */
static void
test_unknown (void)
{
  const PmssGatewayState states[] = {
    {1, TRUE, 0, 5000 * MBIT},
    {2, TRUE, 1000 * MBIT, 200 * MBIT},
    {3, TRUE, 0, 100 * MBIT},
    {4, FALSE, 1000 * MBIT, 0},
    {5, TRUE, 1000 * MBIT, 5000 * MBIT},
  };
  g_autoptr (GArray) gateways = make (states, G_N_ELEMENTS (states));

  assert_order (3, 2, 1, 4, 5);
}

/* Numbers that make no sense turn nothing round. */
static void
test_odd (void)
{
  const PmssGatewayState states[] = {
    {1, TRUE, 1, G_MAXINT64},
    {2, TRUE, PMSS_MAX_NETWORK_LIMIT, G_MAXINT64},
    {3, TRUE, PMSS_MAX_NETWORK_LIMIT, 0},
    {9, TRUE, 100 * MBIT, 0},
    {8, TRUE, 100 * MBIT, 0},
  };
  g_autoptr (GArray) gateways = make (states, G_N_ELEMENTS (states));
  g_autoptr (GArray) none = make (NULL, 0);

  assert_order (3, 8, 9, 2, 1);
  pmss_gateways_sort (none, RATE);
  g_assert_cmpuint (none->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateways/holders-first", test_holders_first);
  g_test_add_func ("/gateways/share", test_share);
  g_test_add_func ("/gateways/full", test_full);
  g_test_add_func ("/gateways/unknown", test_unknown);
  g_test_add_func ("/gateways/odd", test_odd);
  return g_test_run ();
}
