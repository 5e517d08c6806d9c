/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares nodes with the catalog, on a thread of its own. */
#include "control/reconcile/reconcile.h"

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "control/reconcile/compare-lists.h"
#include "control/reconcile/list-budget.h"
#include "control/nodes/nodes.h"
#include "control/uploads/uploads.h"
#include "daemon/pmss-daemon.h"
#include "libpmss/pmss-error.h"

#define EVERY (300 * G_USEC_PER_SEC)
#define HOUSEKEEPING (5 * G_USEC_PER_SEC)
#define PENDING_BATCH 500

struct _PmssReconciler
{
  PmssControlContext *context;
  GThread *thread;
  GCancellable *cancellable;
  PmssNodeCalls *calls;         /* of the thread */
  GHashTable *unknown;          /* of the thread: node id -> PmssUnknown */
  GHashTable *failed;           /* of the thread: ids of nodes that could not be looked at */

  GMutex lock;                  /* protects all below */
  GCond cond;                   /* `due` or `stopping` has changed */
  gboolean stopping;
  GHashTable *due;              /* ids of nodes to look at */
  GHashTable *found;            /* node id -> PmssReconciled */
  GHashTable *allowed;          /* node id -> guint64: orphans of the next whole comparison */
  guint64 orphans, deleted;
};

/* Pending deletions */

typedef struct
{
  PmssReconciler *self;
  guint node;
  GPtrArray *gone;              /* shard names that the node has confirmed */
} Pending;

static void
note_gone (guint node, const char *shard, guint tag, const GError * error,
    gpointer user_data)
{
  Pending *pending = user_data;

  if (error != NULL)
    g_info ("%s on node %u: %s", shard, node, error->message);
  else
    g_ptr_array_add (pending->gone, g_strdup (shard));
}

static gboolean
clear_rows (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Pending *pending = user_data;

  for (guint i = 0; i < pending->gone->len; i++)
    if (!pmss_catalog_clear_pending (pending->self->context->catalog,
            pending->node, g_ptr_array_index (pending->gone, i), error))
      return FALSE;
  return TRUE;
}

/* @more: whether there may be others. */
static gboolean
delete_some (PmssReconciler * self, guint node, gboolean * more,
    GError ** error)
{
  PmssControlContext *context = self->context;
  g_autoptr (GPtrArray) names = pmss_catalog_list_pending (context->catalog,
      node, PENDING_BATCH, error);
  g_autoptr (GPtrArray) gone = g_ptr_array_new_with_free_func (g_free);
  Pending pending = { self, node, gone };

  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    pmss_node_calls_delete (self->calls, node, g_ptr_array_index (names, i), i);
  if (!pmss_node_calls_run (self->calls, note_gone, &pending,
          self->cancellable, error)
      || !pmss_database_transact (context->database, clear_rows, &pending,
          error))
    return FALSE;
  g_mutex_lock (&self->lock);
  self->deleted += gone->len;
  g_mutex_unlock (&self->lock);
  /* what failed comes again next time */
  *more = names->len == PENDING_BATCH && gone->len == names->len;
  return TRUE;
}

static gboolean
delete_pending (PmssReconciler * self, guint node, GError ** error)
{
  gboolean more = TRUE;

  while (more)
    if (!delete_some (self, node, &more, error))
      return FALSE;
  return TRUE;
}

/* Lists */

static PmssUnknown *
get_unknown (PmssReconciler * self, guint node)
{
  PmssUnknown *unknown = g_hash_table_lookup (self->unknown,
      GUINT_TO_POINTER (node));

  if (unknown == NULL) {
    unknown = pmss_unknown_new (PMSS_UNKNOWN_MAX);
    g_hash_table_insert (self->unknown, GUINT_TO_POINTER (node), unknown);
  }
  return unknown;
}

