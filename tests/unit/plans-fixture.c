/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which rows statements visit. The test's thread, but where it is said. */
#include "plans-fixture.h"

#include <string.h>

#include "control/accounts/accounts.h"
#include "control/catalog/catalog.h"
#include "control/database/database-private.h"
#include "control/jobs/jobs.h"
#include "control/nodes/nodes.h"

/* Rows that a statement may visit in a run. */
#define FEW 200
/* What a run may take of SQLite's virtual machine, pages of 100 rows included; a walk over PLANS_ROWS takes more. */
#define STEPS 9000

#define COUNT_TO(n) "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " n ") "

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
fill (PlansFixture * f)
{
  static const char *const script[] = {
    "INSERT INTO user (name, role, password, created)"
        " VALUES ('viewer', 'viewer', 'x', 1)",
    COUNT_TO (PLANS_ROWS) "INSERT INTO api_token (hash, user, created, expires)"
        " SELECT randomblob (32), 'viewer', 1, unixepoch () + 1000 FROM n",
    COUNT_TO (PLANS_ROWS) "INSERT INTO medium (id, name, state, k, m, created,"
        " updated) SELECT i, printf ('films/%05d', i), 'ready', 2, 1, 1, 1"
        " FROM n",
    "INSERT INTO medium_indexed"
        " SELECT id, name || char (10, 10, 10) FROM medium",
    "INSERT INTO medium_text (rowid, text) SELECT * FROM medium_indexed",
    COUNT_TO (PLANS_ROWS)
        "INSERT INTO version (id, medium, state, size, k, m, unit,"
        " extent, created) SELECT CAST (printf ('%016d', i) AS BLOB), i,"
        " 'ready', 131072, 2, 1, 4096, 65536, 1 FROM n",
    COUNT_TO (PLANS_ROWS) "INSERT INTO extent (version, number, state, nodes)"
        " SELECT CAST (printf ('%016d', i) AS BLOB), number, 2,"
        " x'010000000200000003000000' FROM n, (SELECT 0 AS number UNION SELECT 1)",
    COUNT_TO (PLANS_ROWS) "INSERT INTO pending_deletion (node, shard)"
        " SELECT 4, printf ('%032x.00000000.00', i) FROM n",
    COUNT_TO (PLANS_ROWS) "INSERT INTO job (type, state, medium, medium_name,"
        " created, updated) SELECT 'ingest',"
        " iif (i % 2, 'done', 'queued'), i, 'm', 1, unixepoch () FROM n",
    COUNT_TO (PLANS_ROWS)
        "INSERT INTO session (id, user, medium, version, address,"
        " rate, created, expires, token_until) SELECT printf ('%032x', i),"
        " 'viewer', i, CAST (printf ('%016d', i) AS BLOB), 'a', 1, 1,"
        " unixepoch () + 1000, unixepoch () + 1000 FROM n",
    COUNT_TO (PLANS_ROWS) "INSERT INTO bad_shard (version, number, shard, node,"
        " state, kind, source, found) SELECT CAST (printf ('%016d', i) AS"
        " BLOB), 0, 0, 1, 'bad', 'missing', 'list', 1 FROM n",
    COUNT_TO (PLANS_ROWS)
        "INSERT INTO event (time, action, result, user, minor)"
        " SELECT 1, 'login', 'done', iif (i % 10, 'viewer', 'other'), i % 2"
        " FROM n",
    COUNT_TO (PLANS_ROWS)
        "INSERT INTO upload (id, medium, user, kind, state, size,"
        " created, expires) SELECT printf ('%032x', i), i, 'viewer', 'put',"
        " 'complete', 1, 1, 1 FROM n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (script); i++)
    control_fixture_exec (&f->base, script[i]);
}

void
plans_fixture_setup (PlansFixture * f, gconstpointer data)
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

void
plans_fixture_teardown (PlansFixture * f, gconstpointer data)
{
  pmss_jobs_free (f->context.jobs);
  pmss_accounts_free (f->context.accounts);
  pmss_nodes_free (f->context.nodes);
  pmss_catalog_free (f->context.catalog);
  control_fixture_clear (&f->base);
}

/* --- Statements --- */

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

guint
plans_count_scans (PmssDatabase * database)
{
  Look look = { 0 };

  look_at_all (database, &look, NULL);
  return look.found;
}

void
plans_fixture_expect_no_scan (PlansFixture * f, const char *wanted)
{
  Look look = {.wanted = wanted };

  g_assert_true (pmss_database_read (f->base.database, look_at_all, &look,
          NULL));
  g_assert_cmpuint (look.statements, >, 0);
  if (wanted != NULL && !look.seen)
    g_error ("No statement has “%s”", wanted);
  g_assert_cmpuint (look.found, ==, 0);
}

PmssVersionId
plans_version_of (guint medium)
{
  g_autofree char *text = g_strdup_printf ("%016u", medium);
  PmssVersionId id;

  memcpy (id.bytes, text, sizeof (id.bytes));
  return id;
}

static void
add_cost (const char *sql, sqlite3_stmt * statement, gpointer data)
{
  PlansCost *sum = data;

  if (strstr (sql, sum->text) == NULL)
    return;
  sum->steps += sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_VM_STEP, 0);
  sum->runs += sqlite3_stmt_status (statement, SQLITE_STMTSTATUS_RUN, 0);
  sum->scanned += sqlite3_stmt_status (statement,
      SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
}

static gboolean
sum_costs (PmssDatabase * database, gpointer data, GError ** error)
{
  pmss_database_each_statement (database, add_cost, data);
  return TRUE;
}

PlansCost
plans_fixture_get_cost (PlansFixture * f, const char *text)
{
  PlansCost sum = {.text = text };

  g_assert_true (pmss_database_read (f->base.database, sum_costs, &sum, NULL));
  return sum;
}
