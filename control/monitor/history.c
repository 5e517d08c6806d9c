/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps history.db. What writes it is on a thread of its own. */
#include "control/monitor/history.h"

#include <errno.h>
#include <string.h>

#include <glib/gstdio.h>

#include "control/events/events.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define NAME "history.db"
#define DAMAGED NAME ".damaged-"
/* Pieces of upkeep after one minute: what is left goes on after the next. */
#define MAX_PIECES 1000
/* Who reads at once; a disk that hangs takes no more of those that serve. */
#define MAX_READERS 4

typedef struct
{
  gint64 time;
  GArray *rows;
} Minute;

struct _PmssHistory
{
  char *folder, *path;
  PmssDiskReserve *reserve;     /* nullable */
  PmssEvents *events;           /* nullable */
  GThread *thread;

  GMutex lock;                  /* protects what follows, up to the next lock */
  GCond changed;
  GQueue minutes;               /* of Minute */
  guint64 put, tried;           /* how many came; the number that had when it was tried last */
  gboolean busy, quits;
  gint64 written;
  char *fault;                  /* nullable */
  gint64 fault_since;           /* monotonic, µs */
  gboolean doubted;             /* one who read found it to be damaged */
  guint readers;

  /* whose pointer the thread alone changes; those that read hold it meanwhile */
  GRWLock file_lock;
  PmssDatabase *database;       /* NULL: it cannot be used */
};

static void
minute_free (gpointer data)
{
  Minute *minute = data;

  g_array_unref (minute->rows);
  g_free (minute);
}

/* --- what is wrong with it --- */

static void
note (PmssHistory * self, PmssEventResult result, const char *detail)
{
  const PmssEvent event = {
    .action = "history failed",.result = result,.detail = detail
  };

  if (self->events != NULL)
    pmss_events_note (self->events, &event);
}

static void
set_fault (PmssHistory * self, const GError * error)
{
  gboolean is_new;

  g_mutex_lock (&self->lock);
  is_new = self->fault == NULL;
  if (is_new)
    self->fault_since = g_get_monotonic_time ();
  g_free (self->fault);
  self->fault = g_strdup_printf ("“%s” cannot be used: %s", self->path,
      error->message);
  g_mutex_unlock (&self->lock);
  if (!is_new)
    return;
  g_warning ("%s. Charts lack what happens meanwhile, and nothing else does; "
      "it is tried again each minute", self->fault);
  note (self, PMSS_EVENT_FAILED, self->fault);
}

static void
clear_fault (PmssHistory * self)
{
  g_autofree char *text = NULL;

  if (self->fault == NULL)
    return;
  text = g_strdup_printf ("over after %" G_GINT64_FORMAT " s",
      (g_get_monotonic_time () - self->fault_since) / G_USEC_PER_SEC);
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->fault, g_free);
  g_mutex_unlock (&self->lock);
  g_message ("History is kept again: the fault is %s", text);
  note (self, PMSS_EVENT_DONE, text);
}

char *
pmss_history_get_fault (PmssHistory * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return g_strdup (self->fault);
}

/* --- the file --- */

static void
delete_damaged (PmssHistory * self)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (self->folder, name, NULL);

    if (g_str_has_prefix (name, DAMAGED))
      g_unlink (path);
  }
}

/* One of them is kept: a disk that damages each file is not filled with them. */
static void
set_aside (PmssHistory * self)
{
  g_autofree char *time = pmss_json_format_time (g_get_real_time ()
      / G_USEC_PER_SEC);
  g_autofree char *aside = g_strconcat (self->path, ".damaged-", time, NULL);
  g_autofree char *log = g_strconcat (self->path, "-wal", NULL);
  g_autofree char *log_aside = g_strconcat (aside, "-wal", NULL);

  delete_damaged (self);
  if (g_rename (self->path, aside) != 0) {
    g_warning ("Cannot set “%s” aside: %s", self->path, g_strerror (errno));
    return;
  }
  if (g_rename (log, log_aside) != 0 && errno != ENOENT)
    g_unlink (log);
  g_warning ("“%s” is damaged: it is “%s” now, and a new one is begun",
      self->path, aside);
}

static void
close_file (PmssHistory * self)
{
  PmssDatabase *database;

  g_rw_lock_writer_lock (&self->file_lock);
  database = g_steal_pointer (&self->database);
  g_rw_lock_writer_unlock (&self->file_lock);
  g_clear_pointer (&database, pmss_database_close);
}

static void
fail (PmssHistory * self, const GError * error)
{
  set_fault (self, error);
  close_file (self);
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT))
    set_aside (self);
}

static gboolean
open_file (PmssHistory * self, GError ** error)
{
  PmssDatabase *database;

  if (self->database != NULL)
    return TRUE;
  database = pmss_database_open_kind (&pmss_history_kind, self->path, error);
  if (database == NULL)
    return FALSE;
  g_rw_lock_writer_lock (&self->file_lock);
  self->database = database;
  g_rw_lock_writer_unlock (&self->file_lock);
  return TRUE;
}

/* The last of the disk is the catalog's. */
static gboolean
check_room (PmssHistory * self, GError ** error)
{
  g_autofree char *full = self->reserve != NULL ?
      pmss_disk_reserve_explain (self->reserve) : NULL;

  if (full == NULL)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE, full);
  return FALSE;
}

static gboolean
check_doubt (PmssHistory * self, GError ** error)
{
  gboolean doubted;

  g_mutex_lock (&self->lock);
  doubted = self->doubted;
  self->doubted = FALSE;
  g_mutex_unlock (&self->lock);
  if (!doubted)
    return TRUE;
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
      "it was found to be damaged when it was read");
  return FALSE;
}

