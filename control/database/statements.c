/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SQL in, rows and errors out. */
#include "control/database/database-private.h"

#include <stdlib.h>

#include "libpmss/pmss-error.h"

/* Statement texts are literals in the code, so their number is bounded; this only sizes an assertion. */
#define MAX_STATEMENTS 512

typedef struct
{
  sqlite3_stmt *statement;
  gboolean in_use;
} Statement;

struct _PmssRows
{
  PmssDatabase *database;
  sqlite3_stmt *statement;
  Statement *cached;            /* NULL: the statement is ours alone */
  GError *error;                /* of preparing, told by the first next() */
};

/* Errors after which the file's content is in doubt. After a failed fsync the kernel may have dropped the dirty pages, so that a retry would
 * report success for data that is not there: the only way on is a new start, which replays the log. */
static gboolean
is_fatal (int code)
{
  switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY:
      return TRUE;
    default:
      return FALSE;
  }
}

static PmssError
error_of_code (int extended)
{
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return PMSS_ERROR_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_TRIGGER:
      return PMSS_ERROR_CONFLICT;
    case SQLITE_FULL:
      return PMSS_ERROR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return PMSS_ERROR_BUSY;
    default:
      return (extended & 0xff) == SQLITE_CORRUPT
          || (extended & 0xff) == SQLITE_NOTADB ? PMSS_ERROR_CORRUPT
          : PMSS_ERROR_FAILED;
  }
}

/* What clients and jobs may say of an error: no SQL, and no name of a table. */
static const char *
text_for_clients (PmssError error)
{
  switch (error) {
    case PMSS_ERROR_EXISTS:
      return "That is in the catalog already";
    case PMSS_ERROR_CONFLICT:
      return "That contradicts what is in the catalog";
    case PMSS_ERROR_NO_SPACE:
      return "The disk of the catalog is full";
    case PMSS_ERROR_BUSY:
      return "The database is busy";
    default:
      return "The database failed: the server's log says how";
  }
}

/* While it serves the log has the rest. Before, the error is all that is said. */
static void
set_text (PmssDatabase * self, PmssError named, const char *what,
    GError ** error)
{
  const char *said = sqlite3_errmsg (self->handle);

  if (!self->kind->vital) {
    g_set_error_literal (error, PMSS_ERROR, named, said);
    return;
  }
  if (!self->serving) {
    g_set_error (error, PMSS_ERROR, named, "Database: %s: %s", what, said);
    return;
  }
  if (named == PMSS_ERROR_FAILED)
    g_warning ("Database: %s: %s", what, said);
  else
    g_info ("Database: %s: %s", what, said);
  g_set_error_literal (error, PMSS_ERROR, named, text_for_clients (named));
}

void
pmss_database_set_error (PmssDatabase * self, int code, const char *what,
    GError ** error)
{
  int extended = sqlite3_extended_errcode (self->handle);

  if (self->kind->vital && self->serving && is_fatal (code)) {
    g_critical ("The database is in doubt: %s: %s (code %d). The process ends; "
        "the next start recovers what was acknowledged.", what,
        sqlite3_errmsg (self->handle), extended);
    abort ();
  }
  if (extended == SQLITE_FULL && self->full != NULL)
    self->full (self->full_data);
  set_text (self, error_of_code (extended), what, error);
}

void
pmss_database_statement_free (gpointer data)
{
  Statement *statement = data;

  sqlite3_finalize (statement->statement);
  g_free (statement);
}

void
pmss_database_each_statement (PmssDatabase * self, PmssStatementFunc func,
    gpointer user_data)
{
  GHashTableIter iter;
  gpointer sql, kept;

  g_hash_table_iter_init (&iter, self->statements);
  while (g_hash_table_iter_next (&iter, &sql, &kept))
    func (sql, ((Statement *) kept)->statement, user_data);
}

static sqlite3_stmt *
prepare (PmssDatabase * self, const char *sql, GError ** error)
{
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v3 (self->handle, sql, -1,
      SQLITE_PREPARE_PERSISTENT, &statement, NULL);

  if (code != SQLITE_OK)
    pmss_database_set_error (self, code, sql, error);
  return statement;
}

/* Where SQLite has rolled back by itself, another statement would be committed for itself. */
static gboolean
check_transaction (PmssDatabase * self, GError ** error)
{
  if (!self->transacting || !sqlite3_get_autocommit (self->handle))
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "The database has rolled back what the statement belongs to");
  return FALSE;
}

/* A statement that nobody else is stepping through: from the cache, or (@cached NULL) made for this one use. */
static sqlite3_stmt *
borrow (PmssDatabase * self, const char *sql, Statement ** cached,
    GError ** error)
{
  Statement *known = g_hash_table_lookup (self->statements, sql);
  sqlite3_stmt *statement;

  *cached = NULL;
  if (!check_transaction (self, error))
    return NULL;
  if (known != NULL && !known->in_use) {
    known->in_use = TRUE;
    *cached = known;
    return known->statement;
  }
  statement = prepare (self, sql, error);
  if (statement == NULL || known != NULL)
    return statement;

  g_assert (g_hash_table_size (self->statements) < MAX_STATEMENTS);
  known = g_new0 (Statement, 1);
  known->statement = statement;
  known->in_use = TRUE;
  g_hash_table_insert (self->statements, g_strdup (sql), known);
  *cached = known;
  return statement;
}

