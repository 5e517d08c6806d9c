/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-plan.h"

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
urgent_rows (PmssPlan * self, PmssCursor * cursor)
{
  return MAX (2, pmss_cursors_get_window (self->cursors, cursor) / 4);
}

/* Requests further ahead wait until they are worth a round trip. The larger
 * they are the less a byte costs, and who is at ease has the time. */
static guint64
worthwhile_rows (PmssPlan * self, PmssCursor * cursor)
{
  return CLAMP (pmss_cursors_get_window (self->cursors, cursor) /
      (cursor->at_ease ? 2 : 4), 1, (self->rows->rows_per_extent + 1) / 2);
}

/* The first unit of the cursor's row that is wanted. */
static guint
first_index (PmssPlan * self, PmssCursor * cursor)
{
  guint back = LOOK_BACK / self->rows->unit;

  return cursor->index - MIN (cursor->index, back);
}

static gsize
plan_rows (PmssPlan * self, PmssCursor * cursor, PmssPlanPass * pass)
{
  guint64 end = pmss_cursors_get_asked_end (self->cursors, cursor);
  guint64 urgent = cursor->row + urgent_rows (self, cursor);
  gsize wanted = 0;
  guint64 number;
  guint i;

  for (number = cursor->row; number < end; number++) {
    PmssRow *row = pmss_rows_ensure (self->rows, number);

    pmss_plan_row (self, row, number == cursor->row ? first_index (self,
            cursor) : 0, number < urgent, pass);
    for (i = 0; i < self->rows->redundancy.k + self->rows->redundancy.m; i++)
      wanted += row->slots[i].wanted;
  }
  return wanted;
}

/* --- Requests --- */

static gboolean
row_wants (PmssPlan * self, guint64 number, gint shard)
{
  PmssRow *row = pmss_rows_get (self->rows, number);

  return shard >= 0 && row != NULL && row->slots[shard].wanted
      && row->slots[shard].state == PMSS_UNIT_NONE;
}

/* The earliest run of wanted records that @link can give. */
static gboolean
find_run (PmssPlan * self, PmssCursor * cursor, PmssLink * link,
    guint64 * first, guint64 * n_rows, gint * shard)
{
  guint64 end = pmss_cursors_get_asked_end (self->cursors, cursor);
  guint64 per_extent = self->rows->rows_per_extent;
  guint64 number = cursor->row;

  while (number < end) {
    guint32 extent = number / per_extent;
    guint64 extent_end = MIN ((extent + 1) * per_extent, end);

    *shard = pmss_links_get_link_shard (self->links, link, extent);
    while (number < extent_end && !row_wants (self, number, *shard))
      number++;
    if (number == extent_end)
      continue;
    *first = number;
    while (number < extent_end && row_wants (self, number, *shard))
      number++;
    *n_rows = number - *first;
    return TRUE;
  }
  return FALSE;
}

/* Whether something of it is to come from others than those that have it, and
 * soon. */
static gboolean
is_urgent_rebuild (PmssPlan * self, guint64 number)
{
  PmssRow *row = pmss_rows_get (self->rows, number);

  return (row->missing & ~row->spared) != 0
      && pmss_plan_is_due (self, number, 0);
}

static gboolean
run_is_worthwhile (PmssPlan * self, PmssCursor * cursor, guint64 first,
    guint64 n_rows)
{
  guint64 end = first + n_rows;

  return first < cursor->row + urgent_rows (self, cursor)
      || n_rows >= worthwhile_rows (self, cursor)
      || end % self->rows->rows_per_extent == 0
      || pmss_cursors_ends_medium (self->cursors, cursor)
      || is_urgent_rebuild (self, first);
}

/* At the medium's end a link asks for half of what it is to give, then for half
 * of the rest, and so on: what it has not asked for yet, others can take from it
 * when they are faster. */
static guint64
limit_at_end (PmssPlan * self, PmssCursor * cursor, PmssLink * link,
    guint64 n_rows)
{
  guint64 number, n_wanted = 0;

  if (!pmss_cursors_ends_medium (self->cursors, cursor))
    return n_rows;
  for (number = cursor->row; number < self->rows->n_rows; number++)
    n_wanted += row_wants (self, number, pmss_links_get_link_shard (self->links,
            link, number / self->rows->rows_per_extent));
  return MIN (n_rows, MAX (LEAST_AT_END, n_wanted / 2));
}

/* What somebody waits for goes out beside what is under way already: that is of
 * another place. So does what late nodes have not given. */
static gboolean
has_room_for (PmssPlan * self, PmssLink * link, guint64 row, gboolean beside)
{
  return pmss_link_has_room (link, self->max_connections, beside
      || pmss_waits_is_for (self->waits, row, -1)
      || is_urgent_rebuild (self, row));
}

