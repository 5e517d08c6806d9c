/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The database thread: the calls that wait for it, and their transactions. */

#define _GNU_SOURCE             /* sem_clockwait() */
#include "control/database/database-private.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

#include "daemon/pmss-daemon.h"
#include "libpmss/pmss-error.h"

/* Reads that keep coming hold up those that write no longer. */
#define READS_TIME PMSS_GROUP_TIME

typedef enum
{ CALL_READ, CALL_WRITE, CALL_QUIT } CallKind;

/* What a caller waits for. Lives on the caller's stack until finished; with @release, in memory of its own, until its caller or, where that one went, the
 * thread is done with it. A semaphore of its own wakes the caller: with a mutex of all, those of a group would wait for each other's wake-ups. */
typedef struct
{
  CallKind kind;
  PmssDatabaseFunc func;
  gpointer user_data;
  GDestroyNotify release;       /* of @user_data; NULL: the caller waits without end */
  GError *error;                /* the caller takes it */
  gboolean result;
  gboolean abandoned;           /* nobody waits any more */
  gboolean done;                /* can be abandoned no more */
  sem_t finished;
} Call;

void
pmss_database_give_up (PmssDatabase * self, const char *why)
{
  if (!self->kind->vital)
    return;
  g_critical ("Cannot roll back: %s", why);
  abort ();
}

/* A full disk makes SQLite roll back by itself; then there is nothing left to roll back. */
void
pmss_database_roll_back (PmssDatabase * self)
{
  g_autoptr (GError) error = NULL;

  if (sqlite3_get_autocommit (self->handle))
    return;
  if (!pmss_database_exec (self, &error, "ROLLBACK"))
    pmss_database_give_up (self, error->message);
}

/* Whether SQLite has rolled back the whole transaction by itself. */
static gboolean
is_lost (PmssDatabase * self, GError ** error)
{
  if (!sqlite3_get_autocommit (self->handle))
    return FALSE;
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "The database has rolled back");
  return TRUE;
}

/* A part of the transaction cannot be undone alone: none of it is done. FALSE. */
static gboolean
lose (PmssDatabase * self, const char *why)
{
  pmss_database_give_up (self, why);
  pmss_database_roll_back (self);
  return FALSE;
}

/* In a savepoint. Where the whole transaction is gone, whoever began it sees that. */
static gboolean
run_nested (PmssDatabase * self, PmssDatabaseFunc func, gpointer user_data,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  gboolean ok;

  if (!pmss_database_exec (self, error, "SAVEPOINT nested"))
    return FALSE;
  ok = func (self, user_data, error);
  if (is_lost (self, error))
    return FALSE;
  if (!ok && !pmss_database_exec (self, &local, "ROLLBACK TO nested"))
    return lose (self, local->message);
  if (!pmss_database_exec (self, ok ? error : &local, "RELEASE nested"))
    return lose (self, "cannot end a savepoint");
  return ok;
}

/* Answers */

static void
free_call (Call * call)
{
  if (call->abandoned && call->error != NULL)
    g_warning ("The database: %s", call->error->message);
  g_clear_error (&call->error);
  sem_destroy (&call->finished);
  g_free (call);
}

static gboolean
is_abandoned (PmssDatabase * self, Call * call)
{
  gboolean abandoned;

  if (call->release == NULL)
    return FALSE;
  g_mutex_lock (&self->lock);
  call->done = TRUE;
  abandoned = call->abandoned;
  g_mutex_unlock (&self->lock);
  return abandoned;
}

/* The caller's stack may go with it. */
static void
finish_call (PmssDatabase * self, Call * call)
{
  if (!is_abandoned (self, call)) {
    sem_post (&call->finished);
    return;
  }
  call->release (call->user_data);
  free_call (call);
}

/* What the caller wants. */
static gboolean
run_function (PmssDatabase * self, Call * call)
{
  gint64 begin = g_get_monotonic_time ();
  gboolean ok = call->kind == CALL_READ ?
      call->func (self, call->user_data, &call->error) :
      run_nested (self, call->func, call->user_data, &call->error);

  pmss_times_note (self, PMSS_PIECE_FUNCTION, g_get_monotonic_time () - begin);
  return ok;
}

/* Reads */

static Call *
take_read (PmssDatabase * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return g_queue_pop_head (&self->reads);
}

