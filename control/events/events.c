/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events are noted on any thread, and written on one of their own:
 *
 *   any thread                        thread "events"            database thread
 *   take ─▶ add ─▶ journal
 *              └──▶ queue ──────────▶ all that wait ───────────▶ rows, with the next commit
 *   settle ◀───────────────────────── written ◀─────────────────┘
 *                                     └──▶ streams
 */
#include "control/events/events.h"

#include "control/database/database.h"
#include "control/events/event-bounds.h"
#include "control/events/event-log.h"
#include "daemon/pmss-daemon.h"

/* Rows of one transaction. */
#define BATCH 256
#define TICK G_USEC_PER_SEC

struct _PmssEvents
{
  PmssDatabase *database;
  guint max;
  PmssStreams *streams;
  GThread *thread;
  gint64 tick;                  /* the thread's own: monotonic, when the next one is due */
  gboolean blind;               /* the thread's own: the last rows could not be written */

  GMutex lock;                  /* protects the rest; not held over the database */
  PmssEventBounds bounds;
  GQueue waiting;               /* of PmssEvent */
  guint64 added, written;       /* events since the start; written: or given up */
  guint64 dropped;              /* that had no place in `waiting`, since the last row */
  GCond changed;                /* there are more, or it is to stop */
  GCond settled;                /* `written` has grown */
  gboolean stopping;
};

/* --- on the thread "events" --- */

typedef struct
{
  PmssEvents *events;
  GPtrArray *batch;
} WriteCall;

static gboolean
write_rows (PmssDatabase * database, gpointer data, GError ** error)
{
  WriteCall *call = data;

  return pmss_event_log_add (database, call->batch, call->events->max, error);
}

/* Once more where the disk was full: its reserve was given up meanwhile. */
static void
write_batch (PmssEvents * self, GPtrArray * batch)
{
  WriteCall call = { self, batch };
  g_autoptr (GError) error = NULL;
  gboolean written;

  if (self->max == 0)
    return;
  written = pmss_database_transact (self->database, write_rows, &call, NULL)
      || pmss_database_transact (self->database, write_rows, &call, &error);
  if (!written && !self->blind)
    g_warning ("Events are in the journal alone, since they cannot be written "
        "to the log: %s", error->message);
  self->blind = !written;
}

/* Takes up to BATCH of those that wait. */
static GPtrArray *
take_batch_locked (PmssEvents * self)
{
  GPtrArray *batch =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_event_free);

  while (batch->len < BATCH && !g_queue_is_empty (&self->waiting))
    g_ptr_array_add (batch, g_queue_pop_head (&self->waiting));
  return batch;
}

/* They hear of what is durable. */
static void
tell_streams (PmssEvents * self, GPtrArray * batch)
{
  for (guint i = 0; i < batch->len; i++)
    pmss_streams_tell (self->streams, g_ptr_array_index (batch, i));
}

static void
tick (PmssEvents * self)
{
  gint64 now = g_get_monotonic_time ();

  if (now < self->tick)
    return;
  self->tick = now + TICK;
  pmss_streams_tick (self->streams, now);
}

/* Until something waits, or the next tick. FALSE: it is to end, and nothing waits. */
static gboolean
wait_locked (PmssEvents * self)
{
  gboolean due = FALSE;

  while (!due && g_queue_is_empty (&self->waiting) && !self->stopping)
    due = !g_cond_wait_until (&self->changed, &self->lock, self->tick);
  return !self->stopping || !g_queue_is_empty (&self->waiting);
}

static gpointer
events_thread (gpointer data)
{
  PmssEvents *self = data;

  g_mutex_lock (&self->lock);
  while (wait_locked (self)) {
    g_autoptr (GPtrArray) batch = take_batch_locked (self);

    g_mutex_unlock (&self->lock);
    if (batch->len > 0)
      write_batch (self, batch);
    tell_streams (self, batch);
    tick (self);
    g_mutex_lock (&self->lock);
    self->written += batch->len;
    g_cond_broadcast (&self->settled);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* --- any thread --- */

PmssEvents *
pmss_events_new (PmssAccounts * accounts, PmssDatabase * database, guint max)
{
  PmssEvents *self = g_new0 (PmssEvents, 1);

  self->database = database;
  self->max = max;
  self->streams = pmss_streams_new (accounts, database);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_cond_init (&self->settled);
  g_queue_init (&self->waiting);
  pmss_event_bounds_init (&self->bounds);
  self->thread = pmss_daemon_thread_new ("events", events_thread, self);
  return self;
}

void
pmss_events_free (PmssEvents * self)
{
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  pmss_streams_free (self->streams);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_cond_clear (&self->settled);
  g_free (self);
}

gboolean
pmss_events_take (PmssEvents * self, const PmssEvent * event, guint64 * missed)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return pmss_event_bounds_take (&self->bounds, event, g_get_monotonic_time (),
      missed);
}

static void
write_line (const PmssEvent * event, guint64 missed)
{
  g_autofree char *line = pmss_event_to_line (event);
  /* what fails without a client to blame is for the administrator to see */
  gboolean alarming = event->status == 0 && event->result == PMSS_EVENT_FAILED;

  if (missed > 0)
    g_message ("audit: %" G_GUINT64_FORMAT " %s before the next one are "
        "not listed, since there were too many at once", missed,
        event->result == PMSS_EVENT_DONE ? "frequent entries" : "refusals");
  /* values are taken as they are, all but the last */
  g_log_structured (G_LOG_DOMAIN,
      alarming ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE,
      "PMSS_AUDIT", event->action,
      "PMSS_RESULT", pmss_event_result_to_string (event->result),
      "PMSS_USER", event->user != NULL ? event->user : "",
      "PMSS_ADDRESS", event->address != NULL ? event->address : "",
      "PMSS_OBJECT", event->object != NULL ? event->object : "",
      "MESSAGE", "%s", line);
}

/* Takes @event. FALSE: there are too many already. */
static gboolean
queue_event (PmssEvents * self, PmssEvent * event)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  if (self->waiting.length >= PMSS_EVENTS_WAITING) {
    pmss_event_free (event);
    return FALSE;
  }
  g_queue_push_tail (&self->waiting, event);
  self->added++;
  g_cond_signal (&self->changed);
  return TRUE;
}

void
pmss_events_add (PmssEvents * self, const PmssEvent * event, guint64 missed)
{
  PmssEvent *copy = pmss_event_copy (event);

  copy->time = g_get_real_time () / G_USEC_PER_SEC;
  write_line (event, missed);
  if (!queue_event (self, copy))
    g_debug ("The log of events has no place for “%s”", event->action);
}

void
pmss_events_note (PmssEvents * self, const PmssEvent * event)
{
  guint64 missed;

  if (self != NULL && pmss_events_take (self, event, &missed))
    pmss_events_add (self, event, missed);
}

void
pmss_events_tell (PmssEvents * self, const PmssEvent * event)
{
  PmssEvent now = *event;

  if (self == NULL)
    return;
  now.time = g_get_real_time () / G_USEC_PER_SEC;
  pmss_streams_tell (self->streams, &now);
}

PmssStreams *
pmss_events_get_streams (PmssEvents * self)
{
  return self->streams;
}

void
pmss_events_settle (PmssEvents * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  guint64 last = self->added;

  while (self->written < last)
    g_cond_wait (&self->settled, &self->lock);
}