/* Of a run's rows those that the cache has room for. What somebody waits for does
 * not wait for room, nor does a row of what late nodes have not given. */
static guint64
limit_to_cache (PmssPlan * self, guint64 first, guint64 n_rows)
{
  gsize room = self->scene.share_blocks - MIN (self->scene.share_blocks,
      self->rows->n_blocks);

  if (room == 0 && (pmss_waits_is_for (self->waits, first, -1)
          || (is_urgent_rebuild (self, first)
              && self->rows->n_blocks < self->scene.share_blocks +
              self->rows->redundancy.k + self->rows->redundancy.m)))
    room = 1;
  return MIN (n_rows, room);
}

/* Of a row that somebody waits for, the unit that is read now comes first, then
 * those behind it; all of them before anything else. */
static gint
get_priority (PmssPlan * self, const PmssStreamRange * range, guint64 row)
{
  gint n = self->rows->redundancy.k + self->rows->redundancy.m;
  gint first = self->cursors->active->index;

  if (!pmss_waits_is_for (self->waits, row, -1))
    return G_PRIORITY_DEFAULT;
  return G_PRIORITY_HIGH + ((gint) range->index + n - first) % n;
}

static void
claim_unit (PmssPlan * self, PmssLink * link, PmssStream * stream,
    PmssRow * row, guint index)
{
  guint k = self->rows->redundancy.k;
  gboolean is_extra = pmss_rows_count_claimed (self->rows, row) >= k;

  if (index >= k && (row->missing & ~row->spared))
    link->counters.hedged++;
  link->counters.extra += is_extra;
  pmss_budget_note (&self->budget, is_extra);
  pmss_rows_set_asked (self->rows, row, index, stream);
}

static void
add_request (PmssPlan * self, PmssLink * link, const PmssStreamRange * range)
{
  PmssStream *stream = pmss_stream_new (range, link, self->scene.now);
  guint64 first = range->geometry.extent * self->rows->rows_per_extent +
      range->first_row;
  const PmssPlanAction action = {.kind = PMSS_PLAN_ASK,.stream = stream,
    .priority = get_priority (self, range, first)
  };

  g_ptr_array_add (link->streams, stream);
  self->links->n_streams++;
  link->counters.requests++;
  for (guint64 i = first; i < first + range->n_rows; i++)
    claim_unit (self, link, stream, pmss_rows_get (self->rows, i),
        range->index);
  g_array_append_val (self->actions, action);
}

static gboolean
start_one (PmssPlan * self, PmssCursor * cursor, PmssLink * link,
    gboolean beside)
{
  PmssStreamRange range;
  guint64 first, n_rows;
  gint shard;

  if (link->state != PMSS_LINK_UP && link->state != PMSS_LINK_LATE)
    return FALSE;
  if (!pmss_link_has_room (link, self->max_connections, TRUE)
      || !find_run (self, cursor, link, &first, &n_rows, &shard)
      || !has_room_for (self, link, first, beside))
    return FALSE;
  n_rows = limit_to_cache (self, first, n_rows);
  if (n_rows == 0 || !run_is_worthwhile (self, cursor, first, n_rows))
    return FALSE;
  pmss_layout_get_geometry (self->rows->layout,
      first / self->rows->rows_per_extent, &range.geometry);
  range.index = shard;
  range.first_row = first % self->rows->rows_per_extent;
  range.n_rows = limit_at_end (self, cursor, link, n_rows);
  if (link->allowance != 0)
    range.n_rows = MIN (range.n_rows, link->allowance);
  add_request (self, link, &range);
  return TRUE;
}

