/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the reader is read, and how far ahead of it is asked for. Pure. */
#include "libpmss/reader/pmss-cursors.h"

/* The window doubles with every half of it that was read in sequence, as long
 * as that is not enough for read-ahead-time at the consumer's pace, and with
 * every row that a reader has to wait for: a jump costs little, whoever drains
 * the reader soon has all links at work, and a player gets what it will play
 * soon. Not faster than in so many us: a demuxer that fills its queues reads
 * some megabytes at once, and the processor is needed for the first frame
 * then. But whoever has read so many windows since it doubled fills no queue: he
 * copies, and may be through before the time is. What is more than enough is
 * not asked for again: the window's end stays until the reader comes that near.
 */
#define GROWTH_PAUSE (200 * G_TIME_SPAN_MILLISECOND)
#define WINDOWS_OF_A_COPY 2

/* Places that are read by turns have the memory for one window together: what
 * one has ahead would drive out what another has. */
guint64
pmss_cursors_get_window (const PmssCursors * self, const PmssCursor * cursor)
{
  guint i, n = 0;

  for (i = 0; i < PMSS_N_CURSORS; i++)
    n += self->places[i].in_turn;
  return MIN (cursor->window, MAX (1, self->room / MAX (1, n)));
}

guint64
pmss_cursors_get_window_end (const PmssCursors * self,
    const PmssCursor * cursor)
{
  return MIN (cursor->row + pmss_cursors_get_window (self, cursor),
      self->n_rows);
}

guint64
pmss_cursors_get_asked_end (const PmssCursors * self, const PmssCursor * cursor)
{
  return cursor->landing ? cursor->row + 1 : pmss_cursors_get_window_end (self,
      cursor);
}

void
pmss_cursors_keep_turns (const PmssCursors * self, PmssRows * rows)
{
  guint i;

  for (i = 0; i < PMSS_N_CURSORS; i++) {
    const PmssCursor *cursor = &self->places[i];
    guint64 end = pmss_cursors_get_window_end (self, cursor);
    guint64 number;

    for (number = cursor->row; cursor->in_turn && number < end; number++) {
      PmssRow *row = pmss_rows_get (rows, number);

      if (row != NULL)
        row->used = ++rows->clock;
    }
  }
}

gboolean
pmss_cursors_ends_medium (const PmssCursors * self, const PmssCursor * cursor)
{
  return pmss_cursors_get_asked_end (self, cursor) == self->n_rows;
}

gboolean
pmss_cursors_covers (const PmssCursors * self, const PmssCursor * cursor,
    guint64 row)
{
  return cursor->in_use && row >= cursor->row
      && row <= cursor->row + pmss_cursors_get_window (self, cursor);
}

static PmssCursor *
find_cursor (PmssCursors * self, guint64 row)
{
  guint i;

  if (self->active != NULL && pmss_cursors_covers (self, self->active, row))
    return self->active;
  for (i = 0; i < PMSS_N_CURSORS; i++) {
    if (pmss_cursors_covers (self, &self->places[i], row))
      return &self->places[i];
  }
  return NULL;
}

static PmssCursor *
new_cursor (PmssCursors * self, const PmssCursorsRead * read)
{
  PmssCursor *cursor = &self->places[0];
  guint i;

  for (i = 1; i < PMSS_N_CURSORS; i++) {
    if (self->places[i].used < cursor->used)
      cursor = &self->places[i];
  }
  cursor->in_use = TRUE;
  cursor->in_turn = FALSE;
  cursor->row = read->row;
  cursor->index = cursor->entered_index = read->index;
  cursor->entered = read->now;
  cursor->window = cursor->enough = self->first_window;
  cursor->landing = read->is_near;
  cursor->grow_at = read->row + 1;
  cursor->grow_after = 0;
  cursor->missed = cursor->at_ease = FALSE;
  pmss_pace_begin (&cursor->pace, read->row, read->now);
  return cursor;
}

/* Rows that it need not be larger than. The pace of one who had to wait was not
 * its own: a player gets what the medium's rate makes of the time, whoever
 * copies the medium all there is. */
static guint64
enough_rows (PmssCursors * self, PmssCursor * cursor)
{
  gint64 time = self->read_ahead_time;
  gint64 played = self->played;
  guint64 rows = cursor->missed ? self->max_window :
      pmss_pace_get_rows (&cursor->pace, time);

  if (played > 0 && cursor->pace.lead <= time)
    rows = MIN (rows, (guint64) ((time + played - 1) / played));
  return MIN (rows, self->max_window);
}

