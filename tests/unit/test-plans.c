/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked for regularly visits the rows that it is about, and no others: SQLite counts them. */
#include <stdlib.h>
#include <string.h>

#include "control-fixture.h"
#include "control/accounts/accounts.h"
#include "control/catalog/catalog-health.h"
#include "control/catalog/layout-parts.h"
#include "control/config.h"
#include "control/database/database-private.h"
#include "control/events/event-log.h"
#include "control/jobs/jobs-private.h"
#include "control/nodes/nodes.h"
#include "control/sessions/sessions.h"
#include "libpmss/pmss-error.h"

/* Rows of each table. A statement may visit much fewer. */
#define ROWS "3000"
#define FEW 200
/* What a run may take of SQLite's virtual machine, pages of 100 rows included; a walk over ROWS takes more. */
#define STEPS 9000

#define COUNT_TO(n) "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " n ") "

typedef struct
{
  ControlFixture base;
  PmssControlConfig config;
  PmssControlContext context;
} Fixture;

/* Statements of which something grows with a small table, or that run once in the life of a medium. */
static const char *const small[] = {
  "FROM node",                  /* storage servers */
  "UPDATE node",
  "FROM user",
  "temp.tally",                 /* a row for each kind and state */
  "file_deletion",              /* what has just been given up */
  "WHERE state = 'running'",
};

