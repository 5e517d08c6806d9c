/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Group commit: who shares a COMMIT, who is answered when, and what is left when it fails or the process is killed. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control-fixture.h"
#include "control/database/database-private.h"
#include "libpmss/pmss-error.h"

/* SQLite's own calls come here, since an executable's symbols go before a library's. */
static gint log_syncs;
static gint gate;               /* 1: syncs of the log wait; 2: one does */
static gint full;               /* nothing more goes into the log */

int
fdatasync (int fd)
{
  if (!control_fixture_is_log (fd))
    return 0;
  g_atomic_int_inc (&log_syncs);
  if (g_atomic_int_compare_and_exchange (&gate, 1, 2))
    while (g_atomic_int_get (&gate) != 0)
      g_usleep (500);
  return 0;
}

int
fsync (int fd)
{
  return fdatasync (fd);
}

ssize_t
pwrite64 (int fd, const void *data, size_t length, off64_t offset)
{
  if (!g_atomic_int_get (&full) || !control_fixture_is_log (fd))
    return syscall (SYS_pwrite64, fd, data, length, offset);
  errno = ENOSPC;
  return -1;
}

#define ADD_USER \
  "INSERT INTO user (name, role, password, created)" \
  " VALUES (?1, 'viewer', 'x', 1)"

static gboolean
add_user (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_database_exec (database, error, ADD_USER, PMSS_TEXT (data));
}

static gboolean
add_then_fail (PmssDatabase * database, gpointer data, GError ** error)
{
  g_assert_true (add_user (database, data, error));
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CONFLICT, "on purpose");
  return FALSE;
}

/* So much that SQLite gives up the whole transaction; it does not look at the errors. With a trigger on the table it would only give up the statement. */
static gboolean
overflow (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autofree char *name = g_strnfill (1 << 20, 'n');

  pmss_database_exec (database, NULL,
      "INSERT INTO file_deletion VALUES ('uploads', ?1)", PMSS_TEXT (name));
  return add_user (database, data, NULL);
}

static gboolean
count_users (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*) FROM user");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *(gint64 *) data = pmss_rows_int (rows, 0);
  return TRUE;
}

static gint64
read_users (PmssDatabase * database)
{
  gint64 n = -1;

  g_assert_true (pmss_database_read (database, count_users, &n, NULL));
  return n;
}

/* One that waits for its answer on a thread of its own. */
typedef struct
{
  PmssDatabase *database;
  PmssDatabaseFunc func;
  char *name;
  GThread *thread;
  gboolean ok;
  GError *error;
  gint answered;
} Caller;

static gpointer
run_caller (gpointer data)
{
  Caller *caller = data;

  caller->ok = pmss_database_transact (caller->database, caller->func,
      caller->name, &caller->error);
  g_atomic_int_set (&caller->answered, 1);
  return NULL;
}

static void
wait_queued (PmssDatabase * database, guint n)
{
  guint length;

  do {
    g_usleep (500);
    g_mutex_lock (&database->lock);
    length = database->writes.length;
    g_mutex_unlock (&database->lock);
  } while (length < n);
}

/* In their order, behind what holds the thread. */
static void
start_callers (ControlFixture * f, Caller * callers, guint n,
    PmssDatabaseFunc func)
{
  guint before;

  g_mutex_lock (&f->database->lock);
  before = f->database->writes.length;
  g_mutex_unlock (&f->database->lock);
  for (guint i = 0; i < n; i++) {
    callers[i] = (Caller) {
    f->database, func, g_strdup_printf ("user%u-%u", before, i)};
    callers[i].thread = g_thread_new ("caller", run_caller, &callers[i]);
    wait_queued (f->database, before + i + 1);
  }
}

static guint
join_callers (Caller * callers, guint n)
{
  guint ok = 0;

  for (guint i = 0; i < n; i++) {
    g_thread_join (callers[i].thread);
    g_assert_true (callers[i].ok == (callers[i].error == NULL));
    ok += callers[i].ok;
    g_free (callers[i].name);
  }
  return ok;
}

static guint
count_answered (Caller * callers, guint n)
{
  guint answered = 0;

  for (guint i = 0; i < n; i++)
    answered += (guint) g_atomic_int_get (&callers[i].answered);
  return answered;
}

static void
open_gate (void)
{
  g_atomic_int_set (&gate, 0);
}

static void
close_gate (void)
{
  g_atomic_int_set (&gate, 1);
}

static void
wait_at_gate (void)
{
  while (g_atomic_int_get (&gate) != 2)
    g_usleep (500);
}

