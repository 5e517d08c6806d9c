/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase "probe" of an ingest: asks pmss-probe about the upload. On the job's thread. */
#include "control/ingest/ingest-private.h"
#include "control/ingest/probe-runner.h"

#define PROBE_SECONDS 120
/* A file that twice took the control server with it is not looked at again. */
#define MAX_PROBES 2

static gboolean
warn_of_missing (Ingest * ingest, const char *missing, GError ** error)
{
  g_autofree char *warning = g_strdup_printf ("The control server has no "
      "GStreamer plugin for: %s. What the file holds may be known in part "
      "only, or not at all; it plays all the same", missing);

  return pmss_job_run_set_warning (ingest->run, warning, error);
}

static gboolean
warn_of_unknown (Ingest * ingest, const char *why, GError ** error)
{
  g_autofree char *warning = g_strdup_printf ("The file's characteristics "
      "are unknown: %s", why);

  g_warning ("%s: %s", ingest->medium->name, why);
  return pmss_job_run_set_warning (ingest->run, warning, error);
}

static gboolean
use_result (Ingest * ingest, gboolean found, const char *missing,
    GError * problem, GError ** error)
{
  if (found)
    return pmss_catalog_update_medium (ingest->context->catalog,
        ingest->medium, error)
        && (missing == NULL || warn_of_missing (ingest, missing, error));
  if (g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, g_error_copy (problem));
    return FALSE;
  }
  return warn_of_unknown (ingest, problem->message, error);
}

gboolean
pmss_ingest_probe (Ingest * ingest, GError ** error)
{
  PmssUploads *uploads = ingest->context->uploads;
  const char *upload = ingest->upload->id;
  g_autoptr (GError) problem = NULL;
  g_autofree char *missing = NULL;
  gboolean may, found;

  if (!pmss_uploads_begin_probe (uploads, upload, MAX_PROBES, &may, error))
    return FALSE;
  if (!may)
    return warn_of_unknown (ingest, "the control server ended twice while it "
        "looked at it, and does not try again", error);
  found = pmss_probe_run (ingest->path, ingest->medium, PROBE_SECONDS,
      &missing, pmss_job_run_get_cancellable (ingest->run), &problem);
  if (!pmss_uploads_end_probe (uploads, upload, error)
      || !use_result (ingest, found, missing, problem, error))
    return FALSE;
  pmss_ingest_begin_artwork (ingest);
  return TRUE;
}