static void
fill (Fixture * f)
{
  static const char *const script[] = {
    "INSERT INTO user (name, role, password, created)"
        " VALUES ('viewer', 'viewer', 'x', 1)",
    COUNT_TO (ROWS) "INSERT INTO api_token (hash, user, created, expires)"
        " SELECT randomblob (32), 'viewer', 1, unixepoch () + 1000 FROM n",
    COUNT_TO (ROWS) "INSERT INTO medium (id, name, state, k, m, created,"
        " updated) SELECT i, printf ('films/%05d', i), 'ready', 2, 1, 1, 1"
        " FROM n",
    COUNT_TO (ROWS) "INSERT INTO version (id, medium, state, size, k, m, unit,"
        " extent, created) SELECT CAST (printf ('%016d', i) AS BLOB), i,"
        " 'ready', 131072, 2, 1, 4096, 65536, 1 FROM n",
    COUNT_TO (ROWS) "INSERT INTO extent (version, number, state, nodes)"
        " SELECT CAST (printf ('%016d', i) AS BLOB), number, 2,"
        " x'010000000200000003000000' FROM n, (SELECT 0 AS number UNION SELECT 1)",
    COUNT_TO (ROWS) "INSERT INTO pending_deletion (node, shard)"
        " SELECT 4, printf ('%032x.00000000.00', i) FROM n",
    COUNT_TO (ROWS) "INSERT INTO job (type, state, medium, medium_name,"
        " created, updated) SELECT 'ingest',"
        " iif (i % 2, 'done', 'queued'), i, 'm', 1, unixepoch () FROM n",
    COUNT_TO (ROWS) "INSERT INTO session (id, user, medium, version, address,"
        " rate, created, expires, token_until) SELECT printf ('%032x', i),"
        " 'viewer', i, CAST (printf ('%016d', i) AS BLOB), 'a', 1, 1,"
        " unixepoch () + 1000, unixepoch () + 1000 FROM n",
    COUNT_TO (ROWS) "INSERT INTO bad_shard (version, number, shard, node,"
        " state, kind, source, found) SELECT CAST (printf ('%016d', i) AS"
        " BLOB), 0, 0, 1, 'bad', 'missing', 'list', 1 FROM n",
    COUNT_TO (ROWS) "INSERT INTO event (time, action, result, user, minor)"
        " SELECT 1, 'login', 'done', iif (i % 10, 'viewer', 'other'), i % 2"
        " FROM n",
    COUNT_TO (ROWS) "INSERT INTO upload (id, medium, user, kind, state, size,"
        " created, expires) SELECT printf ('%032x', i), i, 'viewer', 'put',"
        " 'complete', 1, 1, 1 FROM n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (script); i++)
    control_fixture_exec (&f->base, script[i]);
}

static void
setup (Fixture * f, gconstpointer data)
{
  PmssControlContext *context = &f->context;
  g_autoptr (GError) error = NULL;

  control_fixture_init (&f->base);
  control_fixture_add_nodes (&f->base, 4);
  fill (f);
  /* what made all this is not looked at */
  pmss_database_close (f->base.database);
  f->base.database = pmss_database_open (f->base.path, &error);
  g_assert_no_error (error);
  f->config.data = f->base.folder;
  f->config.job_lifetime = 1000;
  context->config = &f->config;
  context->database = f->base.database;
  context->catalog = pmss_catalog_new (context->database);
  context->nodes = pmss_nodes_new (context->database, &error);
  g_assert_no_error (error);
  context->accounts = pmss_accounts_new (context->database, 1000);
  context->jobs = pmss_jobs_new (context, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture * f, gconstpointer data)
{
  pmss_jobs_free (f->context.jobs);
  pmss_accounts_free (f->context.accounts);
  pmss_nodes_free (f->context.nodes);
  pmss_catalog_free (f->context.catalog);
  control_fixture_clear (&f->base);
}

typedef struct
{
  guint statements;
  guint found;                  /* too much */
  const char *wanted;           /* nullable: one that has to be among them */
  gboolean seen;
} Look;

static gboolean
is_small (const char *sql)
{
  for (guint i = 0; i < G_N_ELEMENTS (small); i++)
    if (strstr (sql, small[i]) != NULL)
      return TRUE;
  return FALSE;
}

static gint
per_run (sqlite3_stmt * statement, int counter)
{
  int runs = sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_RUN, 0);

  return sqlite3_stmt_status (statement, counter, 0) / MAX (runs, 1);
}

static void
look_at_statement (const char *sql, sqlite3_stmt * statement, gpointer data)
{
  Look *look = data;
  gint scanned = per_run (statement, SQLITE_STMTSTATUS_FULLSCAN_STEP);
  gint steps = per_run (statement, SQLITE_STMTSTATUS_VM_STEP);
  gint sorted = per_run (statement, SQLITE_STMTSTATUS_SORT);
  gint made = per_run (statement, SQLITE_STMTSTATUS_AUTOINDEX);

  look->statements++;
  look->seen |= look->wanted != NULL && strstr (sql, look->wanted) != NULL;
  if (made == 0 && (is_small (sql) || (scanned <= FEW && steps <= STEPS)))
    return;
  g_test_message ("%d rows scanned, %d steps, %d sorts, %d rows of an index "
      "made for it, a run: %s", scanned, steps, sorted, made, sql);
  look->found++;
}

static gboolean
look_at_all (PmssDatabase * database, gpointer data, GError ** error)
{
  pmss_database_each_statement (database, look_at_statement, data);
  return TRUE;
}

static void
expect_no_scan (Fixture * f, const char *wanted)
{
  Look look = {.wanted = wanted };

  g_assert_true (pmss_database_read (f->base.database, look_at_all, &look,
          NULL));
  g_assert_cmpuint (look.statements, >, 0);
  if (wanted != NULL && !look.seen)
    g_error ("No statement has “%s”", wanted);
  g_assert_cmpuint (look.found, ==, 0);
}

static PmssVersionId
version_of (guint medium)
{
  g_autofree char *text = g_strdup_printf ("%016u", medium);
  PmssVersionId id;

  memcpy (id.bytes, text, sizeof (id.bytes));
  return id;
}

typedef struct
{
  const char *text;
  gint64 steps;                 /* of all statements that have it */
  gint64 scanned, runs;
} Steps;

static void
add_steps (const char *sql, sqlite3_stmt * statement, gpointer data)
{
  Steps *sum = data;

  if (strstr (sql, sum->text) == NULL)
    return;
  sum->steps += sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_VM_STEP, 0);
  sum->runs += sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_RUN, 0);
  sum->scanned += sqlite3_stmt_status (statement,
      SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
}

static gboolean
sum_steps (PmssDatabase * database, gpointer data, GError ** error)
{
  pmss_database_each_statement (database, add_steps, data);
  return TRUE;
}

static gint64
count_steps (Fixture * f, const char *text)
{
  Steps sum = {.text = text };

  g_assert_true (pmss_database_read (f->base.database, sum_steps, &sum, NULL));
  return sum.steps;
}

/* What all pages of 50 with @prefix take, one by one. */
static void
walk_pages (Fixture * f, const char *prefix, guint expected)
{
  g_autofree char *after = NULL;
  gint64 first = 0, before = count_steps (f, "FROM medium m");
  guint n = 0;

  do {
    g_autofree char *next = NULL;
    g_autoptr (GPtrArray) page = pmss_catalog_list_media (f->context.catalog,
        prefix, after, 50, &next, NULL);
    gint64 now = count_steps (f, "FROM medium m");

    n += page->len;
    g_assert_cmpint (now, >, before);
    if (first == 0)
      first = now - before;
    g_assert_cmpint (now - before, <=, first * 3 / 2);
    before = now;
    g_free (after);
    after = g_steal_pointer (&next);
  } while (after != NULL);
  g_assert_cmpuint (n, ==, expected);
}

