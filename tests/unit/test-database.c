/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions, and what ends the process; test-database-open.c has what comes before. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "control-fixture.h"
#include "libpmss/pmss-error.h"

/* SQLite's own calls come here, since an executable's symbols go before a library's. */
typedef enum
{ SYNCS_WORK, SYNCS_FAIL, SYNCS_FAIL_BUT_OF_LOG } Syncs;
static gint syncs;

int
fdatasync (int fd)
{
  int now = g_atomic_int_get (&syncs);

  if (now == SYNCS_WORK || (now == SYNCS_FAIL_BUT_OF_LOG
          && control_fixture_is_log (fd)))
    return 0;
  errno = EIO;
  return -1;
}

int
fsync (int fd)
{
  return fdatasync (fd);
}

#define ADD_USER \
  "INSERT INTO user (name, role, password, created)" \
  " VALUES (?1, 'viewer', 'x', 1)"

static gboolean
add_user (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_database_exec (database, error, ADD_USER, PMSS_TEXT (data));
}

static gint64
count_users (ControlFixture * fixture)
{
  return control_fixture_count (fixture, "SELECT count(*) FROM user");
}

static gboolean
add_then_fail (PmssDatabase * database, gpointer data, GError ** error)
{
  g_assert_true (add_user (database, (gpointer) "gone", error));
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED, "on purpose");
  return FALSE;
}

/* The inner transaction fails, the outer one goes on without it. */
static gboolean
nest (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (GError) inner = NULL;

  g_assert_true (add_user (database, (gpointer) "outer", error));
  g_assert_false (pmss_database_transact (database, add_then_fail, NULL,
          &inner));
  assert_pmss_error (inner, FAILED);
  return pmss_database_transact (database, add_user, (gpointer) "inner", error);
}

static void
test_rolls_back (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f);
  g_assert_false (pmss_database_transact (f.database, add_then_fail, NULL,
          &error));
  assert_pmss_error (error, FAILED);
  g_clear_error (&error);
  g_assert_cmpint (count_users (&f), ==, 0);
  g_assert_true (pmss_database_transact (f.database, nest, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (count_users (&f), ==, 2);
  g_assert_cmpint (control_fixture_count (&f,
          "SELECT count(*) FROM user WHERE name = 'gone'"), ==, 0);
  control_fixture_clear (&f);
}

static gboolean
add_orphan (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO api_token (hash, user, created, expires)"
      " VALUES (zeroblob (32), 'nobody', 1, 1)");
}

static gboolean
fill_disk (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autofree char *name = g_strnfill (1 << 20, 'n');

  return pmss_database_exec (database, error, ADD_USER, PMSS_TEXT (name));
}

/* What goes to clients. */
static void
assert_is_discreet (const GError * error)
{
  static const char *const secrets[] = {
    "INSERT", "SELECT", "constraint", "user", "api_token", "/", "Database:"
  };

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    g_assert_null (strstr (error->message, secrets[i]));
}

static gboolean
misspell (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_database_exec (database, error, "SELECT secret FROM nowhere");
}

/* A table that somebody reads just now. */
static gboolean
drop_while_read (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT name FROM user");

  return pmss_rows_next (rows, error)
      && pmss_database_exec (database, error, "DROP TABLE user");
}

static void
test_names_errors (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  GLogLevelFlags fatal;

  control_fixture_init (&f);
  /* it warns of this one */
  fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_assert_false (pmss_database_transact (f.database, misspell, NULL, &error));
  g_log_set_always_fatal (fatal);
  assert_pmss_error (error, FAILED);
  assert_is_discreet (error);
  g_clear_error (&error);
  g_assert_true (pmss_database_transact (f.database, add_user,
          (gpointer) "a", NULL));
  g_assert_false (pmss_database_transact (f.database, add_user,
          (gpointer) "a", &error));
  assert_pmss_error (error, EXISTS);
  assert_is_discreet (error);
  g_clear_error (&error);
  g_assert_false (pmss_database_transact (f.database, drop_while_read, NULL,
          &error));
  assert_pmss_error (error, BUSY);
  assert_is_discreet (error);
  g_clear_error (&error);
  g_assert_false (pmss_database_transact (f.database, add_orphan, NULL,
          &error));
  assert_pmss_error (error, CONFLICT);
  assert_is_discreet (error);
  g_clear_error (&error);

  /* the limit stands for the disk's: SQLite gives the same error, and has rolled back by itself */
  g_assert_cmpint (control_fixture_count (&f, "PRAGMA max_page_count = 100"),
      ==, 100);
  g_assert_false (pmss_database_transact (f.database, fill_disk, NULL, &error));
  assert_pmss_error (error, NO_SPACE);
  assert_is_discreet (error);
  g_assert_cmpint (count_users (&f), ==, 1);
  g_assert_true (pmss_database_transact (f.database, add_user,
          (gpointer) "b", NULL));
  control_fixture_clear (&f);
}

