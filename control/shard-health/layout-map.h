/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/context.h"

G_BEGIN_DECLS

/* Where the shards of a version lie and how each of them is, for people: a page of extents. */

typedef enum
{
  PMSS_SPOT_OK,
  PMSS_SPOT_AWAY,               /* its node is down, and may come back */
  PMSS_SPOT_MISSING,            /* no node has it */
  PMSS_SPOT_BAD,                /* it cannot give all of its units */
  PMSS_SPOT_REBUILDING,         /* it is being written to another node */
} PmssSpotState;
const char *pmss_spot_state_to_string (PmssSpotState state);

typedef struct
{
  guint32 extent;
  guint n;
  guint nodes[PMSS_MAX_SHARDS]; /* 0: none */
  PmssSpotState states[PMSS_MAX_SHARDS];
} PmssMapRow;

/* @nodes: (out): array of #PmssNodeInfo of all nodes, that frees them. Up to @count extents from
 * @first on: array of PmssMapRow. Blocks; any thread. */
GArray     *pmss_layout_map_load (PmssControlContext *context, const PmssVersion *version,
    guint32 first, guint count, GPtrArray **nodes, GError **error);

G_END_DECLS
