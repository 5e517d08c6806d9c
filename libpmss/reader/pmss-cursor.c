/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

/* Where the reader is read, and how far ahead of it is asked for. */

/* us: where a round trip takes less, the rest of the window would only hold up
 * the row that was jumped to. It is asked for when that is there. */
#define NEAR (3 * G_TIME_SPAN_MILLISECOND)
/* us: who opened a medium in less than that had two round trips to control, and
 * control its work; until nodes have answered, they are taken to be as near. */
#define NEAR_CONTROL (12 * G_TIME_SPAN_MILLISECOND)

/* The window doubles with every half of it that was read in sequence, as long
 * as that is not enough for read-ahead-time at the consumer's pace, and with
 * every row that a reader has to wait for: a jump costs little, whoever drains
 * the reader soon has all links at work, and a player gets what it will play
 * soon. Not faster than in so many us: a demuxer that fills its queues reads
 * some megabytes at once, and the processor is needed for the first frame
 * then. But whoever has read so many windows since it doubled fills no queue: he
 * copies, and may be through before the time is. What is more than enough is not asked for again: the window's end stays
 * until the reader comes that near. */
#define GROWTH_PAUSE (200 * G_TIME_SPAN_MILLISECOND)
#define WINDOWS_OF_A_COPY 2

/* Places that are read by turns have the memory for one window together: what
 * one has ahead would drive out what another has. */
guint64
pmss_cursor_get_window (PmssEngine * engine, PmssCursor * cursor)
{
  guint i, n = 0;

  for (i = 0; i < PMSS_N_CURSORS; i++)
    n += engine->cursors[i].in_turn;
  return MIN (cursor->window, MAX (1, engine->share_window / MAX (1, n)));
}

guint64
pmss_cursor_get_window_end (PmssEngine * engine, PmssCursor * cursor)
{
  return MIN (cursor->row + pmss_cursor_get_window (engine, cursor),
      engine->rows.n_rows);
}

guint64
pmss_cursor_get_asked_end (PmssEngine * engine, PmssCursor * cursor)
{
  return cursor->landing ? cursor->row + 1 : pmss_cursor_get_window_end (engine,
      cursor);
}

void
pmss_cursor_keep_turns (PmssEngine * engine)
{
  guint i;

  for (i = 0; i < PMSS_N_CURSORS; i++) {
    PmssCursor *cursor = &engine->cursors[i];
    guint64 end = pmss_cursor_get_window_end (engine, cursor);
    guint64 number;

    for (number = cursor->row; cursor->in_turn && number < end; number++) {
      PmssRow *row = pmss_rows_get (&engine->rows, number);

      if (row != NULL)
        row->used = ++engine->rows.clock;
    }
  }
}

gboolean
pmss_cursor_ends_medium (PmssEngine * engine, PmssCursor * cursor)
{
  return pmss_cursor_get_asked_end (engine, cursor) == engine->rows.n_rows;
}

/* Whether all nodes that have answered are near; or control, if none has. */
static gboolean
is_near (PmssEngine * engine)
{
  gint64 rtt = 0;
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    rtt = MAX (rtt, link->least_rtt);
  }
  return rtt > 0 ? rtt < NEAR : engine->opened_in < NEAR_CONTROL;
}

gboolean
pmss_cursor_covers (PmssEngine * engine, PmssCursor * cursor, guint64 row)
{
  return cursor->in_use && row >= cursor->row
      && row <= cursor->row + pmss_cursor_get_window (engine, cursor);
}