static void
give_back (sqlite3_stmt * statement, Statement * cached)
{
  if (cached == NULL) {
    sqlite3_finalize (statement);
    return;
  }
  /* what it returns is the error of the last step, which has been told */
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  cached->in_use = FALSE;
}

static int
bind_value (sqlite3_stmt * statement, int index, const PmssValue * value)
{
  switch (value->type) {
    case PMSS_VALUE_INT:
      return sqlite3_bind_int64 (statement, index, value->integer);
    case PMSS_VALUE_TEXT:
      return sqlite3_bind_text (statement, index, value->data, -1,
          SQLITE_TRANSIENT);
    case PMSS_VALUE_BLOB:
      if (value->data == NULL && value->integer == 0)
        return sqlite3_bind_zeroblob (statement, index, 0);
      return sqlite3_bind_blob64 (statement, index, value->data,
          (sqlite3_uint64) value->integer, SQLITE_TRANSIENT);
    case PMSS_VALUE_BEGIN:
    case PMSS_VALUE_END:
      break;
  }
  g_assert_not_reached ();
}

static gboolean
bind_all (PmssDatabase * self, sqlite3_stmt * statement,
    const PmssValue * values, GError ** error)
{
  int n = 0;

  for (const PmssValue * v = values + 1; v->type != PMSS_VALUE_END; v++) {
    int code = bind_value (statement, ++n, v);

    if (code != SQLITE_OK) {
      pmss_database_set_error (self, code, sqlite3_sql (statement), error);
      return FALSE;
    }
  }
  /* a parameter that was forgotten would silently be NULL */
  g_assert (n == sqlite3_bind_parameter_count (statement));
  return TRUE;
}

gboolean
pmss_database_exec_values (PmssDatabase * self, GError ** error,
    const char *sql, const PmssValue * values)
{
  Statement *cached;
  sqlite3_stmt *statement = borrow (self, sql, &cached, error);
  gboolean ok;

  if (statement == NULL)
    return FALSE;
  ok = bind_all (self, statement, values, error);
  if (ok) {
    int code;

    while ((code = sqlite3_step (statement)) == SQLITE_ROW);
    ok = code == SQLITE_DONE;
    if (!ok)
      pmss_database_set_error (self, code, sql, error);
  }
  give_back (statement, cached);
  return ok;
}

gint64
pmss_database_get_changes (PmssDatabase * self)
{
  return sqlite3_changes64 (self->handle);
}

gint64
pmss_database_get_last_id (PmssDatabase * self)
{
  return sqlite3_last_insert_rowid (self->handle);
}

PmssRows *
pmss_database_query_values (PmssDatabase * self, const char *sql,
    const PmssValue * values)
{
  PmssRows *rows = g_new0 (PmssRows, 1);

  rows->database = self;
  rows->statement = borrow (self, sql, &rows->cached, &rows->error);
  if (rows->statement != NULL)
    bind_all (self, rows->statement, values, &rows->error);
  return rows;
}

gboolean
pmss_rows_end (GError * local, GError ** error)
{
  if (local != NULL)
    g_propagate_error (error, local);
  return local == NULL;
}

gboolean
pmss_rows_next (PmssRows * rows, GError ** error)
{
  int code;

  if (rows->error != NULL) {
    g_propagate_error (error, g_steal_pointer (&rows->error));
    return FALSE;
  }
  code = sqlite3_step (rows->statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    pmss_database_set_error (rows->database, code,
        sqlite3_sql (rows->statement), error);
  return code == SQLITE_ROW;
}

gboolean
pmss_rows_is_null (PmssRows * rows, guint column)
{
  return sqlite3_column_type (rows->statement, (int) column) == SQLITE_NULL;
}

gint64
pmss_rows_int (PmssRows * rows, guint column)
{
  return sqlite3_column_int64 (rows->statement, (int) column);
}

gint64
pmss_rows_int_or_unknown (PmssRows * rows, guint column)
{
  return pmss_rows_is_null (rows, column) ? -1 : pmss_rows_int (rows, column);
}

const char *
pmss_rows_text (PmssRows * rows, guint column)
{
  return (const char *) sqlite3_column_text (rows->statement, (int) column);
}

const void *
pmss_rows_blob (PmssRows * rows, guint column, gsize * length)
{
  const void *data = sqlite3_column_blob (rows->statement, (int) column);

  if (length != NULL)
    *length = (gsize) sqlite3_column_bytes (rows->statement, (int) column);
  return data;
}

void
pmss_rows_free (PmssRows * rows)
{
  if (rows->statement != NULL)
    give_back (rows->statement, rows->cached);
  g_clear_error (&rows->error);
  g_free (rows);
}

gboolean
pmss_database_run_script (PmssDatabase * self, const char *script,
    GError ** error)
{
  int code = sqlite3_exec (self->handle, script, NULL, NULL, NULL);

  if (code == SQLITE_OK)
    return TRUE;
  pmss_database_set_error (self, code, "script", error);
  return FALSE;
}
