/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The nodes that hold shards of a version, kept in memory until its layout
 * changes. On any thread. */

#include "control/catalog/catalog-private.h"
#include "control/catalog/extent-nodes.h"

#include <string.h>

/* versions that are remembered; a cluster with more of them in use reads again */
#define MAX_REMEMBERED 4096
/* extents that are read in one piece */
#define PIECE 4096

typedef struct
{
  gint64 generation;
  GArray *nodes;                /* of guint, ascending */
} VersionNodes;

/* A piece of the layout. */
typedef struct
{
  const PmssVersionId *id;
  gint64 generation;
  gint64 first;                 /* where the next piece begins; -1: it was the last one */
  GHashTable *seen;             /* ids */
} NodesCall;

static void
version_nodes_free (gpointer data)
{
  VersionNodes *remembered = data;

  g_array_unref (remembered->nodes);
  g_free (remembered);
}

static guint
hash_id (gconstpointer id)
{
  guint hash;

  /* random already */
  memcpy (&hash, ((const PmssVersionId *) id)->bytes, sizeof (hash));
  return hash;
}

static gboolean
equal_ids (gconstpointer a, gconstpointer b)
{
  return pmss_version_id_equal (a, b);
}

GHashTable *
pmss_catalog_new_version_nodes (void)
{
  return g_hash_table_new_full (hash_id, equal_ids, g_free, version_nodes_free);
}

static int
compare_nodes (gconstpointer a, gconstpointer b)
{
  guint left = *(const guint *) a, right = *(const guint *) b;

  return left < right ? -1 : left > right;
}

void
pmss_catalog_sort_nodes (GArray * nodes)
{
  g_array_sort (nodes, compare_nodes);
}

static GArray *
list_seen (GHashTable * seen)
{
  GArray *nodes = g_array_new (FALSE, FALSE, sizeof (guint));
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, seen);
  while (g_hash_table_iter_next (&iter, &id, NULL)) {
    guint number = GPOINTER_TO_UINT (id);

    g_array_append_val (nodes, number);
  }
  pmss_catalog_sort_nodes (nodes);
  return nodes;
}

gboolean
pmss_catalog_read_generation (PmssDatabase * database,
    const PmssVersionId * id, gint64 * generation, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT generation FROM version WHERE id = ?1", PMSS_VERSION_BLOB (id));

  if (pmss_rows_next (rows, &local)) {
    *generation = pmss_rows_int (rows, 0);
    return TRUE;
  }
  if (local == NULL)
    g_set_error_literal (&local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no such version");
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
ask_generation (PmssDatabase * database, gpointer data, GError ** error)
{
  NodesCall *call = data;

  return pmss_catalog_read_generation (database, call->id, &call->generation,
      error);
}

/* Columns number and nodes. */
static void
see_nodes (NodesCall * call, PmssRows * rows)
{
  guint nodes[PMSS_MAX_SHARDS];
  guint n = pmss_extent_nodes_read (rows, 1, nodes);

  for (guint i = 0; i < n; i++)
    if (nodes[i] != 0)
      g_hash_table_add (call->seen, GUINT_TO_POINTER (nodes[i]));
}

static gboolean
see_piece (PmssDatabase * database, gpointer data, GError ** error)
{
  NodesCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT number, nodes FROM extent"
      " WHERE version = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
      PMSS_VERSION_BLOB (call->id), PMSS_INT (call->first), PMSS_INT (PIECE));
  guint n = 0;

  for (; pmss_rows_next (rows, &local); n++) {
    call->first = pmss_rows_int (rows, 0) + 1;
    see_nodes (call, rows);
  }
  if (n < PIECE)
    call->first = -1;
  if (local == NULL)
    return ask_generation (database, call, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* NULL: not of this generation. */
static GArray *
recall (PmssCatalog * self, const PmssVersionId * id, gint64 generation)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->nodes_lock);
  VersionNodes *remembered = g_hash_table_lookup (self->version_nodes, id);

  if (remembered == NULL || remembered->generation != generation)
    return NULL;
  return g_array_ref (remembered->nodes);
}

static void
remember (PmssCatalog * self, const PmssVersionId * id, gint64 generation,
    GArray * nodes)
{
  VersionNodes *remembered = g_new0 (VersionNodes, 1);

  remembered->generation = generation;
  remembered->nodes = g_array_ref (nodes);
  g_mutex_lock (&self->nodes_lock);
  if (g_hash_table_size (self->version_nodes) >= MAX_REMEMBERED)
    g_hash_table_remove_all (self->version_nodes);
  g_hash_table_replace (self->version_nodes, g_memdup2 (id, sizeof (*id)),
      remembered);
  g_mutex_unlock (&self->nodes_lock);
}

/* What a transaction that is under way sees may never be. A layout that changed between the pieces is not remembered: the nodes are all that it named. */
GArray *
pmss_catalog_list_version_nodes (PmssCatalog * self, const PmssVersionId * id,
    GError ** error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  NodesCall call = {.id = id,.seen = seen };
  gint64 generation;
  GArray *nodes;

  if (!pmss_database_read (self->database, ask_generation, &call, error))
    return NULL;
  generation = call.generation;
  nodes = recall (self, id, generation);
  if (nodes != NULL)
    return nodes;
  while (call.first >= 0)
    if (!pmss_database_read (self->database, see_piece, &call, error))
      return NULL;
  nodes = list_seen (seen);
  if (call.generation == generation
      && !pmss_database_is_within (self->database))
    remember (self, id, generation, nodes);
  return nodes;
}
