/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"

G_BEGIN_DECLS

/* Shared by the files catalog*.c alone. */
struct _PmssCatalog
{
  PmssDatabase *database;
  gboolean full;                /* on the database thread: of bad shards, and that was said */
  GMutex nodes_lock;            /* protects version_nodes; not held over the database */
  GHashTable *version_nodes;    /* see catalog-nodes.c */
};

#define PMSS_VERSION_BLOB(id) PMSS_BLOB ((id)->bytes, sizeof ((id)->bytes))

/* TRUE if the last statement changed a row; else @code and @text. */
gboolean pmss_catalog_check_changed (PmssDatabase *database, GError **error, PmssError code,
    const char *text);
GHashTable *pmss_catalog_new_version_nodes (void);
/* Ids (guint), ascending. */
void     pmss_catalog_sort_nodes    (GArray *nodes);
/* On the database thread. */
gboolean pmss_catalog_read_version  (PmssDatabase *database, const PmssVersionId *id,
    PmssVersion *version, GError **error);
/* How many its size asks for. */
guint64  pmss_catalog_count_extents (const PmssVersion *version);
/* @rows' column as a version id; PMSS_ERROR_CORRUPT. */
gboolean pmss_catalog_column_version (PmssRows *rows, guint column, PmssVersionId *id,
    GError **error);

/* On the database thread. A living or deleting medium; PMSS_ERROR_NOT_FOUND. */
PmssMedium *pmss_catalog_read_medium (PmssDatabase *database, gint64 id, GError **error);
/* After a change of the name, title or state of medium @id, or its end: searches find it by what it
 * is called now. */
gboolean pmss_catalog_index_text    (PmssDatabase *database, gint64 id, GError **error);
/* "ready". PMSS_ERROR_CORRUPT */
gboolean pmss_catalog_parse_medium_state (const char *text, PmssMediumState *state, GError **error);

/* All that follows: on the database thread, as a part of the caller's transaction. */
gboolean pmss_catalog_count_shards  (PmssDatabase *database, guint node, int change,
    GError **error);
/* Columns number, state, nodes. */
gboolean pmss_catalog_read_extent_row (PmssRows *rows, PmssExtent *extent, GError **error);
/* PMSS_ERROR_NOT_FOUND: it is not placed. */
gboolean pmss_catalog_read_extent   (PmssDatabase *database, const PmssVersionId *version,
    guint32 number, PmssExtent *extent, GError **error);
/* Whether a row of the layout or of a rebuild wants that shard on @node. */
gboolean pmss_catalog_read_place    (PmssDatabase *database, const PmssVersionId *version,
    guint32 number, guint shard, guint node, gboolean *wanted, GError **error);
/* PMSS_ERROR_CONFLICT: the node has, or is being sent, a shard of the extent. */
gboolean pmss_catalog_check_node_free (PmssDatabase *database, const PmssVersionId *version,
    const PmssExtent *extent, guint node, GError **error);
/* Writes that the layout names @node in that place, of which nothing bad is known from then on.
 * Counts nothing. */
gboolean pmss_catalog_name_node     (PmssDatabase *database, const PmssVersionId *version,
    PmssExtent *extent, guint shard, guint node, GError **error);
/* The shard that a row wanted on @node (0: nowhere) becomes a pending deletion; its count stays. */
gboolean pmss_catalog_abandon_place (PmssDatabase *database, const PmssVersionId *version,
    guint32 number, guint shard, guint node, GError **error);
gboolean pmss_catalog_insert_pending (PmssDatabase *database, guint node, const char *name,
    GError **error);
/* PMSS_ERROR_CONFLICT: a deletion on its way could hit the shard that is to be written. */
gboolean pmss_catalog_check_not_pending (PmssDatabase *database, const PmssVersionId *version,
    guint32 number, guint shard, guint node, GError **error);
/* All rebuilds of the extent become pending deletions. */
gboolean pmss_catalog_abandon_rebuilds_of (PmssDatabase *database, const PmssVersionId *version,
    guint32 number, GError **error);

G_END_DECLS
