/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-plan.h"
#include "libpmss/reader/pmss-wait.h"

/* What to ask next, and of whom.
 *
 * The window of the active cursor is gone through row by row, which is the
 * order of need. In each row the data units that are neither there nor on
 * their way are wanted; where one cannot be had from its own node, any others
 * of the row are wanted until there are k. Where the medium ends in the window
 * this is shared out anew (pmss-tail.c). Then each link with room takes the
 * earliest wanted record of its shard, and with it the wanted ones that follow
 * in the same shard: one request.
 */

/* Bytes before the place of a jump that are asked for with it, where they are
 * of the same row, and so come from other links: demuxers look at a second
 * track there. */
#define LOOK_BACK (1024 * 1024)

/* Records that are asked for at once, at the medium's end: with fewer a link
 * would wait for round trips. */
#define LEAST_AT_END 2

/* The first part of the window, where a late node is not waited for. */
static guint64
urgent_rows (PmssEngine * engine, PmssCursor * cursor)
{
  return MAX (2, pmss_cursor_get_window (engine, cursor) / 4);
}

/* Requests further ahead wait until they are worth a round trip. The larger
 * they are the less a byte costs, and who is at ease has the time. */
static guint64
worthwhile_rows (PmssEngine * engine, PmssCursor * cursor)
{
  return CLAMP (pmss_cursor_get_window (engine, cursor) /
      (cursor->at_ease ? 2 : 4), 1, (engine->rows.rows_per_extent + 1) / 2);
}

/* The first unit of the cursor's row that is wanted. */
static guint
first_index (PmssEngine * engine, PmssCursor * cursor)
{
  guint back = LOOK_BACK / engine->rows.unit;

  return cursor->index - MIN (cursor->index, back);
}

static gsize
plan_rows (PmssEngine * engine, PmssCursor * cursor, PmssPlanPass * pass)
{
  guint64 end = pmss_cursor_get_asked_end (engine, cursor);
  guint64 urgent = cursor->row + urgent_rows (engine, cursor);
  gsize wanted = 0;
  guint64 number;
  guint i;

  for (number = cursor->row; number < end; number++) {
    PmssRow *row = pmss_rows_ensure (&engine->rows, number);

    pmss_plan_row (engine, row, number == cursor->row ? first_index (engine,
            cursor) : 0, number < urgent, pass);
    for (i = 0; i < engine->rows.redundancy.k + engine->rows.redundancy.m; i++)
      wanted += row->slots[i].wanted;
  }
  return wanted;
}

/* --- Requests --- */

static gboolean
row_wants (PmssEngine * engine, guint64 number, gint shard)
{
  PmssRow *row = pmss_rows_get (&engine->rows, number);

  return shard >= 0 && row != NULL && row->slots[shard].wanted
      && row->slots[shard].state == PMSS_UNIT_NONE;
}

/* The earliest run of wanted records that @link can give. */
static gboolean
find_run (PmssEngine * engine, PmssCursor * cursor, PmssLink * link,
    guint64 * first, guint64 * n_rows, gint * shard)
{
  guint64 end = pmss_cursor_get_asked_end (engine, cursor);
  guint64 per_extent = engine->rows.rows_per_extent;
  guint64 number = cursor->row;

  while (number < end) {
    guint32 extent = number / per_extent;
    guint64 extent_end = MIN ((extent + 1) * per_extent, end);

    *shard = pmss_engine_get_link_shard (engine, link, extent);
    while (number < extent_end && !row_wants (engine, number, *shard))
      number++;
    if (number == extent_end)
      continue;
    *first = number;
    while (number < extent_end && row_wants (engine, number, *shard))
      number++;
    *n_rows = number - *first;
    return TRUE;
  }
  return FALSE;
}

/* Whether something of it is to come from others than those that have it, and
 * soon. */
static gboolean
is_urgent_rebuild (PmssEngine * engine, guint64 number)
{
  PmssRow *row = pmss_rows_get (&engine->rows, number);

  return (row->missing & ~row->spared) != 0
      && pmss_plan_is_due (engine, number, 0, pmss_loop_now (engine->loop));
}

