/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

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

/* us: where a round trip takes less, the rest of the window would only hold up
 * the row that was jumped to. It is asked for when that is there. */
#define NEAR (3 * G_TIME_SPAN_MILLISECOND)

/* The first part of the window, where a late node is not waited for. */
static guint64
urgent_rows (PmssCursor * cursor)
{
  return MAX (2, cursor->window / 4);
}

/* Requests further ahead wait until they are worth a round trip. The larger
 * they are the less a byte costs, and who is at ease has the time. */
static guint64
worthwhile_rows (PmssEngine * engine, PmssCursor * cursor)
{
  return CLAMP (cursor->window / (cursor->at_ease ? 2 : 4), 1,
      (engine->rows.rows_per_extent + 1) / 2);
}

static guint64
window_end (PmssEngine * engine, PmssCursor * cursor)
{
  return MIN (cursor->row + cursor->window, engine->rows.n_rows);
}

/* Rows before it are asked for now. */
static guint64
asked_end (PmssEngine * engine, PmssCursor * cursor)
{
  return cursor->landing ? cursor->row + 1 : window_end (engine, cursor);
}

/* Whether all nodes that have answered are near. */
static gboolean
is_near (PmssEngine * engine)
{
  gint64 rtt = 0;
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    rtt = MAX (rtt, link->least_rtt);
  }
  return rtt > 0 && rtt < NEAR;
}

static gboolean
ends_medium (PmssEngine * engine, PmssCursor * cursor)
{
  return asked_end (engine, cursor) == engine->rows.n_rows;
}

/* Whether it is needed before the next look but one, so that others can just
 * give it in time. */
static gboolean
is_due (PmssEngine * engine, guint64 row, guint index, gint64 now)
{
  return pmss_deadline_get (engine, row, index) - now <=
      engine->hedge_time + PMSS_TICK;
}

/* --- Cursors --- */

static gboolean
cursor_covers (PmssCursor * cursor, guint64 row)
{
  return cursor->in_use && row >= cursor->row
      && row <= cursor->row + cursor->window;
}

static PmssCursor *
find_cursor (PmssEngine * engine, guint64 row)
{
  guint i;

  if (engine->active != NULL && cursor_covers (engine->active, row))
    return engine->active;
  for (i = 0; i < PMSS_N_CURSORS; i++) {
    if (cursor_covers (&engine->cursors[i], row))
      return &engine->cursors[i];
  }
  return NULL;
}

static PmssCursor *
new_cursor (PmssEngine * engine, guint64 row, guint index)
{
  PmssCursor *cursor = &engine->cursors[0];
  guint i;

  for (i = 1; i < PMSS_N_CURSORS; i++) {
    if (engine->cursors[i].used < cursor->used)
      cursor = &engine->cursors[i];
  }
  cursor->in_use = TRUE;
  cursor->row = row;
  cursor->index = cursor->entered_index = index;
  cursor->entered = g_get_monotonic_time ();
  cursor->window = engine->first_window;
  cursor->landing = is_near (engine);
  cursor->grow_at = row + 1;
  cursor->grow_after = 0;
  cursor->missed = cursor->at_ease = FALSE;
  pmss_pace_begin (&cursor->pace, row, cursor->entered);
  return cursor;
}

/* The window doubles with every half of it that was read in sequence, as long
 * as that is not enough for read-ahead-time at the consumer's pace, and with
 * every row that a reader has to wait for: a jump costs little, whoever drains
 * the reader soon has all links at work, and a player gets what it will play
 * soon. Not faster than in so many us: a demuxer that fills its queues reads
 * some megabytes at once, and the processor is needed for the first frame
 * then. */
#define GROWTH_PAUSE (200 * G_TIME_SPAN_MILLISECOND)

/* Rows that it need not be larger than. Who had to wait gets all there is: the
 * pace was not its own. */
