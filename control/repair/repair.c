/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks for work for repair, on a thread of its own, and adds the job. */
#include "control/repair/repair-private.h"

#include "control/config.h"
#include "control/database/database.h"
#include "daemon/pmss-daemon.h"

#define LOOK_EVERY (2 * G_USEC_PER_SEC)
#define ALL_EVERY (3600 * (gint64) G_USEC_PER_SEC)
/* What could not be done is tried again though nothing seems to have changed, after twice the time with each failure: a node that was restarted at once was never missed. */
#define FIRST_PAUSE (10 * (gint64) G_USEC_PER_SEC)
#define LONGEST_PAUSE (600 * (gint64) G_USEC_PER_SEC)
/* What viewers suspect is not to keep repair at what it cannot do. */
#define SUSPICIONS_EVERY (60 * G_USEC_PER_SEC)

/* As things are: different numbers when something has changed that repair depends on. */
typedef struct
{
  guint nodes, told, suspected; /* suspected: by readers; told: by all others but repair */
} Mark;

struct _PmssRepair
{
  PmssControlContext *context;
  GThread *thread;
  GCancellable *cancellable;
  gint64 all_at;                /* the thread's: monotonic, us: when all extents are looked at */
  gboolean looked;              /* the thread's: not again as things are */
  Mark looked_mark;             /* the thread's: as things were when it last looked at extents */
  gint64 looked_at;             /* the thread's: monotonic, us: when that was */
  PmssRepairPace try_pace, look_pace, doubt_pace;       /* the thread's: of trying again and looking again because nodes changed, of suspicions */
  gboolean said;                /* the thread's: that it does not begin */

  GMutex lock;                  /* protects all below */
  GCond cond;                   /* `woken` or `stopping` has changed */
  gboolean woken, stopping;
  gboolean all;                 /* the next run looks at all extents */
  gint64 failed_at;             /* monotonic, us: when a run left something undone, 0: none did */
  Mark failed_mark;             /* and as things were then */
  gint64 pause;                 /* us: until it is tried again as things are */
  gboolean was_true;            /* all suspicions of the last run: it is given back to doubt_pace */
  PmssRepairStats stats;
};

/* What runs tell */

void
pmss_repair_note_stored (PmssRepair * self, guint64 bytes)
{
  g_mutex_lock (&self->lock);
  self->stats.shards++;
  self->stats.bytes += bytes;
  g_mutex_unlock (&self->lock);
}

void
pmss_repair_note_failed (PmssRepair * self)
{
  g_mutex_lock (&self->lock);
  self->stats.failures++;
  g_mutex_unlock (&self->lock);
}

void
pmss_repair_note_true (PmssRepair * self)
{
  g_mutex_lock (&self->lock);
  self->was_true = TRUE;
  g_mutex_unlock (&self->lock);
}

gboolean
pmss_repair_take_all (PmssRepair * self)
{
  gboolean all;

  g_mutex_lock (&self->lock);
  all = self->all;
  self->all = FALSE;
  g_mutex_unlock (&self->lock);
  return all;
}

void
pmss_repair_get_stats (PmssRepair * self, PmssRepairStats * stats)
{
  g_mutex_lock (&self->lock);
  *stats = self->stats;
  g_mutex_unlock (&self->lock);
}

static gboolean
find_mark (PmssRepair * self, const PmssNodeView * view, Mark * mark,
    GError ** error)
{
  PmssBadTold told;

  if (!pmss_catalog_get_bad_told (self->context->catalog, &told, error))
    return FALSE;
  *mark = (Mark) {
  .nodes = view->mark,.told = told.by_us,.suspected = told.by_readers};
  return TRUE;
}

static gboolean
is_same_but_for_readers (const Mark * a, const Mark * b)
{
  return a->nodes == b->nodes && a->told == b->told;
}

