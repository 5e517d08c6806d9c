/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job "repair": plans on the job's thread, three workers do the plan. */
#include "control/repair/repair-private.h"

#include "control/config.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"

/* The job: plans, works the plan off, and plans again until nothing is found but what cannot be done now. */

/* Extents at work at once: while the shards of one come, another one's new shard goes to its node, and a third one's is read back. */
#define WORKERS 3
#define MEMORY (256u * 1024 * 1024)     /* of their extents' shards; a larger extent is at work alone */
#define LOOK_EVERY (5 * G_USEC_PER_SEC) /* for bad shards that have been told of since the plan was made */
#define MAX_LEFT 100000         /* extents that cannot be done, until it gives up */

typedef struct
{
  PmssRepairRun base;
  GHashTable *left;             /* set of PmssExtentPlace: not done, as things are now */
  char *reason;                 /* (nullable) of the first of them */
  gint64 planned;               /* seconds since 1970 */
  gint64 looked_at;             /* monotonic, us */
  PmssRepairWorker workers[WORKERS];
  GMutex plan_lock;             /* one worker at a time looks for the next extent */
  PmssRepairPlan *plan;         /* is worked off */
  PmssNodeView *planned_view;   /* nullable: the nodes, as the plan was made for */
  gboolean doubted;             /* a plan of suspicions alone was worked off */
  PmssRepairPace pace;          /* of what nodes that come and go make it do again; under the base's lock */
  gboolean again;               /* another plan is needed */
  GError *error;                /* ends the run, the first one; under the base's lock, as are `left` and `reason` */
} Run;

gboolean
pmss_repair_run_moved (PmssRepairRun * self, guint64 bytes, GError ** error)
{
  return pmss_job_run_throttle (self->run, bytes, error);
}

gboolean
pmss_repair_run_stored (PmssRepairRun * self, guint64 bytes, GError ** error)
{
  pmss_repair_run_changed (self);
  pmss_repair_note_stored (self->context->repair, bytes);
  return pmss_job_run_advance (self->run, bytes, error);
}

void
pmss_repair_run_changed (PmssRepairRun * self)
{
  g_mutex_lock (&self->lock);
  self->changes++;
  g_mutex_unlock (&self->lock);
}

void
pmss_repair_run_vain (PmssRepairRun * self)
{
  g_mutex_lock (&self->lock);
  self->vain++;
  g_mutex_unlock (&self->lock);
}

/* What is not done is tried again when something has changed. Lock held. */
static void
forget_left (Run * run)
{
  g_hash_table_remove_all (run->left);
  g_clear_pointer (&run->reason, g_free);
}

/* The nodes as they are now. @changed: whether they are not as they were. */
static gboolean
look_at_nodes (Run * run, gboolean * changed, GError ** error)
{
  PmssRepairRun *base = &run->base;
  PmssNodeView *view = pmss_node_view_new (base->context, error);

  if (view == NULL)
    return FALSE;
  g_mutex_lock (&base->lock);
  *changed = base->view && base->view->mark != view->mark;
  g_clear_pointer (&base->view, pmss_node_view_unref);
  base->view = view;
  if (*changed && g_hash_table_size (run->left) > 0
      && pmss_repair_pace_take (&run->pace, g_get_monotonic_time ()))
    forget_left (run);
  g_mutex_unlock (&base->lock);
  return TRUE;
}

/* Whether something was told since the plan was made: it may be more urgent. What readers suspect waits until the plan is worked off: no viewer is to keep repair planning. */
static gboolean
look_for_news (Run * run, gboolean * found, GError ** error)
{
  gint64 now = g_get_monotonic_time ();

  *found = FALSE;
  if (now - run->looked_at < LOOK_EVERY)
    return TRUE;
  run->looked_at = now;
  return pmss_catalog_has_new_bad_shards (run->base.context->catalog,
      run->planned, found, error);
}

/* What failed because of a node that has come or gone since is not left: another plan has it. Not for ever, if that node flaps. FALSE: there are too many. */
static gboolean
keep_left (Run * run, PmssRepairWorker * worker, const PmssExtentPlace * place,
    const char *reason)
{
  gboolean room;

  g_mutex_lock (&run->base.lock);
  run->base.changes++;
  if (worker->view->mark == run->base.view->mark
      || !pmss_repair_pace_take (&run->pace, g_get_monotonic_time ())) {
    if (!run->reason)
      run->reason = g_strdup (reason);
    g_hash_table_add (run->left, g_memdup2 (place, sizeof *place));
  }
  room = g_hash_table_size (run->left) < MAX_LEFT;
  g_mutex_unlock (&run->base.lock);
  return room;
}

