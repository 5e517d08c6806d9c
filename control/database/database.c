/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/database/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "libpmss/pmss-error.h"

#define MIGRATIONS "/org/pmss/control/migrations/"
#define CHECKPOINT_PAGES 1000   /* SQLite's own number */
/* Statement texts are literals in the code, so their number is bounded; this only sizes an assertion. */
#define MAX_STATEMENTS 512

typedef struct
{
  sqlite3_stmt *statement;
  gboolean in_use;
} Statement;

typedef enum
{ CALL_RUN, CALL_QUIT } CallKind;

/* What a caller waits for. Lives on the caller's stack until done. */
typedef struct
{
  CallKind kind;
  PmssDatabaseFunc func;
  gpointer user_data;
  GError **error;
  gboolean result;
  gboolean done;
  GCond finished;
} Call;

struct _PmssDatabase
{
  GThread *thread;

  GMutex lock;                  /* protects the queue and the done of each call */
  GQueue queue;                 /* of Call */
  GCond queued;

  /* only on the database thread */
  sqlite3 *handle;
  GHashTable *statements;       /* text -> Statement */
  guint depth;                  /* of nested transactions */
  gboolean log_grows;           /* the last checkpoint failed, and that was said */

  /* written before the thread starts */
  int schema_version;
  gboolean serving;             /* opened: from now on a doubtful file ends the process */
};

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
    default:
      return PMSS_ERROR_FAILED;
  }
}

static void
set_error (PmssDatabase * self, int code, const char *what, GError ** error)
{
  int extended = sqlite3_extended_errcode (self->handle);

  if (self->serving && is_fatal (code)) {
    g_critical ("The database is in doubt: %s: %s (code %d). The process ends; "
        "the next start recovers what was acknowledged.", what,
        sqlite3_errmsg (self->handle), extended);
    abort ();
  }
  g_set_error (error, PMSS_ERROR, error_of_code (extended),
      "Database: %s: %s", what, sqlite3_errmsg (self->handle));
}

static void
statement_free (gpointer data)
{
  Statement *statement = data;

  sqlite3_finalize (statement->statement);
  g_free (statement);
}

static sqlite3_stmt *
prepare (PmssDatabase * self, const char *sql, GError ** error)
{
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v3 (self->handle, sql, -1,
      SQLITE_PREPARE_PERSISTENT, &statement, NULL);

  if (code != SQLITE_OK)
    set_error (self, code, sql, error);
  return statement;
}

