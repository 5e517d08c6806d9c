/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The nodes that hold shards of a version, kept in memory until its layout
 * changes. Any thread; the memory belongs to the database thread. */

#include "control/catalog/catalog-private.h"

#include <string.h>

/* versions that are remembered; a cluster with more of them in use reads again */
#define MAX_REMEMBERED 4096

typedef struct
{
  gint64 generation;
  GArray *nodes;                /* of guint, ascending */
} VersionNodes;

typedef struct
{
  PmssCatalog *catalog;
  const PmssVersionId *id;
  GArray *nodes;
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

/* The ids in the blobs of column 0, each once. */
static GArray *
collect_nodes (PmssRows * rows, GError ** error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (GArray) nodes = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GError) local = NULL;

  while (pmss_rows_next (rows, &local)) {
    gsize length;
    const guint8 *blob = pmss_rows_blob (rows, 0, &length);

    for (gsize i = 0; i + 4 <= length; i += 4) {
      guint32 raw;
      guint id;

      memcpy (&raw, blob + i, 4);
      id = GUINT32_FROM_LE (raw);
      if (id != 0 && g_hash_table_add (seen, GUINT_TO_POINTER (id)))
        g_array_append_val (nodes, id);
    }
  }
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  g_array_sort (nodes, compare_nodes);
  return g_steal_pointer (&nodes);
}

static gboolean
read_generation (PmssDatabase * database, const PmssVersionId * id,
    gint64 * generation, GError ** error)
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

static void
remember (PmssCatalog * self, const PmssVersionId * id, gint64 generation,
    GArray * nodes)
{
  VersionNodes *remembered = g_new0 (VersionNodes, 1);

  if (g_hash_table_size (self->version_nodes) >= MAX_REMEMBERED)
    g_hash_table_remove_all (self->version_nodes);
  remembered->generation = generation;
  remembered->nodes = g_array_ref (nodes);
  g_hash_table_replace (self->version_nodes, g_memdup2 (id, sizeof (*id)),
      remembered);
}

static gboolean
list_nodes (PmssDatabase * database, gpointer data, GError ** error)
{
  NodesCall *call = data;
  VersionNodes *remembered = g_hash_table_lookup (call->catalog->version_nodes,
      call->id);
  g_autoptr (PmssRows) rows = NULL;
  gint64 generation;

  if (!read_generation (database, call->id, &generation, error))
    return FALSE;
  if (remembered != NULL && remembered->generation == generation) {
    call->nodes = g_array_ref (remembered->nodes);
    return TRUE;
  }
  rows = pmss_database_query (database,
      "SELECT nodes FROM extent WHERE version = ?1",
      PMSS_VERSION_BLOB (call->id));
  call->nodes = collect_nodes (rows, error);
  if (call->nodes == NULL)
    return FALSE;
  remember (call->catalog, call->id, generation, call->nodes);
  return TRUE;
}

GArray *
pmss_catalog_list_version_nodes (PmssCatalog * self, const PmssVersionId * id,
    GError ** error)
{
  NodesCall call = {.catalog = self,.id = id };

  if (!pmss_database_transact (self->database, list_nodes, &call, error))
    return NULL;
  return call.nodes;
}