/* Each page of a list costs what a page costs, the last as much as the first. */
static void
test_pages (Fixture * f, gconstpointer data)
{
  walk_pages (f, NULL, 3000);
  walk_pages (f, "films/", 3000);
  walk_pages (f, "films/01", 1000);
  walk_pages (f, "g", 0);
  expect_no_scan (f, "m.name >");
}

static void
test_media (Fixture * f, gconstpointer data)
{
  PmssCatalog *catalog = f->context.catalog;

  for (guint i = 1; i < 30; i++) {
    PmssVersionId id = version_of (i * 90);
    g_autofree char *name = g_strdup_printf ("films/%05u", i * 90);
    g_autoptr (PmssMedium) medium = pmss_catalog_get_medium (catalog, name,
        NULL);
    g_autoptr (PmssLayoutPart) layout = pmss_layout_parts_load_page (catalog,
        &id, 0, 1024, NULL);
    g_autoptr (PmssLayoutPart) changes = NULL;
    g_autoptr (GArray) nodes = pmss_catalog_list_version_nodes (catalog, &id,
        NULL);
    g_autoptr (GArray) versions = pmss_catalog_list_versions (catalog,
        medium->id, PMSS_VERSION_READY, NULL);
    g_autoptr (GPtrArray) bad = pmss_catalog_list_bad_shards (catalog, &id,
        NULL, 100, NULL);
    g_autoptr (GPtrArray) all = pmss_catalog_list_bad_shards (catalog, NULL,
        NULL, 100, NULL);

    g_assert_cmpuint (pmss_layout_part_get_n_extents (layout), ==, 2);
    changes = pmss_layout_parts_load_changes (catalog, &id,
        layout->generation, 1024, nodes, NULL);
    g_assert_cmpuint (pmss_layout_part_get_n_extents (changes), ==, 0);
    g_assert_cmpuint (nodes->len, ==, 3);
    g_assert_cmpuint (versions->len, ==, 1);
    g_assert_cmpuint (bad->len, ==, 1);
    g_assert_cmpuint (all->len, ==, 100);
  }
  g_assert_true (pmss_catalog_mark_deleting (catalog, 7, NULL));
  expect_no_scan (f, "WHERE medium = ?1 AND state = ?2");
}

static gboolean
add_event (PmssDatabase * database, gpointer data, GError ** error)
{
  return pmss_event_log_add (database, data, atoi (ROWS) + 1, error);
}

/* A page costs what a page costs, a user's own too, and one row more what a row costs. */
static void
test_events (Fixture * f, gconstpointer data)
{
  control_fixture_exec (&f->base, "INSERT INTO user (name, role, password,"
      " created) VALUES ('other', 'viewer', 'x', 1)");
  control_fixture_exec (&f->base, "UPDATE user SET events_after = 0");
  for (guint i = 0; i < 30; i++) {
    const PmssEventQuery queries[] = {
      {NULL, i * 90, 0, 50}, {NULL, -1, 3000 - i * 90, 50},
      {"viewer", i * 90, 0, 50}, {"other", -1, 3000 - i, 50},
    };
    const PmssEvent event = {.action = "logout",.minor = i % 2 };
    g_autoptr (GPtrArray) one =
        g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_event_free);

    for (guint q = 0; q < G_N_ELEMENTS (queries); q++) {
      gboolean more;
      g_autoptr (GPtrArray) page = pmss_event_log_list (f->base.database,
          &queries[q], &more, NULL);

      g_assert_cmpuint (page->len, ==, 50);
    }
    g_ptr_array_add (one, pmss_event_copy (&event));
    g_assert_true (pmss_database_transact (f->base.database, add_event, one,
            NULL));
  }
  expect_no_scan (f, "DELETE FROM event");
  expect_no_scan (f, "INTO event");
}

