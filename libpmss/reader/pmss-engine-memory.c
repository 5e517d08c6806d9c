/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the readers' common memory the engine has (pmss-memory.h), and what follows from that for
 * its windows and its cache. I/O thread, lock held. */
#include "libpmss/reader/pmss-engine.h"

static gsize
block_size (PmssEngine * engine)
{
  return PMSS_RECORD_HEADER_SIZE + engine->rows.unit;
}

static void
share_shrinks (gpointer engine)
{
  pmss_engine_kick (engine);
}

/* The least: the row that is read, the next one, and what it takes to rebuild one of them. */
void
pmss_engine_join_memory (PmssEngine * engine)
{
  PmssMemory *memory = pmss_io_get_memory (engine->io);
  PmssRedundancy redundancy = engine->rows.redundancy;
  guint64 least = 2 * redundancy.k + redundancy.m;

  if (engine->settings.max_memory > 0)
    pmss_memory_set_total (memory, engine->settings.max_memory);
  engine->share_blocks = engine->max_blocks;
  engine->share = pmss_memory_join (memory, least * block_size (engine),
      (guint64) engine->max_blocks * block_size (engine), share_shrinks,
      engine);
}

void
pmss_engine_leave_memory (PmssEngine * engine)
{
  g_clear_pointer (&engine->share, pmss_share_leave);
}

/* Blocks that all windows take, and what is behind them. Whoever is content with a small window
 * gets no more memory behind it than there is with a full one. */
static gsize
count_wanted (PmssEngine * engine)
{
  return MIN (engine->max_blocks, engine->blocks_behind +
      pmss_cursors_count_rows (&engine->cursors) * engine->rows.redundancy.k);
}

/* Bytes a second; 0: not known. The consumer's own, or the medium's, whichever is faster: who has
 * to wait shows no pace of its own. */
static guint64
get_pace (PmssEngine * engine)
{
  guint64 row = (guint64) engine->rows.redundancy.k * engine->rows.unit;
  const PmssCursor *cursor = engine->cursors.active;
  gint64 time = cursor != NULL ? cursor->pace.row_time : 0;
  gint64 played = engine->cursors.played;

  if (time == 0 || (played > 0 && played < time))
    time = played;
  return time > 0 ? row * G_TIME_SPAN_SECOND / time : 0;
}

/* What is behind the windows shrinks with them. */
gsize
pmss_engine_get_behind (PmssEngine * engine)
{
  return engine->blocks_behind * engine->share_blocks / engine->max_blocks;
}

gsize
pmss_engine_get_enough (PmssEngine * engine)
{
  return MIN (engine->share_blocks, count_wanted (engine));
}

static void
take_share (PmssEngine * engine, gsize wanted)
{
  gsize blocks;

  pmss_share_want (engine->share, (guint64) wanted * block_size (engine),
      get_pace (engine));
  blocks = pmss_share_get (engine->share) / block_size (engine);
  engine->share_blocks = MIN (blocks, engine->max_blocks);
  engine->cursors.room = engine->cursors.max_window;
  if (engine->share_blocks == engine->max_blocks)
    return;
  engine->cursors.room = MAX (2, (engine->share_blocks -
          pmss_engine_get_behind (engine)) / engine->rows.redundancy.k);
  pmss_block_pool_set_spare (engine->pool, engine->share_blocks);
}

void
pmss_engine_take_share (PmssEngine * engine)
{
  take_share (engine, count_wanted (engine));
}

/* Memory that was used before is kept for what is on its way, and as long as nobody needs it. */
void
pmss_engine_note_held (PmssEngine * engine)
{
  PmssRows *rows = &engine->rows;
  gsize spare = engine->share_blocks - MIN (engine->share_blocks,
      rows->n_ready);

  pmss_block_pool_set_spare (engine->pool,
      engine->share_blocks < engine->max_blocks ? spare : G_MAXUINT);
  pmss_share_hold (engine->share, (guint64) MAX (rows->n_blocks,
          rows->n_ready + pmss_block_pool_get_spare (engine->pool)) *
      block_size (engine));
}

/* Nothing is asked for: it wants what it holds, and gives back what others need more. */
void
pmss_engine_rest_memory (PmssEngine * engine)
{
  PmssCursor *cursor = engine->cursors.active;
  guint64 first = cursor != NULL ? cursor->row : 0;

  if (engine->share == NULL)
    return;
  take_share (engine, engine->rows.n_blocks);
  pmss_rows_evict (&engine->rows, first, first + 1, engine->share_blocks);
  pmss_engine_note_held (engine);
}
