/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where shards are asked for: what works is not given up for what was not
 * tried. */
#include "libpmss/reader/pmss-places.h"

#define UNIT 4096
#define N_LINKS 9

static gboolean dead[N_LINKS];

static gboolean
works (gint link, guint32 extent, guint index, gpointer user_data)
{
  return !dead[link];
}

/* Three extents of 1+1, all alike: shard 0 with node 0, shard 1 with node 1. */
static PmssLayout *
make_layout (gint first, gint second)
{
  PmssVersionId version = { {0} };
  PmssLayout *layout = pmss_layout_new (&version, 3 * UNIT, (PmssRedundancy) {
        1, 1
      }, UNIT, UNIT, NULL);
  const gint nodes[] = { first, second };

  for (guint i = 0; i < 2; i++) {
    PmssNode node = {.id = i + 1,.address = (char *) "a",.port = 1 };

    pmss_layout_add_node (layout, &node);
  }
  for (guint32 e = 0; e < 3; e++)
    pmss_layout_set_extent (layout, e, nodes);
  return layout;
}

static void
take_over (PmssPlaces * places, gint first, gint second)
{
  g_autoptr (PmssLayout) layout = make_layout (first < 0 ? -1 : 0,
      second < 0 ? -1 : 1);
  const gint links[] = { first, second };

  pmss_places_take_over (places, layout, links, works, NULL);
}

static void
begin (PmssPlaces * places)
{
  g_autoptr (PmssLayout) layout = make_layout (0, 1);
  const gint links[] = { 0, 1 };

  for (guint i = 0; i < N_LINKS; i++)
    dead[i] = FALSE;
  pmss_places_init (places, layout, links);
}

static void
assert_place (PmssPlaces * places, gint current, gint former)
{
  g_assert_cmpint (pmss_places_get (places, 2, 0), ==, current);
  g_assert_cmpint (pmss_places_get_former (places, 2, 0), ==, former);
}

static void
test_proven (void)
{
  PmssPlaces places;

  begin (&places);
  assert_place (&places, 0, -1);
  take_over (&places, 2, 1);
  assert_place (&places, 2, 0);
  /* what the old place gives proves nothing of the new one */
  pmss_places_prove (&places, 2, 0, 0);
  assert_place (&places, 2, 0);
  pmss_places_prove (&places, 2, 0, 2);
  assert_place (&places, 2, -1);
  g_assert_false (pmss_places_fail (&places, 2, 0, 2));
  /* shard by shard */
  g_assert_cmpint (pmss_places_get_former (&places, 1, 0), ==, 0);
  pmss_places_clear (&places);
}

static void
test_failed (void)
{
  PmssPlaces places;

  begin (&places);
  take_over (&places, 2, 1);
  g_assert_true (pmss_places_fail (&places, 2, 0, 2));
  assert_place (&places, 0, -1);
  g_assert_false (pmss_places_fail (&places, 2, 0, 0));
  assert_place (&places, 0, -1);
  pmss_places_clear (&places);
}

/* The shard was deleted where it was: what was under way there says so. */
static void
test_gone (void)
{
  PmssPlaces places;

  begin (&places);
  take_over (&places, 2, 1);
  g_assert_true (pmss_places_fail (&places, 2, 0, 0));
  assert_place (&places, 2, -1);
  pmss_places_clear (&places);
}

/* One lie after the other. */
static void
test_lies (void)
{
  PmssPlaces places;

  begin (&places);
  for (gint i = 2; i < N_LINKS; i++) {
    dead[i] = TRUE;
    take_over (&places, i, -1);
    assert_place (&places, i, 0);
    g_assert_cmpint (pmss_places_get (&places, 0, 1), ==, -1);
    g_assert_cmpint (pmss_places_get_former (&places, 0, 1), ==, 1);
    /* said again, it is still untried */
    take_over (&places, i, -1);
    assert_place (&places, i, 0);
  }
  take_over (&places, 0, 1);
  assert_place (&places, 0, -1);
  g_assert_cmpint (pmss_places_get (&places, 0, 1), ==, 1);
  pmss_places_clear (&places);
}

/* What does not work is not kept. */
static void
test_lost (void)
{
  PmssPlaces places;
  gboolean used[4] = { FALSE };

  begin (&places);
  dead[0] = TRUE;
  take_over (&places, 2, 1);
  assert_place (&places, 2, -1);
  pmss_places_mark (&places, used, 4);
  g_assert_true (!used[0] && used[1] && used[2] && !used[3]);
  pmss_places_clear (&places);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/places/proven", test_proven);
  g_test_add_func ("/places/failed", test_failed);
  g_test_add_func ("/places/gone", test_gone);
  g_test_add_func ("/places/lies", test_lies);
  g_test_add_func ("/places/lost", test_lost);
  return g_test_run ();
}