/* Whether all that unit @index of @row takes is on its way or there. */
static gboolean
is_asked (PmssPlan * self, PmssRow * row, guint index)
{
  guint i, n = self->rows->redundancy.k + self->rows->redundancy.m;

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
ask_beside (PmssPlan * self, guint64 number, guint first)
{
  PmssCursor place = {.row = number,.window = 1 };
  PmssPlanPass pass = pmss_plan_pass_begin (self);
  PmssRow *row = pmss_rows_ensure (self->rows, number);
  gboolean awaited = pmss_waits_is_for (self->waits, number, -1);
  guint i;

  row->used = ++self->rows->clock;
  pmss_plan_row (self, row, first, awaited, &pass);
  /* Some of it is of no use: a full cache would drop it, and it would be asked
   * for again and again. */
  if (row->stuck_since != 0 && !awaited)
    return FALSE;
  for (i = 0; i < self->links->all->len; i++)
    start_one (self, &place, pmss_links_get (self->links, i), TRUE);
  return is_asked (self, row, first);
}

/* Others than the last one that read: the window has gone on without them, or
 * they are in it, behind what is not yet worth a request. */
static void
plan_wait (guint64 row, guint index, gpointer user_data)
{
  PmssPlan *self = user_data;
  PmssCursor *cursor = self->cursors->active;
  PmssRow *at = pmss_rows_get (self->rows, row);

  if (row < cursor->row
      || row >= pmss_cursors_get_asked_end (self->cursors, cursor)
      || (row == cursor->row && index < first_index (self, cursor))
      || (at != NULL && !is_asked (self, at, index)))
    ask_beside (self, row, index);
}

/* Type finders and demuxers look at a file's end first (an index, the tags of
 * an mp3), so its last unit is asked for along with the first. */
static void
plan_tail (PmssPlan * self, PmssCursor * cursor)
{
  guint64 last = self->rows->n_rows - 1;
  PmssExtentGeometry geometry;
  PmssRow *row;
  guint index = 0;

  if (self->tail_asked || pmss_cursors_covers (self->cursors, cursor, last))
    return;
  row = pmss_rows_ensure (self->rows, last);
  pmss_rows_geometry (self->rows, row, &geometry);
  while (index + 1 < self->rows->redundancy.k
      && pmss_extent_geometry_unit_length (&geometry, row->row, index + 1))
    index++;
  /* Once is enough: where the cache has no room for it, it goes again. */
  self->tail_asked = ask_beside (self, last, index);
}

/* Whether what other places are to get leaves no room for what is waited for
 * here. */
static gboolean
is_crowded (PmssPlan * self, PmssCursor * cursor)
{
  return self->rows->n_blocks >= self->scene.share_blocks
      && pmss_waits_is_for (self->waits, cursor->row, -1);
}

/* The row at which there may be something new to ask for: enough for a request,
 * or row @left, which is not left to a late node any more. */
static guint64
find_replan (PmssPlan * self, PmssCursor * cursor, guint64 left)
{
  guint64 rows = MAX (1, worthwhile_rows (self, cursor) / 2);

  if (left < G_MAXUINT64)
    rows = CLAMP (left + 1 - cursor->row - MIN (left - cursor->row,
            urgent_rows (self, cursor)), 1, rows);
  return cursor->row + rows;
}

void
pmss_plan_begin (PmssPlan * self, const PmssPlanScene * scene)
{
  PmssCursor *cursor = self->cursors->active;

  self->scene = *scene;
  g_array_set_size (self->actions, 0);
  pmss_bad_shards_release (self->links->bad_shards, scene->now,
      scene->is_stuck);
  if (self->jumped)
    pmss_plan_cancel_unwanted (self, cursor);
  self->jumped = FALSE;
  cursor->landing = cursor->landing && pmss_waits_is_for (self->waits,
      cursor->row, -1);
}

/* Room for what is wanted, and what is to go where there is none. */
static void
make_room (PmssPlan * self, PmssCursor * cursor, gsize wanted)
{
  gsize blocks = self->scene.enough;

  pmss_cursors_keep_turns (self->cursors, self->rows);
  pmss_rows_evict (self->rows, cursor->row,
      pmss_cursors_get_window_end (self->cursors, cursor) - 1,
      blocks > wanted ? blocks - wanted : 0);
  if (!is_crowded (self, cursor))
    return;
  pmss_plan_cancel_unwanted (self, cursor);
  /* the file's end would be asked for and cancelled at every turn */
  self->tail_asked = TRUE;
}

void
pmss_plan_run (PmssPlan * self, const PmssPlanScene * scene)
{
  PmssCursor *cursor = self->cursors->active;
  PmssPlanPass pass;
  gsize wanted;

  self->scene = *scene;
  g_array_set_size (self->actions, 0);
  pass = pmss_plan_pass_begin (self);
  wanted = plan_rows (self, cursor, &pass);
  if (pmss_cursors_ends_medium (self->cursors, cursor))
    pmss_tail_share (self, cursor->row, cursor->row + 1, self->rows->n_rows);
  make_room (self, cursor, wanted);
  for (guint i = 0; i < self->links->all->len; i++) {
    while (start_one (self, cursor, pmss_links_get (self->links, i), FALSE));
  }
  pmss_waits_foreach (self->waits, plan_wait, self);
  plan_tail (self, cursor);
  self->replan_at = find_replan (self, cursor, pass.left);
}

void
pmss_plan_init (PmssPlan * self, const PmssPlan * parts, guint max_extra)
{
  *self = *parts;
  pmss_budget_init (&self->budget, max_extra);
  self->actions = g_array_new (FALSE, FALSE, sizeof (PmssPlanAction));
}

void
pmss_plan_clear (PmssPlan * self)
{
  g_clear_pointer (&self->actions, g_array_unref);
}