void
pmss_repair_note_end (PmssRepair * self, const PmssNodeView * view)
{
  g_autoptr (GError) error = NULL;
  Mark mark = { 0 };

  if (view != NULL && !find_mark (self, view, &mark, &error))
    g_warning ("Cannot look for bad shards: %s", error->message);
  g_mutex_lock (&self->lock);
  self->failed_at = view != NULL ? g_get_monotonic_time () : 0;
  self->pause =
      view != NULL ? CLAMP (2 * self->pause, FIRST_PAUSE, LONGEST_PAUSE) : 0;
  self->failed_mark = mark;
  g_mutex_unlock (&self->lock);
}

/* The keeper */

/* Whether what could not be done may be tried again. */
static gboolean
may_try (PmssRepair * self, const Mark * mark, gint64 now)
{
  gint64 since;
  gboolean may;

  g_mutex_lock (&self->lock);
  since = now - self->failed_at;
  may = self->failed_at == 0 || since >= self->pause
      || (mark->suspected != self->failed_mark.suspected
      && since >= SUSPICIONS_EVERY)
      || (!is_same_but_for_readers (mark, &self->failed_mark)
      && pmss_repair_pace_take (&self->try_pace, now));
  g_mutex_unlock (&self->lock);
  return may;
}

/* Whether that, and what was looked for in vain may be looked for again. */
static gboolean
may_look (PmssRepair * self, const Mark * mark)
{
  gint64 now = g_get_monotonic_time ();

  return may_try (self, mark, now) && (!self->looked
      || mark->suspected != self->looked_mark.suspected
      || now - self->looked_at >= LONGEST_PAUSE
      || (!is_same_but_for_readers (mark, &self->looked_mark)
          && pmss_repair_pace_take (&self->look_pace, now)));
}

/* Suspicions are held back because they may be lies: those that were true cost
 * nothing. */
static gboolean
may_doubt (PmssRepair * self, gint64 now)
{
  gboolean was_true;

  g_mutex_lock (&self->lock);
  was_true = self->was_true;
  self->was_true = FALSE;
  g_mutex_unlock (&self->lock);
  if (was_true)
    pmss_repair_pace_give (&self->doubt_pace);
  return pmss_repair_pace_take (&self->doubt_pace, now);
}

