/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread, its transactions, opening and closing. */
#include "control/database/database-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include <glib/gstdio.h>

#include "libpmss/pmss-error.h"

#define CHECKPOINT_PAGES 1000   /* SQLite's own number */

typedef enum
{ CALL_RUN, CALL_QUIT } CallKind;

/* What a caller waits for. Lives on the caller's stack until done; with @release, in memory of its own, until its caller or, where that one went, the thread
 * is done with it. */
typedef struct
{
  CallKind kind;
  PmssDatabaseFunc func;
  gpointer user_data;
  GError **error;
  GDestroyNotify release;       /* of @user_data */
  GError *own_error;            /* where `error` points then */
  gboolean abandoned;           /* nobody waits any more */
  gboolean result;
  gboolean done;
  GCond finished;
} Call;

/* A full disk makes SQLite roll back by itself; then there is nothing left to roll back. */
void
pmss_database_roll_back (PmssDatabase * self)
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
  ok = func (self, user_data, error);
  if (ok && pmss_database_exec (self, error, "COMMIT")) {
    pmss_tally_read (self);
    return TRUE;
  }
  pmss_database_roll_back (self);
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
  ok = func (self, user_data, error);
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

static void
free_call (Call * call)
{
  if (call->abandoned && call->own_error != NULL)
    g_warning ("The database: %s", call->own_error->message);
  g_clear_error (&call->own_error);
  g_cond_clear (&call->finished);
  g_free (call);
}

/* The caller's stack may go as soon as the lock does. */
static void
finish_call (PmssDatabase * self, Call * call)
{
  gboolean abandoned;

  g_mutex_lock (&self->lock);
  call->done = TRUE;
  abandoned = call->abandoned;
  if (!abandoned)
    g_cond_signal (&call->finished);
  g_mutex_unlock (&self->lock);
  if (abandoned) {
    call->release (call->user_data);
    free_call (call);
  }
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
    finish_call (self, call);
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

gboolean
pmss_database_transact_within (PmssDatabase * self, gint64 wait,
    PmssDatabaseFunc func, gpointer user_data, GDestroyNotify release,
    GError ** error)
{
  gint64 end = g_get_monotonic_time () + wait;
  Call *call = g_new0 (Call, 1);
  gboolean result;

  g_return_val_if_fail (g_thread_self () != self->thread, FALSE);
  call->func = func;
  call->user_data = user_data;
  call->release = release;
  call->error = &call->own_error;
  g_cond_init (&call->finished);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->queue, call);
  g_cond_signal (&self->queued);
  while (!call->done && !call->abandoned)
    call->abandoned = wait == 0
        || !g_cond_wait_until (&call->finished, &self->lock, end);
  /* what was done at that very moment has not been given up */
  call->abandoned = call->abandoned && !call->done;
  if (call->abandoned) {
    g_mutex_unlock (&self->lock);
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "The database is busy");
    return FALSE;
  }
  g_mutex_unlock (&self->lock);
  result = call->result;
  if (!result) {
    release (user_data);
    g_propagate_error (error, g_steal_pointer (&call->own_error));
  }
  free_call (call);
  return result;
}

void
pmss_database_set_full_func (PmssDatabase * self, PmssDatabaseFullFunc func,
    gpointer user_data)
{
  self->full_data = user_data;
  self->full = func;
}

int
pmss_database_get_schema_version (PmssDatabase * self)
{
  return self->schema_version;
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
    pmss_database_set_error (self, code, "checkpoint", &error);
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
  return pmss_database_run_script (self,
      "PRAGMA locking_mode = EXCLUSIVE;"
      "PRAGMA journal_mode = WAL;" "PRAGMA synchronous = FULL;"
      /* the counters of tally.c */
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA foreign_keys = ON;" "PRAGMA cell_size_check = ON;", error);
}

static void
dispose (PmssDatabase * self)
{
  g_clear_pointer (&self->statements, g_hash_table_unref);
  if (self->handle != NULL && sqlite3_close (self->handle) != SQLITE_OK)
    g_critical ("The database has open statements");
  pmss_tally_clear (self);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->queued);
  g_free (self);
}

/* Before it is ever opened, so that there is no moment in which others can read it. */
static gboolean
create_private (const char *path, GError ** error)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot open %s: %s", path, g_strerror (errno));
    return FALSE;
  }
  return g_close (fd, error);
}

/* SQLITE_OPEN_NOFOLLOW refuses links anywhere in a path. The folder may be below one; only the file itself may be none. */
static char *
resolve (const char *path, GError ** error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  char *real = realpath (folder, NULL);
  char *resolved;

  if (real == NULL) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno),
        "Cannot open %s: %s", folder, g_strerror (errno));
    return NULL;
  }
  resolved = g_build_filename (real, name, NULL);
  free (real);
  if (!g_file_test (resolved, G_FILE_TEST_IS_SYMLINK))
    return resolved;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "%s is a symbolic link, and SQLite keeps its log beside the link: "
      "make the folder a link to where the file is, or move the file here",
      resolved);
  g_free (resolved);
  return NULL;
}

PmssDatabase *
pmss_database_open (const char *path, GError ** error)
{
  PmssDatabase *self;
  g_autofree char *resolved = resolve (path, error);

  if (resolved == NULL || !create_private (resolved, error))
    return NULL;
  self = g_new0 (PmssDatabase, 1);
  g_mutex_init (&self->lock);
  g_cond_init (&self->queued);
  g_queue_init (&self->queue);
  pmss_tally_init (self);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      pmss_database_statement_free);
  if (sqlite3_open_v2 (resolved, &self->handle, SQLITE_OPEN_READWRITE
          | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED, "Cannot open %s: %s",
        path, self->handle != NULL ? sqlite3_errmsg (self->handle) : "memory");
    dispose (self);
    return NULL;
  }
  if (!configure (self, error) || !pmss_database_migrate (self, error)
      || !pmss_tally_start (self, error)) {
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