static void
tell_compared (guint node, const PmssCompared * compared, guint64 before,
    guint64 unknown)
{
  if (compared->missing > 0)
    g_warning ("Node %u has lost %" G_GUINT64_FORMAT " shards", node,
        compared->missing);
  if (compared->orphans > 0)
    g_message ("Node %u has %" G_GUINT64_FORMAT " shards that nobody knows: "
        "they are deleted", node, compared->orphans);
  if (compared->held > 0)
    g_warning ("Node %u has %" G_GUINT64_FORMAT " shards of %" G_GUINT64_FORMAT
        " that nobody knows: so many are not deleted unasked. Look whether the "
        "catalog is the right one, then 'pmss node set %u --confirm-cleanup'",
        node, compared->held, compared->shards, node);
  else if (unknown > before)
    g_message ("Node %u has %" G_GUINT64_FORMAT " shards that nobody knows: "
        "they are left alone for now", node, unknown);
}

static guint64
get_allowed (PmssReconciler * self, guint node)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  guint64 *allowed = g_hash_table_lookup (self->allowed,
      GUINT_TO_POINTER (node));

  return allowed != NULL ? *allowed : 0;
}

/* A confirmation is for one list that came to its end; where that had more than are remembered, what is left of it is for the next ones. One that was
 * given meanwhile is for the next. */
static void
use_allowed (PmssReconciler * self, guint node, guint64 number,
    const PmssCompared * compared)
{
  guint64 rest = pmss_compared_get_rest (compared, number);
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  guint64 *allowed = g_hash_table_lookup (self->allowed,
      GUINT_TO_POINTER (node));

  if (allowed == NULL || *allowed != number)
    return;
  *allowed = rest;
  if (rest == 0)
    g_hash_table_remove (self->allowed, GUINT_TO_POINTER (node));
}

static void
note_found (PmssReconciler * self, guint node, const PmssCompared * compared)
{
  PmssReconciled found = {
    .node = node,.when = g_get_real_time () / G_USEC_PER_SEC,
    .shards = compared->shards,.missing = compared->missing,
    .unknown = compared->unknown - compared->orphans,.held = compared->held
  };

  g_mutex_lock (&self->lock);
  self->orphans += compared->orphans;
  g_hash_table_replace (self->found, GUINT_TO_POINTER (node),
      g_memdup2 (&found, sizeof found));
  g_mutex_unlock (&self->lock);
}

/* Of names that a list may have besides those of the catalog, before it is left; a test has no time for a million. */
static guint64
get_more (void)
{
  const char *text = g_getenv ("PMSS_TEST_LIST_MORE");
  guint64 more;

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 1,
      PMSS_LIST_MORE, &more, NULL) ? more : PMSS_LIST_MORE;
}

static gboolean
compare_lists (PmssReconciler * self, guint node, GError ** error)
{
  PmssUnknown *unknown = get_unknown (self, node);
  guint64 before = pmss_unknown_get_count (unknown);
  guint64 allowed = get_allowed (self, node);
  PmssCompared compared;

  if (!pmss_compare_lists (self->context, self->calls, node, unknown,
          get_more (), allowed, &compared, self->cancellable, error))
    return FALSE;
  if (!compared.whole)
    return TRUE;
  use_allowed (self, node, allowed, &compared);
  note_found (self, node, &compared);
  tell_compared (node, &compared, before, pmss_unknown_get_count (unknown));
  return compared.orphans == 0 || delete_pending (self, node, error);
}

static void
reconcile_node (PmssReconciler * self, guint node)
{
  g_autoptr (GError) error = NULL;

  if ((delete_pending (self, node, &error)
          && compare_lists (self, node, &error))
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_message ("Cannot reconcile node %u: %s", node, error->message);
  g_hash_table_add (self->failed, GUINT_TO_POINTER (node));
}

/* The thread */

/* 0: none is due until @until, or it is time to stop. */
static guint
wait_for_node (PmssReconciler * self, gint64 until)
{
  GHashTableIter iter;
  gpointer id = NULL;

  g_mutex_lock (&self->lock);
  while (!self->stopping && g_hash_table_size (self->due) == 0)
    if (!g_cond_wait_until (&self->cond, &self->lock, until))
      break;
  g_hash_table_iter_init (&iter, self->due);
  if (!self->stopping && g_hash_table_iter_next (&iter, &id, NULL))
    g_hash_table_iter_remove (&iter);
  g_mutex_unlock (&self->lock);
  return GPOINTER_TO_UINT (id);
}

static void
add_all_nodes (PmssReconciler * self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) infos = pmss_nodes_list (self->context->nodes, &error);

  if (infos == NULL) {
    g_warning ("Cannot list the nodes: %s", error->message);
    return;
  }
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < infos->len; i++) {
    PmssNodeInfo *info = g_ptr_array_index (infos, i);
    if (info->state == PMSS_NODE_UP)
      g_hash_table_add (self->due, GUINT_TO_POINTER (info->node.id));
  }
  g_mutex_unlock (&self->lock);
}