static void
run_reads (PmssDatabase * self)
{
  gint64 end = g_get_monotonic_time () + READS_TIME;
  Call *call;

  while (g_get_monotonic_time () < end && (call = take_read (self)) != NULL) {
    sqlite3_int64 before = sqlite3_total_changes64 (self->handle);

    call->result = run_function (self, call);
    /* outside of a transaction nothing would be rolled back */
    g_assert (sqlite3_total_changes64 (self->handle) == before);
    finish_call (self, call);
  }
}

/* Groups */

/* The next one of the group that began at @begin; NULL: it is complete. */
static Call *
take_write (PmssDatabase * self, gint64 begin)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = NULL;
  Call *call;

  if (self->group->len >= PMSS_MAX_GROUP || (self->group->len > 0
          && g_get_monotonic_time () - begin >= PMSS_GROUP_TIME))
    return NULL;
  locker = g_mutex_locker_new (&self->lock);
  call = g_queue_peek_head (&self->writes);
  if (call == NULL || call->kind == CALL_QUIT)
    return NULL;
  return g_queue_pop_head (&self->writes);
}

/* None of them has been done: not those that thought so, either. */
static void
fail_group (PmssDatabase * self, const GError * error)
{
  for (guint i = 0; i < self->group->len; i++) {
    Call *call = g_ptr_array_index (self->group, i);

    if (call->result)
      call->error = g_error_copy (error);
    call->result = FALSE;
  }
}

/* FALSE: the transaction is gone. */
static gboolean
run_members (PmssDatabase * self, GError ** error)
{
  gint64 begin = g_get_monotonic_time ();
  Call *call;

  self->transacting = TRUE;
  while ((call = take_write (self, begin)) != NULL) {
    g_ptr_array_add (self->group, call);
    call->result = run_function (self, call);
    if (sqlite3_get_autocommit (self->handle)) {
      g_propagate_error (error, g_error_copy (call->error));
      return FALSE;
    }
  }
  self->transacting = FALSE;
  return TRUE;
}

static gboolean
commit (PmssDatabase * self, sqlite3_int64 before, GError ** error)
{
  gint64 begin = g_get_monotonic_time ();
  gboolean ok = pmss_database_exec (self, error, "COMMIT");

  if (sqlite3_total_changes64 (self->handle) != before)
    pmss_times_note (self, PMSS_PIECE_COMMIT, g_get_monotonic_time () - begin);
  return ok;
}

static void
run_group (PmssDatabase * self)
{
  sqlite3_int64 before = sqlite3_total_changes64 (self->handle);
  g_autoptr (GError) error = NULL;

  if (!pmss_database_exec (self, &error, "BEGIN IMMEDIATE")) {
    Call *call = take_write (self, 0);

    call->error = g_steal_pointer (&error);
    g_ptr_array_add (self->group, call);
  } else if (!run_members (self, &error) || !commit (self, before, &error)) {
    pmss_database_roll_back (self);
    fail_group (self, error);
  } else if (self->kind->vital
      && sqlite3_total_changes64 (self->handle) != before) {
    pmss_tally_read (self);
  }
  self->transacting = FALSE;
  for (guint i = 0; i < self->group->len; i++)
    finish_call (self, g_ptr_array_index (self->group, i));
  g_ptr_array_set_size (self->group, 0);
}

/* The thread */

static gboolean
has_writes (PmssDatabase * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  Call *call = g_queue_peek_head (&self->writes);

  return call != NULL && call->kind == CALL_WRITE;
}

/* NULL: there are reads. Else of those that write the one that waits longest. */
static Call *
wait_for_call (PmssDatabase * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  while (g_queue_is_empty (&self->reads) && g_queue_is_empty (&self->writes))
    g_cond_wait (&self->queued, &self->lock);
  return g_queue_is_empty (&self->reads) ? g_queue_peek_head (&self->writes)
      : NULL;
}

static void
drop_write (PmssDatabase * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  g_queue_pop_head (&self->writes);
}

static gpointer
database_thread (gpointer data)
{
  PmssDatabase *self = data;

  for (;;) {
    Call *call = wait_for_call (self);

    if (call == NULL) {
      run_reads (self);
    } else if (call->kind == CALL_QUIT) {
      drop_write (self);
      finish_call (self, call);
      return NULL;
    }
    if (has_writes (self))
      run_group (self);
  }
}

/* Callers */

static void
hand_in_locked (PmssDatabase * self, Call * call)
{
  g_queue_push_tail (call->kind == CALL_READ ? &self->reads : &self->writes,
      call);
  g_cond_signal (&self->queued);
}

