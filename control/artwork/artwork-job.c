/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job "artwork". It starts on any thread; the job runs on a job thread. */
#include "control/artwork/artwork-job.h"

#include <string.h>
#include <unistd.h>

#include "control/artwork/artwork.h"
#include "control/importance/payload-file.h"
#include "control/ingest/probe-runner.h"
#include "control/jobs/jobs.h"
#include "control/originals/originals.h"
#include "libpmss/pmss-error.h"

#define SECONDS 120
#define WHAT "a copy to make pictures of"

/* One run. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  PmssMedium *medium;
  gboolean again;               /* an earlier run did not live to see the pictures' end */
  char *copy;                   /* path; nullable */
} Drawing;

gboolean
pmss_artwork_is_of_use (const PmssMedium * medium)
{
  return medium->streams != NULL && (strstr (medium->streams, "\"video\"")
      || strstr (medium->streams, "\"image\"")
      || strstr (medium->streams, "\"audio\""));
}

/* The file to look at */

static gboolean
write_copy (Drawing * self, GError ** error)
{
  int fd = pmss_payload_file_open (self->copy, WHAT, error);
  gboolean written;

  if (fd < 0)
    return FALSE;
  written = pmss_job_run_set_total (self->run, (guint64) self->medium->size,
      error)
      && pmss_payload_file_write (self->run, self->medium, fd, self->copy,
      WHAT, error);
  close (fd);
  return written;
}

static gboolean
make_copy (Drawing * self, GError ** error)
{
  g_autofree char *file = g_strdup_printf ("artwork-%" G_GINT64_FORMAT,
      pmss_job_run_get_job (self->run)->id);

  if (!pmss_job_run_set_phase (self->run, self->again ? "read-again" : "read",
          error))
    return FALSE;
  self->copy = pmss_originals_begin (self->context->originals, file, error);
  return self->copy != NULL && write_copy (self, error);
}

static char *
find_file (Drawing * self, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *sha256 = NULL;
  char *path = pmss_originals_find (self->context->originals,
      self->medium->id, &sha256, &local);

  if (path != NULL)
    return path;
  if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  return make_copy (self, error) ? g_strdup (self->copy) : NULL;
}

/* Looking at it */

/* What is wrong with the file is no fault of the job: another run would find the same. */
static gboolean
warn_of_failure (Drawing * self, GError * problem, GError ** error)
{
  g_autofree char *text = NULL;

  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    /* a stop in order is none of the file's doing */
    pmss_job_run_set_phase (self->run, self->again ? "read-again" : "read",
        NULL);
    g_propagate_error (error, g_error_copy (problem));
    return FALSE;
  }
  text = g_strdup_printf ("No pictures could be made of it: %s",
      problem->message);
  return pmss_job_run_set_warning (self->run, text, error);
}

static gboolean
draw (Drawing * self, const char *path, GError ** error)
{
  g_autoptr (GError) problem = NULL;
  g_autoptr (PmssArtwork) artwork = NULL;

  if (!pmss_job_run_set_phase (self->run, self->again ? "picture-again" :
          "picture", error))
    return FALSE;
  artwork = pmss_probe_artwork (path, self->medium->name, SECONDS,
      pmss_job_run_get_cancellable (self->run), &problem);
  if (artwork == NULL)
    return warn_of_failure (self, problem, error);
  if (pmss_artwork_is_empty (artwork))
    return pmss_job_run_set_warning (self->run, "It has no picture and no "
        "sound that can be decoded here", error);
  return pmss_artwork_store (self->context->database, self->medium->id,
      artwork, error);
}

/* The whole */

/* A medium by its type may lack no more than a demuxer, at its ingest. */
static gboolean
is_hopeless (const PmssMedium * medium)
{
  const char *type = medium->content_type != NULL ? medium->content_type : "";

  return medium->streams != NULL && !pmss_artwork_is_of_use (medium)
      && !g_str_has_prefix (type, "audio/")
      && !g_str_has_prefix (type, "video/")
      && !g_str_has_prefix (type, "image/");
}

/* What the phase tells of an earlier run. @warning: (out) why there is no use in another one. */
static void
look_back (Drawing * self, const char **warning)
{
  const char *phase = pmss_job_run_get_job (self->run)->phase;

  self->again = g_strcmp0 (phase, "read") != 0 && phase != NULL;
  *warning = NULL;
  if (g_strcmp0 (phase, "picture-again") == 0)
    *warning = "The making of its pictures was interrupted twice. "
        "'pmss artwork' tries again";
  else if (is_hopeless (self->medium))
    *warning = "It has no picture and no sound";
}

static gboolean
run_drawing (Drawing * self, GError ** error)
{
  const char *warning;
  g_autofree char *path = NULL;

  look_back (self, &warning);
  if (warning != NULL)
    return pmss_job_run_set_warning (self->run, warning, error);
  path = find_file (self, error);
  return path != NULL && draw (self, path, error);
}

static gboolean
run_artwork (PmssJobRun * run, GError ** error)
{
  Drawing self = {.run = run,.context = pmss_job_run_get_context (run) };
  gint64 medium = pmss_job_run_get_job (run)->medium;
  gboolean done;

  /* the medium has gone */
  if (medium == 0)
    return TRUE;
  self.medium = pmss_catalog_get_medium_by_id (self.context->catalog, medium,
      error);
  done = self.medium != NULL && run_drawing (&self, error);
  if (self.copy != NULL)
    pmss_payload_file_unlink (self.copy);
  g_free (self.copy);
  g_clear_pointer (&self.medium, pmss_medium_free);
  return done;
}

const PmssJobType pmss_job_type_artwork = {
  .type = "artwork",
  .max_running = 1,
  .can_cancel = TRUE,
  .run = run_artwork,
};

/* Starting */

gint64
pmss_artwork_add_job (PmssControlContext * context, const PmssMedium * medium,
    const char *user, GError ** error)
{
  return pmss_jobs_add_once (context->jobs, pmss_job_type_artwork.type,
      medium->id, medium->name, 0, 0, user, error);
}

typedef struct
{
  const char *name, *user;
} Start;

static gint64
start_rows (PmssControlContext * context, gpointer user_data, GError ** error)
{
  Start *start = user_data;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_ready_medium
      (context->catalog, start->name, error);

  return medium != NULL ? pmss_artwork_add_job (context, medium, start->user,
      error) : 0;
}

gint64
pmss_artwork_start (PmssControlContext * context, const char *name,
    const char *user, GError ** error)
{
  Start start = { name, user };

  return pmss_jobs_begin (context->jobs, start_rows, &start, error);
}
