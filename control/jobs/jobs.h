/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/**
 * PmssJobs:
 *
 * Background work that outlives a crash. Each job is a row of the table job. A few worker threads
 * run the queued ones, the oldest first.
 *
 *            ┌────────── resume ◀─────────┬──────────┐
 *            ▼                            │          │
 *   add ─▶ queued ──start──▶ running ──▶ failed      │
 *            │ │ ▲            │ │ ├────▶ done        │
 *            │ │ └─ by itself ◀─│─┴────▶ waiting ─▶ (paused, cancelled; resume: tried at once)
 *            │ └────pause─────│─┴──────────────▶ paused
 *            └────cancel──────┴──▶ cancelled ◀── (paused, failed: too)
 *
 * A running job commits its progress by steps of its own. After a restart it is queued again and
 * goes on from the last step that it committed. Pause and cancel are cooperative: the state changes
 * at once, and the work stops at the end of the piece at hand. No two jobs of one medium run at a
 * time.
 *
 * A job that lacks something that may come back, such as storage servers, is waiting. It holds no
 * worker, and is queued again when that is there.
 *
 * All functions block and may be called on any thread; those that change something may be a part of
 * a larger transaction, save where said.
 */

typedef enum { PMSS_JOB_QUEUED, PMSS_JOB_RUNNING, PMSS_JOB_PAUSED, PMSS_JOB_DONE, PMSS_JOB_FAILED,
    PMSS_JOB_CANCELLED,
  PMSS_JOB_WAITING } PmssJobState;
#define PMSS_N_JOB_STATES (PMSS_JOB_WAITING + 1)
const char   *pmss_job_state_to_string (PmssJobState state);
gboolean      pmss_job_state_parse     (const char *text, PmssJobState *state);

/* Strings are owned. */
typedef struct
{
  gint64 id;
  char *type;                   /* "ingest", "delete", "verify", "artwork", "repair", "original" */
  PmssJobState state;
  char *phase;                  /* nullable */
  gint64 medium;                /* 0: its row is gone, or it is of no medium */
  char *medium_name;            /* "": of none */
  gboolean has_version;
  PmssVersionId version;        /* that the job writes */
  guint64 done, total;          /* bytes over all phases */
  guint64 rate_limit;           /* bit/s, 0: none */
  /* bytes/s over the last minute of the run that there is; -1: not known, or none */
  gint64 rate;
  char *error;                  /* nullable: why it failed */
  char *waiting_for;            /* nullable: the reason of a wait */
  /* nullable: a fault that did not keep the job from being done */
  char *warning;
  char *user;                   /* the user who started it, "" for the server itself */
  gint64 created, updated;      /* seconds since 1970 */
} PmssJob;

void          pmss_job_free (PmssJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssJob, pmss_job_free)

/* One run of a job on its worker thread. */
typedef struct _PmssJobRun PmssJobRun;

/* Bytes of a job's total. An index of the database has the number, too. */
#define PMSS_SMALL_JOB 8388608

/* A kind of work. */
typedef struct
{
  const char *type;
  guint max_running;            /* at a time */
  /* of those up to PMSS_SMALL_JOB, which wait for none that are larger: so many more; 0: there is
   * no such difference */
  guint max_small;
  gboolean can_cancel;
  /* Does the work, or the rest of it. FALSE with G_IO_ERROR_CANCELLED when told to stop; with any
   * other error the job fails. */
  gboolean (*run)     (PmssJobRun *run, GError **error);
  /* (nullable) A part of each transaction that changes the state of @job from @job->state to @to.
   * The job's object changes with it. */
  gboolean (*changes) (PmssControlContext *context, const PmssJob *job, PmssJobState to,
    GError **error);
  /* (nullable: always) Whether the thing that @job waits for seems to be there. On any thread. */
  gboolean (*is_ready) (PmssControlContext *context, const PmssJob *job);
} PmssJobType;

extern const PmssJobType pmss_job_type_ingest;  /* ingest.c */
extern const PmssJobType pmss_job_type_delete;  /* deletion.c */
extern const PmssJobType pmss_job_type_artwork; /* artwork/artwork-job.c */
extern const PmssJobType pmss_job_type_verify;  /* verify/verify.c */
extern const PmssJobType pmss_job_type_repair;  /* repair/repair-job.c */
extern const PmssJobType pmss_job_type_original;        /* importance/original-job.c */

/* Makes jobs that a crash interrupted ready to go on. No job runs before pmss_jobs_start(). */
PmssJobs     *pmss_jobs_new   (PmssControlContext *context, GError **error);
/* Once the context is complete. */
void          pmss_jobs_start (PmssJobs *jobs);
/* Stops the work at the end of the pieces at hand; it goes on at the next start. */
void          pmss_jobs_free  (PmssJobs *jobs);

/* A new one, queued; @medium: 0: of none. After the transaction that this is a part of, call
 * pmss_jobs_wake(). Returns its id, 0 on error. */
gint64        pmss_jobs_add   (PmssJobs *jobs, const char *type, gint64 medium,
    const char *medium_name, guint64 total, guint64 rate_limit,
    const char *user, GError **error);
