/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The streams of each node. Any thread. */
#include "control/overview/node-streams.h"

#include "control/catalog/catalog.h"
#include "control/sessions/sessions.h"
#include "libpmss/pmss-error.h"

static void
add_streams (GHashTable * counts, const GArray * nodes, guint streams)
{
  for (guint i = 0; i < nodes->len; i++) {
    gpointer node = GUINT_TO_POINTER (g_array_index (nodes, guint, i));
    guint before = GPOINTER_TO_UINT (g_hash_table_lookup (counts, node));

    g_hash_table_insert (counts, node, GUINT_TO_POINTER (before + streams));
  }
}

GHashTable *
pmss_node_streams_count (PmssControlContext * context, GError ** error)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  g_autoptr (GArray) versions =
      pmss_sessions_count_by_version (context->sessions, error);

  for (guint i = 0; versions != NULL && i < versions->len; i++) {
    const PmssVersionStreams *one = &g_array_index (versions,
        PmssVersionStreams, i);
    g_autoptr (GError) local = NULL;
    g_autoptr (GArray) nodes = pmss_catalog_list_version_nodes
        (context->catalog, &one->version, &local);

    if (nodes != NULL) {
      add_streams (counts, nodes, one->streams);
    } else if (!g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  }
  return versions != NULL ? g_steal_pointer (&counts) : NULL;
}