/* A dead node's shards: each is asked for by its name. */
static void
test_pending (Fixture * f, gconstpointer data)
{
  PmssCatalog *catalog = f->context.catalog;

  for (guint i = 1; i < 30; i++) {
    PmssVersionId id = version_of (i);
    g_autoptr (GArray) nodes = pmss_catalog_list_pending_nodes (catalog, &id,
        0, 0, NULL);
    g_autoptr (GPtrArray) names = pmss_catalog_list_pending (catalog, 4, 100,
        NULL);

    g_assert_cmpuint (nodes->len, ==, 0);
    g_assert_cmpuint (names->len, ==, 100);
    g_assert_true (pmss_catalog_begin_rebuild (catalog, &id, 0, 0, 4, NULL));
    g_assert_true (pmss_catalog_finish_rebuild (catalog, &id, 0, 0, 1, 4,
            NULL));
  }
  expect_no_scan (f, "FROM pending_deletion WHERE shard");
}

/* What a removed node should have deleted goes after it in pieces, also where
 * control is started anew between two of them; what others have stays. */
static void
test_removed (Fixture * f, gconstpointer data)
{
  gboolean more = TRUE;
  guint pieces = 0;

  control_fixture_exec (&f->base,
      "INSERT INTO pending_deletion (node, shard) VALUES (1, 'a'), (9, 'b')");
  control_fixture_exec (&f->base, "UPDATE node SET state = 'down',"
      " shards = " ROWS " WHERE id = 4");
  g_assert_true (pmss_nodes_remove (f->context.nodes, 4, NULL));
  while (more) {
    gint64 before = control_fixture_count (&f->base,
        "SELECT count(*) FROM pending_deletion");

    g_assert_true (pmss_catalog_drop_removed (f->context.catalog, &more, NULL));
    g_assert_cmpint (control_fixture_count (&f->base,
            "SELECT count(*) FROM pending_deletion"), >=, before - 1000);
    pieces++;
  }
  g_assert_cmpuint (pieces, ==, 3 + 1 + 1);
  g_assert_cmpint (control_fixture_count (&f->base, "SELECT sum(node)"
          " FROM pending_deletion"), ==, 1);
  g_assert_cmpint (count_steps (f, "WITH RECURSIVE n (id)"), <, 5 * 200);
}

static void
test_jobs (Fixture * f, gconstpointer data)
{
  PmssJobs *jobs = f->context.jobs;

  for (PmssJobState state = PMSS_JOB_QUEUED; state <= PMSS_JOB_WAITING; state++) {
    g_autoptr (GPtrArray) list =
        pmss_jobs_list (jobs, &state, G_MAXINT64, 50, NULL);

    g_assert_cmpuint (list->len, ==, state == PMSS_JOB_QUEUED
        || state == PMSS_JOB_DONE ? 50 : 0);
  }
  {
    g_autoptr (GPtrArray) all =
        pmss_jobs_list (jobs, NULL, G_MAXINT64, 50, NULL);

    g_assert_cmpuint (all->len, ==, 50);
  }
  g_assert_true (pmss_jobs_drop_medium (jobs, 12, NULL));
  pmss_jobs_prune (jobs);
  expect_no_scan (f, "DELETE FROM job");
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job"), ==, atoi (ROWS));
}

/* Many that are small keep nobody from finding that there is none that is large; each is found at once. */
static void
test_claims (Fixture * f, gconstpointer data)
{
  g_autoptr (GArray) busy = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  gint64 steps;

  for (guint i = 1; i <= 20; i++) {
    PmssJobClaim claim = { busy, busy, counts, NULL };

    g_assert_true (pmss_database_transact (f->base.database,
            pmss_job_claim_row, &claim, NULL));
    g_assert_cmpint (claim.job->id, ==, 2 * i);
    pmss_job_free (claim.job);
  }
  steps = count_steps (f, "FROM job WHERE type");
  g_assert_cmpint (steps, >, 0);
  g_assert_cmpint (steps, <, 20 * 400);
  expect_no_scan (f, "FROM job WHERE type");
}

/* A list goes on where it was, whatever is forgotten beneath it meanwhile. */
static void
test_list_pruned (Fixture * f, gconstpointer data)
{
  PmssJobs *jobs = f->context.jobs;
  gint64 before = G_MAXINT64;
  guint left = atoi (ROWS);

  control_fixture_exec (&f->base, "UPDATE job SET state = 'done', updated = 1");
  while (left > 1) {
    g_autoptr (GPtrArray) page = pmss_jobs_list (jobs, NULL, before, 50, NULL);

    /* until no more than the newest of its kind is there */
    if (page->len == 0)
      break;
    for (guint i = 0; i < page->len; i++) {
      PmssJob *job = g_ptr_array_index (page, i);

      g_assert_cmpint (job->id, <, before);
      before = job->id;
    }
    pmss_jobs_prune (jobs);
    left = (guint) control_fixture_count (&f->base, "SELECT count(*) FROM job");
  }
  g_assert_cmpuint (left, ==, 1);
}

