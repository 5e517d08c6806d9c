/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/jobs/reconcile.h"

#include <string.h>

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "control/nodes/node-calls.h"
#include "control/nodes/nodes.h"
#include "control/uploads/uploads.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-shard.h"

#define EVERY (300 * G_USEC_PER_SEC)
#define HOUSEKEEPING (5 * G_USEC_PER_SEC)
#define PENDING_BATCH 500

struct _PmssReconciler
{
  PmssControlContext *context;
  GThread *thread;
  GCancellable *cancellable;
  PmssNodeCalls *calls;         /* of the thread */

  GMutex lock;                  /* protects all below */
  GCond cond;                   /* `due` or `stopping` has changed */
  gboolean stopping;
  GHashTable *due;              /* ids of nodes to look at */
  GHashTable *found;            /* node id -> PmssReconciled */
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

  if (error)
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

  if (!names)
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

/* One page of a node's shards against the catalog */

typedef struct
{
  PmssReconciler *self;
  guint node;
  GPtrArray *names;             /* that the node has, in order */
  const char *after;            /* nullable: the page begins after this */
  const char *last;             /* nullable: and ends with this */
  GPtrArray *expected;          /* names that the catalog has on it */
  guint64 orphans, missing;
} Page;

/* Columns version, number, nodes: what of that extent lies on the page's node. */
static void
add_expected (Page * page, PmssRows * rows)
{
  PmssVersionId version;
  gsize length;
  const guint8 *blob = pmss_rows_blob (rows, 0, &length);

  if (length != sizeof version.bytes)
    return;
  memcpy (version.bytes, blob, sizeof version.bytes);
  blob = pmss_rows_blob (rows, 2, &length);
  for (guint i = 0; i < length / 4; i++) {
    guint32 id;
    char name[PMSS_SHARD_NAME_SIZE];

    memcpy (&id, blob + i * 4, 4);
    if (GUINT32_FROM_LE (id) != page->node)
      continue;
    pmss_shard_name_write (&version, pmss_rows_int (rows, 1), i, name);
    if ((!page->after || strcmp (name, page->after) > 0)
        && (!page->last || strcmp (name, page->last) <= 0))
      g_ptr_array_add (page->expected, g_strdup (name));
  }
}

/* Rows of extents whose names lie in (after, last]: names sort as version, number, index. */
static gboolean
list_expected (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Page *page = user_data;
  PmssVersionId from = { {0} }, to;
  guint32 from_number = 0, to_number = G_MAXUINT32;
  guint index;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = NULL;

  memset (&to, 0xff, sizeof to);
  if (page->after)
    pmss_shard_name_parse (page->after, &from, &from_number, &index);
  if (page->last)
    pmss_shard_name_parse (page->last, &to, &to_number, &index);
  rows = pmss_database_query (database,
      "SELECT extent.version, extent.number, extent.nodes FROM extent "
      "JOIN version ON version.id = extent.version "
      "WHERE (extent.version, extent.number) >= (?1, ?2) "
      "AND (extent.version, extent.number) <= (?3, ?4) "
      "AND extent.state >= 1 AND version.state <> 'deleting'",
      PMSS_BLOB (from.bytes, 16), PMSS_INT (from_number),
      PMSS_BLOB (to.bytes, 16), PMSS_INT (to_number));
  while (pmss_rows_next (rows, &local))
    add_expected (page, rows);
  if (!local)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
is_placed (Page * page, const char *name, gboolean * placed, GError ** error)
{
  PmssVersionId version;
  guint32 extent;
  guint shard;

  *placed = FALSE;
  return !pmss_shard_name_parse (name, &version, &extent, &shard)
      || pmss_catalog_wants_shard (page->self->context->catalog, &version,
      extent, shard, page->node, placed, error);
}

/* Listed before it was asked for here: a shard without a row is garbage. */
static gboolean
queue_orphans (PmssDatabase * database, gpointer user_data, GError ** error)
{
  Page *page = user_data;

  for (guint i = 0; i < page->names->len; i++) {
    const char *name = g_ptr_array_index (page->names, i);
    gboolean placed;

    if (!is_placed (page, name, &placed, error))
      return FALSE;
    if (placed)
      continue;
    if (!pmss_catalog_add_pending (page->self->context->catalog, page->node,
            name, error))
      return FALSE;
    page->orphans++;
  }
  return TRUE;
}

static GHashTable *
make_set (GPtrArray * names)
{
  GHashTable *set = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < names->len; i++)
    g_hash_table_add (set, g_ptr_array_index (names, i));
  return set;
}

/* Names that the catalog has on the node in this page, and that are not in @names. */
static GPtrArray *
list_absent (Page * page, GPtrArray * names, GError ** error)
{
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) absent = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) have = make_set (names);

  page->expected = expected;
  if (!pmss_database_transact (page->self->context->database, list_expected,
          page, error))
    return NULL;
  for (guint i = 0; i < expected->len; i++)
    if (!g_hash_table_contains (have, g_ptr_array_index (expected, i)))
      g_ptr_array_add (absent, g_strdup (g_ptr_array_index (expected, i)));
  return g_steal_pointer (&absent);
}

