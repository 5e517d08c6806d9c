/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-pace.h"
#include "libpmss/reader/pmss-rows.h"
#include "libpmss/reader/pmss-waits.h"

G_BEGIN_DECLS

/**
 * PmssCursors:
 *
 * Where the reader is read, how far ahead of it is asked for, and when a unit is needed. There are
 * several places, because a demuxer that reads two tracks alternately makes two sequences, not a
 * seek a read.
 *
 * Pure: no clock, no I/O. Times are in us on the clock of the owner. Threads: any, under the
 * reader's lock.
 */
#define PMSS_N_CURSORS 4

/* A place from which a consumer reads. */
typedef struct
{
  gboolean in_use;
  guint64 row;                  /* last read */
  guint index;                  /* unit in it */
  gint64 entered;               /* when `row` was first read, */
  guint entered_index;          /* and at which unit */
  guint64 window;               /* rows from `row` on that are asked for */
  gboolean landing;             /* `row` is where a jump went: it comes first */
  guint64 enough;               /* rows that it shrinks to, as it is read */
  guint64 grow_at;              /* row at which the window is doubled, */
  gint64 grow_after;            /* but not before this, */
  guint64 grow_anyway_at;       /* or this row */
  PmssPace pace;
  gboolean missed;              /* a read had to wait, since it was measured */
  gboolean at_ease;             /* no read waits, and the window is enough */
  gboolean in_turn;             /* it is read by turns with others */
  guint64 turn;                 /* row at which it was turned to */
  guint64 used;                 /* PmssCursors.clock when last read */
} PmssCursor;

typedef struct
{
  /* set once, when the medium is known */
  guint k;                      /* data units of a row */
  guint64 n_rows;               /* in the medium */
  guint64 first_window;         /* rows, after a jump */
  guint64 max_window;           /* rows */
  gint64 read_ahead_time;       /* us of the consumer's pace; 0: no limit */
  gint64 played;                /* us that a row lasts when the medium is played at its peak; 0: not
                                 * known */

  guint64 room;                 /* rows of a window that there is memory for now */
  PmssCursor places[PMSS_N_CURSORS];
  PmssCursor *active;           /* (nullable): that was read last */
  guint64 clock;
} PmssCursors;

/* A read, as the cursors see it. */
typedef struct
{
  guint64 row;
  guint index;
  gboolean hit;                 /* the unit is there */
  gboolean is_near;             /* the nodes are so near that a jump comes first, alone */
  gint64 now;
} PmssCursorsRead;

typedef enum
{
  PMSS_CURSORS_ON,              /* it goes on in a window */
  PMSS_CURSORS_BACK,            /* it looks back into the cache: nothing has moved */
  PMSS_CURSORS_MOVED,           /* another place, or a larger window: there is more to ask for */
  PMSS_CURSORS_JUMPED,          /* a new place: some of what is under way may be of no use */
} PmssCursorsMove;

/* @peak: bits/s that the medium is played at; 0: not known. */
void pmss_cursors_init (PmssCursors *self, const PmssRows *rows,
    guint64 first_window, guint64 max_window, gint64 read_ahead_time,
    guint64 peak);
PmssCursorsMove pmss_cursors_note_read (PmssCursors *self,
    const PmssCursorsRead *read);

/* Whether @row is within its window, or just behind it. */
gboolean pmss_cursors_covers (const PmssCursors *self,
    const PmssCursor *cursor, guint64 row);
/* Rows from its own on that there is memory for, of those that it would have. */
guint64 pmss_cursors_get_window (const PmssCursors *self,
    const PmssCursor *cursor);
guint64 pmss_cursors_get_window_end (const PmssCursors *self,
    const PmssCursor *cursor);
/* Rows before it are asked for now. */
guint64 pmss_cursors_get_asked_end (const PmssCursors *self,
    const PmssCursor *cursor);
/* Whether these are the medium's last. */
gboolean pmss_cursors_ends_medium (const PmssCursors *self,
    const PmssCursor *cursor);
/* Rows of all windows together. */
guint64 pmss_cursors_count_rows (const PmssCursors *self);
/* What places that are read by turns have ahead is the last that leaves the cache. */
void pmss_cursors_keep_turns (const PmssCursors *self, PmssRows *rows);

/* pmss-deadline.c: when unit @index of @row is needed; G_MAXINT64: no read needs it. */
gint64 pmss_cursors_get_deadline (const PmssCursors *self,
    const PmssWaits *waits, guint64 row, guint index);

G_END_DECLS