/* Those that ended long ago go, a thousand at a time; what may still be wanted stays. */
static void
test_pruning (Fixture * f, gconstpointer data)
{
  PmssJobs *jobs = f->context.jobs;

  control_fixture_exec (&f->base, "UPDATE job SET updated = 1");
  control_fixture_exec (&f->base, "UPDATE job SET state = 'failed'"
      " WHERE id % 10 = 1");
  control_fixture_exec (&f->base, "UPDATE job SET medium = NULL"
      " WHERE id % 20 = 1");
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job"), ==, 2000);
  pmss_jobs_prune (jobs);
  /* 1,500 queued, 150 failed ones of a medium */
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job"), ==, 1650);
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job WHERE state = 'done'"), ==, 0);

  /* the newest of its kind stays, and nothing goes where nothing is to */
  control_fixture_exec (&f->base, "INSERT INTO job (type, state, medium_name,"
      " created, updated) VALUES ('repair', 'done', '', 1, 1),"
      " ('repair', 'done', '', 1, 1)");
  f->config.job_lifetime = 0;
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job WHERE type = 'repair'"), ==, 2);
  f->config.job_lifetime = 1000;
  pmss_jobs_prune (jobs);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM job WHERE type = 'repair'"), ==, 1);
}

static void
test_accounts (Fixture * f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++) {
    g_autoptr (PmssUser) user = pmss_accounts_authenticate (f->context.accounts,
        "nobody's", NULL);

    g_assert_null (user);
  }
  pmss_accounts_tick (f->context.accounts);
  expect_no_scan (f, "FROM api_token t");
}

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
end_sessions (Fixture * f, PmssSessions * sessions, guint first, guint last)
{
  Ends ends = { sessions, first, last };
  gint64 before = count_steps (f, "");

  g_assert_true (pmss_database_transact (f->base.database, end_these, &ends,
          NULL));
  pmss_sessions_tick (sessions);
  return count_steps (f, "") - before;
}

/* What the end of a session costs does not grow with those that ended before. */
static void
test_ended (Fixture * f, gconstpointer data)
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
count_functions (Fixture * f)
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
test_created (Fixture * f, gconstpointer data)
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
test_lapsed (Fixture * f, gconstpointer data)
{
  PmssSessions *sessions = pmss_sessions_new (f->base.database,
      f->context.catalog, NULL, 60, 1000);
  Steps sum = {.text = "DELETE FROM session WHERE id IN" };

  control_fixture_exec (&f->base, "UPDATE session SET expires = 1");
  pmss_sessions_tick (sessions);
  g_assert_cmpint (control_fixture_count (&f->base,
          "SELECT count(*) FROM session"), ==, 0);
  g_assert_true (pmss_database_read (f->base.database, sum_steps, &sum, NULL));
  g_assert_cmpint (sum.runs, >=, 10);
  g_assert_cmpint (sum.scanned, ==, 0);
  g_assert_cmpint (sum.steps, <, atoi (ROWS) * 400);
  pmss_sessions_free (sessions);
}

/* The test itself: a scan is seen. */
static gboolean
scan (PmssDatabase * database, gpointer data, GError ** error)
{
  Look look = { 0 };
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT max (size) FROM medium WHERE title IS NULL");

  g_assert_true (pmss_rows_next (rows, error));
  pmss_database_each_statement (database, look_at_statement, &look);
  g_assert_cmpuint (look.found, ==, 1);
  return TRUE;
}

static void
test_sees (Fixture * f, gconstpointer data)
{
  g_assert_true (pmss_database_read (f->base.database, scan, NULL, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/plans/" name, Fixture, NULL, setup, func, teardown)
  ADD ("sees", test_sees);
  ADD ("pages", test_pages);
  ADD ("media", test_media);
  ADD ("events", test_events);
  ADD ("pending", test_pending);
  ADD ("removed", test_removed);
  ADD ("jobs", test_jobs);
  ADD ("claims", test_claims);
  ADD ("list-pruned", test_list_pruned);
  ADD ("pruning", test_pruning);
  ADD ("accounts", test_accounts);
  ADD ("ended", test_ended);
  ADD ("created", test_created);
  ADD ("lapsed", test_lapsed);
  return g_test_run ();
}
