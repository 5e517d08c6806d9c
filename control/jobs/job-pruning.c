/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jobs that ended long ago are forgotten. On the main thread. */

#include "control/jobs/jobs-private.h"

#include "control/config.h"

/* What repair did last is asked for by its kind (repair.c): the newest of each stays. */
static gboolean
prune_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  const gint64 *before = user_data;

  return pmss_database_exec (database, error,
      "DELETE FROM job WHERE id IN (SELECT id FROM job AS old"
      " WHERE (state IN ('done', 'cancelled')"
      "  OR (state = 'failed' AND medium IS NULL)) AND updated < ?1"
      " AND id < (SELECT max(id) FROM job WHERE type = old.type)"
      " ORDER BY updated LIMIT ?2)",
      PMSS_INT (*before), PMSS_INT (PMSS_JOBS_PRUNED));
}

void
pmss_jobs_prune (PmssJobs * self)
{
  guint lifetime = self->context->config->job_lifetime;
  gint64 before = g_get_real_time () / G_USEC_PER_SEC - lifetime;
  g_autoptr (GError) error = NULL;

  if (lifetime != 0 && !pmss_database_transact (self->context->database,
          prune_rows, &before, &error))
    g_warning ("Cannot forget old jobs: %s", error->message);
}