static guint64
enough_rows (PmssEngine * engine, PmssCursor * cursor)
{
  guint64 rows = pmss_pace_get_rows (&cursor->pace,
      engine->settings.read_ahead_time);

  return cursor->missed ? engine->max_window : MIN (rows, engine->max_window);
}

/* TRUE: the window has grown. */
static gboolean
advance_cursor (PmssEngine * engine, PmssCursor * cursor, guint64 row,
    guint index, gboolean hit)
{
  gint64 now;
  guint64 enough;
  gboolean grown;

  cursor->landing = cursor->landing && row == cursor->row;
  if (row != cursor->row) {
    cursor->entered = g_get_monotonic_time ();
    cursor->entered_index = index;
  }
  cursor->row = row;
  cursor->index = index;
  cursor->missed = cursor->missed || !hit;
  cursor->at_ease = cursor->at_ease && hit;
  if (row < cursor->grow_at)
    return FALSE;
  now = g_get_monotonic_time ();
  if (now < cursor->grow_after)
    return FALSE;
  pmss_pace_measure (&cursor->pace, row, now);
  enough = enough_rows (engine, cursor);
  cursor->at_ease = hit && cursor->window >= enough;
  cursor->missed = FALSE;
  grown = cursor->window < enough;
  if (grown) {
    cursor->grow_after = now + GROWTH_PAUSE;
    cursor->window = MIN (cursor->window * 2, enough);
  }
  cursor->grow_at = row + (hit ? cursor->window / 2 : 1);
  return grown;
}

/* Asked of a node that answers: nothing to be done but to wait. */
static gboolean
is_coming (PmssEngine * engine, guint64 number, guint index)
{
  PmssRow *row = pmss_rows_get (&engine->rows, number);
  PmssLink *link;

  if (row == NULL || row->slots[index].state != PMSS_UNIT_ASKED)
    return FALSE;
  link = pmss_stream_get_owner (row->slots[index].stream);
  return link->state == PMSS_LINK_UP;
}

gboolean
pmss_plan_note_read (PmssEngine * engine, guint64 row, guint index,
    gboolean hit)
{
  PmssCursor *cursor = find_cursor (engine, row);
  gboolean resumed = engine->paused;
  PmssCursor *before = engine->active;
  gboolean grown;

  engine->paused = FALSE;
  if (cursor == NULL && hit)
    return resumed;             /* a look back into the cache moves nothing */
  if (cursor == NULL) {
    cursor = new_cursor (engine, row, index);
    engine->jumped = TRUE;
  }
  cursor->used = ++engine->rows.clock;
  engine->active = cursor;
  grown = advance_cursor (engine, cursor, row, index, hit);
  return resumed || grown || cursor != before || row >= engine->replan_at
      || !(hit || is_coming (engine, row, index));
}

/* --- One row --- */

/* One look at the window. */
typedef struct
{
  gint64 now;
  guint extra;                  /* units that may be asked for twice */
} PlanPass;

typedef struct
{
  PmssEngine *engine;
  PmssRow *row;
  PmssExtentGeometry geometry;
  guint k, n;
  guint first;                  /* data unit that is needed first */
  gboolean urgent;
  gboolean wait_late;           /* what late nodes were asked for counts */
  gboolean give_late;           /* late nodes count as any other */
  gint64 now;
  guint had;                    /* units there, coming, or empty */
} RowPlan;

static PmssSource
unit_source (RowPlan * plan, guint index)
{
  return pmss_engine_get_source (plan->engine, plan->row, index);
}

static gboolean
unit_is_empty (RowPlan * plan, guint index)
{
  return pmss_extent_geometry_unit_length (&plan->geometry, plan->row->row,
      index) == 0;
}

/* What a late node was asked for, it may still give in time, as long as others
 * could. */
