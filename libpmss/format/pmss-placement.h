/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pmss-layout.h"

G_BEGIN_DECLS

/* One candidate for a shard. */
typedef struct
{
  guint id;
  const char *zone;             /* "" if none */
  double weight;                /* > 0, in proportion to what the node should carry */
  guint64 free;                 /* bytes; a node without room for the shard is passed over */
} PmssPlacementNode;

/**
 * PmssPlacement:
 *
 * Chooses the nodes of a version's extents, one after the other. Weighted rendezvous hashing gives
 * the set of nodes (Thaler and Ravishankar 1998; weights as in Schindelhauer and Schomaker 2005: -w
 * / ln h). The roles within the set are dealt so that data shards of neighbouring extents spread
 * evenly over the nodes. Not thread-safe.
 */
typedef struct _PmssPlacement PmssPlacement;

PmssPlacement *pmss_placement_new  (const PmssVersionId *version, PmssRedundancy redundancy);
void           pmss_placement_free (PmssPlacement *placement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssPlacement, pmss_placement_free)

/* Fills @chosen with n node ids for extent @extent, shard 0 first. PMSS_ERROR_NO_SPACE when fewer
 * than n nodes qualify. @shard_size: bytes that the largest shard needs. */
gboolean pmss_placement_choose (PmssPlacement *placement, guint32 extent,
    const PmssPlacementNode *nodes, guint n_nodes, guint64 shard_size,
    guint *chosen, GError **error);
/* Tells of an extent that was placed before (a resumed ingest), so that the roles go on evenly. */
void     pmss_placement_note   (PmssPlacement *placement, const guint *chosen);

G_END_DECLS
