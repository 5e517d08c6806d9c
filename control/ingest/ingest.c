/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job "ingest": from an upload to a medium. On the job's thread. */
#include "control/ingest/ingest.h"

#include "control/artwork/artwork-job.h"
#include "control/config.h"
#include "control/database/database.h"
#include "control/ingest/ingest-private.h"
#include "control/nodes/placer.h"
#include "control/originals/originals.h"
#include "libpmss/pmss-error.h"

/* commit */

static gboolean
commit_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Ingest *ingest = user_data;
  PmssControlContext *context = ingest->context;

  if (!pmss_catalog_publish_version (context->catalog, &ingest->version.id,
          error))
    return FALSE;
  if (ingest->medium->keep_original
      && !pmss_originals_add (context->originals, ingest->medium->id,
          ingest->upload->id, ingest->upload->size, error))
    return FALSE;
  if (ingest->artwork_later
      && pmss_artwork_add_job (context, ingest->medium, ingest->job->user,
          error) == 0)
    return FALSE;
  return pmss_uploads_drop (context->uploads, ingest->medium->id, error)
      && pmss_jobs_set_done (context->jobs, ingest->job->id, error);
}

/* The original is a second name for the same bytes: until the transaction, the upload is the one that counts. */
static gboolean
link_and_commit (Ingest * ingest, GError ** error)
{
  return (!ingest->medium->keep_original
      || pmss_originals_link (ingest->context->originals, ingest->path,
          ingest->upload->id, error))
      && pmss_database_transact (ingest->context->database, commit_rows,
      ingest, error);
}

/* A job that was cancelled, or fails, keeps no second name: the upload may go before it is run again, if ever. */
static gboolean
run_commit (Ingest * ingest, GError ** error)
{
  pmss_ingest_end_artwork (ingest);
  if (link_and_commit (ingest, error)) {
    pmss_uploads_delete_files (ingest->context->uploads);
    return TRUE;
  }
  if (ingest->medium->keep_original)
    pmss_originals_unlink (ingest->context->originals, ingest->upload->id);
  return FALSE;
}

/* stripe, verify */

static gboolean
note_progress (guint64 done, gpointer user_data, GError ** error)
{
  return pmss_job_run_progress (((Ingest *) user_data)->run, done, error);
}

static gboolean
throttle (gsize bytes, gpointer user_data, GError ** error)
{
  return pmss_job_run_throttle (((Ingest *) user_data)->run, bytes, error);
}

static gboolean
run_stripe (Ingest * ingest, GError ** error)
{
  g_autofree char *sha256 = NULL;

  if (!pmss_striping_write (ingest->striping, &sha256, error))
    return FALSE;
  g_free (ingest->medium->sha256);
  ingest->medium->sha256 = g_steal_pointer (&sha256);
  return pmss_catalog_update_medium (ingest->context->catalog, ingest->medium,
      error);
}

static gboolean
run_verify (Ingest * ingest, GError ** error)
{
  return pmss_striping_verify (ingest->striping, error);
}

/* The whole */

static const struct
{
  const char *name;
    gboolean (*run) (Ingest * ingest, GError ** error);
} phases[] = {
  {"probe", pmss_ingest_probe},
  {"stripe", run_stripe},
  {"verify", run_verify},
  {"commit", run_commit},
};

#define STRIPE 1                /* from here on there is a version */

/* What is written */

static gboolean
add_version (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Ingest *ingest = user_data;

  return pmss_catalog_add_version (ingest->context->catalog, &ingest->version,
      error)
      && pmss_job_run_set_version (ingest->run, &ingest->version.id, error);
}

/* All but its id. */
static void
describe_version (PmssControlContext * context, const PmssMedium * medium,
    const PmssUpload * upload, PmssVersion * version)
{
  const PmssControlConfig *config = context->config;

  version->medium = medium->id;
  version->state = PMSS_VERSION_WRITING;
  version->size = upload->size;
  version->redundancy = medium->redundancy;
  version->unit = upload->unit != 0 ? upload->unit : config->unit;
  version->extent = pmss_layout_round_extent (upload->extent != 0 ?
      upload->extent : config->extent, version->redundancy, version->unit);
}

static gboolean
make_version (Ingest * ingest, GError ** error)
{
  pmss_version_id_generate (&ingest->version.id);
  describe_version (ingest->context, ingest->medium, ingest->upload,
      &ingest->version);
  return pmss_database_transact (ingest->context->database, add_version,
      ingest, error);
}

static gboolean
begin_writing (Ingest * ingest, GError ** error)
{
  static const PmssStripingFuncs funcs = { note_progress, throttle };

  if (ingest->striping)
    return TRUE;
  if (ingest->job->has_version ?
      !pmss_catalog_get_version (ingest->context->catalog,
          &ingest->job->version, &ingest->version, error) :
      !make_version (ingest, error))
    return FALSE;
  ingest->striping = pmss_striping_new (ingest->context, &ingest->version,
      ingest->medium->name, ingest->source, &funcs, ingest,
      pmss_job_run_get_cancellable (ingest->run));
  return TRUE;
}

static guint
find_phase (const char *name)
{
  for (guint i = 0; name && i < G_N_ELEMENTS (phases); i++)
    if (g_str_equal (name, phases[i].name))
      return i;
  return 0;
}

