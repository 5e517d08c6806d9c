/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has a place, and who goes: decisions alone, without a socket. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "httpd/pmss-http-places.h"

#define TOTAL 16

typedef struct
{
  PmssPlaces *places;
  PmssPlace place[TOTAL];
} Fixture;

static void
fixture_init (Fixture * f, guint per_address, gboolean nodes)
{
  PmssPlacesLimits limits;

  *f = (Fixture) {
  NULL};
  pmss_places_limits_init (&limits, TOTAL, per_address, nodes);
  f->places = pmss_places_new (&limits);
}

static void
fixture_clear (Fixture * f)
{
  for (guint i = 0; i < TOTAL; i++)
    pmss_places_leave (f->places, &f->place[i]);
  pmss_places_free (f->places);
}

static void
enter (Fixture * f, guint i, PmssPlaceClass class, const char *group)
{
  PmssPlace *victim;

  g_assert_true (pmss_places_ask (f->places, class, group, FALSE, &victim));
  g_assert_null (victim);
  pmss_places_enter (f->places, &f->place[i], f, class, group);
}

/* Full of strangers, each from an address of its own. */
static void
fill (Fixture * f, guint first)
{
  for (guint i = first; i < TOTAL; i++) {
    g_autofree char *address = g_strdup_printf ("192.0.2.%u", i);

    enter (f, i, PMSS_PLACE_STRANGER, address);
  }
}

/* Whom a newcomer displaces; -1: nobody, it is turned away. */
static int
victim_of (Fixture * f, PmssPlaceClass class, const char *group,
    gboolean inside)
{
  PmssPlace *victim;

  g_assert_false (pmss_places_ask (f->places, class, group, inside, &victim));
  return victim != NULL ? (int) (victim - f->place) : -1;
}

static void
test_longest_idle_goes (void)
{
  Fixture f;

  fixture_init (&f, 0, TRUE);
  fill (&f, 0);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 0);
  pmss_places_touch (f.places, &f.place[0], PMSS_PLACE_IDLE);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 1);
  pmss_places_touch (f.places, &f.place[1], PMSS_PLACE_WAITING);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 2);
  g_assert_true (pmss_places_find_idle (f.places) == &f.place[2]);
  fixture_clear (&f);
}

/* One that trickles goes when no idle one is left, one that waits for us
 * never. */
static void
test_busy_strangers (void)
{
  Fixture f;

  fixture_init (&f, 0, TRUE);
  fill (&f, 0);
  for (guint i = 0; i < TOTAL; i++)
    pmss_places_touch (f.places, &f.place[i],
        i == 7 ? PMSS_PLACE_MOVING : PMSS_PLACE_WAITING);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 7);
  pmss_places_touch (f.places, &f.place[7], PMSS_PLACE_WAITING);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, -1);
  g_assert_null (pmss_places_find_idle (f.places));
  fixture_clear (&f);
}

/* Strangers displace neither users nor nodes, however long those are idle. */
static void
test_room_is_kept (void)
{
  Fixture f;

  fixture_init (&f, 0, TRUE);
  enter (&f, 0, PMSS_PLACE_USER, "anna");
  enter (&f, 1, PMSS_PLACE_NODE, "1");
  fill (&f, 2);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 2);
  g_assert_cmpuint (pmss_places_count (f.places, PMSS_PLACE_USER), ==, 1);
  g_assert_cmpuint (pmss_places_count (f.places, PMSS_PLACE_NODE), ==, 1);
  g_assert_cmpuint (pmss_places_count (f.places, PMSS_PLACE_STRANGER), ==, 14);
  fixture_clear (&f);
}

/* What was authenticated gets in where all places are taken: it has one. */
static void
test_promotion_when_full (void)
{
  Fixture f;
  PmssPlace *victim;

  fixture_init (&f, 0, TRUE);
  fill (&f, 0);
  g_assert_true (pmss_places_ask (f.places, PMSS_PLACE_NODE, "1", TRUE,
          &victim));
  pmss_places_leave (f.places, &f.place[5]);
  pmss_places_enter (f.places, &f.place[5], &f, PMSS_PLACE_NODE, "1");
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 0);
  fixture_clear (&f);
}

static void
test_one_address (void)
{
  Fixture f;

  fixture_init (&f, 3, TRUE);
  enter (&f, 0, PMSS_PLACE_STRANGER, "192.0.2.200");
  for (guint i = 1; i <= 3; i++)
    enter (&f, i, PMSS_PLACE_STRANGER, "198.51.100.1");
  /* its own goes, not the one that is idle for longer */
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "198.51.100.1", FALSE),
      ==, 1);
  /* who is logged in there does not count */
  pmss_places_leave (f.places, &f.place[3]);
  pmss_places_enter (f.places, &f.place[3], &f, PMSS_PLACE_USER, "anna");
  enter (&f, 4, PMSS_PLACE_STRANGER, "198.51.100.1");
  fixture_clear (&f);
}