/* A statement that nobody else is stepping through: from the cache, or (@cached NULL) made for this one use. */
static sqlite3_stmt *
borrow (PmssDatabase * self, const char *sql, Statement ** cached,
    GError ** error)
{
  Statement *known = g_hash_table_lookup (self->statements, sql);
  sqlite3_stmt *statement;

  *cached = NULL;
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
      set_error (self, code, sqlite3_sql (statement), error);
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
      set_error (self, code, sql, error);
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
pmss_rows_next (PmssRows * rows, GError ** error)
{
  int code;

  if (rows->error != NULL) {
    g_propagate_error (error, g_steal_pointer (&rows->error));
    return FALSE;
  }
  code = sqlite3_step (rows->statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE)
    set_error (rows->database, code, sqlite3_sql (rows->statement), error);
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

  if (length)
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

/* Statements without rows or parameters whose text is not worth keeping: pragmas and migrations. */
static gboolean
run_script (PmssDatabase * self, const char *script, GError ** error)
{
  int code = sqlite3_exec (self->handle, script, NULL, NULL, NULL);

  if (code == SQLITE_OK)
    return TRUE;
  set_error (self, code, "script", error);
  return FALSE;
}

/* A full disk makes SQLite roll back by itself; then there is nothing left to roll back. */
static void
roll_back (PmssDatabase * self)
{
  g_autoptr (GError) error = NULL;

  if (sqlite3_get_autocommit (self->handle))
    return;
  if (!pmss_database_exec (self, &error, "ROLLBACK")) {
    g_critical ("Cannot roll back: %s", error->message);
    abort ();
  }
}

static gboolean
run_outermost (PmssDatabase * self, PmssDatabaseFunc func, gpointer user_data,
    GError ** error)
{
  gboolean ok;

  if (!pmss_database_exec (self, error, "BEGIN IMMEDIATE"))
    return FALSE;
  self->depth = 1;
  ok = func (self, user_data, error);
  self->depth = 0;
  if (ok && pmss_database_exec (self, error, "COMMIT"))
    return TRUE;
  roll_back (self);
  return FALSE;
}

static gboolean
run_nested (PmssDatabase * self, PmssDatabaseFunc func, gpointer user_data,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  gboolean ok;

  if (!pmss_database_exec (self, error, "SAVEPOINT nested"))
    return FALSE;
  self->depth++;
  ok = func (self, user_data, error);
  self->depth--;
  /* the whole transaction is gone already: the outer function will see the error */
  if (!ok && sqlite3_get_autocommit (self->handle))
    return FALSE;
  if (!ok && !pmss_database_exec (self, &local, "ROLLBACK TO nested")) {
    g_critical ("Cannot roll back: %s", local->message);
    abort ();
  }
  if (!pmss_database_exec (self, ok ? error : &local, "RELEASE nested")) {
    g_critical ("Cannot end a savepoint");
    abort ();
  }
  return ok;
}

static Call *
wait_for_call (PmssDatabase * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  while (g_queue_is_empty (&self->queue))
    g_cond_wait (&self->queued, &self->lock);
  return g_queue_pop_head (&self->queue);
}

static gpointer
database_thread (gpointer data)
{
  PmssDatabase *self = data;

  for (;;) {
    Call *call = wait_for_call (self);
    gboolean quit = call->kind == CALL_QUIT;

    if (!quit)
      call->result = run_outermost (self, call->func, call->user_data,
          call->error);
    /* the caller's stack may go as soon as the lock does */
    g_mutex_lock (&self->lock);
    call->done = TRUE;
    g_cond_signal (&call->finished);
    g_mutex_unlock (&self->lock);
    if (quit)
      return NULL;
  }
}

static gboolean
hand_over (PmssDatabase * self, Call * call)
{
  g_cond_init (&call->finished);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->queue, call);
  g_cond_signal (&self->queued);
  while (!call->done)
    g_cond_wait (&call->finished, &self->lock);
  g_mutex_unlock (&self->lock);
  g_cond_clear (&call->finished);
  return call->result;
}

gboolean
pmss_database_transact (PmssDatabase * self, PmssDatabaseFunc func,
    gpointer user_data, GError ** error)
{
  Call call = { CALL_RUN, func, user_data, error };

  if (g_thread_self () == self->thread)
    return run_nested (self, func, user_data, error);
  return hand_over (self, &call);
}

int
pmss_database_get_schema_version (PmssDatabase * self)
{
  return self->schema_version;
}

static gboolean
read_user_version (PmssDatabase * self, int *version, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (self, "PRAGMA user_version");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *version = (int) pmss_rows_int (rows, 0);
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The bundled scripts "NNNN-what.sql" in their order. Their numbers have no gaps, so that the i-th one leads to version i + 1. */
static char **
list_migrations (GError ** error)
{
  char **names = g_resources_enumerate_children (MIGRATIONS,
      G_RESOURCE_LOOKUP_FLAGS_NONE, error);

  if (names == NULL)
    return NULL;
  qsort (names, g_strv_length (names), sizeof (char *), compare_names);
  for (guint i = 0; names[i] != NULL; i++)
    g_assert (g_ascii_strtoull (names[i], NULL, 10) == i + 1);
  return names;
}

static gboolean
apply_migration (PmssDatabase * self, const char *name, int version,
    GError ** error)
{
  g_autofree char *path = g_strconcat (MIGRATIONS, name, NULL);
  g_autofree char *mark = g_strdup_printf ("PRAGMA user_version = %d",
      version);
  g_autoptr (GBytes) script = g_resources_lookup_data (path,
      G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  g_autofree char *text = NULL;

  if (script == NULL)
    return FALSE;
  text = g_strndup (g_bytes_get_data (script, NULL), g_bytes_get_size (script));
  if (run_script (self, "BEGIN IMMEDIATE", error)
      && run_script (self, text, error) && run_script (self, mark, error)
      && run_script (self, "COMMIT", error))
    return TRUE;
  roll_back (self);
  g_prefix_error (error, "Migration %s: ", name);
  return FALSE;
}

static gboolean
migrate (PmssDatabase * self, GError ** error)
{
  g_auto (GStrv) names = list_migrations (error);
  int newest, version;

  if (names == NULL || !read_user_version (self, &version, error))
    return FALSE;
  newest = (int) g_strv_length (names);
  if (version > newest || version < 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "The database has schema %d, which a newer program has written; "
        "this one knows schemas up to %d. Use the newer program.",
        version, newest);
    return FALSE;
  }
  for (; version < newest; version++) {
    g_message ("Bringing the database to schema %d", version + 1);
    if (!apply_migration (self, names[version], version + 1, error))
      return FALSE;
  }
  self->schema_version = newest;
  return TRUE;
}

/* In place of SQLite's own, which forgets the error of a checkpoint: a sync that fails there has to end the process like any other. What is not fatal (a full
 * disk) leaves the commits in the log; the next one tries again. */
static int
checkpoint (void *data, sqlite3 * handle, const char *name, int pages)
{
  PmssDatabase *self = data;
  g_autoptr (GError) error = NULL;
  int code;

  if (pages < CHECKPOINT_PAGES)
    return SQLITE_OK;
  code = sqlite3_wal_checkpoint_v2 (handle, name, SQLITE_CHECKPOINT_PASSIVE,
      NULL, NULL);
  if (code != SQLITE_OK) {
    set_error (self, code, "checkpoint", &error);
    if (!self->log_grows)
      g_warning ("%s: the log grows until it can be carried over",
          error->message);
  }
  self->log_grows = code != SQLITE_OK;
  return SQLITE_OK;
}

/* One connection and no other: with the exclusive lock the log's index is in memory, another process cannot get in between, and SQLite's
 * reset of the log with two connections (wrong before 3.51.3) cannot happen. */
static gboolean
configure (PmssDatabase * self, GError ** error)
{
  sqlite3_extended_result_codes (self->handle, 1);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  sqlite3_wal_hook (self->handle, checkpoint, self);
  return run_script (self,
      "PRAGMA locking_mode = EXCLUSIVE;"
      "PRAGMA journal_mode = WAL;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA foreign_keys = ON;" "PRAGMA cell_size_check = ON;", error);
}

static void
dispose (PmssDatabase * self)
{
  g_clear_pointer (&self->statements, g_hash_table_unref);
  if (self->handle != NULL && sqlite3_close (self->handle) != SQLITE_OK)
    g_critical ("The database has open statements");
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->queued);
  g_free (self);
}

/* Before it is ever opened, so that there is no moment in which others can read it. */
static gboolean
create_private (const char *path, GError ** error)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd < 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot open %s: %s", path, g_strerror (errno));
    return FALSE;
  }
  return g_close (fd, error);
}

PmssDatabase *
pmss_database_open (const char *path, GError ** error)
{
  PmssDatabase *self;

  if (!create_private (path, error))
    return NULL;
  self = g_new0 (PmssDatabase, 1);
  g_mutex_init (&self->lock);
  g_cond_init (&self->queued);
  g_queue_init (&self->queue);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      statement_free);
  if (sqlite3_open_v2 (path, &self->handle, SQLITE_OPEN_READWRITE
          | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "Cannot open %s: %s",
        path, self->handle != NULL ? sqlite3_errmsg (self->handle) : "memory");
    dispose (self);
    return NULL;
  }
  if (!configure (self, error) || !migrate (self, error)) {
    g_prefix_error (error, "%s: ", path);
    dispose (self);
    return NULL;
  }
  self->serving = TRUE;
  self->thread = g_thread_new ("database", database_thread, self);
  return self;
}

void
pmss_database_close (PmssDatabase * self)
{
  Call call = { CALL_QUIT };

  hand_over (self, &call);
  g_thread_join (self->thread);
  dispose (self);
}
