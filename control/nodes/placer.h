/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssPlacer:
 *
 * Places the shards of one version that is being written. It runs PmssPlacement over the present
 * nodes, and commits each place to the catalog before it returns it. It remembers nodes that failed
 * and passes them over: full ones for as long as it lives, others for half a minute.
 *
 * Threads: one worker thread. Blocks: on the database, and up to ten seconds for nodes to come back
 * where too few are up.
 */
typedef struct _PmssPlacer PmssPlacer;

/* @cancellable ends a wait. */
PmssPlacer *pmss_placer_new     (PmssControlContext *context, const PmssVersion *version,
    GCancellable *cancellable);
void        pmss_placer_free    (PmssPlacer *placer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssPlacer, pmss_placer_free)

/* An extent that was placed before this placer was made. In order. */
void        pmss_placer_note    (PmssPlacer *placer, const PmssExtent *extent);

/* Places @extent; the placement that it has already stays. @nodes: filled with k+m nodes whose
 * strings live as long as the placer. PMSS_ERROR_NO_SPACE: too few nodes. The text names each one
 * that cannot be used, and why. */
gboolean    pmss_placer_place   (PmssPlacer *placer, guint32 extent, PmssNode *nodes,
    GError **error);

/* Moves one shard from node @failed (@reason says why) to another node. That node holds no other
 * shard of @extent, does not have to delete this one first, and is not shunned. PMSS_ERROR_NO_SPACE
 * as above. */
gboolean    pmss_placer_replace (PmssPlacer *placer, guint32 extent, guint shard, guint failed,
    const GError *reason, PmssNode *node, GError **error);

/* The same without committing anything and without shunned nodes. Chooses the node to which shard
 * @shard of @extent can be written anew. The caller commits that (catalog-health.h). */
gboolean    pmss_placer_choose  (PmssPlacer *placer, const PmssExtent *extent, guint shard,
    guint *node, GError **error);
/* @node did not take a shard; it is passed over for a while. */
void        pmss_placer_shun    (PmssPlacer *placer, guint node, const GError *reason);
/* From now on it places this version. It still remembers the failed nodes. */
void        pmss_placer_turn_to (PmssPlacer *placer, const PmssVersion *version);

/* When replace() found no other node: whether the node that failed last can be tried again. Waits
 * up to ten seconds until it is heard of again. FALSE: it was not, its disk is full, it has had
 * three chances, or the wait was cancelled. */
gboolean    pmss_placer_retry   (PmssPlacer *placer);

/* After PMSS_ERROR_NO_SPACE: whether there would be enough nodes if those came back that are away
 * or failed; full ones do not count. */
gboolean    pmss_placer_is_hopeful (PmssPlacer *placer);
/* Whether enough nodes are up and have room for a version as @version. On any thread. */
gboolean    pmss_placer_has_enough (PmssControlContext *context, const PmssVersion *version);

G_END_DECLS