static void
add_due (PmssReconciler * self, guint node)
{
  g_mutex_lock (&self->lock);
  g_hash_table_add (self->due, GUINT_TO_POINTER (node));
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* Nodes that have something whose grace period is over. */
static void
add_overdue (PmssReconciler * self, gint64 now)
{
  GHashTableIter iter;
  gpointer node, unknown;

  g_hash_table_iter_init (&iter, self->unknown);
  while (g_hash_table_iter_next (&iter, &node, &unknown)) {
    g_autoptr (PmssNodeInfo) info = NULL;

    if (pmss_unknown_get_due (unknown) > now)
      continue;
    info = pmss_nodes_peek (self->context->nodes, GPOINTER_TO_UINT (node));
    if (info == NULL)
      g_hash_table_iter_remove (&iter);
    else if (info->state == PMSS_NODE_UP)
      add_due (self, GPOINTER_TO_UINT (node));
  }
}

/* One that is not up is looked at when it comes. */
static void
retry_failed (PmssReconciler * self)
{
  GHashTableIter iter;
  gpointer node;

  g_hash_table_iter_init (&iter, self->failed);
  while (g_hash_table_iter_next (&iter, &node, NULL)) {
    g_autoptr (PmssNodeInfo) info =
        pmss_nodes_peek (self->context->nodes, GPOINTER_TO_UINT (node));

    if (info != NULL && info->state == PMSS_NODE_UP)
      add_due (self, GPOINTER_TO_UINT (node));
    g_hash_table_iter_remove (&iter);
  }
}

static void
expire_uploads (PmssReconciler * self)
{
  g_autoptr (GError) error = NULL;

  if (!pmss_uploads_expire (self->context->uploads, &error))
    g_warning ("Cannot remove expired uploads: %s", error->message);
}

/* A node that was removed confirms no deletion. */
static void
drop_removed (PmssReconciler * self)
{
  g_autoptr (GError) error = NULL;
  gboolean more = TRUE;

  while (more && !g_cancellable_is_cancelled (self->cancellable)
      && pmss_catalog_drop_removed (self->context->catalog, &more, &error));
  if (error != NULL)
    g_warning ("Cannot forget deletions from nodes that were removed: %s",
        error->message);
}

static gboolean
find_pending_nodes (PmssDatabase * database, gpointer user_data,
    GError ** error)
{
  GArray *nodes = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id FROM node WHERE EXISTS"
      " (SELECT 1 FROM pending_deletion WHERE node = node.id)");

  while (pmss_rows_next (rows, &local)) {
    guint node = pmss_rows_int (rows, 0);
    g_array_append_val (nodes, node);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* A node that was gone for less time than it takes to be noticed has not come up again in anybody's eyes. */
static void
retry_pending (PmssReconciler * self)
{
  g_autoptr (GArray) nodes = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GError) error = NULL;

  if (!pmss_database_read (self->context->database, find_pending_nodes,
          nodes, &error)) {
    g_warning ("Cannot look for pending deletions: %s", error->message);
    return;
  }
  for (guint i = 0; i < nodes->len; i++) {
    guint node = g_array_index (nodes, guint, i);
    g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (self->context->nodes,
        node);
    g_autoptr (GError) local = NULL;

    if (info != NULL && info->state == PMSS_NODE_UP
        && !delete_pending (self, node, &local)
        && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      g_message ("Cannot delete from node %u: %s", node, local->message);
  }
}

static gpointer
run (gpointer user_data)
{
  PmssReconciler *self = user_data;
  gint64 all_at = g_get_monotonic_time () + EVERY;
  gint64 housekeeping_at = 0;

  self->calls = pmss_node_calls_new (self->context);
  while (!g_cancellable_is_cancelled (self->cancellable)) {
    gint64 now = g_get_monotonic_time ();
    guint node;

    if (now >= all_at) {
      add_all_nodes (self);
      all_at = now + EVERY;
    }
    if (now >= housekeeping_at) {
      expire_uploads (self);
      drop_removed (self);
      retry_pending (self);
      retry_failed (self);
      add_overdue (self, now);
      housekeeping_at = now + HOUSEKEEPING;
    }
    node = wait_for_node (self, MIN (all_at, housekeeping_at));
    if (node != 0)
      reconcile_node (self, node);
  }
  pmss_node_calls_free (self->calls);
  return NULL;
}

static void
on_node_changed (guint id, PmssNodeState state, gpointer user_data)
{
  PmssReconciler *self = user_data;

  if (state == PMSS_NODE_UP)
    add_due (self, id);
}

PmssReconciler *
pmss_reconciler_start (PmssControlContext * context)
{
  PmssReconciler *self = g_new0 (PmssReconciler, 1);

  self->context = context;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->due = g_hash_table_new (NULL, NULL);
  self->unknown = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) pmss_unknown_free);
  self->failed = g_hash_table_new (NULL, NULL);
  self->found = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->allowed = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  pmss_nodes_set_watch (context->nodes, on_node_changed, self);
  /* those that came up before there was a watch */
  add_all_nodes (self);
  self->thread = pmss_daemon_thread_new ("reconcile", run, self);
  return self;
}

