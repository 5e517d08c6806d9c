/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stores a new shard and reads it back. On a repair worker's thread. */
#include "control/repair/repair-private.h"

#include "control/catalog/catalog-health.h"
#include "libpmss/pmss-error.h"

#define MAX_TRIES 3             /* nodes that a shard is offered to */

static void
write_name (PmssRepairWork * work, guint index, char name[PMSS_SHARD_NAME_SIZE])
{
  pmss_shard_name_write (&work->version.id, work->extent.number, index, name);
}

static void
set_reason (PmssRepairWork * work, guint index, const char *why, char **reason)
{
  if (!*reason)
    *reason = g_strdup_printf ("%s, extent %u, shard %u: %s", work->medium,
        work->extent.number, index, why);
}

/* Writes, in the place of what @node has of it, and reads back: work->errors[index] says what is not good. */
static gboolean
write_to (PmssRepairWork * work, guint index, guint node, GBytes * bytes,
    GError ** error)
{
  char name[PMSS_SHARD_NAME_SIZE];
  gsize size = g_bytes_get_size (bytes);

  write_name (work, index, name);
  pmss_node_calls_replace (work->worker->calls, node, name, bytes, index);
  if (!pmss_repair_run_calls (work, error)
      || !pmss_repair_run_moved (work->repair, size, error))
    return FALSE;
  if (work->errors[index])
    return TRUE;
  pmss_node_calls_compare (work->worker->calls, node, name, bytes, index);
  return pmss_repair_run_calls (work, error)
      && pmss_repair_run_moved (work->repair, size, error);
}

/* On another node */

/* @reason: set when there is none. */
static gboolean
choose_node (PmssRepairWork * work, guint index, guint * node, char **reason,
    GError ** error)
{
  PmssRepairWorker *self = work->worker;
  g_autoptr (GError) local = NULL;

  if (!self->placer)
    self->placer = pmss_placer_new (self->repair->context, &work->version,
        pmss_job_run_get_cancellable (self->repair->run));
  else
    pmss_placer_turn_to (self->placer, &work->version);
  if (pmss_placer_choose (self->placer, &work->extent, index, node, &local))
    return TRUE;
  *node = 0;
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NO_SPACE)) {
    set_reason (work, index, local->message, reason);
    return TRUE;
  }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_repair_check_room (PmssRepairWork * work, char **reason, GError ** error)
{
  guint node;

  if (!work->lost)
    return TRUE;
  if (!choose_node (work, __builtin_ctz (work->lost), &node, reason, error))
    return FALSE;
  if (node == 0)
    work->lost = 0;
  return TRUE;
}

/* Somebody else was faster: the medium was deleted, or the place has changed. Takes @local. */
static gboolean
conflict_is_reason (PmssRepairWork * work, guint index, GError * local,
    char **reason, GError ** error)
{
  if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_CONFLICT)
      || g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    set_reason (work, index, local->message, reason);
    g_error_free (local);
    return TRUE;
  }
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
abandon (PmssRepairWork * work, guint index, GError ** error)
{
  return pmss_catalog_abandon_rebuild (work->repair->context->catalog,
      &work->version.id, work->extent.number, index, error);
}

/* The shard is good on @node: from now on the layout says so. */
static gboolean
finish (PmssRepairWork * work, guint index, guint node, GBytes * bytes,
    char **reason, GError ** error)
{
  GError *local = NULL;
  guint from = work->extent.nodes[index];

  if (!pmss_catalog_finish_rebuild (work->repair->context->catalog,
          &work->version.id, work->extent.number, index, from, node, &local))
    return conflict_is_reason (work, index, local, reason, error)
        && abandon (work, index, error);
  g_info ("%s: extent %u, shard %u: from node %u to node %u", work->medium,
      work->extent.number, index, from, node);
  work->extent.nodes[index] = node;
  return pmss_repair_run_stored (work->repair, g_bytes_get_size (bytes), error);
}

/* Offers it to one node. @ended: whether it took it, or nobody needs to. */
static gboolean
offer (PmssRepairWork * work, guint index, guint node, GBytes * bytes,
    gboolean * ended, char **reason, GError ** error)
{
  GError *local = NULL;

  *ended = TRUE;
  if (!pmss_catalog_begin_rebuild (work->repair->context->catalog,
          &work->version.id, work->extent.number, index, node, &local))
    return conflict_is_reason (work, index, local, reason, error);
  if (!write_to (work, index, node, bytes, error)) {
    /* the error that ends the run is the one to be told; what is left here control takes back when it starts */
    if (!abandon (work, index, &local)) {
      g_warning ("%s: %s", work->medium, local->message);
      g_error_free (local);
    }
    return FALSE;
  }
  if (!work->errors[index])
    return finish (work, index, node, bytes, reason, error);
  *ended = FALSE;
  g_warning ("%s: extent %u, shard %u cannot be put on node %u: %s",
      work->medium, work->extent.number, index, node,
      work->errors[index]->message);
  pmss_placer_shun (work->worker->placer, node, work->errors[index]);
  return abandon (work, index, error);
}

static gboolean
store_elsewhere (PmssRepairWork * work, guint index, GBytes * bytes,
    char **reason, GError ** error)
{
  gboolean ended = FALSE;
  guint node;

  for (guint i = 0; i < MAX_TRIES && !ended; i++) {
    if (!choose_node (work, index, &node, reason, error))
      return FALSE;
    if (node == 0)
      return TRUE;
    if (!offer (work, index, node, bytes, &ended, reason, error))
      return FALSE;
  }
  if (!ended)
    set_reason (work, index, work->errors[index]->message, reason);
  return TRUE;
}

/* On its own node */

/* The medium may have been deleted while the shard was written. */
static gboolean
note_own (PmssRepairWork * work, guint index, GBytes * bytes, GError ** error)
{
  PmssCatalog *catalog = work->repair->context->catalog;
  guint node = work->extent.nodes[index];
  gboolean wanted;
  char name[PMSS_SHARD_NAME_SIZE];

  if (!pmss_catalog_wants_shard (catalog, &work->version.id,
          work->extent.number, index, node, &wanted, error))
    return FALSE;
  write_name (work, index, name);
  if (!wanted)
    return pmss_catalog_add_pending (catalog, node, name, error);
  return pmss_catalog_clear_bad_shard (catalog, &work->version.id,
      work->extent.number, index, error)
      && pmss_repair_run_stored (work->repair, g_bytes_get_size (bytes), error);
}

/* What is there stays until the node has all of the new one: it may hold the last good unit of a row. */
static gboolean
store_own (PmssRepairWork * work, guint index, GBytes * bytes, char **reason,
    GError ** error)
{
  guint node = work->extent.nodes[index];

  if (!write_to (work, index, node, bytes, error))
    return FALSE;
  if (!work->errors[index])
    return note_own (work, index, bytes, error);
  if (pmss_repair_is_trouble (work->errors[index])) {
    set_reason (work, index, work->errors[index]->message, reason);
    return TRUE;
  }
  g_warning ("%s: extent %u, shard %u cannot be made anew on node %u: %s",
      work->medium, work->extent.number, index, node,
      work->errors[index]->message);
  return store_elsewhere (work, index, bytes, reason, error);
}

gboolean
pmss_repair_store (PmssRepairWork * work, guint index, GBytes * bytes,
    char **reason, GError ** error)
{
  return (work->bad & (1u << index)) != 0
      ? store_own (work, index, bytes, reason, error)
      : store_elsewhere (work, index, bytes, reason, error);
}
