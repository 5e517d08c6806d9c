/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "libpmss/format/pmss-shard.h"

G_BEGIN_DECLS

/* The part of #PmssCatalog about shards that are bad or suspected, and about their repair. Only
 * versions that are ready. */

/* Bad shards: places of which it is known, or has been told, that they cannot give all of their
 * units. */

typedef enum
{
  /* a viewer's reader says so: control looks at it before it does anything */
  PMSS_BAD_SUSPECTED,
  PMSS_BAD_KNOWN,               /* control or the node itself has looked */
} PmssBadState;
typedef enum
{
  PMSS_BAD_MISSING,
  PMSS_BAD_DAMAGED,             /* checksum, length, header */
  PMSS_BAD_UNREADABLE,          /* the disk says EIO */
} PmssBadKind;
typedef enum { PMSS_FOUND_BY_READER, PMSS_FOUND_BY_SCRUB, PMSS_FOUND_BY_LIST, PMSS_FOUND_BY_VERIFY,
    PMSS_FOUND_BY_REPAIR } PmssFoundBy;

/* The most of all versions; more are dropped, which the log says once. The most rows of one shard;
 * a shard with more counts as bad as a whole. The most that readers of one user suspect; more are
 * dropped. */
#define PMSS_MAX_BAD_SHARDS 100000
#define PMSS_MAX_BAD_ROWS 1024
#define PMSS_MAX_SUSPECTED 1000

typedef struct
{
  PmssVersionId version;
  guint32 extent;
  guint shard;
  guint node;
  PmssBadState state;
  PmssBadKind kind;
  /* (nullable) guint32: the bad ones, ascending when read. Empty: the file is not as it has to be,
   * but gives all of them. NULL: all, or not known */
  GArray *rows;
  PmssFoundBy source;
  char *user;                   /* (nullable) the user whose reader told */
  /* seconds since 1970, that it came into its state; written by the catalog */
  gint64 found;
} PmssBadShard;

void         pmss_bad_shard_free (PmssBadShard *bad);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssBadShard, pmss_bad_shard_free)
const char  *pmss_bad_state_to_string (PmssBadState state);
const char  *pmss_bad_kind_to_string  (PmssBadKind kind);
const char  *pmss_found_by_to_string  (PmssFoundBy source);

/* Nothing is done unless the layout of a ready version names @bad->node in that place and the shard
 * has such rows. Knowledge replaces suspicion. A suspicion of a shard that is known to be bad is
 * nothing new. Otherwise the rows are joined. */
gboolean     pmss_catalog_add_bad_shard   (PmssCatalog *catalog, const PmssBadShard *bad,
    GError **error);
/* It was looked at, and is good (again). */
gboolean     pmss_catalog_clear_bad_shard (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint shard, GError **error);
/* Up to @limit of @version (nullable: of all that are ready), by version, extent and shard. They
 * come after the place of @after (nullable; only its version, extent and shard count). Returns an
 * array of #PmssBadShard that frees them. */
GPtrArray   *pmss_catalog_list_bad_shards (PmssCatalog *catalog, const PmssVersionId *version,
    const PmssBadShard *after, guint limit, GError **error);
/* Of all versions; from the nodes' counters. */
gboolean     pmss_catalog_count_bad_shards (PmssCatalog *catalog, guint64 *count, GError **error);

/* Where an extent stands among all. */
typedef struct
{
  PmssVersionId version;
  guint32 extent;
} PmssExtentPlace;

/* Whether a source other than readers and repair has told of any since @since (seconds since
 * 1970). */
gboolean     pmss_catalog_has_new_bad_shards (PmssCatalog *catalog, gint64 since, gboolean *found,
    GError **error);
/* Marks of the reports, of readers and of the cluster itself. When a mark changes, something is
 * new, or something is gone. */
typedef struct
{
  guint by_readers, by_us;
} PmssBadTold;
gboolean     pmss_catalog_get_bad_told    (PmssCatalog *catalog, PmssBadTold *told, GError **error);
/* Names of the shards from @from to @to, both included, that are known to be missing on @node:
 * array of char * that frees them. */
GPtrArray   *pmss_catalog_list_missing    (PmssCatalog *catalog, guint node,
    const PmssExtentPlace *from, const PmssExtentPlace *to, GError **error);

/* How many shards of each node are known to be bad; suspicions do not count. Table of node id ->
 * number (GUINT_TO_POINTER), without those that have none. */
GHashTable  *pmss_catalog_count_known_bad (PmssCatalog *catalog, GError **error);

/* The figures that repair plans by. */
typedef struct
{
  PmssExtentGeometry geometry;
  guint n_nodes;
  guint nodes[PMSS_MAX_SHARDS]; /* node ids by shard; 0: that shard is lost */
  guint32 bad, suspected;       /* bit s: shard s */
} PmssExtentLook;
/* Up to @limit extents of ready versions, in order, after @after. @only_bad: those with a bad or
 * suspected shard. Array of PmssExtentLook. */
GArray      *pmss_catalog_look_at_extents (PmssCatalog *catalog, const PmssExtentPlace *after,
    gboolean only_bad, guint limit, GError **error);

/* Rebuilding: a shard that is written to a node which the layout does not name yet. (One that is
 * written anew to the node that the layout names needs no row.) */

/* Before the shard is sent to @node. PMSS_ERROR_CONFLICT: the version is not ready, the shard is
 * being rebuilt, or it waits to be deleted there. Or the node has, or is being sent, a shard of the
 * extent. */
gboolean     pmss_catalog_begin_rebuild   (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint shard, guint node, GError **error);
/* The shard is durable and verified on @to, to which it was begun. In one step: the layout names
 * @to, the copy that @from (0: no node) may hold is a pending deletion, and the shard counts as
 * good. PMSS_ERROR_CONFLICT, with nothing changed: the version is not ready any more, the layout
 * does not name @from, or there is no such rebuild. */
gboolean     pmss_catalog_finish_rebuild  (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint shard, guint from, guint to, GError **error);
/* The copy that the node may hold becomes a pending deletion. Does nothing when there is no such
 * rebuild (any more). */
gboolean     pmss_catalog_abandon_rebuild (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint shard, GError **error);
/* One of them. */
typedef struct
{
  guint32 extent;
  guint shard, node;
} PmssRebuilding;
/* Those of extents from @first on and before @end: array of PmssRebuilding. */
GArray      *pmss_catalog_list_rebuilding (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 first, guint32 end, GError **error);
/* All of them: at the start, before the first rebuild. */
gboolean     pmss_catalog_abandon_rebuilds (PmssCatalog *catalog, GError **error);

G_END_DECLS
