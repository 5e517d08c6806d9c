/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/envelope.h"
#include "control/context.h"
#include "libpmss/format/pmss-layout.h"
#include "libpmss/format/pmss-shard.h"

G_BEGIN_DECLS

/**
 * PmssCatalog:
 *
 * Media, their versions, and where every shard lies. docs/data-model.md has the tables.
 *
 * Every function is one transaction and blocks until it is durable. Any thread may call it. Inside
 * pmss_database_transact() it becomes a part of that transaction. Nothing is cached: the database
 * is the truth.
 *
 * All else rests on one rule: a shard may exist on a node only while a row says so. That is an
 * extent row with that node in the shard's place, a rebuild (catalog-health.h), or a pending
 * deletion. Hence place_extent(), replace_shard() and begin_rebuild() come before the shard is
 * sent, and rows go after the node has confirmed the deletion.
 */
PmssCatalog *pmss_catalog_new  (PmssDatabase *database);
void         pmss_catalog_free (PmssCatalog *catalog);

/* Media */

typedef enum { PMSS_MEDIUM_UPLOADING, PMSS_MEDIUM_INGESTING, PMSS_MEDIUM_READY, PMSS_MEDIUM_FAILED,
    PMSS_MEDIUM_DELETING } PmssMediumState;
#define PMSS_N_MEDIUM_STATES (PMSS_MEDIUM_DELETING + 1)
const char  *pmss_medium_state_to_string (PmssMediumState state);

/* Strings are owned; NULL or -1: unknown. */
typedef struct
{
  gint64 id;
  char *name;
  PmssMediumState state;
  char *title, *content_type;
  gint64 size;
  char *sha256;                 /* 64 hex digits */
  PmssRedundancy redundancy;
  gboolean keep_original;
  /* bytes, of the version that is made of its upload; 0: as the settings have it. The upload's row
   * keeps them, not the medium's */
  guint32 unit, extent;
  char *container;
  gint64 duration_ns;
  gint64 avg_bitrate, peak_bitrate_1s, peak_bitrate_10s;        /* bit/s */
  char *streams;                /* JSON array */
  char *tags;                   /* JSON object */
  gint64 created, updated;      /* seconds since 1970; written by the catalog */
  gboolean has_version;
  PmssVersionId version;        /* the ready one; only read */
  char *artwork;                /* JSON object; only read */
  PmssEnvelope *envelope;       /* only written: catalog-demand.h */
  gint64 job;                   /* id of the newest job of it, 0: none; only read */
} PmssMedium;

/* A new one with everything unknown. */
PmssMedium  *pmss_medium_new  (void);
void         pmss_medium_free (PmssMedium *medium);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssMedium, pmss_medium_free)

/* Reserves medium->name and writes all of @medium (state uploading or ingesting); fills in its id.
 * PMSS_ERROR_EXISTS: the name is taken. */
gboolean     pmss_catalog_add_medium    (PmssCatalog *catalog, PmssMedium *medium, GError **error);
/* Whether the name is free just now; PMSS_ERROR_EXISTS: it is taken. Only pmss_catalog_add_medium()
 * takes it. */
gboolean     pmss_catalog_check_name    (PmssCatalog *catalog, const char *name, GError **error);
/* The living medium of that name. PMSS_ERROR_NOT_FOUND. */
PmssMedium  *pmss_catalog_get_medium    (PmssCatalog *catalog, const char *name, GError **error);
/* The same, when it is ready; else PMSS_ERROR_CONFLICT. */
PmssMedium  *pmss_catalog_get_ready_medium (PmssCatalog *catalog, const char *name,
    GError **error);
PmssMedium  *pmss_catalog_get_medium_by_id (PmssCatalog *catalog, gint64 id, GError **error);
/* Living media whose name begins with @prefix (nullable) and sorts after @after (nullable), in byte
 * order, at most @limit. @next: (out) (nullable) the name to go on after, NULL at the end. */
GPtrArray   *pmss_catalog_list_media    (PmssCatalog *catalog, const char *prefix,
    const char *after, guint limit, char **next, GError **error);
/* Writes the findings of an ingest: title, content_type, size, sha256, container, duration_ns,
 * bitrates, streams, tags, envelope. Not name, state, redundancy. */
gboolean     pmss_catalog_update_medium (PmssCatalog *catalog, const PmssMedium *medium,
    GError **error);
/* Gives the living medium called @name another one, and its jobs with it. PMSS_ERROR_NOT_FOUND,
 * PMSS_ERROR_EXISTS (@new_name is taken), PMSS_ERROR_CONFLICT (it is being uploaded). Jobs and
 * streams go on: they hold the medium by its id. Returns the medium. */
PmssMedium  *pmss_catalog_rename_medium (PmssCatalog *catalog, const char *name,
    const char *new_name, GError **error);
/* Of a medium that is ready; PMSS_ERROR_CONFLICT. @title: (nullable) */
gboolean     pmss_catalog_set_title     (PmssCatalog *catalog, gint64 id, const char *title,
    GError **error);
/* Part of a larger transaction: pmss_original_keep(), pmss_original_drop(). */
gboolean     pmss_catalog_set_keep_original (PmssCatalog *catalog, gint64 id, gboolean keep,
    GError **error);
/* Moves on; PMSS_ERROR_CONFLICT if the medium is not in @from. Allowed: uploading->ingesting,
 * ingesting->failed, failed->ingesting; deleting and ready have functions of their own. */
