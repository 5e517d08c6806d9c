/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a medium's original is kept, changed afterwards. Any thread; blocks. */
#include "control/importance/importance.h"

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "control/importance/payload-file.h"
#include "control/jobs/jobs.h"
#include "control/nodes/nodes.h"
#include "control/originals/originals.h"
#include "control/shard-health/medium-health.h"
#include "libpmss/pmss-error.h"

typedef struct
{
  PmssControlContext *context;
  const char *name, *user;
  PmssVersionId version;        /* whose shards were looked at */
  gint64 job;
} Change;

static gboolean
is_kept (Change * change, gint64 medium, gboolean * kept, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *sha256 = NULL;
  g_autofree char *path = pmss_originals_find (change->context->originals,
      medium, &sha256, &local);

  *kept = path != NULL;
  if (*kept || g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* Keeping */

static gint64
add_job (Change * change, const PmssMedium * medium, GError ** error)
{
  guint64 size = (guint64) MAX (medium->size, 0);

  /* before a job fails for it */
  if (!pmss_payload_file_check_room (change->context, size, "the original",
          error))
    return 0;
  return pmss_jobs_add (change->context->jobs, pmss_job_type_original.type,
      medium->id, medium->name, size, 0, change->user, error);
}

static gboolean
begin_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Change *change = user_data;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_ready_medium
      (change->context->catalog, change->name, error);
  g_autoptr (GError) local = NULL;
  gboolean kept;

  if (medium == NULL || !is_kept (change, medium->id, &kept, error))
    return FALSE;
  if (kept)
    return TRUE;
  change->job = pmss_jobs_find_open (change->context->jobs,
      pmss_job_type_original.type, medium->id, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (change->job == 0)
    change->job = add_job (change, medium, error);
  return change->job != 0;
}

gboolean
pmss_original_keep (PmssControlContext * context, const char *name,
    const char *user, gint64 * job, GError ** error)
{
  Change change = {.context = context,.name = name,.user = user };

  if (!pmss_database_transact (context->database, begin_rows, &change, error))
    return FALSE;
  if (change.job != 0)
    pmss_jobs_wake (context->jobs);
  *job = change.job;
  return TRUE;
}

/* Dropping */

/* A storage server that has just fallen silent counts as there for readers. Its shards may have gone
 * with it, and the original may be the only copy. */
static gboolean
check_heard (PmssControlContext * context, const PmssMedium * medium,
    GError ** error)
{
  g_autoptr (GArray) nodes = pmss_catalog_list_version_nodes (context->catalog,
      &medium->version, error);

  for (guint i = 0; nodes != NULL && i < nodes->len; i++) {
    guint id = g_array_index (nodes, guint, i);
    g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (context->nodes, id);

    if (info != NULL && info->state == PMSS_NODE_UP)
      continue;
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The original of “%s” stays: storage server %u is %s, and its shards "
        "may have to be made from it. Drop it when the server is up again",
        medium->name, id, info != NULL ? pmss_node_state_to_string (info->state)
        : "gone");
    return FALSE;
  }
  return nodes != NULL;
}

static gboolean
check_whole (PmssControlContext * context, const PmssMedium * medium,
    GError ** error)
{
  g_autoptr (PmssMediumHealth) health = pmss_medium_health_new (context,
      &medium->version, error);

  if (health == NULL)
    return FALSE;
  if (health->state == PMSS_HEALTH_WHOLE && health->suspected_shards == 0)
    return check_heard (context, medium, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "The original of “%s” stays: the medium is %s, and its shards may have "
      "to be made from it. Drop it when they are whole again", medium->name,
      health->state == PMSS_HEALTH_WHOLE ? "suspected to be damaged"
      : pmss_health_to_string (health->state));
  return FALSE;
}

static gboolean
drop_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Change *change = user_data;
  g_autoptr (PmssMedium) medium = pmss_catalog_get_ready_medium
      (change->context->catalog, change->name, error);
  g_autoptr (GError) local = NULL;

  if (medium == NULL)
    return FALSE;
  change->job = pmss_jobs_find_open (change->context->jobs,
      pmss_job_type_original.type, medium->id, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (change->job != 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Job %" G_GINT64_FORMAT
        " is making the original of “%s”: cancel it", change->job,
        medium->name);
    return FALSE;
  }
  if (!pmss_version_id_equal (&medium->version, &change->version)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "“%s” has changed: ask again", medium->name);
    return FALSE;
  }
  return pmss_originals_drop (change->context->originals, medium->id, error)
      && pmss_catalog_set_keep_original (change->context->catalog, medium->id,
      FALSE, error);
}

gboolean
pmss_original_drop (PmssControlContext * context, const char *name,
    GError ** error)
{
  g_autoptr (PmssMedium) medium = pmss_catalog_get_ready_medium
      (context->catalog, name, error);
  Change change = {.context = context,.name = name };

  if (medium == NULL || !check_whole (context, medium, error))
    return FALSE;
  change.version = medium->version;
  if (!pmss_database_transact (context->database, drop_rows, &change, error))
    return FALSE;
  pmss_originals_delete_files (context->originals);
  return TRUE;
}
