/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-wait.h"

#include "libpmss/pmss-error.h"

struct _PmssWait
{
  PmssAwaited awaited;          /* first: PmssEngine.waits knows it by this */
  PmssEngine *engine;
  guint64 offset;
  gsize max;
  gsize skip;                   /* bytes of the unit before offset */
  GCancellable *cancellable;
  gulong cancel_id;             /* 0: not connected */
  GTask *task;                  /* NULL: somebody sleeps on the condition */

  GBytes *bytes;
  GError *error;
};

static PmssWait *
wait_new (PmssEngine * engine, GCancellable * cancellable)
{
  PmssWait *wait = g_new0 (PmssWait, 1);

  wait->engine = engine;
  if (cancellable != NULL)
    wait->cancellable = g_object_ref (cancellable);
  if (engine->settings.timeout > 0)
    wait->awaited.deadline =
        pmss_loop_now (engine->loop) + engine->settings.timeout;
  return wait;
}

static void
wait_free (PmssWait * wait)
{
  /* Waits for no running handler, as g_cancellable_disconnect() would: it
   * touches nothing of the wait. */
  if (wait->cancel_id != 0)
    g_signal_handler_disconnect (wait->cancellable, wait->cancel_id);
  g_clear_object (&wait->cancellable);
  g_clear_pointer (&wait->bytes, g_bytes_unref);
  g_clear_error (&wait->error);
  g_free (wait);
}

/* Ends the wait with @error, if any. */
static void
wait_end (PmssWait * wait, GError * error)
{
  wait->awaited.over = TRUE;
  wait->error = error;
}

static gboolean
wait_check_engine (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;

  if (engine->state == PMSS_ENGINE_FAILED
      || engine->state == PMSS_ENGINE_CLOSED) {
    wait_end (wait, g_error_copy (engine->failure));
    return TRUE;
  }
  return FALSE;
}

static void
wait_take_bytes (PmssWait * wait, PmssRow * row)
{
  PmssExtentGeometry geometry;
  gsize length;

  pmss_rows_geometry (&wait->engine->rows, row, &geometry);
  length =
      pmss_extent_geometry_unit_length (&geometry, row->row,
      wait->awaited.index)
      - wait->skip;
  wait->bytes =
      pmss_block_slice (row->slots[wait->awaited.index].block, wait->skip,
      MIN (wait->max, length));
  wait_end (wait, NULL);
}

/* Whether what it waits for is there, or will never be. */
static void
wait_look (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;
  PmssRow *row;

  if (wait_check_engine (wait))
    return;
  if (wait->awaited.for_open) {
    if (engine->state == PMSS_ENGINE_OPEN)
      wait_end (wait, NULL);
    return;
  }
  row = pmss_rows_get (&engine->rows, wait->awaited.row);
  if (row == NULL)
    return;
  if (row->slots[wait->awaited.index].state == PMSS_UNIT_READY) {
    row->used = ++engine->rows.clock;
    wait_take_bytes (wait, row);
  } else if (row->error != NULL) {
    wait_end (wait, g_error_copy (row->error));
  }
}

static void
wait_describe_silence (PmssEngine * engine, GString * text)
{
  guint i;

  for (i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);

    if (link->state != PMSS_LINK_UP)
      pmss_link_describe_trouble (link, text);
  }
}

static GError *
wait_new_timeout (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;
  g_autoptr (GString) text = g_string_new (NULL);
  PmssRow *row = NULL;
  GError *error;

  if (!wait->awaited.for_open)
    row = pmss_rows_get (&engine->rows, wait->awaited.row);
  if (row != NULL && pmss_engine_is_row_doubtful (engine, row))
    return pmss_engine_new_row_error (engine, row);
  wait_describe_silence (engine, text);
  if (wait->awaited.for_open)
    error = g_error_new (PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
        "%s: %s has not answered within %.1f s", engine->medium,
        pmss_client_get_url (engine->client),
        engine->settings.timeout / (double) G_TIME_SPAN_SECOND);
  else
    error = g_error_new (PMSS_ERROR, PMSS_ERROR_TIMED_OUT,
        "%s: byte %" G_GUINT64_FORMAT " has not come within %.1f s%s",
        engine->medium, wait->offset,
        engine->settings.timeout / (double) G_TIME_SPAN_SECOND, text->str);
  pmss_error_get_details (error)->medium = g_strdup (engine->medium);
  return error;
}

