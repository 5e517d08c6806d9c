/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/database/database.h"
#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/* The column extent.nodes (docs/data-model.md): the ids of the nodes that have an extent's shards,
 * by shard, 0 where there is none. */

#define PMSS_EXTENT_NODES_SIZE (4 * PMSS_MAX_SHARDS)

/* How many there are; 0: the column is malformed. @blob is not NULL unless @length is 0. Pure. */
guint pmss_extent_nodes_decode (const guint8 *blob, gsize length, guint nodes[PMSS_MAX_SHARDS]);
/* Fills in @n x 4 bytes. Pure. */
void  pmss_extent_nodes_encode (const guint *nodes, guint n, guint8 out[PMSS_EXTENT_NODES_SIZE]);
/* The same as decode(), of column @column of the row at hand. */
guint pmss_extent_nodes_read   (PmssRows *rows, guint column, guint nodes[PMSS_MAX_SHARDS]);

G_END_DECLS
