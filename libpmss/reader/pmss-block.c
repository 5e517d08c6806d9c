/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-block.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpmss/format/pmss-shard.h"

/* Blocks lie side by side in chunks of this size. Not of malloc(): untouched
 * memory is to cost nothing. */
#define CHUNK (8 * 1024 * 1024)
/* Chunks begin at multiples of it, so that the kernel can give such pages. */
#define HUGE_PAGE (2 * 1024 * 1024)
/* Chunks without such pages. A reader that needs no more has a small window, and may be one of many:
 * the kernel would have to make room for them. */
#define SMALL_CHUNKS 3

typedef enum
{
  PLACE_COLD,                   /* free, and has no memory */
  PLACE_SPARE,                  /* free */
  PLACE_TAKEN,
} Place;

typedef struct
{
  guint8 *memory;
  gsize size;
  Place *places;                /* for each block */
  guint n_free;
  gboolean is_huge;             /* it may have huge pages */
} Chunk;

struct _PmssBlockPool
{
  gatomicrefcount refs;         /* the owner's and one for each block taken */
  gsize record_size;            /* in whole cache lines */
  guint per_chunk;              /* blocks */

  GMutex lock;                  /* protects chunks and what they say */
  GArray *chunks;               /* of Chunk; they stay as long as the owner */
  guint n_spare;                /* places of that kind, */
  guint max_spare;              /* and the most that there are to be */
  gboolean left;                /* the owner has gone */
};

struct _PmssBlock
{
  gatomicrefcount refs;
  PmssBlockPool *pool;
  guint8 *record;
};

static void
chunk_clear (gpointer data)
{
  Chunk *chunk = data;

  ASAN_UNPOISON_MEMORY_REGION (chunk->memory, chunk->size);
  munmap (chunk->memory, chunk->size);
  g_free (chunk->places);
}

PmssBlockPool *
pmss_block_pool_new (gsize unit)
{
  PmssBlockPool *pool = g_new0 (PmssBlockPool, 1);

  g_atomic_ref_count_init (&pool->refs);
  /* Cache lines, so that the unit behind the header is aligned for the
   * vector instructions of checksum and code. */
  pool->record_size = (PMSS_RECORD_HEADER_SIZE + unit + 63) & ~(gsize) 63;
  pool->per_chunk = MAX (CHUNK / pool->record_size, 1);
  g_mutex_init (&pool->lock);
  pool->chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
  g_array_set_clear_func (pool->chunks, chunk_clear);
  pool->max_spare = G_MAXUINT;
  return pool;
}

static void
pool_unref (PmssBlockPool * pool)
{
  if (!g_atomic_ref_count_dec (&pool->refs))
    return;
  g_array_unref (pool->chunks);
  g_mutex_clear (&pool->lock);
  g_free (pool);
}

/* The kernel takes the pages that are the block's alone. It is not to put them together again, which
 * would give memory to places that have none. */
static void
cool_place (PmssBlockPool * pool, Chunk * chunk, guint i)
{
  gsize page = sysconf (_SC_PAGESIZE);
  gsize begin = (i * pool->record_size + page - 1) / page * page;
  gsize end = (i + 1) * pool->record_size / page * page;

  if (chunk->is_huge)
    madvise (chunk->memory, chunk->size, MADV_NOHUGEPAGE);
  chunk->is_huge = FALSE;
  if (begin < end)
    madvise (chunk->memory + begin, end - begin, MADV_DONTNEED);
  chunk->places[i] = PLACE_COLD;
  pool->n_spare--;
}

/* From the end: blocks are taken from the beginning. */
static void
cool_spares (PmssBlockPool * pool)
{
  guint i, j;

  for (i = pool->chunks->len; i-- > 0 && pool->n_spare > pool->max_spare;) {
    Chunk *chunk = &g_array_index (pool->chunks, Chunk, i);

    for (j = pool->per_chunk; j-- > 0 && pool->n_spare > pool->max_spare;) {
      if (chunk->places[j] == PLACE_SPARE)
        cool_place (pool, chunk, j);
    }
  }
}

void
pmss_block_pool_free (PmssBlockPool * pool)
{
  guint i;

  g_mutex_lock (&pool->lock);
  pool->left = TRUE;
  pool->max_spare = 0;
  cool_spares (pool);
  for (i = pool->chunks->len; i-- > 0;) {
    if (g_array_index (pool->chunks, Chunk, i).n_free == pool->per_chunk)
      g_array_remove_index_fast (pool->chunks, i);
  }
  g_mutex_unlock (&pool->lock);
  pool_unref (pool);
}

