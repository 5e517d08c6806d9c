/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a gateway may have of the files that its process may open. */
#include "server/gateway/gateway.h"

static void
test_bounds (void)
{
  static const struct
  {
    guint64 files;
    PmssGatewayBounds bounds;
  } cases[] = {
    {0, {1, 7, 8}},
    {160, {5, 35, 40}},
    {1024, {32, 224, 256}},
    {9599, {299, 2093, 2392}},
    {9600, {300, 2100, 2400}},
    {G_MAXUINT64, {300, 2100, 2400}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    PmssGatewayBounds bounds;

    pmss_gateway_bounds_init (&bounds, cases[i].files);
    g_assert_cmpuint (bounds.plays, ==, cases[i].bounds.plays);
    g_assert_cmpuint (bounds.connections, ==, cases[i].bounds.connections);
    g_assert_cmpuint (bounds.descriptors, ==, cases[i].bounds.descriptors);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway-bounds/bounds", test_bounds);
  return g_test_run ();
}