static void
shrink_window (PmssCursors * self, PmssCursor * cursor, guint64 rows)
{
  guint64 least = MAX (cursor->enough, self->first_window);

  if (cursor->window > least)
    cursor->window -= MIN (rows, cursor->window - least);
}

/* TRUE: the window has grown. */
static gboolean
grow_window (PmssCursors * self, PmssCursor * cursor,
    const PmssCursorsRead * read)
{
  guint64 row = read->row, enough;
  gboolean grown;

  if (row < cursor->grow_at
      || (read->now < cursor->grow_after && row < cursor->grow_anyway_at))
    return FALSE;
  pmss_pace_measure (&cursor->pace, row, read->now, self->played);
  cursor->enough = enough = enough_rows (self, cursor);
  cursor->at_ease = read->hit && cursor->window >= enough;
  cursor->missed = FALSE;
  grown = cursor->window < enough;
  if (grown) {
    cursor->grow_after = read->now + GROWTH_PAUSE;
    cursor->window = MIN (cursor->window * 2, enough);
    cursor->grow_anyway_at = row + WINDOWS_OF_A_COPY * cursor->window;
  }
  cursor->grow_at = row + (read->hit ? cursor->window / 2 : 1);
  return grown;
}

/* TRUE: the window has grown. */
static gboolean
advance_cursor (PmssCursors * self, PmssCursor * cursor,
    const PmssCursorsRead * read)
{
  cursor->landing = cursor->landing && read->row == cursor->row;
  if (read->hit)
    shrink_window (self, cursor, read->row - cursor->row);
  if (read->row != cursor->row) {
    cursor->entered = read->now;
    cursor->entered_index = read->index;
  }
  cursor->row = read->row;
  cursor->index = read->index;
  cursor->missed = cursor->missed || !read->hit;
  cursor->at_ease = cursor->at_ease && read->hit;
  return grow_window (self, cursor, read);
}

/* Until one of them is read on for as long as all that is ever ahead. */
static void
note_turn (PmssCursors * self, PmssCursor * cursor, guint64 row,
    gboolean is_new)
{
  guint i;

  if (cursor != self->active) {
    cursor->turn = row;
    if (!is_new && self->active != NULL)
      cursor->in_turn = self->active->in_turn = TRUE;
  } else if (row > cursor->turn + self->room) {
    for (i = 0; i < PMSS_N_CURSORS; i++)
      self->places[i].in_turn = FALSE;
  }
}

PmssCursorsMove
pmss_cursors_note_read (PmssCursors * self, const PmssCursorsRead * read)
{
  PmssCursor *cursor = find_cursor (self, read->row);
  PmssCursor *before = self->active;
  gboolean is_new = cursor == NULL;
  gboolean grown;

  if (is_new && read->hit)
    return PMSS_CURSORS_BACK;
  if (is_new)
    cursor = new_cursor (self, read);
  cursor->used = ++self->clock;
  note_turn (self, cursor, read->row, is_new);
  self->active = cursor;
  grown = advance_cursor (self, cursor, read);
  if (is_new)
    return PMSS_CURSORS_JUMPED;
  return grown || cursor != before ? PMSS_CURSORS_MOVED : PMSS_CURSORS_ON;
}

guint64
pmss_cursors_count_rows (const PmssCursors * self)
{
  guint64 rows = 0;

  for (guint i = 0; i < PMSS_N_CURSORS; i++) {
    if (self->places[i].in_use)
      rows += self->places[i].window;
  }
  return rows;
}

void
pmss_cursors_init (PmssCursors * self, const PmssRows * rows,
    guint64 first_window, guint64 max_window, gint64 read_ahead_time,
    guint64 peak)
{
  guint64 bits = 8 * (guint64) rows->redundancy.k * rows->unit;

  self->k = rows->redundancy.k;
  self->n_rows = rows->n_rows;
  self->first_window = first_window;
  self->max_window = self->room = max_window;
  self->read_ahead_time = read_ahead_time;
  self->played = peak == 0 ? 0 : MAX (1, bits * G_TIME_SPAN_SECOND / peak);
}
