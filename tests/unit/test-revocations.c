/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Revocations at control, and how fast sessions may be opened. */

#include "control-fixture.h"
#include "control/sessions/revocations.h"
#include "control/sessions/session-budget.h"

static gboolean
bound (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_revocations_bound (database, error);
}

/* @n sessions of @user that have ended. */
static void
end_sessions (ControlFixture * f, const char *user, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree char *sql = g_strdup_printf ("INSERT INTO revocation"
        " (session, until, user) VALUES (lower (hex (randomblob (16))), unixepoch () + %u, '%s')",
        100 + i, user);
    control_fixture_exec (f, sql);
  }
}

static void
run_bound (ControlFixture * f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_database_transact (f->database, bound, NULL, &error));
  g_assert_no_error (error);
}

/* However many sessions a user ends, the nodes keep few entries of it. */
static void
test_bound (void)
{
  ControlFixture f;

  control_fixture_init (&f);
  end_sessions (&f, "few", PMSS_MAX_REVOCATIONS);
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS + 1);
  control_fixture_exec (&f, "INSERT INTO revocation (session, until)"
      " VALUES ('00000000000000000000000000000000', unixepoch () - 1)");
  run_bound (&f);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE user = 'few' AND signed_until = 0"), ==,
      PMSS_MAX_REVOCATIONS);
  g_assert_cmpint (control_fixture_count (&f,
          "SELECT count (*) FROM revocation"), ==, PMSS_MAX_REVOCATIONS + 1);
  /* it lasts as long as the last of those that it stands for */
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE user = 'many' AND signed_until > 0"
          " AND until >= unixepoch () + 160"), ==, 1);
  /* a second time it takes in the first one */
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS + 1);
  run_bound (&f);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE user = 'many'"), ==, 1);
  /* the nodes know it by a number that is new to them */
  g_assert_cmpint (control_fixture_count (&f, "SELECT max (id) > 130"
          " FROM revocation WHERE user = 'many'"), ==, 1);
  control_fixture_clear (&f);
}

/* Whatever ends the right to a session ends it, and its token with it. */
static void
test_ends (void)
{
  static const struct
  {
    const char *sql;
    guint left;
  } steps[] = {
    {"SELECT 1", 3},
    {"DELETE FROM api_token WHERE hash = zeroblob (32)", 2},
    {"UPDATE user SET role = 'viewer'", 2},
    {"UPDATE user SET role = 'operator'", 0},
  };
  ControlFixture f;

  control_fixture_init (&f);
  control_fixture_exec (&f, "INSERT INTO user (name, password, role, created)"
      " VALUES ('anna', 'x', 'viewer', 1)");
  control_fixture_exec (&f,
      "INSERT INTO api_token (hash, user, created, expires)"
      " VALUES (zeroblob (32), 'anna', 1, 1)");
  control_fixture_exec (&f,
      "INSERT INTO medium" " (id, name, state, k, m, created, updated)"
      " VALUES (1, 'film', 'ready', 1, 0, 1, 1)");
  control_fixture_exec (&f,
      "INSERT INTO version"
      " (id, medium, state, size, k, m, unit, extent, created)"
      " VALUES (zeroblob (16), 1, 'ready', 1, 1, 0, 4096, 4096, 1)");
  for (guint i = 0; i < 3; i++) {
    g_autofree char *sql = g_strdup_printf ("INSERT INTO session (id, user,"
        " medium, version, address, rate, created, expires, token_until, login)"
        " VALUES ('%032u', 'anna', 1, zeroblob (16), '', 0, 1,"
        " unixepoch () + 60, unixepoch () + 600, %s)", i,
        i == 0 ? "zeroblob (32)" : "NULL");

    control_fixture_exec (&f, sql);
  }
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    control_fixture_exec (&f, steps[i].sql);
    g_assert_cmpint (control_fixture_count (&f, "SELECT count (*)"
            " FROM session"), ==, steps[i].left);
    g_assert_cmpint (control_fixture_count (&f, "SELECT count (*)"
            " FROM revocation WHERE user = 'anna' AND lapsed = 0"), ==,
        3 - steps[i].left);
  }
  control_fixture_clear (&f);
}

