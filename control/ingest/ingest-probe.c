/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The phase "probe" of an ingest: asks pmss-probe about the upload. On the job's thread. */
#include "control/database/database.h"
#include "control/ingest/ingest-private.h"
#include "control/ingest/probe-runner.h"
#include "libpmss/pmss-error.h"

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

typedef struct
{
  Ingest *ingest;
  gboolean may;                 /* not too many have begun already */
} Begin;

static gboolean
read_probes (PmssDatabase * database, const char *upload, gint64 * probes,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT probes FROM upload WHERE id = ?1", PMSS_TEXT (upload));

  if (pmss_rows_next (rows, &local)) {
    *probes = pmss_rows_int (rows, 0);
    return TRUE;
  }
  if (local == NULL)
    g_set_error_literal (&local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "The upload is gone: its medium was deleted");
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Counts the probe that begins, unless too many have begun already. A count that is still there at the next start is of one that was not seen to end. */
static gboolean
begin_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Begin *begin = user_data;
  const char *upload = begin->ingest->upload->id;
  gint64 probes;

  if (!read_probes (database, upload, &probes, error))
    return FALSE;
  begin->may = probes < MAX_PROBES;
  return !begin->may || pmss_database_exec (database, error,
      "UPDATE upload SET probes = probes + 1 WHERE id = ?1",
      PMSS_TEXT (upload));
}

static gboolean
end_row (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Ingest *ingest = user_data;

  return pmss_database_exec (database, error,
      "UPDATE upload SET probes = 0 WHERE id = ?1",
      PMSS_TEXT (ingest->upload->id));
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
  PmssDatabase *database = ingest->context->database;
  g_autoptr (GError) problem = NULL;
  g_autofree char *missing = NULL;
  Begin begin = { ingest, FALSE };
  gboolean found;

  if (!pmss_database_transact (database, begin_row, &begin, error))
    return FALSE;
  if (!begin.may)
    return warn_of_unknown (ingest, "the control server ended twice while it "
        "looked at it, and does not try again", error);
  found = pmss_probe_run (ingest->path, ingest->medium, PROBE_SECONDS,
      &missing, pmss_job_run_get_cancellable (ingest->run), &problem);
  return pmss_database_transact (database, end_row, ingest, error)
      && use_result (ingest, found, missing, problem, error);
}
