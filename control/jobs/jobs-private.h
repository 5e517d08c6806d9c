/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/database/database.h"
#include "control/jobs/job-pace.h"
#include "control/jobs/jobs.h"

G_BEGIN_DECLS

/* Shared by jobs.c (rows), job-runs.c (threads), job-waits.c (waiting jobs), job-run.c (progress of
 * runs) and job-limit.c. */
struct _PmssJobs
{
  PmssControlContext *context;
  /* GThread; made by start, joined by free; with the thread that looks at waiting jobs */
  GPtrArray *workers;
  GHashTable *waits;            /* job id -> PmssJobWait; that thread's */

  /* held while a worker looks for a job: one at a time, so that no two take jobs of one medium */
  GMutex claim_lock;
  gboolean blind;               /* under claim_lock: the last look failed, which was told */
  /* protects all below, and the fields of #PmssJobRun that say so; never held over a transaction */
  GMutex lock;
  GCond cond;                   /* `generation` or `stopping` has changed */
  guint64 generation;           /* grows whenever there may be something to run */
  gboolean stopping;
  gboolean any_waiting;         /* some job may be */
  GPtrArray *active;            /* PmssJobRun, owned by their workers */
};

struct _PmssJobRun
{
  PmssJobs *jobs;
  PmssJob *job;
  const PmssJobType *type;
  GCancellable *cancellable;
  char *waiting_for;            /* nullable: the run's, for its end */
  /* under the jobs' lock: others show it, and a run may have several threads */
  gint64 written_at;            /* monotonic, us: when progress went to the database */
  gint64 due;                   /* monotonic, us: when the rate limit allows the next bytes */
  guint64 done;
  guint64 rate_limit;           /* bit/s, 0: none */
  PmssJobPace pace;
};

/* From now on its rate has that limit. */
void     pmss_job_run_take_limit (PmssJobRun *run, guint64 rate_limit);

const PmssJobType *pmss_job_type_find (const char *type);
/* The @i-th one, NULL after the last. */
const PmssJobType *pmss_job_type_at (guint i);
/* How many jobs may run at a time, of all types together. */
guint              pmss_job_types_count_running (void);

/* The thread that looks at waiting jobs. */
gpointer           pmss_jobs_look_at_waiting (gpointer jobs);

/* The next job to run. */
typedef struct
{
  GArray *busy_jobs, *busy_media;       /* gint64: what runs now */
  GHashTable *counts;           /* lane -> number of runs */
  PmssJob *job;                 /* that one; NULL: there is nothing, or no place */
} PmssJobClaim;

/* A PmssDatabaseFunc on a #PmssJobClaim: the job is running then. */
gboolean pmss_job_claim_row (PmssDatabase *database, gpointer claim, GError **error);

/* Inside a transaction. */
PmssJob *pmss_job_read     (PmssDatabase *database, gint64 id, GError **error);
PmssJob *pmss_job_read_row (PmssRows *rows);
#define PMSS_JOB_COLUMNS "id, type, state, phase, medium, medium_name, version, done, total, \
    rate_limit, error, warning, user, created, updated, waiting_for"

/* The state that is shown, as an index has it. */
#define PMSS_JOB_SHOWN "CASE WHEN waiting_for IS NULL THEN state ELSE 'waiting' END"

/* Moves @id on to @to in a transaction of its own. @text: (nullable) the error of a failed job, or
 * the reason of a wait. @job: (out) (nullable) as it is then. */
gboolean pmss_jobs_change_state (PmssJobs *jobs, gint64 id, PmssJobState to, const char *text,
    PmssJob **job, GError **error);

G_END_DECLS