/* The same, or the job of that type and medium that has not ended. */
gint64        pmss_jobs_add_once (PmssJobs *jobs, const char *type, gint64 medium,
    const char *medium_name, guint64 total, guint64 rate_limit,
    const char *user, GError **error);
/* The work that goes with a new job in one transaction. Returns the result of pmss_jobs_add(), 0 on
 * error. */
typedef gint64 (*PmssJobsBegin) (PmssControlContext *context, gpointer user_data, GError **error);
/* Runs @begin in a transaction, then wakes the workers. Returns the job's id, 0 on error. Not
 * inside a transaction. */
gint64        pmss_jobs_begin (PmssJobs *jobs, PmssJobsBegin begin, gpointer user_data,
    GError **error);
/* Looks for jobs to run, and ends the runs of jobs that shall not run any more. Not inside a
 * transaction. */
void          pmss_jobs_wake  (PmssJobs *jobs);
/* In a transaction: the job of @type of a medium that has not ended. 0 without error: there is
 * none. */
gint64        pmss_jobs_find_open (PmssJobs *jobs, const char *type, gint64 medium,
    GError **error);
/* All jobs of a medium that have not ended become cancelled, without their `changes`. */
gboolean      pmss_jobs_drop_medium (PmssJobs *jobs, gint64 medium, GError **error);
/* For the last transaction of a run: running -> done. PMSS_ERROR_CONFLICT if it is no longer
 * running. */
gboolean      pmss_jobs_set_done (PmssJobs *jobs, gint64 id, GError **error);

/* Forgets up to PMSS_JOBS_PRUNED jobs that ended `job-lifetime` ago: those that are done or
 * cancelled, and failed ones without a medium. Of each kind of work the newest job stays. */
#define PMSS_JOBS_PRUNED 1000
void          pmss_jobs_prune (PmssJobs *jobs);

/* PMSS_ERROR_NOT_FOUND */
PmssJob      *pmss_jobs_get   (PmssJobs *jobs, gint64 id, GError **error);
/* The newest @limit jobs of an id below @before (G_MAXINT64: of all), the newest first; @state:
 * (nullable) only those. */
GPtrArray    *pmss_jobs_list  (PmssJobs *jobs, const PmssJobState *state, gint64 before,
    guint limit, GError **error);

/* Return the job as it is then; PMSS_ERROR_CONFLICT where the picture above has no such arrow. Not
 * inside a transaction. */
PmssJob      *pmss_jobs_pause  (PmssJobs *jobs, gint64 id, GError **error);
PmssJob      *pmss_jobs_resume (PmssJobs *jobs, gint64 id, GError **error);
PmssJob      *pmss_jobs_cancel (PmssJobs *jobs, gint64 id, GError **error);
/* Gives it another rate limit, in bit/s; 0: none. A run keeps to it within a second. Returns the
 * job as it is then; PMSS_ERROR_CONFLICT where it is done or cancelled. Not inside a
 * transaction. */
PmssJob      *pmss_jobs_set_limit (PmssJobs *jobs, gint64 id, guint64 rate_limit, GError **error);

/* For the run functions, on their thread; advance(), get_done(), get_rate_limit() and throttle()
 * also on others that they have begun. */
PmssControlContext *pmss_job_run_get_context (PmssJobRun *run);
/* As it was when the run began; phase and version as the run sets them. */
const PmssJob *pmss_job_run_get_job         (PmssJobRun *run);
GCancellable *pmss_job_run_get_cancellable  (PmssJobRun *run);
/* Commits that the run is in @phase now. */
gboolean      pmss_job_run_set_phase        (PmssJobRun *run, const char *phase, GError **error);
/* Commits which version the job writes (inside the transaction that makes it). */
gboolean      pmss_job_run_set_version      (PmssJobRun *run, const PmssVersionId *version,
    GError **error);
gboolean      pmss_job_run_set_warning      (PmssJobRun *run, const char *warning, GError **error);
/* Before a run returns FALSE: the job has not failed but waits; @what says for what. */
void          pmss_job_run_wait             (PmssJobRun *run, const char *what);
/* Commits how many bytes there are to be done, where that was not known when the job was added. */
gboolean      pmss_job_run_set_total        (PmssJobRun *run, guint64 total, GError **error);
/* Commits another rate limit than the job was added with. */
gboolean      pmss_job_run_set_rate_limit   (PmssJobRun *run, guint64 rate_limit, GError **error);
/* The limit of now, in bit/s; 0: none. Others may change it meanwhile. */
guint64       pmss_job_run_get_rate_limit   (PmssJobRun *run);
/* @done bytes of all are done. Callers see that at once; the database at most once a second. FALSE:
 * told to stop. */
gboolean      pmss_job_run_progress         (PmssJobRun *run, guint64 done, GError **error);
/* The same, where several threads each do a part: @bytes more than before. */
gboolean      pmss_job_run_advance          (PmssJobRun *run, guint64 bytes, GError **error);
guint64       pmss_job_run_get_done         (PmssJobRun *run);
/* Waits as long as the job's rate limit wants after @bytes more. FALSE: told to stop. */
gboolean      pmss_job_run_throttle         (PmssJobRun *run, gsize bytes, GError **error);

G_END_DECLS