/* Also ends it when it was cancelled or has lasted too long. */
static void
wait_look_or_give_up (PmssWait * wait, gint64 now)
{
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (wait->cancellable, &error)) {
    wait_end (wait, error);
    return;
  }
  wait_look (wait);
  if (!wait->awaited.over && wait->awaited.deadline > 0
      && now >= wait->awaited.deadline)
    wait_end (wait, wait_new_timeout (wait));
}

static void
wait_answer_task (PmssWait * wait)
{
  GTask *task = g_steal_pointer (&wait->task);

  if (wait->error != NULL)
    g_task_return_error (task, g_steal_pointer (&wait->error));
  else if (wait->awaited.for_open)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_pointer (task, g_steal_pointer (&wait->bytes),
        (GDestroyNotify) g_bytes_unref);
  g_object_unref (task);
}

GList *
pmss_wait_check (PmssEngine * engine, gint64 now)
{
  gboolean wake = FALSE, is_new = FALSE;
  GList *item = engine->waits.queue.head;
  GList *ended = NULL;

  while (item != NULL) {
    GList *next = item->next;
    PmssWait *wait = item->data;

    if (!wait->awaited.over) {
      wait_look_or_give_up (wait, now);
      is_new = is_new || wait->awaited.over;
    }
    if (wait->awaited.over && wait->task == NULL) {
      /* Whoever sleeps takes it off the queue. */
      wake = TRUE;
    } else if (wait->awaited.over) {
      g_queue_unlink (&engine->waits.queue, item);
      ended = g_list_concat (item, ended);
    }
    item = next;
  }
  if (wake)
    g_cond_broadcast (&engine->changed);
  /* It rests when the last one is over. */
  if (engine->paused && is_new)
    pmss_engine_kick (engine);
  return g_list_reverse (ended);
}

static void
wait_answer_and_free (gpointer wait)
{
  wait_answer_task (wait);
  wait_free (wait);
}

void
pmss_wait_answer (GList * ended)
{
  g_list_free_full (ended, wait_answer_and_free);
}

static void
unref_kick (gpointer kick)
{
  pmss_alarm_unref (kick);
}

/* Takes no lock (whoever disconnects the handler may hold ours): the I/O
 * thread looks at all waits. */
static void
wait_cancelled (GCancellable * cancellable, gpointer kick)
{
  pmss_alarm_set (kick, PMSS_ALARM_NOW);
}

/* Whoever reads again after an error wants it tried again, now: damaged records
 * and bad shards, too. */
static void
wait_forget_error (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;
  PmssRow *row = NULL;

  if (engine->rows.table != NULL)
    row = pmss_rows_get (&engine->rows, wait->awaited.row);
  if (row == NULL || row->error == NULL)
    return;
  g_clear_error (&row->error);
  row->stuck_since = 0;
  pmss_rows_forgive (&engine->rows, row);
  pmss_bad_shards_hurry (engine->links.bad_shards, row->extent);
}

/* Lock held. */
static void
wait_postpone (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;

  if (wait->awaited.for_open && wait->awaited.deadline > 0)
    wait->awaited.deadline = MAX (wait->awaited.deadline,
        engine->opening_due + engine->settings.timeout);
}

/* Lock held. The first look; if it has to wait, the I/O thread is told. */
static void
wait_begin (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;
  gboolean hit;

  if (wait->awaited.for_open)
    wait_postpone (wait);
  else
    wait_forget_error (wait);
  wait_look_or_give_up (wait, pmss_loop_now (engine->loop));
  hit = wait->awaited.over && wait->error == NULL;
  if (!wait->awaited.for_open && engine->state == PMSS_ENGINE_OPEN
      && pmss_engine_note_read (engine, wait->awaited.row, wait->awaited.index,
          hit))
    pmss_engine_kick (engine);
  if (!wait->awaited.over)
    g_queue_push_tail (&engine->waits.queue, wait);
}

static void
wait_connect (PmssWait * wait)
{
  if (wait->cancellable != NULL)
    wait->cancel_id = g_cancellable_connect (wait->cancellable,
        G_CALLBACK (wait_cancelled), pmss_alarm_ref (wait->engine->kick),
        unref_kick);
}

