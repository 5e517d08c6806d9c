/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssPace:
 *
 * How fast a consumer goes through rows of units, measured from one place that it has reached to
 * the next. That is the consumer's own pace, not the medium's rate, which is unknown for many
 * files. For a player that never waits the two are the same. Where the medium's rate is known, the
 * lead (a leaky bucket) tells a player, which fills its buffers now and then, from a consumer that
 * copies.
 *
 * Not locked: it belongs to a cursor.
 */
typedef struct
{
  guint64 row;                  /* that the measure began with */
  gint64 since;                 /* when, monotonic */
  gint64 row_time;              /* us that a row lasts; 0: not measured yet */
  /* us of the medium that it is ahead of a player that has played since the beginning */
  gint64 lead;
} PmssPace;

void pmss_pace_begin (PmssPace *pace, guint64 row, gint64 now);
/* The consumer has come to @row: the pace since the last measure. @played: us that a row lasts when
 * the medium is played; 0: not known. */
void pmss_pace_measure (PmssPace *pace, guint64 row, gint64 now,
    gint64 played);
/* Rows, rounded up, that last it for @time us; G_MAXUINT64: not known, or @time is 0, for ever. */
guint64 pmss_pace_get_rows (const PmssPace *pace, gint64 time);

G_END_DECLS
