/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may hash a password, and who waits for it. */
#include "control/accounts/password-places.h"

#define WAIT (20 * G_USEC_PER_SEC)
#define MAX_WAITING 4

typedef struct
{
  PmssPasswordPlaces *places;
  gint64 deadline;
  gint in, refused;             /* strangers */
  gint stay;                    /* while it is set they do not leave */
} Crowd;

static gpointer
log_in (gpointer data)
{
  Crowd *crowd = data;

  if (!pmss_password_places_enter (crowd->places, PMSS_PASSWORD_STRANGER,
          crowd->deadline)) {
    g_atomic_int_inc (&crowd->refused);
    return NULL;
  }
  g_atomic_int_inc (&crowd->in);
  while (g_atomic_int_get (&crowd->stay))
    g_usleep (1000);
  pmss_password_places_leave (crowd->places, PMSS_PASSWORD_STRANGER);
  return NULL;
}

static void
wait_until (Crowd * crowd, guint in, guint waiting)
{
  gint64 end = g_get_monotonic_time () + WAIT;

  while ((guint) g_atomic_int_get (&crowd->in) != in
      || pmss_password_places_count_waiting (crowd->places,
          PMSS_PASSWORD_STRANGER) != waiting) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (1000);
  }
}

static gboolean
enter (Crowd * crowd, PmssPasswordClass class, gint64 within)
{
  return pmss_password_places_enter (crowd->places, class,
      g_get_monotonic_time () + within);
}

/* A crowd of strangers has one place and waits in a bounded number; one that is known finds a place at once. */
static void
test_crowd (void)
{
  Crowd crowd = {
    .places = pmss_password_places_new (2, MAX_WAITING),.stay = 1,
    .deadline = g_get_monotonic_time () + WAIT
  };
  GThread *threads[1 + MAX_WAITING];
  gint64 before;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    threads[i] = g_thread_new ("login", log_in, &crowd);
    wait_until (&crowd, 1, i);
  }
  /* one more is refused at once */
  before = g_get_monotonic_time ();
  g_assert_false (enter (&crowd, PMSS_PASSWORD_STRANGER, WAIT));
  g_assert_cmpint (g_get_monotonic_time () - before, <, WAIT / 2);
  g_assert_true (enter (&crowd, PMSS_PASSWORD_KNOWN, 0));
  /* that was the last place, for which known ones wait as well */
  g_assert_false (enter (&crowd, PMSS_PASSWORD_KNOWN, 1000));
  pmss_password_places_leave (crowd.places, PMSS_PASSWORD_KNOWN);
  wait_until (&crowd, 1, MAX_WAITING);

  g_atomic_int_set (&crowd.stay, 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (crowd.in, ==, 1 + MAX_WAITING);
  g_assert_cmpint (crowd.refused, ==, 0);
  pmss_password_places_free (crowd.places);
}

/* One that waits gives up at its deadline, and leaves its place in the queue. */
static void
test_deadline (void)
{
  Crowd crowd = {.places = pmss_password_places_new (2, 1) };

  g_assert_true (enter (&crowd, PMSS_PASSWORD_STRANGER, 0));
  for (guint i = 0; i < 3; i++)
    g_assert_false (enter (&crowd, PMSS_PASSWORD_STRANGER, 1000));
  g_assert_cmpint (pmss_password_places_count_waiting (crowd.places,
          PMSS_PASSWORD_STRANGER), ==, 0);
  /* known ones may have all places */
  g_assert_true (enter (&crowd, PMSS_PASSWORD_KNOWN, 0));
  pmss_password_places_leave (crowd.places, PMSS_PASSWORD_STRANGER);
  g_assert_true (enter (&crowd, PMSS_PASSWORD_KNOWN, 0));
  g_assert_false (enter (&crowd, PMSS_PASSWORD_STRANGER, 1000));
  pmss_password_places_leave (crowd.places, PMSS_PASSWORD_KNOWN);
  g_assert_true (enter (&crowd, PMSS_PASSWORD_STRANGER, 0));
  pmss_password_places_free (crowd.places);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/password-places/crowd", test_crowd);
  g_test_add_func ("/password-places/deadline", test_deadline);
  return g_test_run ();
}
