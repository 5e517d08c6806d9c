/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/repair/repair-private.h"

#include "control/database/database.h"
#include "libpmss/pmss-error.h"

/* The job: plans, works the plan off, and plans again until nothing is found but what cannot be done now. */

#define LOOK_EVERY (5 * G_USEC_PER_SEC) /* for bad shards that have been told of since the plan was made */
#define MAX_LEFT 100000         /* extents that cannot be done, until it gives up */

typedef struct
{
  PmssRepairRun base;
  GHashTable *left;             /* set of PmssRepairPlace: not done, as things are now */
  char *reason;                 /* (nullable) of the first of them */
  gint64 planned;               /* seconds since 1970 */
  gint64 looked_at;             /* monotonic, us */
} Run;

gboolean
pmss_repair_run_moved (PmssRepairRun * self, guint64 bytes, GError ** error)
{
  return pmss_job_run_throttle (self->run, bytes, error);
}

gboolean
pmss_repair_run_stored (PmssRepairRun * self, guint64 bytes, GError ** error)
{
  self->done += bytes;
  self->changes++;
  pmss_repair_note_stored (self->context->repair, bytes);
  return pmss_job_run_progress (self->run, self->done, error);
}

/* What is not done is tried again when something has changed. */
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
  PmssNodeView *view = pmss_node_view_new (run->base.context, error);

  if (!view)
    return FALSE;
  *changed = run->base.view && run->base.view->mark != view->mark;
  g_clear_pointer (&run->base.view, pmss_node_view_free);
  run->base.view = view;
  return TRUE;
}

typedef struct
{
  gint64 since;
  gboolean found;
} News;

static gboolean
find_news (PmssDatabase * database, gpointer user_data, GError ** error)
{
  News *news = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT 1 FROM bad_shard WHERE found > ?1"
      " AND source NOT IN ('repair', 'reader') LIMIT 1",
      PMSS_INT (news->since));

  news->found = pmss_rows_next (rows, &local);
  if (!local)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Whether something was told since the plan was made: it may be more urgent. What readers suspect waits until the plan is worked off: no viewer is to keep repair planning. */
static gboolean
look_for_news (Run * run, gboolean * found, GError ** error)
{
  gint64 now = g_get_monotonic_time ();
  News news = { run->planned };

  *found = FALSE;
  if (now - run->looked_at < LOOK_EVERY)
    return TRUE;
  run->looked_at = now;
  if (!pmss_database_transact (run->base.context->database, find_news, &news,
          error))
    return FALSE;
  *found = news.found;
  return TRUE;
}

static gboolean
note_left (Run * run, const PmssRepairPlace * place, char *reason,
    GError ** error)
{
  PmssJobRun *job = run->base.run;

  pmss_repair_note_failed (run->base.context->repair);
  /* there may be very many, all for the same reason, which the job's end tells */
  g_info ("%s", reason);
  if (!run->reason)
    run->reason = g_strdup (reason);
  g_hash_table_add (run->left, g_memdup2 (place, sizeof *place));
  run->base.changes++;
  if (g_hash_table_size (run->left) < MAX_LEFT)
    return pmss_job_run_progress (job, run->base.done, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "More than %u extents cannot be repaired. %s", MAX_LEFT, reason);
  return FALSE;
}

/* @again: whether it ended because another plan is needed. */
static gboolean
work_off (Run * run, PmssRepairPlan * plan, gboolean * again, GError ** error)
{
  PmssRepairPlace place;

  *again = FALSE;
  while (pmss_repair_plan_next (plan, &place)) {
    g_autofree char *reason = NULL;
    gboolean changed, news;

    if (!look_at_nodes (run, &changed, error)
        || !look_for_news (run, &news, error))
      return FALSE;
    if (changed)
      forget_left (run);
    *again = changed || news;
    if (*again)
      return TRUE;
    if (!pmss_repair_extent (&run->base, &place, &reason, error)
        || (reason && !note_left (run, &place, reason, error)))
      return FALSE;
  }
  return TRUE;
}

/* @any: whether there was something to do, and it came to something. */
static gboolean
plan_and_work (Run * run, gboolean all, gboolean * any, GError ** error)
{
  PmssRepairRun *base = &run->base;
  GCancellable *cancellable = pmss_job_run_get_cancellable (base->run);
  g_autoptr (PmssRepairPlan) plan = NULL;
  guint64 bytes, before = base->changes;
  gboolean changed, again;

  run->planned = g_get_real_time () / G_USEC_PER_SEC;
  run->looked_at = g_get_monotonic_time ();
  if (!look_at_nodes (run, &changed, error))
    return FALSE;
  if (changed)
    forget_left (run);
  plan = pmss_repair_plan_new (base->context, base->view, all, run->left,
      cancellable, error);
  if (!plan)
    return FALSE;
  bytes = pmss_repair_plan_get_bytes (plan);
  if (bytes > 0
      && !pmss_job_run_set_total (base->run, base->done + bytes, error))
    return FALSE;
  if (!work_off (run, plan, &again, error))
    return FALSE;
  *any = again || (bytes > 0 && base->changes != before);
  return TRUE;
}

/* Whoever sees the job as failed sees why. */
static gboolean
finish (Run * run, GError ** error)
{
  guint left = g_hash_table_size (run->left);

  if (left == 0)
    return pmss_job_run_set_total (run->base.run, run->base.done, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_FAILED,
      "%u %s could not be repaired: this is tried again when a storage server "
      "comes or goes, or in ten minutes. %s", left,
      left == 1 ? "extent" : "extents", run->reason);
  return FALSE;
}

static gboolean
work (Run * run, GError ** error)
{
  gboolean all = pmss_repair_take_all (run->base.context->repair);
  gboolean any = TRUE;

  if (!pmss_job_run_set_phase (run->base.run, "rebuild", error))
    return FALSE;
  while (any)
    if (!plan_and_work (run, all, &any, error))
      return FALSE;
  return finish (run, error);
}

static gboolean
run_repair (PmssJobRun * job, GError ** error)
{
  PmssControlContext *context = pmss_job_run_get_context (job);
  Run run = {
    .base = {
          .run = job,
          .context = context,
          .calls = pmss_node_calls_new (context),
          .originals = g_hash_table_new_full (g_int64_hash, g_int64_equal,
              g_free, g_free),
          .done = pmss_job_run_get_job (job)->done,
        },
    .left = g_hash_table_new_full (pmss_repair_place_hash,
        pmss_repair_place_equal, g_free, NULL),
  };
  gboolean done = work (&run, error);

  pmss_repair_note_end (context->repair, done ? NULL : run.base.view);
  g_clear_pointer (&run.base.view, pmss_node_view_free);
  g_clear_pointer (&run.base.placer, pmss_placer_free);
  g_clear_pointer (&run.base.erasure, pmss_erasure_unref);
  pmss_node_calls_free (run.base.calls);
  g_hash_table_unref (run.base.originals);
  g_hash_table_unref (run.left);
  g_free (run.reason);
  return done;
}

const PmssJobType pmss_job_type_repair = {
  .type = "repair",
  .max_running = 1,
  .can_cancel = FALSE,
  .run = run_repair,
};