static gboolean
note_left (PmssRepairWorker * worker, const PmssExtentPlace * place,
    const char *reason, GError ** error)
{
  PmssRepairRun *base = worker->repair;

  pmss_repair_note_failed (base->context->repair);
  /* there may be very many, all for the same reason, which the job's end tells */
  g_info ("%s", reason);
  if (keep_left ((Run *) base, worker, place, reason))
    return !g_cancellable_set_error_if_cancelled (pmss_job_run_get_cancellable
        (base->run), error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "More than %u extents cannot be repaired. %s", MAX_LEFT, reason);
  return FALSE;
}

/* Takes @error. */
static void
end_with (Run * run, GError * error)
{
  g_mutex_lock (&run->base.lock);
  if (run->error)
    g_error_free (error);
  else
    run->error = error;
  g_mutex_unlock (&run->base.lock);
}

static gboolean
is_over (Run * run)
{
  gboolean over;

  g_mutex_lock (&run->base.lock);
  over = run->again || run->error;
  g_mutex_unlock (&run->base.lock);
  return over;
}

/* Whether the plan misses shards that are lost since it was made. Nodes that come or go away for a while change what is done with an extent, not which is next. */
static gboolean
is_outdated (Run * run)
{
  gboolean outdated;

  g_mutex_lock (&run->base.lock);
  outdated = pmss_node_view_has_new_gone (run->planned_view, run->base.view)
      && pmss_repair_pace_take (&run->pace, g_get_monotonic_time ());
  g_mutex_unlock (&run->base.lock);
  return outdated;
}

/* The plan's lock held. FALSE: it is worked off, or has to be made anew, or the run ends. */
static gboolean
find_next (Run * run, PmssExtentPlace * place)
{
  GError *error = NULL;
  gboolean changed, news;

  if (is_over (run) || !pmss_repair_plan_next (run->plan, place))
    return FALSE;
  if (!look_at_nodes (run, &changed, &error)
      || !look_for_news (run, &news, &error)) {
    end_with (run, error);
    return FALSE;
  }
  run->again = news || is_outdated (run);
  return !run->again;
}

static gboolean
take_next (PmssRepairWorker * worker, PmssExtentPlace * place)
{
  Run *run = (Run *) worker->repair;
  gboolean taken;

  g_clear_pointer (&worker->view, pmss_node_view_unref);
  g_mutex_lock (&run->plan_lock);
  taken = find_next (run, place);
  /* nobody changes it without the plan's lock */
  if (taken)
    worker->view = pmss_node_view_ref (run->base.view);
  g_mutex_unlock (&run->plan_lock);
  return taken;
}

static gpointer
work_off_some (gpointer user_data)
{
  PmssRepairWorker *worker = user_data;
  PmssExtentPlace place;

  while (take_next (worker, &place)) {
    g_autofree char *reason = NULL;
    GError *error = NULL;

    if (!pmss_repair_extent (worker, &place, &reason, &error)
        || (reason && !note_left (worker, &place, reason, &error)))
      end_with ((Run *) worker->repair, error);
  }
  return NULL;
}

/* @again: whether it ended because another plan is needed. */
static gboolean
work_off (Run * run, PmssRepairPlan * plan, gboolean * again, GError ** error)
{
  GThread *threads[WORKERS] = { NULL };

  run->plan = plan;
  run->again = FALSE;
  /* where there is no thread for one, the others do its part */
  for (guint i = 1; i < WORKERS; i++)
    threads[i] = g_thread_try_new ("repair-extent", work_off_some,
        &run->workers[i], NULL);
  work_off_some (&run->workers[0]);
  for (guint i = 1; i < WORKERS; i++)
    if (threads[i] != NULL)
      g_thread_join (threads[i]);
  *again = run->again;
  if (!run->error)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&run->error));
  return FALSE;
}