#define MANY 40

/* At least so many functions, and so many COMMITs, are in the counters. */
static void
expect_times (PmssDatabase * database, guint functions, guint commits)
{
  PmssDatabaseTimes times;
  guint64 n[PMSS_N_PIECES] = { 0 };

  pmss_database_get_times (database, &times);
  for (guint piece = 0; piece < PMSS_N_PIECES; piece++)
    for (guint i = 0; i <= PMSS_N_PIECE_BOUNDS; i++)
      n[piece] += times.number[piece][i];
  g_assert_cmpuint (n[PMSS_PIECE_FUNCTION], >=, functions);
  g_assert_cmpuint (n[PMSS_PIECE_COMMIT], ==, commits);
  g_assert_cmpint (times.spent[PMSS_PIECE_FUNCTION], >=, 0);
}

static void
test_shares (void)
{
  ControlFixture f;
  Caller callers[MANY];

  control_fixture_init (&f);
  control_fixture_hold (&f);
  start_callers (&f, callers, MANY, add_user);
  g_atomic_int_set (&log_syncs, 0);
  control_fixture_release (&f);
  g_assert_cmpuint (join_callers (callers, MANY), ==, MANY);
  /* a slow machine makes two groups of them */
  g_assert_cmpint (log_syncs, >=, 1);
  g_assert_cmpint (log_syncs, <=, MANY / 4);
  g_assert_cmpint (read_users (f.database), ==, MANY);
  expect_times (f.database, MANY, (guint) log_syncs);
  control_fixture_clear (&f);
}

static void
test_failing_member (void)
{
  ControlFixture f;
  Caller good[3], bad[2], more[3];

  control_fixture_init (&f);
  control_fixture_hold (&f);
  start_callers (&f, good, 3, add_user);
  start_callers (&f, bad, 2, add_then_fail);
  start_callers (&f, more, 3, add_user);
  control_fixture_release (&f);
  g_assert_cmpuint (join_callers (good, 3), ==, 3);
  g_assert_cmpuint (join_callers (bad, 2), ==, 0);
  g_assert_cmpuint (join_callers (more, 3), ==, 3);
  for (guint i = 0; i < 2; i++) {
    assert_pmss_error (bad[i].error, CONFLICT);
    g_clear_error (&bad[i].error);
  }
  g_assert_cmpint (read_users (f.database), ==, 6);
  control_fixture_clear (&f);
}

/* The disk is full when the group is written: nobody is told that it was. */
static void
test_failed_commit (void)
{
  ControlFixture f;
  Caller good[3], bad[1];
  gint64 tally;

  control_fixture_init (&f);
  control_fixture_add_nodes (&f, 1);
  control_fixture_exec (&f, "INSERT INTO pending_deletion VALUES (1, 'a')");
  control_fixture_hold (&f);
  start_callers (&f, good, 3, add_user);
  start_callers (&f, bad, 1, add_then_fail);
  g_atomic_int_set (&full, 1);
  control_fixture_release (&f);
  g_assert_cmpuint (join_callers (good, 3), ==, 0);
  g_assert_cmpuint (join_callers (bad, 1), ==, 0);
  for (guint i = 0; i < 3; i++) {
    assert_pmss_error (good[i].error, NO_SPACE);
    g_clear_error (&good[i].error);
  }
  /* it was told its own error, not the disk's */
  assert_pmss_error (bad[0].error, CONFLICT);
  g_clear_error (&bad[0].error);
  g_assert_cmpint (read_users (f.database), ==, 0);
  tally = pmss_database_get_tally (f.database, "pending_deletion", "");
  g_assert_cmpint (tally, ==, 1);

  g_atomic_int_set (&full, 0);
  g_assert_true (pmss_database_transact (f.database, add_user,
          (gpointer) "later", NULL));
  g_assert_cmpint (read_users (f.database), ==, 1);
  control_fixture_clear (&f);
}

/* SQLite gives up the transaction in the middle of one of them: what that one does afterwards is not kept, either. */
static void
test_lost_transaction (void)
{
  ControlFixture f;
  Caller before[2], guilty[1];

  control_fixture_init (&f);
  g_assert_cmpint (control_fixture_count (&f, "PRAGMA max_page_count = 100"),
      ==, 100);
  control_fixture_hold (&f);
  start_callers (&f, before, 2, add_user);
  start_callers (&f, guilty, 1, overflow);
  control_fixture_release (&f);
  g_assert_cmpuint (join_callers (before, 2), ==, 0);
  g_assert_cmpuint (join_callers (guilty, 1), ==, 0);
  for (guint i = 0; i < 2; i++)
    g_clear_error (&before[i].error);
  g_clear_error (&guilty[0].error);
  g_assert_cmpint (read_users (f.database), ==, 0);
  g_assert_true (pmss_database_transact (f.database, add_user,
          (gpointer) "later", NULL));
  control_fixture_clear (&f);
}

