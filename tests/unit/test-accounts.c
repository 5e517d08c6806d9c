/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <glib/gstdio.h>

#include "control-fixture.h"
#include "control/accounts/accounts.h"
#include "control/accounts/admin-password.h"
#include "control/accounts/login-limit.h"
#include "control/accounts/secret.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  ControlFixture base;
  PmssAccounts *accounts;
  guint retry_after;
} Fixture;

static void
setup (Fixture * f, gconstpointer data)
{
  control_fixture_init (&f->base);
  f->accounts = pmss_accounts_new (f->base.database, 3600);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  pmss_accounts_free (f->accounts);
  control_fixture_clear (&f->base);
}

static void
add (Fixture * f, const char *name, PmssRole role)
{
  g_autoptr (GError) error = NULL;

  pmss_accounts_add_user (f->accounts, name, "correct horse", role, FALSE,
      &error);
  g_assert_no_error (error);
}

static PmssLogin *
log_in (Fixture * f, const char *user, const char *password, GError ** error)
{
  return pmss_accounts_login (f->accounts, user, password, "192.0.2.1",
      "test", &f->retry_after, error);
}

static void
test_login (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssLogin) login = NULL;
  g_autoptr (PmssUser) user = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "anna", PMSS_ROLE_OPERATOR);
  g_assert_null (log_in (f, "anna", "wrong horse", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_null (log_in (f, "nobody", "correct horse", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);

  login = log_in (f, "anna", "correct horse", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (strlen (login->token), ==, 43);
  g_assert_cmpint (login->role, ==, PMSS_ROLE_OPERATOR);
  user = pmss_accounts_authenticate (f->accounts, login->token, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (user->name, ==, "anna");

  /* neither token nor password is in the file */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM user WHERE password LIKE '%horse%'"), ==, 0);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM user WHERE password LIKE '$argon2id$%'"), ==,
      1);
  g_assert_true (pmss_accounts_logout (f->accounts, login->token, &error));
  g_assert_null (pmss_accounts_authenticate (f->accounts, login->token,
          &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
}

static void
test_expiry (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssLogin) login = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "anna", PMSS_ROLE_VIEWER);
  login = log_in (f, "anna", "correct horse", &error);
  control_fixture_exec (&f->base,
      "UPDATE api_token SET expires = unixepoch () - 1");
  g_assert_null (pmss_accounts_authenticate (f->accounts, login->token,
          &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  pmss_accounts_tick (f->accounts);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM api_token"), ==, 0);
}

typedef struct
{
  Fixture *fixture;
  const char *user;
} Change;

static gpointer
change_password (gpointer data)
{
  Change *change = data;

  g_assert_true (pmss_accounts_set_password (change->fixture->accounts,
          change->user, "battery staple", NULL, NULL));
  return NULL;
}

/* Who logs in with the old password while it is being changed is in either
 * before, and then out again, or not at all. */
static void
test_login_beside_change (Fixture * f, gconstpointer data)
{
  for (guint i = 0; i < 8; i++) {
    g_autofree char *name = g_strdup_printf ("user%u", i);
    Change change = { f, name };
    g_autoptr (PmssLogin) login = NULL;
    GThread *thread;

    add (f, name, PMSS_ROLE_VIEWER);
    thread = g_thread_new ("change", change_password, &change);
    login = log_in (f, name, "correct horse", NULL);
    g_thread_join (thread);
    if (login != NULL)
      g_assert_null (pmss_accounts_authenticate (f->accounts, login->token,
              NULL));
  }
}

static void
test_users (Fixture * f, gconstpointer data)
{
  static const char *const bad[] = {
    "", "-a", "a b", "a/b", "../a", "\xc3\xa4", "a\n", "a'b"
  };
  g_autoptr (GPtrArray) users = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (pmss_accounts_add_user (f->accounts, bad[i],
            "correct horse", PMSS_ROLE_VIEWER, FALSE, &error));
    assert_pmss_error (error, INVALID);
    g_clear_error (&error);
  }
  g_assert_false (pmss_accounts_add_user (f->accounts, "a", "short",
          PMSS_ROLE_VIEWER, FALSE, &error));
  assert_pmss_error (error, INVALID);
  g_clear_error (&error);

  add (f, "root", PMSS_ROLE_ADMIN);
  add (f, "anna", PMSS_ROLE_VIEWER);
  g_assert_false (pmss_accounts_add_user (f->accounts, "anna",
          "correct horse", PMSS_ROLE_VIEWER, FALSE, &error));
  assert_pmss_error (error, EXISTS);
  g_clear_error (&error);
  g_assert_false (pmss_accounts_remove_user (f->accounts, "root", &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  add (f, "root2", PMSS_ROLE_ADMIN);
  g_assert_true (pmss_accounts_remove_user (f->accounts, "root", &error));
  g_assert_false (pmss_accounts_remove_user (f->accounts, "root", &error));
  assert_pmss_error (error, NOT_FOUND);
  users = pmss_accounts_list_users (f->accounts, NULL);
  g_assert_cmpuint (users->len, ==, 2);
}

static void
test_set_password (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssLogin) kept = NULL, ended = NULL;
  g_autoptr (PmssUser) user = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "anna", PMSS_ROLE_VIEWER);
  kept = log_in (f, "anna", "correct horse", &error);
  ended = log_in (f, "anna", "correct horse", &error);
  g_assert_true (pmss_accounts_set_password (f->accounts, "anna",
          "battery staple", kept->token, &error));
  user = pmss_accounts_authenticate (f->accounts, kept->token, &error);
  g_assert_no_error (error);
  g_assert_null (pmss_accounts_authenticate (f->accounts, ended->token,
          &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_null (log_in (f, "anna", "correct horse", &error));
  assert_pmss_error (error, NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_false (pmss_accounts_set_password (f->accounts, "nobody",
          "battery staple", NULL, &error));
  assert_pmss_error (error, NOT_FOUND);
}

static void
test_first_admin (Fixture * f, gconstpointer data)
{
  g_autofree char *password = NULL, *again = NULL, *text = NULL;
  g_autofree char *path = g_build_filename (f->base.folder,
      "admin-password", NULL);
  g_autoptr (PmssLogin) login = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_assert_true (pmss_admin_password_create (f->accounts, f->base.folder,
          &password, &error));
  g_assert_true (g_file_get_contents (path, &text, NULL, &error));
  g_assert_cmpstr (g_strchomp (text), ==, password);
  g_assert_cmpint (g_stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  login = log_in (f, PMSS_FIRST_ADMIN, password, &error);
  g_assert_cmpint (login->role, ==, PMSS_ROLE_ADMIN);

  /* a second start says nothing, and keeps the file */
  g_assert_true (pmss_admin_password_create (f->accounts, f->base.folder,
          &again, &error));
  g_assert_null (again);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (pmss_accounts_set_password (f->accounts, PMSS_FIRST_ADMIN,
          "battery staple", NULL, &error));
  g_assert_true (pmss_admin_password_tidy (f->accounts, f->base.folder,
          &error));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_limit_user (void)
{
  PmssLoginLimit *limit = pmss_login_limit_new ();
  gint64 now = 1000 * G_USEC_PER_SEC;
  guint retry_after = 0;

  /* one user from many addresses */
  for (guint i = 0; i < PMSS_LOGIN_BURST_USER; i++) {
    g_autofree char *address = g_strdup_printf ("192.0.2.%u", i);

    g_assert_true (pmss_login_limit_take (limit, address, "anna", now,
            &retry_after));
  }
  g_assert_false (pmss_login_limit_take (limit, "192.0.2.99", "anna", now,
          &retry_after));
  g_assert_cmpuint (retry_after, ==, PMSS_LOGIN_REFILL_USER);
  g_assert_true (pmss_login_limit_take (limit, "192.0.2.99", "berta", now,
          &retry_after));
  now += PMSS_LOGIN_REFILL_USER * G_USEC_PER_SEC;
  g_assert_true (pmss_login_limit_take (limit, "192.0.2.99", "anna", now,
          &retry_after));
  pmss_login_limit_free (limit);
}

static guint
guess (PmssLoginLimit * limit, const char *address, const char *user,
    guint times)
{
  guint taken = 0, retry_after;

  for (guint i = 0; i < times; i++)
    taken += pmss_login_limit_take (limit, address, user, 1, &retry_after);
  return taken;
}

static void
guess_from_everywhere (PmssLoginLimit * limit, const char *user)
{
  for (guint i = 0; i < 256; i++) {
    g_autofree char *address = g_strdup_printf ("198.51.100.%u", i);

    guess (limit, address, user, 10);
  }
}

/* A stranger's guesses shut out that stranger alone; those of many shut out newcomers, and never an address that logged in before. */
static void
test_limit_strangers (void)
{
  PmssLoginLimit *limit = pmss_login_limit_new ();

  g_assert_cmpuint (guess (limit, "192.0.2.1", "anna", 1), ==, 1);
  pmss_login_limit_succeed (limit, "192.0.2.1", "anna", 1);
  g_assert_cmpuint (guess (limit, "203.0.113.5", "anna", 50), ==,
      PMSS_LOGIN_BURST);
  g_assert_cmpuint (guess (limit, "192.0.2.2", "anna", 1), ==, 1);
  guess_from_everywhere (limit, "anna");
  g_assert_cmpuint (guess (limit, "192.0.2.3", "anna", 1), ==, 0);
  g_assert_cmpuint (guess (limit, "192.0.2.1", "anna", 50), ==,
      PMSS_LOGIN_BURST);
  /* as one user it is known, as another it is a stranger */
  g_assert_cmpuint (guess (limit, "192.0.2.1", "berta", 50), ==,
      PMSS_LOGIN_BURST);
  pmss_login_limit_free (limit);
}

/* The same address, guessing at others, does not shut out who logged in there. */
static void
test_limit_neighbours (void)
{
  PmssLoginLimit *limit = pmss_login_limit_new ();

  pmss_login_limit_succeed (limit, "2001:db8::1", "anna", 1);
  for (guint i = 0; i < 50; i++) {
    g_autofree char *user = g_strdup_printf ("user%u", i);

    guess (limit, "2001:db8::2", user, 1);
  }
  g_assert_cmpuint (guess (limit, "2001:db8::2", "other", 1), ==, 0);
  g_assert_cmpuint (guess (limit, "2001:db8::ffff", "anna", 1), ==, 1);
  pmss_login_limit_free (limit);
}

/* Of a user's addresses the last ones are known. */
static void
test_limit_known (void)
{
  PmssLoginLimit *limit = pmss_login_limit_new ();

  for (guint i = 0; i <= PMSS_LOGIN_KNOWN_ADDRESSES; i++) {
    g_autofree char *address = g_strdup_printf ("192.0.2.%u", i);

    pmss_login_limit_succeed (limit, address, "anna", 1);
    pmss_login_limit_succeed (limit, "192.0.2.200", "anna", 1);
  }
  guess_from_everywhere (limit, "anna");
  g_assert_cmpuint (guess (limit, "192.0.2.1", "anna", 1), ==, 0);
  g_assert_cmpuint (guess (limit, "192.0.2.2", "anna", 1), ==, 1);
  g_assert_cmpuint (guess (limit, "192.0.2.200", "anna", 1), ==, 1);
  pmss_login_limit_free (limit);
}

static void
test_limit_address (void)
{
  PmssLoginLimit *limit = pmss_login_limit_new ();
  guint retry_after = 0;

  /* many users from one network */
  for (guint i = 0; i < PMSS_LOGIN_BURST_ADDRESS; i++) {
    g_autofree char *user = g_strdup_printf ("user%u", i);
    g_autofree char *address = g_strdup_printf ("2001:db8::%x", i + 1);

    g_assert_true (pmss_login_limit_take (limit, address, user, 1,
            &retry_after));
  }
  g_assert_false (pmss_login_limit_take (limit, "2001:db8::ffff", "other", 1,
          &retry_after));
  g_assert_cmpuint (retry_after, ==, PMSS_LOGIN_REFILL_ADDRESS);
  g_assert_true (pmss_login_limit_take (limit, "2001:db8:0:1::1", "other", 1,
          &retry_after));
  pmss_login_limit_free (limit);
}

/* However many names are tried, memory is bounded, and what finds no room shares one bucket instead of going free. */
static void
test_limit_memory (void)
{
  PmssLoginLimit *limit = pmss_login_limit_new ();
  guint retry_after = 0, taken = 0;

  for (guint i = 0; i < 30000; i++) {
    g_autofree char *user = g_strdup_printf ("user%u", i);
    g_autofree char *address = g_strdup_printf ("10.%u.%u.%u", i >> 16,
        (i >> 8) & 255, i & 255);

    taken += pmss_login_limit_take (limit, address, user, 1, &retry_after);
  }
  g_assert_cmpuint (taken, <, 10100);
  pmss_login_limit_free (limit);
}

static void
test_refused_when_too_often (Fixture * f, gconstpointer data)
{
  gint64 begin = g_get_monotonic_time ();
  guint attempts = 0, refilled;
  g_autoptr (GError) error = NULL;

  /* against a user that does not exist, so that the limits hold for guessing of names, too */
  do {
    g_clear_error (&error);
    g_assert_null (log_in (f, "nobody", "xxxxxxxx", &error));
    attempts++;
  } while (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED));
  assert_pmss_error (error, BUSY);
  g_assert_cmpuint (f->retry_after, >=, 1);

  /* where hashing takes long, an attempt or two come back meanwhile */
  refilled = (g_get_monotonic_time () - begin) / G_USEC_PER_SEC
      / PMSS_LOGIN_REFILL + 1;
  g_assert_cmpuint (attempts, >, PMSS_LOGIN_BURST);
  g_assert_cmpuint (attempts, <=, PMSS_LOGIN_BURST + 1 + refilled);
}

static void
test_secrets (void)
{
  g_autofree char *a = pmss_secret_new (), *b = pmss_secret_new ();
  g_autofree char *id = pmss_secret_new_id ();
  guint8 hash[PMSS_SECRET_HASH_SIZE];

  g_assert_cmpstr (a, !=, b);
  pmss_secret_hash (a, hash);
  g_assert_true (pmss_secret_check (a, hash));
  g_assert_false (pmss_secret_check (b, hash));
  g_assert_false (pmss_secret_check ("", hash));
  g_assert_true (pmss_secret_is_id (id));
  g_assert_false (pmss_secret_is_id ("0123"));
  id[0] = 'G';
  g_assert_false (pmss_secret_is_id (id));
}

static void
assert_role (Fixture * f, const PmssLogin * login, PmssRole role)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssUser) user =
      pmss_accounts_authenticate (f->accounts, login->token, &error);

  g_assert_no_error (error);
  g_assert_cmpint (user->role, ==, role);
}

/* A login's role is the user's, whenever it was made. */
static void
test_role (Fixture * f, gconstpointer data)
{
  g_autoptr (PmssLogin) login = NULL;
  g_autoptr (GError) error = NULL;

  add (f, "anna", PMSS_ROLE_ADMIN);
  login = log_in (f, "anna", "correct horse", &error);
  g_assert_no_error (error);
  g_assert_false (pmss_accounts_set_role (f->accounts, "anna",
          PMSS_ROLE_OPERATOR, &error));
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  assert_role (f, login, PMSS_ROLE_ADMIN);

  add (f, "berta", PMSS_ROLE_ADMIN);
  g_assert_true (pmss_accounts_set_role (f->accounts, "anna",
          PMSS_ROLE_OPERATOR, &error));
  assert_role (f, login, PMSS_ROLE_OPERATOR);
  g_assert_false (pmss_accounts_set_role (f->accounts, "nobody",
          PMSS_ROLE_VIEWER, &error));
  assert_pmss_error (error, NOT_FOUND);
}

/* A login that found no place takes no attempt; an address is known by its own user alone. */
static void
test_limit_give_back (void)
{
  PmssLoginLimit *limit = pmss_login_limit_new ();
  guint retry_after;

  for (guint i = 0; i < 3 * PMSS_LOGIN_BURST_ADDRESS; i++) {
    g_assert_true (pmss_login_limit_take (limit, "192.0.2.1", "anna", 1,
            &retry_after));
    pmss_login_limit_give_back (limit, "192.0.2.1", "anna", 1);
  }
  g_assert_false (pmss_login_limit_knows (limit, "192.0.2.1", "anna"));
  pmss_login_limit_succeed (limit, "192.0.2.1", "anna", 1);
  g_assert_true (pmss_login_limit_knows (limit, "192.0.2.1", "anna"));
  g_assert_false (pmss_login_limit_knows (limit, "192.0.2.1", "berta"));
  g_assert_false (pmss_login_limit_knows (limit, "192.0.2.2", "anna"));
  pmss_login_limit_free (limit);
}

#define ADD(name, func) \
  g_test_add ("/accounts/" name, Fixture, NULL, setup, func, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("login", test_login);
  ADD ("expiry", test_expiry);
  ADD ("login-beside-change", test_login_beside_change);
  ADD ("users", test_users);
  ADD ("role", test_role);
  ADD ("set-password", test_set_password);
  ADD ("first-admin", test_first_admin);
  g_test_add_func ("/accounts/limit/give-back", test_limit_give_back);
  ADD ("refused-when-too-often", test_refused_when_too_often);
  g_test_add_func ("/accounts/limit/user", test_limit_user);
  g_test_add_func ("/accounts/limit/strangers", test_limit_strangers);
  g_test_add_func ("/accounts/limit/neighbours", test_limit_neighbours);
  g_test_add_func ("/accounts/limit/known", test_limit_known);
  g_test_add_func ("/accounts/limit/address", test_limit_address);
  g_test_add_func ("/accounts/limit/memory", test_limit_memory);
  g_test_add_func ("/accounts/secrets", test_secrets);
  return g_test_run ();
}