/* @any: whether there was something to do, and it came to something. */
static gboolean
plan_and_work (Run * run, gboolean all, gboolean * any, GError ** error)
{
  PmssRepairRun *base = &run->base;
  GCancellable *cancellable = pmss_job_run_get_cancellable (base->run);
  g_autoptr (PmssRepairPlan) plan = NULL;
  guint64 bytes, before = base->changes, vain = base->vain;
  gboolean changed, again;

  run->planned = g_get_real_time () / G_USEC_PER_SEC;
  run->looked_at = g_get_monotonic_time ();
  if (!look_at_nodes (run, &changed, error))
    return FALSE;
  g_clear_pointer (&run->planned_view, pmss_node_view_unref);
  run->planned_view = pmss_node_view_ref (base->view);
  plan = pmss_repair_plan_new (base->context, base->view, all, run->left,
      cancellable, error);
  if (plan == NULL)
    return FALSE;
  bytes = pmss_repair_plan_get_bytes (plan);
  /* one of those a run: whoever suspects more waits for the next */
  run->doubted = pmss_repair_plan_is_suspicion (plan);
  if (bytes > 0
      && !pmss_job_run_set_total (base->run,
          pmss_job_run_get_done (base->run) + bytes, error))
    return FALSE;
  if (!work_off (run, plan, &again, error))
    return FALSE;
  if (run->doubted && base->changes != before && base->vain == vain
      && g_hash_table_size (run->left) == 0)
    pmss_repair_note_true (base->context->repair);
  *any = again || (bytes > 0 && base->changes != before && !run->doubted);
  return TRUE;
}

/* Whoever sees the job as failed sees why. */
static gboolean
finish (Run * run, GError ** error)
{
  guint left = g_hash_table_size (run->left);

  if (left == 0)
    return pmss_job_run_set_total (run->base.run,
        pmss_job_run_get_done (run->base.run), error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "%u %s could not be repaired: this is tried again when a storage server "
      "comes or goes, or within ten minutes. %s", left,
      left == 1 ? "extent" : "extents", run->reason);
  return FALSE;
}

static gboolean
work (Run * run, GError ** error)
{
  gboolean all = pmss_repair_take_all (run->base.context->repair);
  gboolean any = TRUE;

  if (!pmss_job_run_set_phase (run->base.run, "rebuild", error)
      || !pmss_job_run_set_rate_limit (run->base.run,
          run->base.context->config->repair_limit, error))
    return FALSE;
  while (any)
    if (!plan_and_work (run, all, &any, error))
      return FALSE;
  return finish (run, error);
}

static void
init (Run * run, PmssJobRun * job)
{
  PmssRepairRun *base = &run->base;

  base->run = job;
  base->context = pmss_job_run_get_context (job);
  base->originals = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
      g_free);
  g_mutex_init (&base->originals_lock);
  g_mutex_init (&base->lock);
  base->memory = pmss_memory_budget_new (MEMORY);
  g_mutex_init (&run->plan_lock);
  run->left = g_hash_table_new_full (pmss_repair_place_hash,
      pmss_repair_place_equal, g_free, NULL);
  for (guint i = 0; i < WORKERS; i++) {
    run->workers[i].repair = base;
    run->workers[i].calls = pmss_node_calls_new (base->context);
  }
}

static void
clear_worker (PmssRepairWorker * worker)
{
  g_clear_pointer (&worker->view, pmss_node_view_unref);
  g_clear_pointer (&worker->placer, pmss_placer_free);
  g_clear_pointer (&worker->erasure, pmss_erasure_unref);
  pmss_node_calls_free (worker->calls);
}

static void
clear (Run * run)
{
  for (guint i = 0; i < WORKERS; i++)
    clear_worker (&run->workers[i]);
  g_clear_pointer (&run->base.view, pmss_node_view_unref);
  g_clear_pointer (&run->planned_view, pmss_node_view_unref);
  g_hash_table_unref (run->base.originals);
  g_hash_table_unref (run->left);
  g_mutex_clear (&run->base.originals_lock);
  g_mutex_clear (&run->base.lock);
  pmss_memory_budget_free (run->base.memory);
  g_mutex_clear (&run->plan_lock);
  g_free (run->reason);
}

static gboolean
run_repair (PmssJobRun * job, GError ** error)
{
  Run run = { 0 };
  gboolean done;

  init (&run, job);
  done = work (&run, error);
  pmss_repair_note_end (run.base.context->repair, done ? NULL : run.base.view);
  clear (&run);
  return done;
}

const PmssJobType pmss_job_type_repair = {
  .type = "repair",
  .max_running = 1,
  .can_cancel = FALSE,
  .run = run_repair,
};