static gboolean
run_phases (Ingest * ingest, GError ** error)
{
  for (guint i = find_phase (ingest->job->phase); i < G_N_ELEMENTS (phases);
      i++) {
    if (!pmss_job_run_set_phase (ingest->run, phases[i].name, error)
        || (i >= STRIPE && !begin_writing (ingest, error))
        || !phases[i].run (ingest, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
open_ingest (Ingest * ingest, GError ** error)
{
  PmssControlContext *context = ingest->context;

  ingest->medium = pmss_catalog_get_medium_by_id (context->catalog,
      ingest->job->medium, error);
  if (!ingest->medium)
    return FALSE;
  ingest->upload = pmss_uploads_get_by_medium (context->uploads,
      ingest->job->medium, error);
  if (!ingest->upload)
    return FALSE;
  ingest->path = pmss_uploads_get_path (context->uploads, ingest->upload->id);
  ingest->source = pmss_byte_source_new_file (ingest->path,
      ingest->upload->size, "The upload's file", error);
  return ingest->source != NULL;
}

/* Whether storage servers that are away are what it failed for. */
static gboolean
is_for_want_of_nodes (Ingest * ingest, const GError * error)
{
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NO_SPACE))
    return ingest->striping && pmss_striping_is_hopeful (ingest->striping);
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
}

static gboolean
is_ready (PmssControlContext * context, const PmssJob * job)
{
  g_autoptr (PmssMedium) medium =
      pmss_catalog_get_medium_by_id (context->catalog, job->medium, NULL);
  g_autoptr (PmssUpload) upload = pmss_uploads_get_by_medium (context->uploads,
      job->medium, NULL);
  PmssVersion version = { 0 };

  /* a run tells what is wrong */
  if (medium == NULL || upload == NULL)
    return TRUE;
  describe_version (context, medium, upload, &version);
  return pmss_placer_has_enough (context, &version);
}

static gboolean
run_ingest (PmssJobRun * run, GError ** error)
{
  Ingest ingest = {
    .run = run,
    .context = pmss_job_run_get_context (run),
    .job = pmss_job_run_get_job (run),
  };
  GError *local = NULL;
  gboolean done = open_ingest (&ingest, &local) && run_phases (&ingest, &local);

  if (!done && is_for_want_of_nodes (&ingest, local))
    pmss_job_run_wait (run, local->message);
  if (!done)
    g_propagate_error (error, local);
  pmss_ingest_drop_artwork (&ingest);
  g_clear_pointer (&ingest.striping, pmss_striping_free);
  g_clear_pointer (&ingest.source, pmss_byte_source_free);
  g_free (ingest.path);
  g_clear_pointer (&ingest.upload, pmss_upload_free);
  g_clear_pointer (&ingest.medium, pmss_medium_free);
  return done;
}

/* What becomes of the medium when its job changes. */
static gboolean
follow_state (PmssControlContext * context, const PmssJob * job,
    PmssJobState to, GError ** error)
{
  if (to == PMSS_JOB_FAILED)
    return pmss_catalog_set_medium_state (context->catalog, job->medium,
        PMSS_MEDIUM_INGESTING, PMSS_MEDIUM_FAILED, error);
  if (to == PMSS_JOB_QUEUED && job->state == PMSS_JOB_FAILED)
    return pmss_catalog_set_medium_state (context->catalog, job->medium,
        PMSS_MEDIUM_FAILED, PMSS_MEDIUM_INGESTING, error);
  if (to == PMSS_JOB_CANCELLED)
    return pmss_catalog_mark_deleting (context->catalog, job->medium, error)
        && pmss_jobs_add (context->jobs, pmss_job_type_delete.type, job->medium,
        job->medium_name, job->total / 2, 0, job->user, error) != 0;
  return TRUE;
}

const PmssJobType pmss_job_type_ingest = {
  .type = "ingest",
  .max_running = 2,
  /* Up to 4 MiB, counted twice: striped and read back. Such a file holds some
   * 20 MB meanwhile, and waits for the nodes' fsyncs most of the time. */
  .max_small = 4,
  .can_cancel = TRUE,
  .run = run_ingest,
  .changes = follow_state,
  .is_ready = is_ready,
};

/* Starting */

typedef struct
{
  const char *upload, *user;
} Start;

static gint64
start_rows (PmssControlContext * context, gpointer user_data, GError ** error)
{
  Start *start = user_data;
  g_autoptr (PmssUpload) upload = NULL;

  if (!pmss_uploads_finish (context->uploads, start->upload, error)
      || !(upload = pmss_uploads_get (context->uploads, start->upload, error)))
    return 0;
  return pmss_jobs_add (context->jobs, pmss_job_type_ingest.type,
      upload->medium, upload->name, 2 * upload->size,
      context->config->stripe_rate, start->user, error);
}

gint64
pmss_ingest_start (PmssControlContext * context, const char *upload,
    const char *user, GError ** error)
{
  Start start = { upload, user };

  return pmss_jobs_begin (context->jobs, start_rows, &start, error);
}

gboolean
pmss_ingest_recover (PmssControlContext * context, GError ** error)
{
  g_autoptr (GPtrArray) uploads = pmss_uploads_list (context->uploads, error);

  for (guint i = 0; uploads && i < uploads->len; i++) {
    PmssUpload *upload = g_ptr_array_index (uploads, i);
    if (upload->received == upload->size
        && !pmss_ingest_start (context, upload->id, upload->user, error))
      return FALSE;
  }
  return uploads != NULL;
}