void
pmss_reconciler_stop (PmssReconciler * self)
{
  pmss_nodes_set_watch (self->context->nodes, NULL, NULL);
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  g_cancellable_cancel (self->cancellable);
  g_thread_join (self->thread);
  g_hash_table_unref (self->due);
  g_hash_table_unref (self->unknown);
  g_hash_table_unref (self->failed);
  g_hash_table_unref (self->found);
  g_hash_table_unref (self->allowed);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_object_unref (self->cancellable);
  g_free (self);
}

static guint64
get_held_locked (PmssReconciler * self, guint node)
{
  PmssReconciled *found = g_hash_table_lookup (self->found,
      GUINT_TO_POINTER (node));

  return found != NULL ? found->held : 0;
}

guint64
pmss_reconciler_get_held (PmssReconciler * self, guint node)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return get_held_locked (self, node);
}

gboolean
pmss_reconciler_confirm (PmssReconciler * self, guint node, guint64 shards,
    GError ** error)
{
  guint64 held;

  g_mutex_lock (&self->lock);
  held = get_held_locked (self, node);
  if (held > 0 && held <= shards)
    g_hash_table_replace (self->allowed, GUINT_TO_POINTER (node),
        g_memdup2 (&held, sizeof (held)));
  g_mutex_unlock (&self->lock);
  if (held == 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Node %u has no clean-up that waits to be confirmed", node);
  else if (held > shards)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "The clean-up of node %u would delete %" G_GUINT64_FORMAT " shards by "
        "now, not %" G_GUINT64_FORMAT, node, held, shards);
  else
    add_due (self, node);
  return held > 0 && held <= shards;
}

GArray *
pmss_reconciler_get_stats (PmssReconciler * self, guint64 * orphans,
    guint64 * deleted)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (PmssReconciled));
  GHashTableIter iter;
  gpointer found;

  g_mutex_lock (&self->lock);
  *orphans = self->orphans;
  *deleted = self->deleted;
  g_hash_table_iter_init (&iter, self->found);
  while (g_hash_table_iter_next (&iter, NULL, &found))
    g_array_append_vals (list, found, 1);
  g_mutex_unlock (&self->lock);
  return list;
}