static gboolean
unit_is_coming (RowPlan * plan, guint index)
{
  PmssUnitSlot *slot = &plan->row->slots[index];

  if (slot->state != PMSS_UNIT_ASKED)
    return FALSE;
  return plan->wait_late || plan->give_late
      || unit_source (plan, index) == PMSS_SOURCE_GOOD
      || !is_due (plan->engine, plan->row->number, index, plan->now);
}

/* Whether a unit is there or can be counted on to come. */
static gboolean
unit_is_had (RowPlan * plan, guint index)
{
  PmssUnitSlot *slot = &plan->row->slots[index];

  return slot->state == PMSS_UNIT_READY || unit_is_empty (plan, index)
      || unit_is_coming (plan, index);
}

/* The data units that the consumer needs: from their own nodes if possible. */
static guint32
plan_data_units (RowPlan * plan)
{
  guint32 missing = 0;
  guint j;

  for (j = 0; j < plan->k; j++) {
    PmssUnitSlot *slot = &plan->row->slots[j];
    PmssSource source;

    if (unit_is_had (plan, j)) {
      plan->had++;
      continue;
    }
    if (j < plan->first)
      continue;
    source = unit_source (plan, j);
    if (slot->state == PMSS_UNIT_NONE && (source == PMSS_SOURCE_GOOD
            || (source == PMSS_SOURCE_LATE && plan->give_late))) {
      slot->wanted = TRUE;
      plan->had++;
    } else if (slot->state == PMSS_UNIT_ASKED || source != PMSS_SOURCE_LATE
        || plan->urgent) {
      missing |= 1u << j;
    }
  }
  return missing;
}

/* Others of the row in place of what is missing, until there are k. */
static void
plan_substitutes (RowPlan * plan)
{
  guint i;

  for (i = 0; i < plan->n && plan->had < plan->k; i++) {
    PmssUnitSlot *slot = &plan->row->slots[i];
    PmssSource source = unit_source (plan, i);

    if ((plan->row->missing & (1u << i)) || slot->wanted
        || unit_is_had (plan, i))
      continue;
    if (slot->state == PMSS_UNIT_NONE && (source == PMSS_SOURCE_GOOD
            || (source == PMSS_SOURCE_LATE && plan->give_late))) {
      slot->wanted = TRUE;
      plan->had++;
    }
  }
}

/* Where parity was asked for, that many data units need not be. */
static void
plan_savings (RowPlan * plan)
{
  guint j;

  for (j = plan->k; j-- > plan->first && plan->had > plan->k;) {
    if (!plan->row->slots[j].wanted)
      continue;
    pmss_rows_spare (plan->row, j);
    plan->had--;
  }
}

static void
plan_row_once (RowPlan * plan)
{
  guint i;

  plan->had = 0;
  plan->row->spared = 0;
  for (i = 0; i < plan->n; i++)
    plan->row->slots[i].wanted = FALSE;
  plan->row->missing = plan_data_units (plan);
  for (i = plan->k; i < plan->n; i++)
    plan->had += unit_is_had (plan, i);
  if (plan->row->missing != 0)
    plan_substitutes (plan);
  plan_savings (plan);
}

/* Units that would be asked for though enough are on their way. */
static guint
count_extra (RowPlan * plan)
{
  guint i, claimed, wanted = 0;

  for (i = 0; i < plan->n; i++)
    wanted += plan->row->slots[i].wanted;
  if (wanted == 0)
    return 0;
  claimed = pmss_rows_count_claimed (&plan->engine->rows, plan->row);
  return MAX (claimed + wanted, plan->k) - MAX (claimed, plan->k);
}