static void
wait_for_finish (Call * call)
{
  while (sem_wait (&call->finished) != 0)
    g_assert (errno == EINTR);
}

static gboolean
hand_over (PmssDatabase * self, Call * call, GError ** error)
{
  sem_init (&call->finished, FALSE, 0);
  g_mutex_lock (&self->lock);
  hand_in_locked (self, call);
  g_mutex_unlock (&self->lock);
  wait_for_finish (call);
  sem_destroy (&call->finished);
  if (call->error != NULL)
    g_propagate_error (error, g_steal_pointer (&call->error));
  return call->result;
}

gboolean
pmss_database_is_within (PmssDatabase * self)
{
  return g_thread_self () == self->thread;
}

gboolean
pmss_database_transact (PmssDatabase * self, PmssDatabaseFunc func,
    gpointer user_data, GError ** error)
{
  Call call = { CALL_WRITE, func, user_data };

  if (pmss_database_is_within (self))
    return run_nested (self, func, user_data, error);
  return hand_over (self, &call, error);
}

gboolean
pmss_database_read (PmssDatabase * self, PmssDatabaseFunc func,
    gpointer user_data, GError ** error)
{
  Call call = { CALL_READ, func, user_data };

  if (pmss_database_is_within (self))
    return func (self, user_data, error);
  return hand_over (self, &call, error);
}

/* @abandoned: nobody waits for it: it is the thread's from now on. */
static Call *
hand_in (PmssDatabase * self, PmssDatabaseFunc func, gpointer user_data,
    GDestroyNotify release, gboolean abandoned)
{
  Call *call = g_new0 (Call, 1);

  call->kind = CALL_WRITE;
  call->func = func;
  call->user_data = user_data;
  call->release = release;
  call->abandoned = abandoned;
  sem_init (&call->finished, FALSE, 0);
  g_mutex_lock (&self->lock);
  hand_in_locked (self, call);
  g_mutex_unlock (&self->lock);
  return call;
}

/* FALSE: not within @wait, us. */
static gboolean
wait_within (Call * call, gint64 wait)
{
  gint64 end = g_get_monotonic_time () + wait;
  const struct timespec until = {.tv_sec = end / G_USEC_PER_SEC,
    .tv_nsec = end % G_USEC_PER_SEC * 1000
  };
  int code;

  do
    code = sem_clockwait (&call->finished, CLOCK_MONOTONIC, &until);
  while (code != 0 && errno == EINTR);
  return code == 0;
}

/* What was done at that very moment has not been given up: FALSE. */
static gboolean
give_up (PmssDatabase * self, Call * call)
{
  gboolean abandoned;

  g_mutex_lock (&self->lock);
  abandoned = call->abandoned = !call->done;
  g_mutex_unlock (&self->lock);
  return abandoned;
}

gboolean
pmss_database_transact_within (PmssDatabase * self, gint64 wait,
    PmssDatabaseFunc func, gpointer user_data, GDestroyNotify release,
    GError ** error)
{
  Call *call;
  gboolean in_time, result;

  g_return_val_if_fail (!pmss_database_is_within (self), FALSE);
  call = hand_in (self, func, user_data, release, wait == 0);
  in_time = wait > 0 && wait_within (call, wait);
  if (wait == 0 || give_up (self, call)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "The database is busy");
    return FALSE;
  }
  if (!in_time)
    wait_for_finish (call);
  result = call->result;
  if (!result) {
    release (user_data);
    g_propagate_error (error, g_steal_pointer (&call->error));
  }
  free_call (call);
  return result;
}

/* With the object */

void
pmss_calls_init (PmssDatabase * self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->queued);
  g_queue_init (&self->reads);
  g_queue_init (&self->writes);
  self->group = g_ptr_array_sized_new (PMSS_MAX_GROUP);
}

void
pmss_calls_clear (PmssDatabase * self)
{
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->queued);
  g_ptr_array_unref (self->group);
}

gboolean
pmss_calls_start (PmssDatabase * self, GError ** error)
{
  self->thread = self->kind->vital ?
      pmss_daemon_thread_new (self->kind->thread, database_thread, self) :
      g_thread_try_new (self->kind->thread, database_thread, self, error);
  return self->thread != NULL;
}

/* All that was handed in before is done first. */
void
pmss_calls_stop (PmssDatabase * self)
{
  Call quit = { CALL_QUIT };

  hand_over (self, &quit, NULL);
  g_thread_join (self->thread);
}