/* One user, one node has a part of its class; its own longest idle goes, and
 * an answer that runs is not cut for another. */
static void
test_one_owner (void)
{
  Fixture f;

  fixture_init (&f, 0, TRUE);
  enter (&f, 0, PMSS_PLACE_USER, "bert");
  for (guint i = 1; i <= TOTAL / 4; i++)
    enter (&f, i, PMSS_PLACE_USER, "anna");
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_USER, "anna", TRUE), ==, 1);
  pmss_places_touch (f.places, &f.place[1], PMSS_PLACE_MOVING);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_USER, "anna", TRUE), ==, 2);
  for (guint i = 2; i <= TOTAL / 4; i++)
    pmss_places_touch (f.places, &f.place[i], PMSS_PLACE_MOVING);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_USER, "anna", TRUE), ==, -1);
  fixture_clear (&f);
}

/* An authenticated one that had to stay a stranger goes after all that have
 * shown nothing, busy ones too; and it goes before everybody is shut out. */
static void
test_marked (void)
{
  Fixture f;

  fixture_init (&f, 0, TRUE);
  fill (&f, 0);
  pmss_places_mark (&f.place[0]);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 1);
  for (guint i = 0; i < TOTAL; i++)
    pmss_places_touch (f.places, &f.place[i],
        i == 0 ? PMSS_PLACE_IDLE : PMSS_PLACE_MOVING);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 1);
  for (guint i = 0; i < TOTAL; i++)
    pmss_places_mark (&f.place[i]);
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 0);
  /* a place is marked once */
  pmss_places_leave (f.places, &f.place[0]);
  enter (&f, 0, PMSS_PLACE_STRANGER, "192.0.2.0");
  g_assert_cmpint (victim_of (&f, PMSS_PLACE_STRANGER, "x", FALSE), ==, 0);
  fixture_clear (&f);
}

/* However small the server and full its classes, a stranger can come in. */
static void
test_strangers_are_left_room (void)
{
  for (guint total = 1; total < 5000; total++) {
    for (guint nodes = 0; nodes < 2; nodes++) {
      PmssPlacesLimits limits;
      guint known;

      pmss_places_limits_init (&limits, total, 0, nodes != 0);
      known = limits.of_class[PMSS_PLACE_USER]
          + limits.of_class[PMSS_PLACE_NODE];
      if (total >= 4)
        g_assert_cmpuint (total - known, >=, MAX (total / 8, 1));
      g_assert_cmpuint (limits.of_class[PMSS_PLACE_USER], >=, 1);
      g_assert_cmpuint (limits.of_group[PMSS_PLACE_STRANGER], >=, 1);
    }
  }
}

static void
assert_group (int family, const char *text, const char *wanted)
{
  struct sockaddr_in v4 = {.sin_family = AF_INET };
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6 };
  char group[PMSS_PLACE_ADDRESS_SIZE];

  inet_pton (family, text, family == AF_INET ? (void *) &v4.sin_addr
      : (void *) &v6.sin6_addr);
  pmss_places_format_address (family == AF_INET ? (struct sockaddr *) &v4
      : (struct sockaddr *) &v6, group);
  g_assert_cmpstr (group, ==, wanted);
}

static void
test_addresses (void)
{
  assert_group (AF_INET, "192.0.2.7", "192.0.2.7");
  assert_group (AF_INET6, "::ffff:192.0.2.7", "192.0.2.7");
  assert_group (AF_INET6, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
  assert_group (AF_INET6, "2001:db8:1:2:ffff:ffff:ffff:ffff",
      "2001:db8:1:2::/64");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-places/longest-idle-goes", test_longest_idle_goes);
  g_test_add_func ("/http-places/busy-strangers", test_busy_strangers);
  g_test_add_func ("/http-places/room-is-kept", test_room_is_kept);
  g_test_add_func ("/http-places/promotion-when-full",
      test_promotion_when_full);
  g_test_add_func ("/http-places/one-address", test_one_address);
  g_test_add_func ("/http-places/one-owner", test_one_owner);
  g_test_add_func ("/http-places/marked", test_marked);
  g_test_add_func ("/http-places/strangers-are-left-room",
      test_strangers_are_left_room);
  g_test_add_func ("/http-places/addresses", test_addresses);
  return g_test_run ();
}