static void
plan_row (PmssEngine * engine, PmssRow * row, guint first, gboolean urgent,
    PlanPass * pass)
{
  RowPlan plan = {.engine = engine,.row = row,.first = first,.urgent = urgent,
    .now = pass->now
  };

  plan.k = engine->rows.redundancy.k;
  plan.n = plan.k + engine->rows.redundancy.m;
  pmss_rows_geometry (&engine->rows, row, &plan.geometry);
  plan_row_once (&plan);
  row->denied = (row->missing == 0 || plan.had >= plan.k)
      && count_extra (&plan) > pass->extra;
  if (row->denied) {
    /* Nothing more may be asked for twice: what was asked for is waited for. */
    plan.wait_late = TRUE;
    plan_row_once (&plan);
  }
  if (row->missing != 0 && plan.had < plan.k) {
    /* Not enough good ones: a late one is better than none. */
    plan.give_late = TRUE;
    plan_row_once (&plan);
  }
  pass->extra -= MIN (pass->extra, count_extra (&plan));
  if (row->missing == 0 || plan.had >= plan.k) {
    row->stuck_since = 0;
    g_clear_error (&row->error);
    /* All that it takes may be there from an earlier rebuilding: then no
     * record comes any more that would make it happen. */
    pmss_engine_try_rebuild (engine, row);
  } else if (row->stuck_since == 0) {
    row->stuck_since = g_get_monotonic_time ();
  }
}

static PlanPass
begin_pass (PmssEngine * engine)
{
  return (PlanPass) {
    g_get_monotonic_time (), pmss_budget_get_units (&engine->budget)
  };
}

/* The first unit of the cursor's row that is wanted. */
static guint
first_index (PmssEngine * engine, PmssCursor * cursor)
{
  guint back = LOOK_BACK / pmss_layout_get_unit (engine->rows.layout);

  return cursor->index - MIN (cursor->index, back);
}

static gsize
plan_rows (PmssEngine * engine, PmssCursor * cursor)
{
  guint64 end = asked_end (engine, cursor);
  guint64 urgent = cursor->row + urgent_rows (cursor);
  PlanPass pass = begin_pass (engine);
  gsize wanted = 0;
  guint64 number;
  guint i;

  for (number = cursor->row; number < end; number++) {
    PmssRow *row = pmss_rows_ensure (&engine->rows, number);

    plan_row (engine, row, number == cursor->row ? first_index (engine,
            cursor) : 0, number < urgent, &pass);
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
  guint64 end = asked_end (engine, cursor);
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
      && is_due (engine, number, 0, g_get_monotonic_time ());
}

static gboolean
run_is_worthwhile (PmssEngine * engine, PmssCursor * cursor, guint64 first,
    guint64 n_rows)
{
  guint64 end = first + n_rows;

  return first < cursor->row + urgent_rows (cursor)
      || n_rows >= worthwhile_rows (engine, cursor)
      || end % engine->rows.rows_per_extent == 0
      || ends_medium (engine, cursor) || is_urgent_rebuild (engine, first);
}

/* At the medium's end a link asks for half of what it is to give, then for half
 * of the rest, and so on: what it has not asked for yet, others can take from it
 * when they are faster. */
static guint64
limit_at_end (PmssEngine * engine, PmssCursor * cursor, PmssLink * link,
    guint64 n_rows)
{
  guint64 number, n_wanted = 0;

  if (!ends_medium (engine, cursor))
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
      || !has_room_for (engine, link, first, beside)
      || !run_is_worthwhile (engine, cursor, first, n_rows))
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

/* --- After a jump --- */

/* So is the file's beginning, which demuxers come back to when they have looked
 * at the index at its end. */
static gboolean
stream_is_wanted (PmssEngine * engine, PmssCursor * cursor, PmssStream * stream)
{
  const PmssStreamRange *range = pmss_stream_get_range (stream);
  guint64 base = range->geometry.extent * engine->rows.rows_per_extent;
  guint64 first = base + pmss_stream_get_row (stream);
  guint64 end = base + range->first_row + range->n_rows;

  return (first < window_end (engine, cursor) && end > cursor->row)
      || first < engine->first_window;
}

/* Cancelling costs the connection, and a round trip for a new one: what comes
 * within that time may as well come. */
static gboolean
is_worth_finishing (PmssLink * link, PmssStream * stream)
{
  guint64 soon = link->rate * link->rtt / G_TIME_SPAN_SECOND;

  return pmss_stream_get_remaining (stream) <= CLAMP (soon, PMSS_DEFAULT_UNIT,
      PMSS_LINK_ALMOST_THROUGH);
}

/* One connection of each link is left for what is wanted now. */
static void
cancel_unwanted_of (PmssEngine * engine, PmssCursor * cursor, PmssLink * link)
{
  guint finishing = 0;
  guint i;

  for (i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];

    if (stream_is_wanted (engine, cursor, stream))
      continue;
    if (is_worth_finishing (link, stream)
        && finishing + 1 < engine->settings.max_connections)
      finishing++;
    else
      pmss_stream_cancel (stream, G_IO_ERROR, G_IO_ERROR_CANCELLED,
          "not wanted any more");
  }
}