/* Whether there is something to do. All extents are looked at where a node is gone, after a failure, and now and then: nobody tells of a place without a node. */
static gboolean
look_at_extents (PmssRepair * self, const PmssNodeView * view,
    const Mark * mark, gboolean failed, gboolean * found, GError ** error)
{
  gint64 now = g_get_monotonic_time ();
  gboolean all = failed || now >= self->all_at;
  g_autoptr (PmssRepairPlan) plan = NULL;
  gboolean doubtful;

  *found = FALSE;
  if (!all && view->gone_shards == 0 && view->bad_shards == 0)
    return TRUE;
  plan = pmss_repair_plan_new (self->context, view, all, NULL,
      self->cancellable, error);
  if (plan == NULL)
    return FALSE;
  if (all)
    self->all_at = now + ALL_EVERY;
  doubtful = pmss_repair_plan_is_suspicion (plan);
  *found = doubtful ? may_doubt (self, now)
      : pmss_repair_plan_get_bytes (plan) > 0;
  /* what is found is seen to, and then there may be more */
  self->looked = !*found && !doubtful;
  self->looked_mark = *mark;
  self->looked_at = now;
  g_mutex_lock (&self->lock);
  self->all |= all && *found;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* More likely than that most servers died is that control is cut off from them. */
static gboolean
is_held_back (PmssRepair * self, const PmssNodeView * view)
{
  gboolean held = view->many_down && !view->asked;

  if (held && !self->said)
    g_warning ("Fewer than half of the storage servers are up: nothing is "
        "repaired until more are, or 'pmss node repair' asks for it");
  self->said = held;
  return held;
}

static gboolean
find_newest (PmssDatabase * database, gpointer user_data, GError ** error)
{
  PmssJob *newest = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id, state FROM job WHERE type = ?1 ORDER BY id DESC LIMIT 1",
      PMSS_TEXT (pmss_job_type_repair.type));

  if (pmss_rows_next (rows, &local)) {
    newest->id = pmss_rows_int (rows, 0);
    pmss_job_state_parse (pmss_rows_text (rows, 1), &newest->state);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gint64
add_job (PmssControlContext * context, gpointer user_data, GError ** error)
{
  return pmss_jobs_add (context->jobs, pmss_job_type_repair.type, 0, "", 0,
      context->config->repair_limit, "", error);
}

static gboolean
is_open (PmssJobState state)
{
  return state == PMSS_JOB_QUEUED || state == PMSS_JOB_RUNNING
      || state == PMSS_JOB_PAUSED;
}

/* One that is open goes on, or rests because somebody wants it to. One that has failed goes on even with nothing left to do: so it ends well. */
static gboolean
begin (PmssRepair * self, const PmssJob * newest, GError ** error)
{
  PmssJobs *jobs = self->context->jobs;
  g_autoptr (PmssJob) job = NULL;

  if (newest->id == 0 || newest->state == PMSS_JOB_DONE)
    return pmss_jobs_begin (jobs, add_job, NULL, error) != 0;
  job = pmss_jobs_resume (jobs, newest->id, error);
  return job != NULL;
}

static gboolean
look (PmssRepair * self, GError ** error)
{
  g_autoptr (PmssNodeView) view = pmss_node_view_new (self->context, error);
  PmssJob newest = { 0 };
  gboolean found, failed;
  Mark mark;

  if (view == NULL)
    return FALSE;
  if ((!self->context->config->repair && !view->asked)
      || is_held_back (self, view))
    return TRUE;
  if (!pmss_database_transact (self->context->database, find_newest, &newest,
          error) || !find_mark (self, view, &mark, error))
    return FALSE;
  if (newest.id != 0 && is_open (newest.state)) {
    /* when it has ended there may be more */
    self->looked = FALSE;
    return TRUE;
  }
  if (!may_look (self, &mark))
    return TRUE;
  failed = newest.id != 0 && newest.state == PMSS_JOB_FAILED;
  return look_at_extents (self, view, &mark, failed, &found, error)
      && (!(found || failed) || begin (self, &newest, error));
}

/* FALSE: it is time to stop. */
static gboolean
wait_for_next (PmssRepair * self)
{
  gint64 until = g_get_monotonic_time () + LOOK_EVERY;
  gboolean going;

  g_mutex_lock (&self->lock);
  while (!self->stopping && !self->woken
      && g_cond_wait_until (&self->cond, &self->lock, until));
  if (self->woken)
    self->looked = FALSE;
  self->woken = FALSE;
  going = !self->stopping;
  g_mutex_unlock (&self->lock);
  return going;
}

static gpointer
run (gpointer user_data)
{
  PmssRepair *self = user_data;

  while (wait_for_next (self)) {
    g_autoptr (GError) error = NULL;

    if (!look (self, &error)
        && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      g_warning ("Cannot see to repair: %s", error->message);
  }
  return NULL;
}

PmssRepair *
pmss_repair_start (PmssControlContext * context)
{
  PmssRepair *self = g_new0 (PmssRepair, 1);

  self->context = context;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->thread = pmss_daemon_thread_new ("repair", run, self);
  return self;
}

void
pmss_repair_stop (PmssRepair * self)
{
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  g_cancellable_cancel (self->cancellable);
  g_thread_join (self->thread);
}

void
pmss_repair_free (PmssRepair * self)
{
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_object_unref (self->cancellable);
  g_free (self);
}

void
pmss_repair_wake (PmssRepair * self)
{
  g_mutex_lock (&self->lock);
  self->woken = TRUE;
  /* who asks does not want to wait */
  self->failed_at = 0;
  self->pause = 0;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}
