/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Revocations at control, and how fast sessions may be opened. */

#include "control-fixture.h"
#include "control/sessions/revocations.h"
#include "control/sessions/session-budget.h"

static gboolean
bound (PmssDatabase * database, gpointer more, GError ** error)
{
  return pmss_revocations_bound (database, more, error);
}

static void
run_bound (ControlFixture * f)
{
  g_autoptr (GError) error = NULL;
  gboolean more = TRUE;

  while (more) {
    g_assert_true (pmss_database_transact (f->database, bound, &more, &error));
    g_assert_no_error (error);
  }
}

/* Something that @user may have sessions of. */
static void
add_user (ControlFixture * f, const char *user)
{
  g_autofree char *sql = g_strdup_printf ("INSERT INTO user (name, password,"
      " role, created) VALUES ('%s', 'x', 'viewer', 1)", user);

  control_fixture_exec (f, sql);
  control_fixture_exec (f,
      "INSERT OR IGNORE INTO medium (id, name, state, k, m, created, updated)"
      " VALUES (1, 'film', 'ready', 1, 0, 1, 1)");
  control_fixture_exec (f,
      "INSERT OR IGNORE INTO version (id, medium, state, size, k, m, unit,"
      " extent, created) VALUES (zeroblob (16), 1, 'ready', 1, 1, 0, 4096,"
      " 4096, 1)");
}

/* @n sessions of @user end. */
static void
end_sessions (ControlFixture * f, const char *user, guint n)
{
  g_autofree char *begin = g_strdup_printf ("WITH RECURSIVE n (i) AS (SELECT 0"
      " UNION ALL SELECT i + 1 FROM n WHERE i < %u) INSERT INTO session (id,"
      " user, medium, version, address, rate, created, expires, token_until)"
      " SELECT lower (hex (randomblob (16))), '%s', 1, zeroblob (16), '', 0,"
      " 1, unixepoch () + 60, unixepoch () + 100 + i FROM n", n - 1, user);
  g_autofree char *end =
      g_strdup_printf ("DELETE FROM session WHERE user = '%s'", user);

  control_fixture_exec (f, begin);
  control_fixture_exec (f, end);
}

/* However many sessions a user ends, there are few entries of it, at no time more. */
static void
test_bound (void)
{
  ControlFixture f;

  control_fixture_init (&f);
  add_user (&f, "few");
  add_user (&f, "many");
  end_sessions (&f, "few", PMSS_MAX_REVOCATIONS);
  end_sessions (&f, "many", 10 * PMSS_MAX_REVOCATIONS);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE user = 'many'"), ==, PMSS_MAX_REVOCATIONS);
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
          " AND until >= unixepoch () + 700"), ==, 1);
  /* a second time it takes in the first one */
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS + 1);
  run_bound (&f);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE user = 'many' AND until >= unixepoch () + 700"), ==, 1);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE user = 'many'"), ==, 1);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM cut_due"),
      ==, 0);
  /* the nodes know it by a number that is new to them */
  g_assert_cmpint (control_fixture_count (&f, "SELECT max (id) > 130"
          " FROM revocation WHERE user = 'many'"), ==, 1);
  control_fixture_clear (&f);
}

/* What has to go goes in pieces: none of them holds the database for long. */
static void
test_pieces (void)
{
  ControlFixture f;
  gboolean more = FALSE;

  control_fixture_init (&f);
  control_fixture_exec (&f, "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL"
      " SELECT i + 1 FROM n WHERE i < 1999) INSERT INTO revocation (session,"
      " until) SELECT lower (hex (randomblob (16))), 1 FROM n");
  control_fixture_exec (&f, "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL"
      " SELECT i + 1 FROM n WHERE i < 99) INSERT INTO cut_due (user, until)"
      " SELECT 'user' || i, unixepoch () + 1000 FROM n");
  g_assert_true (pmss_database_transact (f.database, bound, &more, NULL));
  g_assert_true (more);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE until = 1"), >=, 1000);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM cut_due"),
      >=, 50);
  run_bound (&f);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE signed_until > 0"), ==, 100);
  g_assert_cmpint (control_fixture_count (&f, "SELECT count (*) FROM revocation"
          " WHERE signed_until = 0"), ==, 0);
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
  add_user (&f, "anna");
  control_fixture_exec (&f,
      "INSERT INTO api_token (hash, user, created, expires)"
      " VALUES (zeroblob (32), 'anna', 1, 1)");
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
  add_user (&f, "many");
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

/* Some of these were signed by a clock that was ahead. */
static void
end_session_of (ControlFixture * f, const char *id, guint ahead)
{
  g_autofree char *begin = g_strdup_printf ("INSERT INTO session (id, user,"
      " medium, version, address, rate, created, expires, token_until, issued)"
      " VALUES ('%032x', 'many', 1, zeroblob (16), '', 0, 1,"
      " unixepoch () + 60, unixepoch () + 700, unixepoch () + %u)",
      g_str_hash (id), ahead);

  control_fixture_exec (f, begin);
  control_fixture_exec (f, "DELETE FROM session");
}

/* The clock was set back since: the cut is of the newest token that it stands
 * for, be that one of a row or of the sessions that got none. */
static void
test_set_back (void)
{
  ControlFixture f;

  control_fixture_init (&f);
  add_user (&f, "many");
  end_session_of (&f, "a row", 20);
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS);
  run_bound (&f);
  g_assert_cmpint (control_fixture_count (&f, "SELECT signed_until"
          " - unixepoch () BETWEEN 15 AND 20 FROM revocation"), ==, 1);
  end_sessions (&f, "many", PMSS_MAX_REVOCATIONS);
  end_session_of (&f, "none", 500);
  end_session_of (&f, "one more", 0);
  run_bound (&f);
  g_assert_cmpint (control_fixture_count (&f, "SELECT signed_until"
          " - unixepoch () BETWEEN 495 AND 500 FROM revocation"), ==, 1);
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
  add_user (&f, "many");
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
  g_test_add_func ("/revocations/pieces", test_pieces);
  g_test_add_func ("/revocations/ends", test_ends);
  g_test_add_func ("/revocations/signed-after-cut", test_signed_after_cut);
  g_test_add_func ("/revocations/set-back", test_set_back);
  g_test_add_func ("/revocations/cut-ahead", test_cut_ahead);
  g_test_add_func ("/revocations/cut-all", test_cut_all);
  g_test_add_func ("/revocations/budget", test_budget);
  return g_test_run ();
}