/* Memory of @size at a multiple of HUGE_PAGE; NULL: there is none. */
static guint8 *
map_aligned (gsize size)
{
  guint8 *memory = mmap (NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  gsize before;

  if (memory == MAP_FAILED)
    return NULL;
  before = -(guintptr) memory & (HUGE_PAGE - 1);
  if (before > 0)
    munmap (memory, before);
  if (before < HUGE_PAGE)
    munmap (memory + before + size, HUGE_PAGE - before);
  return memory + before;
}

/* FALSE: there is no memory. */
static gboolean
pool_grow (PmssBlockPool * pool)
{
  gboolean is_huge = pool->chunks->len >= SMALL_CHUNKS;
  gsize page = is_huge ? HUGE_PAGE : (gsize) sysconf (_SC_PAGESIZE);
  Chunk chunk = {.is_huge = is_huge };

  chunk.size = (pool->per_chunk * pool->record_size + page - 1) / page * page;

  chunk.memory = map_aligned (chunk.size);
  if (chunk.memory == NULL)
    return FALSE;
  /* Thousands of page faults fewer; where the system has none it is as before. */
  if (chunk.is_huge)
    madvise (chunk.memory, chunk.size, MADV_HUGEPAGE);
  ASAN_POISON_MEMORY_REGION (chunk.memory, chunk.size);
  chunk.places = g_new0 (Place, pool->per_chunk);
  chunk.n_free = pool->per_chunk;
  g_array_append_val (pool->chunks, chunk);
  return TRUE;
}

/* The first of up to @n free places side by side, at least one. */
static guint8 *
pool_find (PmssBlockPool * pool, guint * n)
{
  Chunk *best = NULL;
  guint i, j, first = 0, length = 0;

  for (i = 0; i < pool->chunks->len && length < *n; i++) {
    Chunk *chunk = &g_array_index (pool->chunks, Chunk, i);
    guint run = 0;

    for (j = 0; j < pool->per_chunk && length < MIN (*n, chunk->n_free); j++) {
      run = chunk->places[j] == PLACE_TAKEN ? 0 : run + 1;
      if (run <= length)
        continue;
      best = chunk;
      first = j + 1 - run;
      length = run;
    }
  }
  if (best == NULL)
    return NULL;
  *n = length;
  for (j = first; j < first + length; j++) {
    pool->n_spare -= best->places[j] == PLACE_SPARE;
    best->places[j] = PLACE_TAKEN;
  }
  best->n_free -= length;
  return best->memory + first * pool->record_size;
}

void
pmss_block_pool_set_spare (PmssBlockPool * pool, guint n)
{
  g_mutex_lock (&pool->lock);
  pool->max_spare = n;
  cool_spares (pool);
  g_mutex_unlock (&pool->lock);
}

guint
pmss_block_pool_get_spare (PmssBlockPool * pool)
{
  guint n;

  g_mutex_lock (&pool->lock);
  n = pool->n_spare;
  g_mutex_unlock (&pool->lock);
  return n;
}

static void
pool_give_memory (PmssBlockPool * pool, guint8 * memory)
{
  guint i;

  g_mutex_lock (&pool->lock);
  ASAN_POISON_MEMORY_REGION (memory, pool->record_size);
  for (i = 0; i < pool->chunks->len; i++) {
    Chunk *chunk = &g_array_index (pool->chunks, Chunk, i);

    if (memory >= chunk->memory && memory < chunk->memory + chunk->size) {
      guint place = (memory - chunk->memory) / pool->record_size;

      chunk->places[place] = PLACE_SPARE;
      pool->n_spare++;
      chunk->n_free++;
      if (pool->n_spare > pool->max_spare)
        cool_place (pool, chunk, place);
      if (pool->left && chunk->n_free == pool->per_chunk)
        g_array_remove_index_fast (pool->chunks, i);
      break;
    }
  }
  g_mutex_unlock (&pool->lock);
}

guint
pmss_block_pool_take_adjacent (PmssBlockPool * pool, PmssBlock ** blocks,
    guint n)
{
  guint8 *memory;
  guint i;

  g_mutex_lock (&pool->lock);
  memory = pool_find (pool, &n);
  if (memory == NULL && pool_grow (pool))
    memory = pool_find (pool, &n);
  if (memory == NULL) {
    g_mutex_unlock (&pool->lock);
    return 0;
  }
  ASAN_UNPOISON_MEMORY_REGION (memory, n * pool->record_size);
  g_mutex_unlock (&pool->lock);
  for (i = 0; i < n; i++) {
    blocks[i] = g_new (PmssBlock, 1);
    g_atomic_ref_count_init (&blocks[i]->refs);
    g_atomic_ref_count_inc (&pool->refs);
    blocks[i]->pool = pool;
    blocks[i]->record = memory + i * pool->record_size;
  }
  return n;
}

PmssBlock *
pmss_block_pool_take (PmssBlockPool * pool)
{
  PmssBlock *block = NULL;

  pmss_block_pool_take_adjacent (pool, &block, 1);
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
  pool_unref (block->pool);
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
