/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job "original": a medium's file, from its shards. On the job's thread. */
#include "control/importance/importance.h"

#include <errno.h>
#include <unistd.h>

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "control/importance/payload-file.h"
#include "control/jobs/jobs.h"
#include "control/originals/originals.h"

#define WHAT "the original"

/* One run. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  PmssMedium *medium;
  char *file;                   /* its name, */
  char *path;                   /* and where it is being made */
  int fd;
} Making;

static gboolean
commit_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Making *making = user_data;

  return pmss_catalog_set_keep_original (making->context->catalog,
      making->medium->id, TRUE, error)
      && pmss_originals_add (making->context->originals, making->medium->id,
      making->file, (guint64) making->medium->size, error)
      && pmss_jobs_set_done (making->context->jobs,
      pmss_job_run_get_job (making->run)->id, error);
}

/* The second name is durable before the row counts it. */
static gboolean
commit (Making * making, GError ** error)
{
  PmssOriginals *originals = making->context->originals;

  if (fsync (making->fd) != 0)
    return pmss_payload_file_fail (making->path, WHAT, errno, error);
  if (!pmss_originals_link (originals, making->path, making->file, error))
    return FALSE;
  if (pmss_database_transact (making->context->database, commit_rows, making,
          error))
    return TRUE;
  pmss_originals_unlink (originals, making->file);
  return FALSE;
}

static gboolean
open_file (Making * making, GError ** error)
{
  making->file = g_strdup_printf ("rebuilt-%" G_GINT64_FORMAT,
      pmss_job_run_get_job (making->run)->id);
  making->path = pmss_originals_begin (making->context->originals,
      making->file, error);
  if (making->path == NULL)
    return FALSE;
  making->fd = pmss_payload_file_open (making->path, WHAT, error);
  return making->fd >= 0;
}

static void
making_clear (Making * making)
{
  if (making->fd >= 0)
    close (making->fd);
  /* its bytes have another name, or are of no use */
  if (making->path != NULL)
    pmss_payload_file_unlink (making->path);
  g_clear_pointer (&making->medium, pmss_medium_free);
  g_free (making->file);
  g_free (making->path);
}

static gboolean
run_original (PmssJobRun * run, GError ** error)
{
  Making making = {.run = run,.context = pmss_job_run_get_context (run),
    .fd = -1
  };
  gboolean done;

  making.medium = pmss_catalog_get_medium_by_id (making.context->catalog,
      pmss_job_run_get_job (run)->medium, error);
  done = making.medium != NULL && open_file (&making, error)
      && pmss_job_run_set_phase (run, "rebuild", error)
      && pmss_payload_file_write (run, making.medium, making.fd, making.path,
      WHAT, error) && commit (&making, error);
  making_clear (&making);
  return done;
}

const PmssJobType pmss_job_type_original = {
  .type = "original",
  .max_running = 1,
  .can_cancel = TRUE,
  .run = run_original,
};
