/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssBlock:
 *
 * Memory of one record: its header and its unit, as they came from the socket. The unit is handed
 * out from here, so a block lives as long as a slice of it, also after the reader has gone. Then
 * its memory goes back to the pool, or to the system.
 *
 * Threads: any thread may take and drop references. The reader's I/O thread alone writes the bytes,
 * before another thread sees the block.
 */
typedef struct _PmssBlock PmssBlock;

/**
 * PmssBlockPool:
 *
 * Blocks of one size, in memory of its own. It keeps as much as ever was in use at a time, unless
 * it is told to keep less, and as long as its owner lives. A full cache reuses the blocks that it
 * has dropped. malloc() has no part in it: it would leave holes among smaller things. After that a
 * block that is still in use keeps the addresses of its 8 MiB, and no more memory than its own.
 */
typedef struct _PmssBlockPool PmssBlockPool;

PmssBlockPool *pmss_block_pool_new (gsize unit);
/* The owner goes; blocks that are taken may stay. */
void pmss_block_pool_free (PmssBlockPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssBlockPool, pmss_block_pool_free)

/* Returns: (nullable): NULL: there is no memory */
PmssBlock *pmss_block_pool_take (PmssBlockPool *pool);
/* From 1 to @n blocks whose memory follows on one another's without a gap, if a record fills whole
 * cache lines. So records that follow each other in a shard can be read together. Returns how many;
 * 0: there is no memory. */
guint pmss_block_pool_take_adjacent (PmssBlockPool *pool, PmssBlock **blocks,
    guint n);

/* Keeps the memory of no more than @n blocks that are free, from now on:
 * G_MAXUINT: of all, as at the beginning. */
void pmss_block_pool_set_spare (PmssBlockPool *pool, guint n);
/* Free blocks that have memory. */
guint pmss_block_pool_get_spare (PmssBlockPool *pool);

PmssBlock *pmss_block_ref (PmssBlock *block);
void pmss_block_unref (PmssBlock *block);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssBlock, pmss_block_unref)

/* The whole record: PMSS_RECORD_HEADER_SIZE bytes of header, then the unit. */
guint8 *pmss_block_get_record (PmssBlock *block);
guint8 *pmss_block_get_unit (PmssBlock *block);

/* @length bytes of the unit from @offset; the memory stays the block's. */
GBytes *pmss_block_slice (PmssBlock *block, gsize offset, gsize length);

G_END_DECLS