static gboolean
get_cut (PmssDatabase * database, gpointer cut, GError ** error)
{
  return pmss_revocations_get_cut (database, "many", cut, error);
}

/* Who has many sessions ended opens another in the same second: its token is signed after the cut. */
static void
test_signed_after_cut (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  gint64 cut = -1, first;

  control_fixture_init (&f);
  g_assert_true (pmss_database_transact (f.database, get_cut, &cut, &error));
  g_assert_cmpint (cut, ==, 0);
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS + 1);
  run_bound (&f);
  g_assert_true (pmss_database_transact (f.database, get_cut, &cut, &error));
  g_assert_cmpint (cut, >, 0);
  g_assert_cmpint (cut, ==, control_fixture_count (&f, "SELECT signed_until"
          " FROM revocation WHERE user = 'many'"));
  /* what was signed in the second after the cut ends with the next one */
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS + 1);
  run_bound (&f);
  first = cut;
  g_assert_true (pmss_database_transact (f.database, get_cut, &cut, &error));
  g_assert_cmpint (cut, >, first);
  control_fixture_clear (&f);
}

/* A clock that was ahead made the cut, and was set right: who opens a session now gets a token of now. */
static void
test_cut_ahead (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  gint64 cut = -1;

  control_fixture_init (&f);
  control_fixture_exec (&f, "INSERT INTO revocation"
      " (session, until, user, signed_until) VALUES ('a0000000000000000000000000000000',"
      " unixepoch () + 1000, 'many', unixepoch () + 120)");
  g_assert_true (pmss_database_transact (f.database, get_cut, &cut, &error));
  g_assert_cmpint (cut, ==, 0);
  control_fixture_exec (&f, "UPDATE revocation SET signed_until ="
      " unixepoch () + 29");
  g_assert_true (pmss_database_transact (f.database, get_cut, &cut, &error));
  g_assert_cmpint (cut, >, 0);
  control_fixture_clear (&f);
}

static gboolean
cut_all (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_revocations_cut_all (database, 600, error);
}

static void
test_cut_all (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  gint64 cut = -1;

  control_fixture_init (&f);
  g_assert_true (pmss_database_transact (f.database, cut_all, NULL, &error));
  g_assert_true (pmss_database_transact (f.database, get_cut, &cut, &error));
  g_assert_cmpint (cut, >, 0);
  /* it is nobody's to be merged */
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS + 1);
  run_bound (&f);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*)"
          " FROM revocation WHERE user = '' AND signed_until > 0"), ==, 1);
  control_fixture_clear (&f);
}

static void
test_budget (void)
{
  PmssSessionBudget *budget = pmss_session_budget_new ();
  guint taken = 0;

  for (guint i = 0; i < 125 * 60; i++)
    taken += pmss_session_budget_take (budget, "anna", 20,
        (gint64) i * G_USEC_PER_SEC / 125);
  /* 40 at once and 2 a second */
  g_assert_cmpuint (taken, >=, 155);
  g_assert_cmpuint (taken, <=, 161);
  g_assert_true (pmss_session_budget_take (budget, "berta", 20, 0));
  for (guint i = 0; i < 1000; i++)
    g_assert_true (pmss_session_budget_take (budget, "free", 0, 0));
  pmss_session_budget_prune (budget, 1000 * G_USEC_PER_SEC);
  g_assert_true (pmss_session_budget_take (budget, "anna", 20,
          1000 * G_USEC_PER_SEC));
  pmss_session_budget_free (budget);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/revocations/bound", test_bound);
  g_test_add_func ("/revocations/ends", test_ends);
  g_test_add_func ("/revocations/signed-after-cut", test_signed_after_cut);
  g_test_add_func ("/revocations/cut-ahead", test_cut_ahead);
  g_test_add_func ("/revocations/cut-all", test_cut_all);
  g_test_add_func ("/revocations/budget", test_budget);
  return g_test_run ();
}
