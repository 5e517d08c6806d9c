/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/**
 * PmssLate:
 *
 * Finds the nodes that are not to be waited for.
 *
 * Such a node will not give a unit by the time that a read needs it: it is silent, or too slow.
 * Others are asked in its place, as in Dean and Barroso, "The Tail at Scale" (CACM 56(2), 2013). A
 * request is hedged when it takes longer than almost all do, and the share of such requests is
 * bounded (pmss-budget.h). But a unit's deadline is known (pmss-deadline.c). As long as others
 * could still give it in time the node may catch up. So a node is late when
 *
 * - its record takes longer than it takes almost all nodes: four times the median, which of times
 *   that are distributed exponentially 94 % keep to;
 * - no more than that is left until a read needs it;
 * - it is the exception. Where all nodes wait alike it is the client's own network, and asking
 *   others only makes it worse. There may be no more such nodes than redundancy makes up for, and
 *   others must have given theirs. A node that is silent for a second need not be the exception.
 *
 * Pure: no clock, no I/O. Its owner passes a view of the nodes. Times are in us on the clock of the
 * owner. Threads: the owner's, which is the I/O thread.
 */
typedef struct
{
  gint64 hedge_time;            /* us that almost all answers take */
  gint64 look_at;               /* when the next node may be late; G_MAXINT64: never */
} PmssLate;

/* The view of one node. */
typedef struct
{
  gboolean is_busy;             /* something is under way */
  gboolean is_up;               /* it is neither late nor lost */
  gint64 wait;                  /* us that the slowest record takes already; 0: none is awaited */
  gint64 silence;               /* us since the last byte of the requests under way */
  gint64 last_record;           /* when it came; 0: none yet */
  gint64 record_time;           /* us that a record takes; 0: not known */
  gint64 rtt;                   /* us; 0: not known */
  gint64 least_rtt;             /* us; 0: not known */
  gint64 needed;                /* when the first is that it is to give; G_MAXINT64: never. Of
                                 * those that are up and busy */
  gint64 denied_since;          /* since when somebody waits for it, and others may not be asked;
                                 * G_MAXINT64: nobody. Of those that are busy and not up */
} PmssLateView;

typedef enum
{
  PMSS_LATE_WAIT,               /* nothing is to be done about it */
  PMSS_LATE_IS_LATE,            /* others are to be asked in its place */
  PMSS_LATE_GIVE_UP,            /* all that is under way is to be cancelled, so that others may be
                                 * asked once */
} PmssLateVerdict;

/* @views: of all @n nodes. @verdicts: (out): one a node. */
void pmss_late_judge (PmssLate *late, gint64 now, PmssRedundancy redundancy,
    const PmssLateView *views, guint n, PmssLateVerdict *verdicts);

G_END_DECLS
