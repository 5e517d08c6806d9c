/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tokens that need no look into the database, and when they need one again. */
#include "control-fixture.h"
#include "control/accounts/accounts.h"
#include "control/accounts/known-tokens.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  ControlFixture base;
  PmssAccounts *accounts;
  PmssLogin *login;             /* of anna, an operator, whose token is known */
} Fixture;

static PmssUser *
authenticate (Fixture * f)
{
  g_autoptr (GError) error = NULL;
  PmssUser *user = pmss_accounts_authenticate (f->accounts, f->login->token,
      &error);

  if (user == NULL)
    assert_pmss_error (error, NOT_AUTHORIZED);
  return user;
}

static void
assert_role (Fixture * f, PmssRole role)
{
  g_autoptr (PmssUser) user = authenticate (f);

  g_assert_nonnull (user);
  g_assert_cmpstr (user->name, ==, "anna");
  g_assert_cmpint (user->role, ==, role);
}

static void
setup (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint retry_after;

  control_fixture_init (&f->base);
  f->accounts = pmss_accounts_new (f->base.database, 3600);
  pmss_accounts_add_user (f->accounts, "anna", "correct horse",
      PMSS_ROLE_OPERATOR, FALSE, &error);
  g_assert_no_error (error);
  f->login = pmss_accounts_login (f->accounts, "anna", "correct horse",
      "192.0.2.1", NULL, &retry_after, &error);
  g_assert_no_error (error);
  assert_role (f, PMSS_ROLE_OPERATOR);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  pmss_login_free (f->login);
  pmss_accounts_free (f->accounts);
  control_fixture_clear (&f->base);
}

static void
test_waits_for_nothing (Fixture * f, gconstpointer data)
{
  control_fixture_hold (&f->base);
  assert_role (f, PMSS_ROLE_OPERATOR);
  control_fixture_release (&f->base);
}

/* However it comes about. */
static void
test_changed (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssUser) user = NULL;

  control_fixture_exec (&f->base,
      "UPDATE user SET role = 'viewer' WHERE name = 'anna'");
  assert_role (f, PMSS_ROLE_VIEWER);
  assert_role (f, PMSS_ROLE_VIEWER);
  control_fixture_exec (&f->base,
      "UPDATE user SET one_time = 1 WHERE name = 'anna'");
  user = authenticate (f);
  g_assert_true (user->one_time);
}

static void
test_replaced (Fixture * f, gconstpointer data)
{
  control_fixture_exec (&f->base, "REPLACE INTO user"
      " (name, role, password, created) VALUES ('anna', 'admin', 'x', 1)");
  g_assert_null (authenticate (f));
}

static void
test_removed (Fixture * f, gconstpointer data)
{
  control_fixture_exec (&f->base, "DELETE FROM user WHERE name = 'anna'");
  g_assert_null (authenticate (f));
}

static void
test_logged_out (Fixture * f, gconstpointer data)
{
  g_assert_true (pmss_accounts_logout (f->accounts, f->login->token, NULL));
  g_assert_null (authenticate (f));
}

static void
test_lifetime (Fixture * f, gconstpointer data)
{
  control_fixture_exec (&f->base,
      "UPDATE api_token SET expires = unixepoch () - 1");
  g_assert_null (authenticate (f));
}

static void
test_table (void)
{
  PmssKnownTokens *tokens = pmss_known_tokens_new ();
  const PmssUser user = { (char *) "anna", PMSS_ROLE_VIEWER, FALSE, 1 };
  guint8 hash[PMSS_SECRET_HASH_SIZE] = { 1 };
  g_autoptr (PmssUser) found = NULL;

  g_assert_null (pmss_known_tokens_find (tokens, hash, 5, 99));
  pmss_known_tokens_add (tokens, hash, &user, 5, 100, 1);
  found = pmss_known_tokens_find (tokens, hash, 5, 99);
  g_assert_cmpstr (found->name, ==, "anna");
  g_assert_null (pmss_known_tokens_find (tokens, hash, 5, 100));
  g_assert_null (pmss_known_tokens_find (tokens, hash, 6, 99));
  pmss_known_tokens_add (tokens, hash, &user, 0, 100, 1);
  g_assert_null (pmss_known_tokens_find (tokens, hash, 0, 99));
  /* it does not grow without end */
  for (guint i = 0; i < 20000; i++) {
    hash[0] = i;
    hash[1] = i >> 8;
    pmss_known_tokens_add (tokens, hash, &user, 7, 100, 1);
  }
  g_clear_pointer (&found, pmss_user_free);
  found = pmss_known_tokens_find (tokens, hash, 7, 99);
  g_assert_nonnull (found);
  hash[0] = hash[1] = 0;
  g_assert_null (pmss_known_tokens_find (tokens, hash, 7, 99));
  pmss_known_tokens_free (tokens);
}

#define ADD(name, func) \
  g_test_add ("/known-tokens/" name, Fixture, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("waits-for-nothing", test_waits_for_nothing);
  ADD ("changed", test_changed);
  ADD ("replaced", test_replaced);
  ADD ("removed", test_removed);
  ADD ("logged-out", test_logged_out);
  ADD ("lifetime", test_lifetime);
  g_test_add_func ("/known-tokens/table", test_table);
  return g_test_run ();
}
