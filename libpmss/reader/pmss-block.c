/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-block.h"

#include <stdlib.h>

#include "libpmss/pmss-shard.h"

struct _PmssBlockPool
{
  gatomicrefcount refs;         /* the owner's and one for each block taken */
  gsize record_size;
  guint most;

  GMutex lock;                  /* protects the rest */
  GPtrArray *free;              /* of record memory */
  guint n_blocks;               /* in use or free */
};

struct _PmssBlock
{
  gatomicrefcount refs;
  PmssBlockPool *pool;
  guint8 *record;
};

PmssBlockPool *
pmss_block_pool_new (gsize unit, guint most)
{
  PmssBlockPool *pool = g_new0 (PmssBlockPool, 1);

  g_atomic_ref_count_init (&pool->refs);
  pool->record_size = PMSS_RECORD_HEADER_SIZE + unit;
  pool->most = most;
  g_mutex_init (&pool->lock);
  pool->free = g_ptr_array_new_with_free_func (free);
  return pool;
}

void
pmss_block_pool_unref (PmssBlockPool * pool)
{
  if (!g_atomic_ref_count_dec (&pool->refs))
    return;
  g_ptr_array_unref (pool->free);
  g_mutex_clear (&pool->lock);
  g_free (pool);
}

static guint8 *
pool_take_memory (PmssBlockPool * pool)
{
  guint8 *memory = NULL;

  g_mutex_lock (&pool->lock);
  if (pool->free->len > 0)
    memory = g_ptr_array_steal_index_fast (pool->free, pool->free->len - 1);
  else
    pool->n_blocks++;
  g_mutex_unlock (&pool->lock);

  if (memory == NULL) {
    /* Cache lines, so that the unit behind the header is aligned for the
     * vector instructions of checksum and code. */
    memory = aligned_alloc (64, (pool->record_size + 63) & ~(gsize) 63);
    if (memory == NULL)
      g_error ("out of memory for a block of %" G_GSIZE_FORMAT " bytes",
          pool->record_size);
  }
  return memory;
}

static void
pool_give_memory (PmssBlockPool * pool, guint8 * memory)
{
  g_mutex_lock (&pool->lock);
  if (pool->n_blocks <= pool->most)
    g_ptr_array_add (pool->free, g_steal_pointer (&memory));
  else
    pool->n_blocks--;
  g_mutex_unlock (&pool->lock);
  free (memory);
}

PmssBlock *
pmss_block_pool_take (PmssBlockPool * pool)
{
  PmssBlock *block = g_new (PmssBlock, 1);

  g_atomic_ref_count_init (&block->refs);
  g_atomic_ref_count_inc (&pool->refs);
  block->pool = pool;
  block->record = pool_take_memory (pool);
  return block;
}

PmssBlock *
pmss_block_ref (PmssBlock * block)
{
  g_atomic_ref_count_inc (&block->refs);
  return block;
}

void
pmss_block_unref (PmssBlock * block)
{
  if (!g_atomic_ref_count_dec (&block->refs))
    return;
  pool_give_memory (block->pool, block->record);
  pmss_block_pool_unref (block->pool);
  g_free (block);
}

guint8 *
pmss_block_get_record (PmssBlock * block)
{
  return block->record;
}

guint8 *
pmss_block_get_unit (PmssBlock * block)
{
  return block->record + PMSS_RECORD_HEADER_SIZE;
}

GBytes *
pmss_block_slice (PmssBlock * block, gsize offset, gsize length)
{
  return g_bytes_new_with_free_func (pmss_block_get_unit (block) + offset,
      length, (GDestroyNotify) pmss_block_unref, pmss_block_ref (block));
}