gboolean     pmss_catalog_set_medium_state (PmssCatalog *catalog, gint64 id, PmssMediumState from,
    PmssMediumState to, GError **error);
/* Sets state to deleting, from any state, and that of all its versions. Its sessions end, and the
 * name is free from now on. PMSS_ERROR_NOT_FOUND. */
gboolean     pmss_catalog_mark_deleting (PmssCatalog *catalog, gint64 id, GError **error);
/* Drops the row of a medium that is deleting and has no versions left. */
gboolean     pmss_catalog_remove_medium (PmssCatalog *catalog, gint64 id, GError **error);

/* Versions */

typedef enum { PMSS_VERSION_WRITING, PMSS_VERSION_READY, PMSS_VERSION_DELETING } PmssVersionState;
typedef struct
{
  PmssVersionId id;
  gint64 medium;
  PmssVersionState state;
  guint64 size;
  PmssRedundancy redundancy;
  guint32 unit;
  guint32 extent;               /* bytes */
} PmssVersion;

/* Describes extent @number of @version. FALSE, and nothing is filled in: the version ends before
 * it. Pure. */
gboolean     pmss_version_get_geometry (const PmssVersion *version, guint32 number,
    PmssExtentGeometry *geometry);

/* Writes @version, state writing. */
gboolean     pmss_catalog_add_version     (PmssCatalog *catalog, const PmssVersion *version,
    GError **error);
/* Grows with each change of its layout. On the database thread. PMSS_ERROR_NOT_FOUND. */
gboolean     pmss_catalog_read_generation (PmssDatabase *database, const PmssVersionId *id,
    gint64 *generation, GError **error);
gboolean     pmss_catalog_get_version     (PmssCatalog *catalog, const PmssVersionId *id,
    PmssVersion *version, GError **error);
/* All versions of a medium that are in @state: array of PmssVersion. */
GArray      *pmss_catalog_list_versions   (PmssCatalog *catalog, gint64 medium,
    PmssVersionState state, GError **error);
/* In one step: @id becomes the ready version of its medium, the one before it (if any) deleting,
 * the medium ready. PMSS_ERROR_CONFLICT unless all its extents are there and verified, or when the
 * medium is being deleted. */
gboolean     pmss_catalog_publish_version (PmssCatalog *catalog, const PmssVersionId *id,
    GError **error);
/* writing or ready -> deleting */
gboolean     pmss_catalog_retire_version  (PmssCatalog *catalog, const PmssVersionId *id,
    GError **error);
/* Drops the row of a deleting version that has no extents left. Sessions of it go with it. */
gboolean     pmss_catalog_remove_version  (PmssCatalog *catalog, const PmssVersionId *id,
    GError **error);

/* Extents */

typedef enum { PMSS_EXTENT_PLACED, PMSS_EXTENT_DURABLE, PMSS_EXTENT_VERIFIED } PmssExtentState;
typedef struct
{
  guint32 number;
  PmssExtentState state;
  guint n_nodes;
  guint nodes[PMSS_MAX_SHARDS]; /* node ids by shard; 0: that shard is lost */
} PmssExtent;

/* Before any of its shards is sent. PMSS_ERROR_EXISTS if it is placed already. */
gboolean     pmss_catalog_place_extent     (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, const guint *nodes, guint n_nodes, GError **error);
/* Before the shard is sent to @node. The copy that the node before may hold becomes a pending
 * deletion. */
gboolean     pmss_catalog_replace_shard    (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint shard, guint node, GError **error);
gboolean     pmss_catalog_set_extent_state (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, PmssExtentState state, GError **error);
/* Up to @limit extents from number @first on, in order: array of PmssExtent. */
GArray      *pmss_catalog_list_extents     (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 first, guint limit, GError **error);
/* Drops an extent's row. Bit s of @kept: shard s is not known to be gone, becomes a pending
 * deletion. */
gboolean     pmss_catalog_remove_extent    (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint32 kept, GError **error);
/* Whether a row wants shard @shard on @node: a layout's, or that of a rebuild (a pending deletion
 * does not count). */
gboolean     pmss_catalog_wants_shard      (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint shard, guint node, gboolean *wanted, GError **error);

/* The nodes that the layout of a published version names: array of guint, ascending, not to be
 * changed. Remembered as long as the layout does not change. Read in pieces, between which the
 * database thread serves other callers. */
GArray      *pmss_catalog_list_version_nodes (PmssCatalog *catalog, const PmssVersionId *id,
    GError **error);

/* Pending deletions: unwanted shards that a node may still hold. */

/* Up to @limit shard names of @node, in order: array of char * that frees them. */
GPtrArray   *pmss_catalog_list_pending  (PmssCatalog *catalog, guint node, guint limit,
    GError **error);
/* The nodes that may still hold shard @shard of @extent, unwanted: array of guint. It cannot be
 * placed on them until they have confirmed. */
GArray      *pmss_catalog_list_pending_nodes (PmssCatalog *catalog, const PmssVersionId *version,
    guint32 extent, guint shard, GError **error);
/* Nothing is done when a row wants this shard on this node. */
gboolean     pmss_catalog_add_pending   (PmssCatalog *catalog, guint node, const char *shard,
    GError **error);
/* The node has confirmed that it has no such shard. */
gboolean     pmss_catalog_clear_pending (PmssCatalog *catalog, guint node, const char *shard,
    GError **error);
/* Forgets some of those of nodes that were removed. @more: (out): there may be others. */
gboolean     pmss_catalog_drop_removed  (PmssCatalog *catalog, gboolean *more, GError **error);

G_END_DECLS