static gboolean
write_minute (PmssHistory * self, const Minute * minute, GError ** error)
{
  PmssHistoryPut put = { PMSS_LEVEL_MINUTE, minute->time, minute->rows };

  return check_room (self, error) && check_doubt (self, error)
      && open_file (self, error)
      && pmss_database_transact (self->database, pmss_history_file_put, &put,
      error);
}

static gboolean
keep_file (PmssHistory * self, gint64 now, GError ** error)
{
  PmssHistoryUpkeep upkeep = { now, TRUE };

  for (guint i = 0; upkeep.more && i < MAX_PIECES; i++)
    if (!pmss_database_transact (self->database, pmss_history_file_keep,
            &upkeep, error))
      return FALSE;
  return TRUE;
}

/* --- its thread --- */

/* NULL: it is over. One that could not be written is tried again when the next one comes. */
static Minute *
wait_for_minute (PmssHistory * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  while ((g_queue_is_empty (&self->minutes) || self->tried == self->put)
      && !self->quits)
    g_cond_wait (&self->changed, &self->lock);
  if (g_queue_is_empty (&self->minutes) || self->tried == self->put)
    return NULL;
  self->busy = TRUE;
  return g_queue_pop_head (&self->minutes);
}

static void
end_minute (PmssHistory * self, Minute * minute, gboolean written)
{
  const PmssLevelInfo *info = pmss_level_get_info (PMSS_LEVEL_MINUTE);

  g_mutex_lock (&self->lock);
  self->busy = FALSE;
  if (written) {
    self->written = minute->time + info->each;
    minute_free (minute);
  } else if (g_queue_get_length (&self->minutes) < PMSS_HISTORY_WAITING) {
    g_queue_push_head (&self->minutes, minute);
    self->tried = self->put;
  } else {
    minute_free (minute);
    self->tried = self->put;
  }
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
do_minute (PmssHistory * self, Minute * minute)
{
  const PmssLevelInfo *info = pmss_level_get_info (PMSS_LEVEL_MINUTE);
  g_autoptr (GError) error = NULL;
  gboolean written = write_minute (self, minute, &error);

  if (written && keep_file (self, minute->time + info->each, &error))
    clear_fault (self);
  else
    fail (self, error);
  end_minute (self, minute, written);
}

/* So that it can be read before the first minute is over. */
static void
open_at_start (PmssHistory * self)
{
  g_autoptr (GError) error = NULL;

  if (open_file (self, &error))
    return;
  fail (self, error);
  /* where the damaged one is out of the way */
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT))
    open_file (self, NULL);
}

static gpointer
history_thread (gpointer data)
{
  PmssHistory *self = data;
  Minute *minute;

  open_at_start (self);
  while ((minute = wait_for_minute (self)) != NULL)
    do_minute (self, minute);
  close_file (self);
  return NULL;
}

PmssHistory *
pmss_history_new (const char *folder, PmssDiskReserve * reserve,
    PmssEvents * events, GError ** error)
{
  PmssHistory *self = g_new0 (PmssHistory, 1);

  self->folder = g_strdup (folder);
  self->path = g_build_filename (folder, NAME, NULL);
  self->reserve = reserve;
  self->events = events;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->minutes);
  g_rw_lock_init (&self->file_lock);
  self->thread = g_thread_try_new ("history", history_thread, self, error);
  if (self->thread != NULL)
    return self;
  pmss_history_free (self);
  return NULL;
}

void
pmss_history_free (PmssHistory * self)
{
  g_mutex_lock (&self->lock);
  self->quits = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_queue_clear_full (&self->minutes, minute_free);
  g_rw_lock_clear (&self->file_lock);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  g_free (self->fault);
  g_free (self->path);
  g_free (self->folder);
  g_free (self);
}

void
pmss_history_put (PmssHistory * self, gint64 time, GArray * rows)
{
  Minute *minute = g_new (Minute, 1);

  minute->time = time;
  minute->rows = rows;
  g_mutex_lock (&self->lock);
  if (g_queue_get_length (&self->minutes) == PMSS_HISTORY_WAITING)
    minute_free (g_queue_pop_head (&self->minutes));
  g_queue_push_tail (&self->minutes, minute);
  self->put++;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
pmss_history_settle (PmssHistory * self)
{
  g_mutex_lock (&self->lock);
  while (self->busy || (!g_queue_is_empty (&self->minutes)
          && self->tried != self->put))
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

gint64
pmss_history_get_written (PmssHistory * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return self->written;
}

/* --- those that read --- */

static gboolean
begin_read (PmssHistory * self, GError ** error)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  if (self->readers == MAX_READERS) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "Others read the history now: try again");
    return FALSE;
  }
  self->readers++;
  return TRUE;
}

static void
end_read (PmssHistory * self, const GError * error)
{
  g_mutex_lock (&self->lock);
  self->readers--;
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT))
    self->doubted = TRUE;
  g_mutex_unlock (&self->lock);
}

gboolean
pmss_history_read (PmssHistory * self, PmssLevel level, PmssChart * chart,
    GError ** error)
{
  PmssHistoryRead read = { level, chart };
  g_autoptr (GError) local = NULL;
  gboolean ok;

  if (!begin_read (self, error))
    return FALSE;
  g_rw_lock_reader_lock (&self->file_lock);
  ok = self->database != NULL && pmss_database_read (self->database,
      pmss_history_file_read, &read, &local);
  g_rw_lock_reader_unlock (&self->file_lock);
  end_read (self, local);
  if (!ok)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_BUSY,
        "The history cannot be read now: %s", local != NULL ? local->message :
        "its file cannot be used");
  return ok;
}