static gint released;

static void
release (gpointer data)
{
  g_atomic_int_inc (&released);
}

/* While the disk takes its time nobody is told that anything was done; who does not want to wait need not, and what is in memory is there. */
static void
test_answers_after_sync (void)
{
  ControlFixture f;
  Caller callers[4];
  g_autoptr (GError) error = NULL;
  gint64 began;

  control_fixture_init (&f);
  released = 0;
  control_fixture_hold (&f);
  start_callers (&f, callers, 4, add_user);
  close_gate ();
  control_fixture_release (&f);
  wait_at_gate ();
  began = g_get_monotonic_time ();
  g_assert_false (pmss_database_transact_within (f.database, 0, add_user,
          (gpointer) "patient", release, &error));
  assert_pmss_error (error, BUSY);
  g_clear_error (&error);
  g_assert_false (pmss_database_transact_within (f.database, 20000, add_user,
          (gpointer) "later", release, &error));
  assert_pmss_error (error, BUSY);
  g_assert_cmpint (pmss_database_get_tally (f.database, "session", ""), ==, 0);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 20000);
  g_assert_cmpuint (count_answered (callers, 4), ==, 0);
  g_assert_cmpint (g_atomic_int_get (&released), ==, 0);
  open_gate ();
  g_assert_cmpuint (join_callers (callers, 4), ==, 4);
  pmss_database_close (g_steal_pointer (&f.database));
  g_assert_cmpint (released, ==, 2);
  f.database = pmss_database_open (f.path, NULL);
  g_assert_cmpint (read_users (f.database), ==, 6);
  control_fixture_clear (&f);
}

static gboolean
do_nothing (PmssDatabase * database, gpointer data, GError ** error)
{
  return TRUE;
}

/* Who waits not at all never gets its data back, however quick the thread is. */
static void
test_waits_not_at_all (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f);
  released = 0;
  for (guint i = 0; i < MANY; i++)
    g_assert_false (pmss_database_transact_within (f.database, 0, do_nothing,
            NULL, release, NULL));
  pmss_database_close (g_steal_pointer (&f.database));
  g_assert_cmpint (released, ==, MANY);
  f.database = pmss_database_open (f.path, &error);
  g_assert_no_error (error);
  control_fixture_clear (&f);
}

typedef struct
{
  PmssDatabase *database;
  gint64 seen;
  gint answered;
} Reader;

static gpointer
run_reader (gpointer data)
{
  Reader *reader = data;

  reader->seen = read_users (reader->database);
  g_atomic_int_set (&reader->answered, 1);
  return NULL;
}

/* A look-up that comes after writers is answered before their COMMIT, and sees nothing of them. */
static void
test_reads_first (void)
{
  ControlFixture f;
  Caller callers[3];
  Reader reader = { NULL };
  GThread *thread;
  guint waiting;

  control_fixture_init (&f);
  control_fixture_hold (&f);
  start_callers (&f, callers, 3, add_user);
  reader.database = f.database;
  thread = g_thread_new ("reader", run_reader, &reader);
  do {
    g_usleep (500);
    g_mutex_lock (&f.database->lock);
    waiting = f.database->reads.length;
    g_mutex_unlock (&f.database->lock);
  } while (waiting == 0);
  close_gate ();
  control_fixture_release (&f);
  wait_at_gate ();
  g_thread_join (thread);
  g_assert_cmpint (reader.seen, ==, 0);
  g_assert_cmpuint (count_answered (callers, 3), ==, 0);
  open_gate ();
  g_assert_cmpuint (join_callers (callers, 3), ==, 3);
  g_assert_cmpint (read_users (f.database), ==, 3);
  control_fixture_clear (&f);
}

static void
queue_abandoned (ControlFixture * f, guint n)
{
  static char names[1000][8];

  g_assert_cmpuint (n, <=, G_N_ELEMENTS (names));
  for (guint i = 0; i < n; i++) {
    g_snprintf (names[i], sizeof (names[i]), "u%u", i);
    pmss_database_transact_within (f->database, 0, add_user, names[i],
        release, NULL);
  }
}

