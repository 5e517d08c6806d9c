/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where viewers left off, and what is known of logins. */
#include "control-fixture.h"

#include <string.h>

#include "control/accounts/logins.h"
#include "control/accounts/positions.h"
#include "libpmss/pmss-error.h"

static void
set_up (ControlFixture * f, gconstpointer data)
{
  control_fixture_init (f);
  control_fixture_exec (f, "INSERT INTO user (name, password, role, created)"
      " VALUES ('anna', 'x', 'viewer', 1), ('bert', 'x', 'viewer', 1)");
  control_fixture_exec (f, "INSERT INTO medium (id, name, state, duration_ns,"
      " k, m, created, updated) VALUES (1, 'film', 'ready', 9, 1, 0, 1, 1),"
      " (2, 'song', 'ready', NULL, 1, 0, 1, 1)");
}

static void
tear_down (ControlFixture * f, gconstpointer data)
{
  control_fixture_clear (f);
}

static void
set (ControlFixture * f, const char *user, const char *name, gint64 position)
{
  g_autoptr (GError) error = NULL;

  pmss_positions_set (f->database, user, name, position, &error);
  g_assert_no_error (error);
}

static void
expect (ControlFixture * f, const char *user, gint64 medium, gint64 expected)
{
  gint64 position;

  g_assert_true (pmss_positions_get (f->database, user, medium, &position,
          NULL));
  g_assert_cmpint (position, ==, expected);
}

static void
test_follow (ControlFixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  expect (f, "anna", 1, -1);
  set (f, "anna", "film", 5);
  set (f, "anna", "film", 6);
  set (f, "bert", "film", 7);
  expect (f, "anna", 1, 6);
  expect (f, "bert", 1, 7);
  control_fixture_exec (f, "UPDATE medium SET name = 'other' WHERE id = 1");
  g_assert_false (pmss_positions_set (f->database, "anna", "film", 1, &error));
  assert_pmss_error (error, NOT_FOUND);
  set (f, "anna", "other", 8);
  expect (f, "anna", 1, 8);
  g_assert_true (pmss_positions_remove (f->database, "anna", "other", NULL));
  expect (f, "anna", 1, -1);
  expect (f, "bert", 1, 7);
  g_clear_error (&error);
  g_assert_false (pmss_positions_remove (f->database, "anna", "other", &error));
  assert_pmss_error (error, NOT_FOUND);
}

static void
test_go (ControlFixture * f, gconstpointer data)
{
  set (f, "anna", "film", 5);
  set (f, "anna", "song", 5);
  set (f, "bert", "film", 5);
  control_fixture_exec (f, "DELETE FROM medium WHERE id = 1");
  g_assert_cmpint (control_fixture_count (f, "SELECT count(*) FROM position"),
      ==, 1);
  g_assert_cmpint (control_fixture_count (f, "SELECT sum(number)"
          " FROM position_count"), ==, 1);
  control_fixture_exec (f, "DELETE FROM user WHERE name = 'anna'");
  g_assert_cmpint (control_fixture_count (f, "SELECT count(*) FROM position"),
      ==, 0);
  g_assert_cmpint (control_fixture_count (f, "SELECT count(*)"
          " FROM position_count WHERE user = 'anna'"), ==, 0);
}

/* The oldest one gives way, and a page is asked for by the last of the one before. */
static void
test_bound (ControlFixture * f, gconstpointer data)
{
  g_autofree char *after = NULL;
  guint n = 0;

  control_fixture_exec (f, "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL"
      " SELECT i + 1 FROM n WHERE i < 10009) INSERT INTO medium (id, name,"
      " state, k, m, created, updated) SELECT i, 'm' || i, 'ready', 1, 0, 1, 1"
      " FROM n");
  control_fixture_exec (f, "INSERT INTO position (user, medium, position_ns,"
      " updated) SELECT 'anna', id, 1, id / 3 FROM medium WHERE id >= 10");
  set (f, "anna", "film", 5);
  g_assert_cmpint (control_fixture_count (f, "SELECT count(*) FROM position"),
      ==, PMSS_MAX_POSITIONS);
  expect (f, "anna", 10, -1);
  do {
    g_autofree char *next = NULL;
    g_autoptr (GPtrArray) page = pmss_positions_list (f->database, "anna",
        after, 999, &next, NULL);
    PmssPosition *first = page->pdata[0];

    g_assert_true (n > 0 || strcmp (first->medium, "film") == 0);
    n += page->len;
    g_free (after);
    after = g_steal_pointer (&next);
  } while (after != NULL);
  g_assert_cmpuint (n, ==, PMSS_MAX_POSITIONS);
}

