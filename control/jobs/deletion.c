/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deletes a medium. It starts on any thread; the job runs on a job thread. */
#include "control/jobs/deletion.h"

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "control/jobs/jobs.h"
#include "control/nodes/node-calls.h"
#include "control/originals/originals.h"
#include "control/uploads/uploads.h"
#include "libpmss/pmss-error.h"

#define BATCH 32                /* extents at a time */

/* One run of the job. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  gint64 medium;
  PmssNodeCalls *calls;
  guint64 done;                 /* bytes of the medium */
  guint64 shards, pending;      /* told to be deleted; of which not confirmed */
} Deletion;

/* Some extents of one version. */
typedef struct
{
  Deletion *deletion;
  const PmssVersion *version;
  GArray *extents;
  guint32 kept[BATCH];          /* by extent: bit s: shard s is not known to be gone */
} Batch;

static void
note_result (guint node, const char *shard, guint tag, const GError * error,
    gpointer user_data)
{
  Batch *batch = user_data;

  if (error == NULL)
    return;
  g_info ("%s on node %u: %s", shard, node, error->message);
  batch->kept[tag / PMSS_MAX_SHARDS] |= 1u << (tag % PMSS_MAX_SHARDS);
  batch->deletion->pending++;
}

static void
add_calls (Batch * batch, guint index)
{
  Deletion *deletion = batch->deletion;
  const PmssExtent *extent = &g_array_index (batch->extents, PmssExtent, index);
  char name[PMSS_SHARD_NAME_SIZE];

  for (guint i = 0; i < extent->n_nodes; i++) {
    if (extent->nodes[i] == 0)
      continue;
    pmss_shard_name_write (&batch->version->id, extent->number, i, name);
    pmss_node_calls_delete (deletion->calls, extent->nodes[i], name,
        index * PMSS_MAX_SHARDS + i);
    deletion->shards++;
  }
}

static gboolean
remove_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Batch *batch = user_data;
  PmssCatalog *catalog = batch->deletion->context->catalog;

  for (guint i = 0; i < batch->extents->len; i++) {
    PmssExtent *extent = &g_array_index (batch->extents, PmssExtent, i);
    if (!pmss_catalog_remove_extent (catalog, &batch->version->id,
            extent->number, batch->kept[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
delete_batch (Batch * batch, GError ** error)
{
  Deletion *deletion = batch->deletion;

  for (guint i = 0; i < batch->extents->len; i++)
    add_calls (batch, i);
  if (!pmss_node_calls_run (deletion->calls, note_result, batch,
          pmss_job_run_get_cancellable (deletion->run), error)
      || !pmss_database_transact (deletion->context->database, remove_rows,
          batch, error))
    return FALSE;
  deletion->done += (guint64) batch->extents->len * batch->version->extent;
  return pmss_job_run_progress (deletion->run,
      MIN (deletion->done, pmss_job_run_get_job (deletion->run)->total), error);
}

static gboolean
delete_version (Deletion * deletion, const PmssVersion * version,
    GError ** error)
{
  for (;;) {
    g_autoptr (GArray) extents = pmss_catalog_list_extents
        (deletion->context->catalog, &version->id, 0, BATCH, error);
    Batch batch = { deletion, version, extents };

    if (extents == NULL)
      return FALSE;
    if (extents->len == 0)
      return pmss_catalog_remove_version (deletion->context->catalog,
          &version->id, error);
    if (!delete_batch (&batch, error))
      return FALSE;
  }
}

/* The last rows */

static gboolean
remove_last (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Deletion *deletion = user_data;
  PmssControlContext *context = deletion->context;

  return pmss_uploads_drop (context->uploads, deletion->medium, error)
      && pmss_originals_drop (context->originals, deletion->medium, error)
      && pmss_catalog_remove_medium (context->catalog, deletion->medium, error);
}

static gboolean
delete_medium (Deletion * deletion, GError ** error)
{
  PmssControlContext *context = deletion->context;

  if (!pmss_database_transact (context->database, remove_last, deletion, error))
    return FALSE;
  pmss_uploads_delete_files (context->uploads);
  pmss_originals_delete_files (context->originals);
  return TRUE;
}

static gboolean
delete_all (Deletion * deletion, GError ** error)
{
  g_autoptr (GArray) versions = pmss_catalog_list_versions
      (deletion->context->catalog, deletion->medium, PMSS_VERSION_DELETING,
      error);

  if (versions == NULL)
    return FALSE;
  for (guint i = 0; i < versions->len; i++)
    if (!delete_version (deletion, &g_array_index (versions, PmssVersion, i),
            error))
      return FALSE;
  return delete_medium (deletion, error);
}

static gboolean
run_deletion (PmssJobRun * run, GError ** error)
{
  Deletion deletion = {
    .run = run,
    .context = pmss_job_run_get_context (run),
    .medium = pmss_job_run_get_job (run)->medium,
  };
  gboolean done;

  /* went with the medium's row: a crash came after all was done */
  if (deletion.medium == 0)
    return TRUE;
  deletion.calls = pmss_node_calls_new (deletion.context);
  done = delete_all (&deletion, error);
  pmss_node_calls_free (deletion.calls);
  if (done && deletion.pending > 0)
    g_message ("%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " shards wait "
        "to be deleted until their nodes are back",
        pmss_job_run_get_job (run)->medium_name, deletion.pending,
        deletion.shards);
  return done;
}

const PmssJobType pmss_job_type_delete = {
  .type = "delete",
  .max_running = 1,
  .can_cancel = FALSE,
  .run = run_deletion,
};

/* Starting */

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

  if (medium == NULL
      || !pmss_jobs_drop_medium (context->jobs, medium->id, error)
      || !pmss_catalog_mark_deleting (context->catalog, medium->id, error))
    return 0;
  return pmss_jobs_add (context->jobs, pmss_job_type_delete.type, medium->id,
      medium->name, MAX (medium->size, 0), 0, start->user, error);
}

gint64
pmss_deletion_start (PmssControlContext * context, const char *name,
    const char *user, GError ** error)
{
  Start start = { name, user };

  return pmss_jobs_begin (context->jobs, start_rows, &start, error);
}