/* A group ends somewhere, also when more come than it can take. */
static void
test_bounds (void)
{
  ControlFixture f;
  guint n = 2 * PMSS_MAX_GROUP + 1;

  control_fixture_init (&f);
  control_fixture_hold (&f);
  queue_abandoned (&f, n);
  g_atomic_int_set (&log_syncs, 0);
  control_fixture_release (&f);
  control_fixture_exec (&f, "DELETE FROM user WHERE name = 'u0'");
  g_assert_cmpint (log_syncs, >=, 3);
  g_assert_cmpint (read_users (f.database), ==, n - 1);
  control_fixture_clear (&f);
}

static gpointer
close_database (gpointer database)
{
  pmss_database_close (database);
  return NULL;
}

/* Stopped in the middle of a COMMIT, with more behind it: all of it is done. */
static void
test_stop (void)
{
  ControlFixture f;
  GThread *closing;

  control_fixture_init (&f);
  released = 0;
  control_fixture_hold (&f);
  queue_abandoned (&f, PMSS_MAX_GROUP + 10);
  close_gate ();
  control_fixture_release (&f);
  wait_at_gate ();
  closing = g_thread_new ("close", close_database, f.database);
  wait_queued (f.database, 2);
  open_gate ();
  g_thread_join (closing);
  g_assert_cmpint (released, ==, PMSS_MAX_GROUP + 10);
  f.database = pmss_database_open (f.path, NULL);
  g_assert_cmpint (read_users (f.database), ==, PMSS_MAX_GROUP + 10);
  control_fixture_clear (&f);
}

/* Killed: what was acknowledged is there */

#define WRITERS 8
#define ACKNOWLEDGED 400

typedef struct
{
  PmssDatabase *database;
  guint number;
  int pipe;
} Writer;

static gpointer
write_on (gpointer data)
{
  Writer *writer = data;

  for (guint i = 0;; i++) {
    char name[16];

    g_snprintf (name, sizeof (name), "w%u-%u", writer->number, i);
    g_assert_true (pmss_database_transact (writer->database, add_user, name,
            NULL));
    name[sizeof (name) - 1] = '\n';
    if (write (writer->pipe, name, sizeof (name)) != sizeof (name))
      _exit (1);
  }
}

static void G_GNUC_NORETURN
run_child (const char *path, int pipe)
{
  Writer writers[WRITERS];
  PmssDatabase *database = pmss_database_open (path, NULL);

  for (guint i = 0; i < WRITERS; i++) {
    writers[i] = (Writer) {
    database, i, pipe};
    g_thread_new ("writer", write_on, &writers[i]);
  }
  for (;;)
    pause ();
}

static gboolean
find_user (PmssDatabase * database, gpointer data, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT 1 FROM user WHERE name = ?1", PMSS_TEXT (data));

  return pmss_rows_next (rows, error);
}

static void
test_killed (void)
{
  ControlFixture f;
  char name[16];
  int ends[2], status;
  guint n = 0;
  pid_t child;

  control_fixture_init (&f);
  g_clear_pointer (&f.database, pmss_database_close);
  g_assert_cmpint (pipe (ends), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    run_child (f.path, ends[1]);
  close (ends[1]);
  f.database = NULL;
  {
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

    while (read (ends[0], name, sizeof (name)) == sizeof (name)) {
      g_ptr_array_add (names, g_strdup (name));
      if (++n == ACKNOWLEDGED)
        g_assert_cmpint (kill (child, SIGKILL), ==, 0);
    }
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    g_assert_cmpuint (n, >=, ACKNOWLEDGED);
    f.database = pmss_database_open (f.path, NULL);
    for (guint i = 0; i < names->len; i++)
      g_assert_true (pmss_database_read (f.database, find_user,
              g_ptr_array_index (names, i), NULL));
  }
  close (ends[0]);
  control_fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* before there are threads that a fork would leave behind */
  g_test_add_func ("/group-commit/killed", test_killed);
  g_test_add_func ("/group-commit/shares", test_shares);
  g_test_add_func ("/group-commit/failing-member", test_failing_member);
  g_test_add_func ("/group-commit/failed-commit", test_failed_commit);
  g_test_add_func ("/group-commit/lost-transaction", test_lost_transaction);
  g_test_add_func ("/group-commit/answers-after-sync", test_answers_after_sync);
  g_test_add_func ("/group-commit/waits-not-at-all", test_waits_not_at_all);
  g_test_add_func ("/group-commit/reads-first", test_reads_first);
  g_test_add_func ("/group-commit/bounds", test_bounds);
  g_test_add_func ("/group-commit/stop", test_stop);
  return g_test_run ();
}