static void
test_malformed (ControlFixture * f, gconstpointer data)
{
  static const char *const texts[] = { "", "x", "1", "1.x", "-1.2", "1.2.3" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    char *next;

    g_assert_null (pmss_positions_list (f->database, "anna", texts[i], 1,
            &next, &error));
    assert_pmss_error (error, INVALID);
  }
}

static void
add_login (ControlFixture * f, const char *token)
{
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  g_autoptr (GString) hex = g_string_new (NULL);
  g_autofree char *sql = NULL;

  pmss_secret_hash (token, hash);
  for (guint i = 0; i < sizeof (hash); i++)
    g_string_append_printf (hex, "%02x", hash[i]);
  sql = g_strdup_printf ("INSERT INTO api_token (hash, user, created, expires)"
      " VALUES (x'%s', 'anna', 1, unixepoch () + 1000)", hex->str);
  control_fixture_exec (f, sql);
}

/* They are seen and ended one by one, and when they are used is remembered. */
static void
test_logins (ControlFixture * f, gconstpointer data)
{
  PmssAccounts *accounts = pmss_accounts_new (f->database, 1000);
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GPtrArray) others = NULL;
  g_autoptr (PmssUser) user = NULL;
  g_autoptr (GError) error = NULL;
  const PmssLoginRow *row;

  for (guint i = 0; i < 3; i++)
    add_login (f, ((const char *const[]) { "one", "two", "three" })[i]);
  control_fixture_exec (f, "INSERT INTO login (hash, address, client, used)"
      " SELECT hash, '::1', 'browser', 2 FROM api_token");
  user = pmss_accounts_authenticate (accounts, "one", NULL);
  g_assert_nonnull (user);
  list = pmss_logins_list (accounts, "anna", "one", NULL);
  g_assert_cmpuint (list->len, ==, 3);
  for (guint i = 0; i < list->len; i++) {
    row = list->pdata[i];
    g_assert_cmpstr (row->client, ==, "browser");
    g_assert_true (row->current == (row->last_used > 2));
  }
  g_assert_cmpint (control_fixture_count (f, "SELECT max(used) FROM login"), ==,
      2);
  pmss_logins_write_uses (accounts);
  g_assert_cmpint (control_fixture_count (f, "SELECT count(*) FROM login"
          " WHERE used > 2"), ==, 1);
  row = list->pdata[0];
  g_assert_false (pmss_logins_remove (accounts, "bert", row->id, &error));
  assert_pmss_error (error, NOT_FOUND);
  g_assert_false (pmss_logins_remove (accounts, "anna", "0123", NULL));
  g_assert_true (pmss_logins_remove_others (accounts, "anna", "one", NULL));
  others = pmss_logins_list (accounts, "anna", "one", NULL);
  g_assert_cmpuint (others->len, ==, 1);
  row = others->pdata[0];
  g_assert_true (row->current);
  g_assert_true (pmss_logins_remove (accounts, "anna", row->id, NULL));
  g_assert_cmpint (control_fixture_count (f, "SELECT count(*) FROM login"), ==,
      0);
  pmss_accounts_free (accounts);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/positions/" name, ControlFixture, NULL, \
      set_up, func, tear_down)
  ADD ("follow", test_follow);
  ADD ("go", test_go);
  ADD ("bound", test_bound);
  ADD ("malformed", test_malformed);
  ADD ("logins", test_logins);
  return g_test_run ();
}