static PmssCursor *
find_cursor (PmssEngine * engine, guint64 row)
{
  guint i;

  if (engine->active != NULL
      && pmss_cursor_covers (engine, engine->active, row))
    return engine->active;
  for (i = 0; i < PMSS_N_CURSORS; i++) {
    if (pmss_cursor_covers (engine, &engine->cursors[i], row))
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
  cursor->in_turn = FALSE;
  cursor->row = row;
  cursor->index = cursor->entered_index = index;
  cursor->entered = pmss_loop_now (engine->loop);
  cursor->window = cursor->enough = engine->first_window;
  cursor->landing = is_near (engine);
  cursor->grow_at = row + 1;
  cursor->grow_after = 0;
  cursor->missed = cursor->at_ease = FALSE;
  pmss_pace_begin (&cursor->pace, row, cursor->entered);
  return cursor;
}

/* Rows that it need not be larger than. The pace of one who had to wait was not
 * its own: a player gets what the medium's rate makes of the time, whoever
 * copies the medium all there is. */
static guint64
enough_rows (PmssEngine * engine, PmssCursor * cursor)
{
  gint64 time = engine->settings.read_ahead_time;
  gint64 played = pmss_deadline_get_played (engine);
  guint64 rows = cursor->missed ? engine->max_window :
      pmss_pace_get_rows (&cursor->pace, time);

  if (played > 0 && cursor->pace.lead <= time)
    rows = MIN (rows, (guint64) ((time + played - 1) / played));
  return MIN (rows, engine->max_window);
}

static void
shrink_window (PmssEngine * engine, PmssCursor * cursor, guint64 rows)
{
  guint64 least = MAX (cursor->enough, engine->first_window);

  if (cursor->window > least)
    cursor->window -= MIN (rows, cursor->window - least);
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
  if (hit)
    shrink_window (engine, cursor, row - cursor->row);
  if (row != cursor->row) {
    cursor->entered = pmss_loop_now (engine->loop);
    cursor->entered_index = index;
  }
  cursor->row = row;
  cursor->index = index;
  cursor->missed = cursor->missed || !hit;
  cursor->at_ease = cursor->at_ease && hit;
  if (row < cursor->grow_at)
    return FALSE;
  now = pmss_loop_now (engine->loop);
  if (now < cursor->grow_after && row < cursor->grow_anyway_at)
    return FALSE;
  pmss_pace_measure (&cursor->pace, row, now,
      pmss_deadline_get_played (engine));
  cursor->enough = enough = enough_rows (engine, cursor);
  cursor->at_ease = hit && cursor->window >= enough;
  cursor->missed = FALSE;
  grown = cursor->window < enough;
  if (grown) {
    cursor->grow_after = now + GROWTH_PAUSE;
    cursor->window = MIN (cursor->window * 2, enough);
    cursor->grow_anyway_at = row + WINDOWS_OF_A_COPY * cursor->window;
  }
  cursor->grow_at = row + (hit ? cursor->window / 2 : 1);
  return grown;
}

/* Until one of them is read on for as long as all that is ever ahead. */
static void
note_turn (PmssEngine * engine, PmssCursor * cursor, guint64 row,
    gboolean is_new)
{
  guint i;

  if (cursor != engine->active) {
    cursor->turn = row;
    if (!is_new && engine->active != NULL)
      cursor->in_turn = engine->active->in_turn = TRUE;
  } else if (row > cursor->turn + engine->share_window) {
    for (i = 0; i < PMSS_N_CURSORS; i++)
      engine->cursors[i].in_turn = FALSE;
  }
}

/* Asked of a node that answers, or being rebuilt: nothing to be done but to
 * wait. */
static gboolean
is_coming (PmssEngine * engine, guint64 number, guint index)
{
  PmssRow *row = pmss_rows_get (&engine->rows, number);
  PmssLink *link;

  if (row != NULL && (row->coming & (1u << index)))
    return TRUE;
  if (row == NULL || row->slots[index].state != PMSS_UNIT_ASKED)
    return FALSE;
  link = pmss_stream_get_owner (row->slots[index].stream);
  return link->state == PMSS_LINK_UP;
}

gboolean
pmss_cursor_note_read (PmssEngine * engine, guint64 row, guint index,
    gboolean hit)
{
  PmssCursor *cursor = find_cursor (engine, row);
  gboolean resumed = engine->paused;
  PmssCursor *before = engine->active;
  gboolean is_new = cursor == NULL;
  gboolean grown;

  engine->paused = FALSE;
  if (is_new && hit)
    return resumed;             /* a look back into the cache moves nothing */
  if (is_new) {
    cursor = new_cursor (engine, row, index);
    engine->jumped = TRUE;
  }
  cursor->used = ++engine->rows.clock;
  note_turn (engine, cursor, row, is_new);
  engine->active = cursor;
  grown = advance_cursor (engine, cursor, row, index, hit);
  return resumed || grown || cursor != before || row >= engine->replan_at
      || !(hit || is_coming (engine, row, index));
}