static gboolean
run_is_worthwhile (PmssEngine * engine, PmssCursor * cursor, guint64 first,
    guint64 n_rows)
{
  guint64 end = first + n_rows;

  return first < cursor->row + urgent_rows (engine, cursor)
      || n_rows >= worthwhile_rows (engine, cursor)
      || end % engine->rows.rows_per_extent == 0
      || pmss_cursor_ends_medium (engine, cursor)
      || is_urgent_rebuild (engine, first);
}

/* At the medium's end a link asks for half of what it is to give, then for half
 * of the rest, and so on: what it has not asked for yet, others can take from it
 * when they are faster. */
static guint64
limit_at_end (PmssEngine * engine, PmssCursor * cursor, PmssLink * link,
    guint64 n_rows)
{
  guint64 number, n_wanted = 0;

  if (!pmss_cursor_ends_medium (engine, cursor))
    return n_rows;
  for (number = cursor->row; number < engine->rows.n_rows; number++)
    n_wanted += row_wants (engine, number, pmss_engine_get_link_shard (engine,
            link, number / engine->rows.rows_per_extent));
  return MIN (n_rows, MAX (LEAST_AT_END, n_wanted / 2));
}

/* What somebody waits for goes out beside what is under way already: that is of
 * another place. So does what late nodes have not given. */
static gboolean
has_room_for (PmssEngine * engine, PmssLink * link, guint64 row,
    gboolean beside)
{
  return pmss_link_has_room (link, engine->settings.max_connections, beside
      || pmss_wait_is_for (engine, row, -1) || is_urgent_rebuild (engine, row));
}

/* Of a run's rows those that the cache has room for. What somebody waits for does
 * not wait for room, nor does a row of what late nodes have not given. */
static guint64
limit_to_cache (PmssEngine * engine, guint64 first, guint64 n_rows)
{
  gsize room = engine->share_blocks - MIN (engine->share_blocks,
      engine->rows.n_blocks);

  if (room == 0 && (pmss_wait_is_for (engine, first, -1)
          || (is_urgent_rebuild (engine, first)
              && engine->rows.n_blocks < engine->share_blocks +
              engine->rows.redundancy.k + engine->rows.redundancy.m)))
    room = 1;
  return MIN (n_rows, room);
}

static gboolean
start_one (PmssEngine * engine, PmssCursor * cursor, PmssLink * link,
    gboolean beside)
{
  PmssStreamRange range;
  guint64 first, n_rows;
  gint shard;

  if (link->state != PMSS_LINK_UP && link->state != PMSS_LINK_LATE)
    return FALSE;
  if (!pmss_link_has_room (link, engine->settings.max_connections, TRUE)
      || !find_run (engine, cursor, link, &first, &n_rows, &shard)
      || !has_room_for (engine, link, first, beside))
    return FALSE;
  n_rows = limit_to_cache (engine, first, n_rows);
  if (n_rows == 0 || !run_is_worthwhile (engine, cursor, first, n_rows))
    return FALSE;
  pmss_layout_get_geometry (engine->rows.layout,
      first / engine->rows.rows_per_extent, &range.geometry);
  range.index = shard;
  range.first_row = first % engine->rows.rows_per_extent;
  range.n_rows = limit_at_end (engine, cursor, link, n_rows);
  if (link->allowance != 0)
    range.n_rows = MIN (range.n_rows, link->allowance);
  pmss_engine_start_stream (engine, link, &range);
  return TRUE;
}

/* Whether all that unit @index of @row takes is on its way or there. */
static gboolean
is_asked (PmssEngine * engine, PmssRow * row, guint index)
{
  guint i, n = engine->rows.redundancy.k + engine->rows.redundancy.m;

  for (i = 0; i < n; i++) {
    if (row->slots[i].wanted && row->slots[i].state == PMSS_UNIT_NONE)
      return FALSE;
  }
  return row->stuck_since == 0 && (row->missing != 0
      || row->slots[index].state != PMSS_UNIT_NONE);
}

/* --- Beside the window --- */

/* Asks for data units of row @number from @first on. Whether all that it takes
 * is on its way or there. */
static gboolean
ask_beside (PmssEngine * engine, guint64 number, guint first)
{
  PmssCursor place = {.row = number,.window = 1 };
  PmssPlanPass pass = pmss_plan_begin (engine);
  PmssRow *row = pmss_rows_ensure (&engine->rows, number);
  gboolean awaited = pmss_wait_is_for (engine, number, -1);
  guint i;

  row->used = ++engine->rows.clock;
  pmss_plan_row (engine, row, first, awaited, &pass);
  /* Some of it is of no use: a full cache would drop it, and it would be asked
   * for again and again. */
  if (row->stuck_since != 0 && !awaited)
    return FALSE;
  for (i = 0; i < engine->links->len; i++)
    start_one (engine, &place, engine->links->pdata[i], TRUE);
  return is_asked (engine, row, first);
}