/* The same query inside itself: each has its own place. */
static gboolean
query_in_query (PmssDatabase * database, gpointer data, GError ** error)
{
  guint pairs = 0;

  for (guint round = 0; round < 2; round++) {
    g_autoptr (PmssRows) outer = pmss_database_query (database,
        "SELECT name FROM user ORDER BY name");

    while (pmss_rows_next (outer, error)) {
      g_autoptr (PmssRows) inner = pmss_database_query (database,
          "SELECT name FROM user ORDER BY name");

      while (pmss_rows_next (inner, error))
        pairs++;
    }
  }
  *(guint *) data = pairs;
  return TRUE;
}

static void
test_nested_queries (void)
{
  ControlFixture f;
  guint pairs = 0;

  control_fixture_init (&f);
  for (const char *name = "abc"; *name != '\0'; name++)
    g_assert_true (pmss_database_transact (f.database, add_user,
            (gpointer) name, NULL));
  g_assert_true (pmss_database_transact (f.database, query_in_query, &pairs,
          NULL));
  g_assert_cmpuint (pairs, ==, 18);
  control_fixture_clear (&f);
}

#define THREADS 8
#define ROUNDS 50

static gboolean
increment (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT created FROM user WHERE name = 'counter'");
  gint64 value;

  if (!pmss_rows_next (rows, error))
    return FALSE;
  value = pmss_rows_int (rows, 0);
  return pmss_database_exec (database, error,
      "UPDATE user SET created = ?1 WHERE name = 'counter'",
      PMSS_INT (value + 1));
}

static gpointer
increment_often (gpointer data)
{
  for (guint i = 0; i < ROUNDS; i++)
    g_assert_true (pmss_database_transact (data, increment, NULL, NULL));
  return NULL;
}

static void
test_threads (void)
{
  ControlFixture f;
  GThread *threads[THREADS];

  control_fixture_init (&f);
  control_fixture_exec (&f, "INSERT INTO user (name, role, password, created)"
      " VALUES ('counter', 'viewer', 'x', 0)");
  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("test", increment_often, f.database);
  for (guint i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (control_fixture_count (&f, "SELECT created FROM user"), ==,
      THREADS * ROUNDS);
  control_fixture_clear (&f);
}

/* What a dying process leaves is its parent's to remove: the child finds the database by this variable. */
#define PATH_VARIABLE "PMSS_TEST_DATABASE"

static void
run_child (Syncs how)
{
  PmssDatabase *database = pmss_database_open (g_getenv (PATH_VARIABLE), NULL);

  g_assert_nonnull (database);
  g_atomic_int_set (&syncs, how);
  /* not GTest's way: the process has to end by itself */
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  /* the first commit, and enough of them for the log to be carried over */
  pmss_database_transact (database, add_user, (gpointer) "a", NULL);
  for (guint i = 0; how == SYNCS_FAIL_BUT_OF_LOG && i < 20; i++) {
    g_autofree char *name = g_strnfill (1 << 18, 'a' + i);

    g_assert_true (pmss_database_transact (database, add_user, name, NULL));
  }
  _exit (0);
}

static void
expect_death (ControlFixture * f)
{
  g_setenv (PATH_VARIABLE, f->path, TRUE);
  g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*database is in doubt*");
}

static gint released;

static void
release (gpointer data)
{
  g_atomic_int_inc (&released);
}

/* Who does not want to wait does not, and what was handed in is done later. */
static void
test_within (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f);
  released = 0;
  g_assert_true (pmss_database_transact_within (f.database,
          60 * G_TIME_SPAN_SECOND, add_user, (char *) "anna", release, &error));
  g_assert_no_error (error);
  g_assert_cmpint (released, ==, 0);
  g_assert_false (pmss_database_transact_within (f.database,
          60 * G_TIME_SPAN_SECOND, add_user, (char *) "anna", release, &error));
  assert_pmss_error (error, EXISTS);
  g_clear_error (&error);
  g_assert_cmpint (released, ==, 1);

  control_fixture_hold (&f);
  for (gint64 wait = 0; wait <= 1000; wait += 1000) {
    g_assert_false (pmss_database_transact_within (f.database, wait, add_user,
            (char *) (wait ? "bert" : "carl"), release, &error));
    assert_pmss_error (error, BUSY);
    g_clear_error (&error);
  }
  g_assert_cmpint (released, ==, 1);
  control_fixture_release (&f);
  g_assert_cmpint (count_users (&f), ==, 3);
  g_assert_cmpint (released, ==, 3);
  control_fixture_clear (&f);
}