static void
wait_sleep (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;

  g_mutex_unlock (&engine->lock);
  wait_connect (wait);
  g_mutex_lock (&engine->lock);
  while (!wait->awaited.over) {
    if (wait->awaited.deadline > 0)
      g_cond_wait_until (&engine->changed, &engine->lock,
          wait->awaited.deadline);
    else
      g_cond_wait (&engine->changed, &engine->lock);
    if (!wait->awaited.over)
      wait_look_or_give_up (wait, pmss_loop_now (engine->loop));
  }
  g_queue_remove (&engine->waits.queue, wait);
  if (engine->paused)
    pmss_engine_kick (engine);
}

static void
wait_run (PmssWait * wait)
{
  PmssEngine *engine = wait->engine;

  g_mutex_lock (&engine->lock);
  wait_begin (wait);
  if (!wait->awaited.over)
    wait_sleep (wait);
  g_mutex_unlock (&engine->lock);
}

/* Takes @wait. */
static void
wait_run_task (PmssWait * wait, GTask * task)
{
  PmssEngine *engine = wait->engine;
  gboolean over;

  wait->task = task;
  /* The task's own check would answer CANCELLED though bytes were taken. */
  g_task_set_check_cancellable (task, FALSE);
  wait_connect (wait);
  g_mutex_lock (&engine->lock);
  wait_begin (wait);
  over = wait->awaited.over;
  g_mutex_unlock (&engine->lock);
  if (over)
    wait_answer_and_free (wait);
}

static PmssWait *
wait_new_read (PmssEngine * engine, guint64 offset, gsize max,
    GCancellable * cancellable)
{
  PmssWait *wait = wait_new (engine, cancellable);

  wait->offset = offset;
  wait->max = max;
  wait->awaited.row =
      pmss_rows_at (&engine->rows, offset, &wait->awaited.index, &wait->skip);
  return wait;
}

GBytes *
pmss_wait_read (PmssEngine * engine, guint64 offset, gsize max,
    GCancellable * cancellable, GError ** error)
{
  PmssWait *wait = wait_new_read (engine, offset, max, cancellable);
  GBytes *bytes;

  wait_run (wait);
  bytes = g_steal_pointer (&wait->bytes);
  if (wait->error != NULL)
    g_propagate_error (error, g_steal_pointer (&wait->error));
  wait_free (wait);
  return bytes;
}

GBytes *
pmss_wait_try_read (PmssEngine * engine, guint64 offset, gsize max)
{
  PmssWait *wait = wait_new_read (engine, offset, max, NULL);
  GBytes *bytes;

  g_mutex_lock (&engine->lock);
  wait_look (wait);
  if (wait->bytes != NULL && engine->state == PMSS_ENGINE_OPEN
      && pmss_engine_note_read (engine, wait->awaited.row, wait->awaited.index,
          TRUE))
    pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
  bytes = g_steal_pointer (&wait->bytes);
  wait_free (wait);
  return bytes;
}

void
pmss_wait_read_task (PmssEngine * engine, guint64 offset, gsize max,
    GTask * task)
{
  wait_run_task (wait_new_read (engine, offset, max,
          g_task_get_cancellable (task)), task);
}

void
pmss_wait_postpone (PmssEngine * engine, gint64 due)
{
  engine->opening_due = due;
  for (GList * item = engine->waits.queue.head; item; item = item->next)
    wait_postpone (item->data);
}

gboolean
pmss_wait_open (PmssEngine * engine, GCancellable * cancellable,
    GError ** error)
{
  PmssWait *wait = wait_new (engine, cancellable);
  gboolean opened;

  wait->awaited.for_open = TRUE;
  wait_run (wait);
  opened = wait->error == NULL;
  if (!opened)
    g_propagate_error (error, g_steal_pointer (&wait->error));
  wait_free (wait);
  return opened;
}

void
pmss_wait_open_task (PmssEngine * engine, GTask * task)
{
  PmssWait *wait = wait_new (engine, g_task_get_cancellable (task));

  wait->awaited.for_open = TRUE;
  wait_run_task (wait, task);
}