/* Others than the last one that read: the window has gone on without them, or
 * they are in it, behind what is not yet worth a request. */
static void
plan_wait (PmssEngine * engine, guint64 row, guint index)
{
  PmssCursor *cursor = engine->active;
  PmssRow *at = pmss_rows_get (&engine->rows, row);

  if (row < cursor->row || row >= pmss_cursor_get_asked_end (engine, cursor)
      || (row == cursor->row && index < first_index (engine, cursor))
      || (at != NULL && !is_asked (engine, at, index)))
    ask_beside (engine, row, index);
}

/* Type finders and demuxers look at a file's end first (an index, the tags of
 * an mp3), so its last unit is asked for along with the first. */
static void
plan_tail (PmssEngine * engine, PmssCursor * cursor)
{
  guint64 last = engine->rows.n_rows - 1;
  PmssExtentGeometry geometry;
  PmssRow *row;
  guint index = 0;

  if (engine->tail_asked || pmss_cursor_covers (engine, cursor, last))
    return;
  row = pmss_rows_ensure (&engine->rows, last);
  pmss_rows_geometry (&engine->rows, row, &geometry);
  while (index + 1 < engine->rows.redundancy.k
      && pmss_extent_geometry_unit_length (&geometry, row->row, index + 1))
    index++;
  /* Once is enough: where the cache has no room for it, it goes again. */
  engine->tail_asked = ask_beside (engine, last, index);
}

/* Whether what other places are to get leaves no room for what is waited for
 * here. */
static gboolean
is_crowded (PmssEngine * engine, PmssCursor * cursor)
{
  return engine->rows.n_blocks >= engine->share_blocks
      && pmss_wait_is_for (engine, cursor->row, -1);
}

/* The row at which there may be something new to ask for: enough for a request,
 * or row @left, which is not left to a late node any more. */
static guint64
find_replan (PmssEngine * engine, PmssCursor * cursor, guint64 left)
{
  guint64 rows = MAX (1, worthwhile_rows (engine, cursor) / 2);

  if (left < G_MAXUINT64)
    rows = CLAMP (left + 1 - cursor->row - MIN (left - cursor->row,
            urgent_rows (engine, cursor)), 1, rows);
  return cursor->row + rows;
}

void
pmss_plan_run (PmssEngine * engine)
{
  PmssCursor *cursor = engine->active;
  PmssPlanPass pass;
  gsize wanted, blocks;
  guint i;

  if (cursor == NULL || pmss_engine_is_resting (engine))
    return;
  pmss_bad_shards_release (engine->bad_shards, pmss_loop_now (engine->loop),
      engine->stuck);
  if (engine->jumped)
    pmss_plan_cancel_unwanted (engine, cursor);
  engine->jumped = FALSE;
  cursor->landing = cursor->landing && pmss_wait_is_for (engine, cursor->row,
      -1);
  pmss_engine_take_share (engine);
  pass = pmss_plan_begin (engine);
  wanted = plan_rows (engine, cursor, &pass);
  if (pmss_cursor_ends_medium (engine, cursor))
    pmss_tail_share (engine, cursor->row, cursor->row + 1, engine->rows.n_rows);
  blocks = pmss_engine_get_enough (engine);
  pmss_cursor_keep_turns (engine);
  pmss_rows_evict (&engine->rows, cursor->row,
      pmss_cursor_get_window_end (engine, cursor) - 1,
      blocks > wanted ? blocks - wanted : 0);
  if (is_crowded (engine, cursor)) {
    pmss_plan_cancel_unwanted (engine, cursor);
    /* the file's end would be asked for and cancelled at every turn */
    engine->tail_asked = TRUE;
  }
  for (i = 0; i < engine->links->len; i++) {
    while (start_one (engine, cursor, engine->links->pdata[i], FALSE));
  }
  pmss_wait_foreach (engine, plan_wait);
  plan_tail (engine, cursor);
  engine->replan_at = find_replan (engine, cursor, pass.left);
  pmss_engine_note_held (engine);
}
