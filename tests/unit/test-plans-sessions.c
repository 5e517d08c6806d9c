/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sessions cost does not grow with those that are there, or were: begun, ended, lapsed. */
#include <stdlib.h>

#include "control/catalog/layout-parts.h"
#include "control/database/database-private.h"
#include "control/sessions/sessions.h"
#include "libpmss/pmss-error.h"
#include "plans-fixture.h"

typedef struct
{
  PmssSessions *sessions;
  guint first, last;
} Ends;

static gboolean
end_these (PmssDatabase * database, gpointer data, GError ** error)
{
  const Ends *ends = data;

  for (guint i = ends->first; i <= ends->last; i++) {
    g_autofree char *id = g_strdup_printf ("%032x", i);

    if (!pmss_sessions_end (ends->sessions, id, "viewer", error))
      return FALSE;
  }
  return TRUE;
}

/* Sessions @first to @last end, then the timer comes. What all of that takes of SQLite. */
static gint64
end_sessions (PlansFixture * f, PmssSessions * sessions, guint first,
    guint last)
{
  Ends ends = { sessions, first, last };
  gint64 before = plans_fixture_get_cost (f, "").steps;

  g_assert_true (pmss_database_transact (f->base.database, end_these, &ends,
          NULL));
  pmss_sessions_tick (sessions);
  return plans_fixture_get_cost (f, "").steps - before;
}

/* What the end of a session costs does not grow with those that ended before. */
static void
test_ended (PlansFixture * f, gconstpointer data)
{
  PmssSessions *sessions = pmss_sessions_new (f->base.database,
      f->context.catalog, NULL, 60, 1000);
  gint64 few = end_sessions (f, sessions, 1, 100);
  gint64 many = end_sessions (f, sessions, 101, 2500);

  g_assert_cmpint (many / 24, <=, few);
  g_assert_cmpint (end_sessions (f, sessions, 2501, 2600), <=, few * 5 / 4);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM revocation"), ==, 1);
  pmss_sessions_free (sessions);
}

static guint64
count_functions (PlansFixture * f)
{
  PmssDatabaseTimes times;
  guint64 n = 0;

  pmss_database_get_times (f->base.database, &times);
  for (guint i = 0; i < G_N_ELEMENTS (times.number[0]); i++)
    n += times.number[PMSS_PIECE_FUNCTION][i];
  return n;
}

/* A session, its medium and its layout are one function, and come or do not come together. */
static void
test_created (PlansFixture * f, gconstpointer data)
{
  PmssSessions *sessions = pmss_sessions_new (f->base.database,
      f->context.catalog, NULL, 60, 1000);
  const PmssViewer viewer = {.user = "viewer",.login = "l",.address = "a" };
  guint64 functions = count_functions (f);

  for (guint i = 100; i < 130; i++) {
    g_autofree char *name = g_strdup_printf ("films/%05u", i);
    g_auto (PmssOpened) opened = { 0 };

    g_assert_true (pmss_sessions_create (sessions, name, &viewer, &opened,
            NULL));
    g_assert_cmpint (opened.session->medium, ==, opened.medium->id);
    g_assert_cmpuint (pmss_layout_part_get_n_extents (opened.layout), ==, 2);
    g_assert_cmpuint (opened.nodes->len, ==, 3);
  }
  g_assert_cmpuint (count_functions (f), ==, functions + 30);

  /* a layout that is not whole */
  control_fixture_exec (&f->base, "DELETE FROM extent WHERE number = 1"
      " AND version = CAST (printf ('%016d', 7) AS BLOB)");
  {
    g_autoptr (GError) error = NULL;
    g_auto (PmssOpened) opened = { 0 };

    g_assert_false (pmss_sessions_create (sessions, "films/00007", &viewer,
            &opened, &error));
    assert_pmss_error (error, CONFLICT);
    g_assert_null (opened.session);
  }
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM session WHERE medium = 7"), ==, 1);
  pmss_sessions_free (sessions);
}

/* Leases that ran out at one time end in pieces, each by an index. */
static void
test_lapsed (PlansFixture * f, gconstpointer data)
{
  PmssSessions *sessions = pmss_sessions_new (f->base.database,
      f->context.catalog, NULL, 60, 1000);
  PlansCost cost;

  control_fixture_exec (&f->base, "UPDATE session SET expires = 1");
  pmss_sessions_tick (sessions);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM session"), ==, 0);
  cost = plans_fixture_get_cost (f, "DELETE FROM session WHERE id IN");
  g_assert_cmpint (cost.runs, >=, 10);
  g_assert_cmpint (cost.scanned, ==, 0);
  g_assert_cmpint (cost.steps, <, atoi (PLANS_ROWS) * 400);
  pmss_sessions_free (sessions);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/plans-sessions/" name, PlansFixture, NULL, \
      plans_fixture_setup, func, plans_fixture_teardown)
  ADD ("ended", test_ended);
  ADD ("created", test_created);
  ADD ("lapsed", test_lapsed);
  return g_test_run ();
}
