/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job "artwork". It starts on any thread; the job runs on a job thread. */
#include "control/artwork/artwork-job.h"

#include "control/artwork/artwork.h"
#include "control/catalog/catalog.h"
#include "control/ingest/probe-runner.h"
#include "control/jobs/jobs.h"
#include "control/originals/originals.h"
#include "libpmss/pmss-error.h"

#define SECONDS 120

static gboolean
run_artwork (PmssJobRun * run, GError ** error)
{
  PmssControlContext *context = pmss_job_run_get_context (run);
  const PmssJob *job = pmss_job_run_get_job (run);
  g_autoptr (PmssArtwork) artwork = NULL;
  g_autofree char *path = NULL, *sha256 = NULL;

  /* the medium has gone */
  if (job->medium == 0)
    return TRUE;
  path = pmss_originals_find (context->originals, job->medium, &sha256, error);
  if (path == NULL)
    return FALSE;
  artwork = pmss_probe_artwork (path, job->medium_name, SECONDS,
      pmss_job_run_get_cancellable (run), error);
  if (artwork == NULL)
    return FALSE;
  if (pmss_artwork_is_empty (artwork))
    return pmss_job_run_set_warning (run, "It has no picture and no sound that "
        "can be decoded here", error);
  return pmss_artwork_store (context->database, job->medium, artwork, error);
}

const PmssJobType pmss_job_type_artwork = {
  .type = "artwork",
  .max_running = 1,
  .can_cancel = TRUE,
  .run = run_artwork,
};

typedef struct
{
  const char *name, *user;
} Start;

static gint64
start_rows (PmssControlContext * context, gpointer user_data, GError ** error)
{
  Start *start = user_data;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_medium (context->catalog,
      start->name, error);

  if (medium == NULL)
    return 0;
  if (medium->state != PMSS_MEDIUM_READY || !medium->keep_original) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        medium->keep_original ? "“%s” is not ready" :
        "No original of “%s” is kept, of which pictures could be made: "
        "they are made when it is uploaded", start->name);
    return 0;
  }
  return pmss_jobs_add (context->jobs, pmss_job_type_artwork.type, medium->id,
      medium->name, 0, 0, start->user, error);
}

gint64
pmss_artwork_start (PmssControlContext * context, const char *name,
    const char *user, GError ** error)
{
  Start start = { name, user };

  return pmss_jobs_begin (context->jobs, start_rows, &start, error);
}