static void
cancel_unwanted (PmssEngine * engine, PmssCursor * cursor)
{
  guint i;

  for (i = 0; i < engine->links->len; i++)
    cancel_unwanted_of (engine, cursor, engine->links->pdata[i]);
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

/* Type finders and demuxers look at a file's end first (an index, the tags of
 * an mp3), so its last unit is asked for along with the first. */
static void
plan_tail (PmssEngine * engine, PmssCursor * cursor)
{
  PmssCursor tail = {.row = engine->rows.n_rows - 1,.window = 1 };
  PlanPass pass = begin_pass (engine);
  PmssExtentGeometry geometry;
  PmssRow *row;
  guint i;

  if (engine->tail_asked || cursor_covers (cursor, tail.row))
    return;
  row = pmss_rows_ensure (&engine->rows, tail.row);
  pmss_rows_geometry (&engine->rows, row, &geometry);
  while (tail.index + 1 < engine->rows.redundancy.k
      && pmss_extent_geometry_unit_length (&geometry, row->row, tail.index + 1))
    tail.index++;
  plan_row (engine, row, tail.index, FALSE, &pass);
  for (i = 0; i < engine->links->len; i++)
    start_one (engine, &tail, engine->links->pdata[i], TRUE);
  /* Once is enough: where the cache has no room for it, it goes again. */
  engine->tail_asked = is_asked (engine, row, tail.index);
}

/* Blocks to hold: whoever is content with a small window gets no more memory
 * behind it than there is with a full one. */
static gsize
enough_blocks (PmssEngine * engine)
{
  gsize rows = 0;
  guint i;

  for (i = 0; i < PMSS_N_CURSORS; i++) {
    if (engine->cursors[i].in_use)
      rows += engine->cursors[i].window;
  }
  return MIN (engine->max_blocks,
      engine->blocks_behind + rows * engine->rows.redundancy.k);
}

void
pmss_plan_run (PmssEngine * engine)
{
  PmssCursor *cursor = engine->active;
  gsize wanted, blocks;
  guint i;

  if (cursor == NULL || engine->paused || engine->state != PMSS_ENGINE_OPEN)
    return;
  if (engine->jumped)
    cancel_unwanted (engine, cursor);
  engine->jumped = FALSE;
  cursor->landing = cursor->landing && pmss_wait_is_for (engine, cursor->row,
      -1);
  wanted = plan_rows (engine, cursor);
  if (ends_medium (engine, cursor))
    pmss_tail_share (engine, cursor->row, cursor->row + 1, engine->rows.n_rows);
  blocks = enough_blocks (engine);
  pmss_rows_evict (&engine->rows, cursor->row, window_end (engine, cursor) - 1,
      blocks > wanted ? blocks - wanted : 0);
  for (i = 0; i < engine->links->len; i++) {
    while (start_one (engine, cursor, engine->links->pdata[i], FALSE));
  }
  plan_tail (engine, cursor);
  engine->replan_at =
      cursor->row + MAX (1, worthwhile_rows (engine, cursor) / 2);
}
