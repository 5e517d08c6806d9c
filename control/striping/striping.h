/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/context.h"
#include "control/striping/byte-source.h"
#include "libpmss/format/pmss-erasure.h"

G_BEGIN_DECLS

/**
 * PmssStriping:
 *
 * Puts the bytes of a source on to the nodes, as one version that the catalog has as being written:
 *
 *   write:  extent by extent on to the nodes, with the SHA-256 of it all on the way. Each extent's
 *           place is committed before its first byte is sent, and that it is durable after its
 *           last. Beside it what is durable is read back and compared (#PmssReadBack).
 *   verify: every shard that is not verified yet is computed again from the source and compared
 *           with the bytes of its node. One that differs or is missing is written once more,
 *           elsewhere if there is a place.
 *
 * Both go on with the first extent that is not done, after any earlier end. The caller knows the
 * origin of the bytes, and decides about the version then. Memory: the writer's, and with two
 * extents read back 2 x (1 + m/k) + 1 extents.
 *
 * Threads: one worker thread, on which the callbacks are called, too. Blocks.
 */
typedef struct _PmssStriping PmssStriping;

typedef struct
{
  /* @done bytes are durable or verified, each of which counts. FALSE: told to stop. */
  gboolean (*progress) (guint64 done, gpointer user_data, GError **error);
  /* @bytes more have gone to the nodes: waits as the rate limit wants. FALSE: told to stop. */
  gboolean (*throttle) (gsize bytes, gpointer user_data, GError **error);
} PmssStripingFuncs;

/* @version: a row of the catalog, as large as @source. @name: its name in the log. @source stays
 * the caller's. @cancellable ends write() and verify() with G_IO_ERROR_CANCELLED. */
PmssStriping *pmss_striping_new  (PmssControlContext *context, const PmssVersion *version,
    const char *name, PmssByteSource *source, const PmssStripingFuncs *funcs, gpointer user_data,
    GCancellable *cancellable);
void          pmss_striping_free (PmssStriping *striping);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssStriping, pmss_striping_free)

/* @sha256: (out): of the source, in hex. PMSS_ERROR_NO_SPACE: too few nodes. */
gboolean      pmss_striping_write      (PmssStriping *striping, char **sha256, GError **error);
gboolean      pmss_striping_verify     (PmssStriping *striping, GError **error);
/* After PMSS_ERROR_NO_SPACE: whether nodes that are away would make up for it. */
gboolean      pmss_striping_is_hopeful (PmssStriping *striping);

/* The shards of one extent as they have to be, from the version's bytes. @erasure: of the version's
 * redundancy. Any thread. */
gboolean      pmss_striping_compute    (PmssByteSource *source, PmssErasure *erasure,
    const PmssExtentGeometry *geometry, guint64 offset, GBytes *shards[PMSS_MAX_SHARDS],
    GError **error);

G_END_DECLS