static gboolean
add_and_fail (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO pending_deletion (node, shard) VALUES (1, 'b')")
      && add_user (database, (char *) "anna", error)
      && add_user (database, (char *) "anna", error);
}

static void
note_state (const char *state, gint64 number, gpointer data)
{
  g_string_append_printf (data, "%s %d ", state, (int) number);
}

/* Counts go with what is committed, and with nothing else. */
static void
test_tally (void)
{
  ControlFixture f;
  g_autoptr (GString) states = g_string_new (NULL);

  control_fixture_init (&f);
  control_fixture_add_nodes (&f, 1);
  for (guint i = 0; i < 2; i++) {
    control_fixture_exec (&f, "INSERT INTO revocation (session, until)"
        " VALUES (lower (hex (randomblob (16))), 5)");
    g_assert_cmpint (pmss_database_get_tally (f.database, "revocation", ""),
        ==, i + 1);
  }
  control_fixture_exec (&f, "INSERT INTO job (type, state, medium_name,"
      " created, updated) VALUES ('ingest', 'queued', 'a', 1, 1),"
      " ('ingest', 'queued', 'b', 1, 1), ('ingest', 'done', 'c', 1, 1)");
  control_fixture_exec (&f, "UPDATE job SET state = 'running'"
      " WHERE medium_name = 'a'");
  control_fixture_exec (&f, "DELETE FROM job WHERE state = 'done'");
  pmss_database_each_tally (f.database, "job", note_state, states);
  g_assert_cmpstr (states->str, ==, "done 0 queued 1 running 1 ");

  /* counted anew at the next start */
  pmss_database_close (f.database);
  f.database = pmss_database_open (f.path, NULL);
  g_assert_cmpint (pmss_database_get_tally (f.database, "job", "queued"), ==,
      1);
  g_assert_cmpint (pmss_database_get_tally (f.database, "revocation", ""), ==,
      2);

  control_fixture_exec (&f, "INSERT INTO pending_deletion (node, shard)"
      " VALUES (1, 'a')");
  g_assert_false (pmss_database_transact (f.database, add_and_fail, NULL,
          NULL));
  g_assert_cmpint (pmss_database_get_tally (f.database, "pending_deletion",
          ""), ==, 1);
  control_fixture_clear (&f);
}

/* The process must not go on after a sync that failed. */
static void
test_failed_sync (void)
{
  ControlFixture f;

  if (g_test_subprocess ())
    run_child (SYNCS_FAIL);
  control_fixture_init (&f);
  g_clear_pointer (&f.database, pmss_database_close);
  expect_death (&f);
  control_fixture_clear (&f);
}

/* Nor after one that failed while the log was carried over. */
static void
test_failed_checkpoint (void)
{
  ControlFixture f;

  if (g_test_subprocess ())
    run_child (SYNCS_FAIL_BUT_OF_LOG);
  control_fixture_init (&f);
  g_clear_pointer (&f.database, pmss_database_close);
  expect_death (&f);
  control_fixture_clear (&f);
}

static void
damage (const char *path, gint64 page)
{
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  g_assert_cmpuint (length, >=, page * 4096);
  memset (text + (page - 1) * 4096, 0xee, 4096);
  g_assert_true (g_file_set_contents (path, text, (gssize) length, NULL));
}

static void
test_corruption (void)
{
  ControlFixture f;
  gint64 page;

  if (g_test_subprocess ())
    run_child (SYNCS_WORK);
  control_fixture_init (&f);
  page = control_fixture_count (&f,
      "SELECT rootpage FROM sqlite_schema WHERE name = 'user'");
  g_clear_pointer (&f.database, pmss_database_close);
  damage (f.path, page);
  expect_death (&f);
  control_fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/database/rolls-back", test_rolls_back);
  g_test_add_func ("/database/names-errors", test_names_errors);
  g_test_add_func ("/database/nested-queries", test_nested_queries);
  g_test_add_func ("/database/threads", test_threads);
  g_test_add_func ("/database/within", test_within);
  g_test_add_func ("/database/tally", test_tally);
  g_test_add_func ("/database/failed-sync", test_failed_sync);
  g_test_add_func ("/database/failed-checkpoint", test_failed_checkpoint);
  g_test_add_func ("/database/corruption", test_corruption);
  return g_test_run ();
}