/* Between the list and the look into the catalog a shard may have come or gone: missing is what both had to have before a second list, and is in neither. */
static gboolean
count_missing (Page * page, GError ** error)
{
  PmssReconciler *self = page->self;
  g_autoptr (GPtrArray) absent = list_absent (page, page->names, error);
  g_autoptr (GPtrArray) again = NULL, still = NULL;
  g_autoptr (GHashTable) before = NULL;
  gboolean more;

  if (!absent || absent->len == 0)
    return absent != NULL;
  again = pmss_node_calls_list (self->calls, page->node, page->after, &more,
      self->cancellable, error);
  if (!again)
    return FALSE;
  if (more && again->len > 0 && (!page->last
          || strcmp (g_ptr_array_index (again, again->len - 1),
              page->last) < 0))
    page->last = g_ptr_array_index (again, again->len - 1);
  still = list_absent (page, again, error);
  if (!still)
    return FALSE;
  before = make_set (absent);
  for (guint i = 0; i < still->len; i++) {
    const char *name = g_ptr_array_index (still, i);

    if (!g_hash_table_contains (before, name))
      continue;
    g_info ("Node %u has lost shard %s", page->node, name);
    page->missing++;
  }
  return TRUE;
}

/* Moves on @after; NULL: that was the last page. */
static GPtrArray *
compare_page (Page * page, char **after, GError ** error)
{
  PmssReconciler *self = page->self;
  g_autoptr (GPtrArray) names = NULL;
  gboolean more;
  char *next;

  names = pmss_node_calls_list (self->calls, page->node, *after, &more,
      self->cancellable, error);
  if (!names)
    return NULL;
  next = more && names->len > 0
      ? g_strdup (g_ptr_array_index (names, names->len - 1)) : NULL;
  page->names = names;
  page->after = *after;
  page->last = next;
  if (!pmss_database_transact (self->context->database, queue_orphans, page,
          error)
      || !count_missing (page, error)) {
    g_free (next);
    return NULL;
  }
  g_free (*after);
  *after = next;
  return g_steal_pointer (&names);
}

static gboolean
compare_lists (PmssReconciler * self, guint node, PmssReconciled * found,
    GError ** error)
{
  Page page = { self, node };
  g_autofree char *after = NULL;

  do {
    g_autoptr (GPtrArray) names = compare_page (&page, &after, error);
    if (!names)
      return FALSE;
    found->shards += names->len;
  } while (after);
  found->missing = page.missing;
  g_mutex_lock (&self->lock);
  self->orphans += page.orphans;
  g_mutex_unlock (&self->lock);
  if (page.missing > 0)
    g_warning ("Node %u has lost %" G_GUINT64_FORMAT " shards", node,
        page.missing);
  if (page.orphans > 0)
    g_message ("Node %u has %" G_GUINT64_FORMAT " shards that nobody knows: "
        "they are deleted", node, page.orphans);
  return page.orphans == 0 || delete_pending (self, node, error);
}

static void
reconcile_node (PmssReconciler * self, guint node)
{
  PmssReconciled found = { node, g_get_real_time () / G_USEC_PER_SEC };
  g_autoptr (GError) error = NULL;

  if (delete_pending (self, node, &error)
      && compare_lists (self, node, &found, &error)) {
    g_mutex_lock (&self->lock);
    g_hash_table_replace (self->found, GUINT_TO_POINTER (node),
        g_memdup2 (&found, sizeof found));
    g_mutex_unlock (&self->lock);
  } else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_message ("Cannot reconcile node %u: %s", node, error->message);
  }
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

  if (!infos) {
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
expire_uploads (PmssReconciler * self)
{
  g_autoptr (GError) error = NULL;

  if (!pmss_uploads_expire (self->context->uploads, &error))
    g_warning ("Cannot remove expired uploads: %s", error->message);
}

static gboolean
find_pending_nodes (PmssDatabase * database, gpointer user_data,
    GError ** error)
{
  GArray *nodes = user_data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT DISTINCT node FROM pending_deletion");

  while (pmss_rows_next (rows, &local)) {
    guint node = pmss_rows_int (rows, 0);
    g_array_append_val (nodes, node);
  }
  if (!local)
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

  if (!pmss_database_transact (self->context->database, find_pending_nodes,
          nodes, &error)) {
    g_warning ("Cannot look for pending deletions: %s", error->message);
    return;
  }
  for (guint i = 0; i < nodes->len; i++) {
    guint node = g_array_index (nodes, guint, i);
    g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (self->context->nodes,
        node);
    g_autoptr (GError) local = NULL;

    if (info && info->state == PMSS_NODE_UP
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
      retry_pending (self);
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

  if (state != PMSS_NODE_UP)
    return;
  g_mutex_lock (&self->lock);
  g_hash_table_add (self->due, GUINT_TO_POINTER (id));
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
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
  self->found = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  pmss_nodes_set_watch (context->nodes, on_node_changed, self);
  /* those that came up before there was a watch */
  add_all_nodes (self);
  self->thread = g_thread_new ("reconcile", run, self);
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
  g_hash_table_unref (self->found);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_object_unref (self->cancellable);
  g_free (self);
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
