/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/format/pmss-erasure.h"
#include "libpmss/format/pmss-shard.h"

G_BEGIN_DECLS

/**
 * PmssRebuild:
 *
 * Makes the missing shards of one extent from the others, row by row. A row needs any k good units,
 * so a damaged shard still gives its good ones.
 *
 * A unit is good when it has the checksum that its record says, and when that record agrees with
 * most of the row's records. A record that differs lies, or is of another time. Where there are as
 * many of one kind as of the other, none is believed. Each rebuilt unit is compared with its stored
 * checksum.
 *
 * Does no I/O. Memory: the shards that were added, and those that are made. One thread at a time.
 */
typedef struct _PmssRebuild PmssRebuild;

PmssRebuild *pmss_rebuild_new  (PmssErasure *erasure, const PmssExtentGeometry *geometry);
void         pmss_rebuild_free (PmssRebuild *rebuild);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssRebuild, pmss_rebuild_free)

/* Gives the bytes that were read of shard @index: all of it, or as much as came, damaged or not.
 * Once a shard. Returns whether it is good, judged by itself. */
gboolean     pmss_rebuild_add  (PmssRebuild *rebuild, guint index, GBytes *bytes);
/* Whether each row has k good units. */
gboolean     pmss_rebuild_is_enough (PmssRebuild *rebuild);
/* Rows with fewer than k good units. */
guint32      pmss_rebuild_count_lost (PmssRebuild *rebuild);
/* The rows of which shard @index, which was added, has no good unit: array of guint32,
 * ascending. */
GArray      *pmss_rebuild_list_bad (PmssRebuild *rebuild, guint index);

/* Makes the shards of the bits in @want, complete shard files, in @shards, which is filled by
 * index. PMSS_ERROR_TOO_FEW_SHARDS: a row has fewer than k good units; PMSS_ERROR_CORRUPT: a
 * rebuilt unit does not have the checksum that was stored for it. Nothing is made then. */
gboolean     pmss_rebuild_run  (PmssRebuild *rebuild, guint32 want,
    GBytes *shards[PMSS_MAX_SHARDS], GError **error);

G_END_DECLS
