/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssAvoidance:
 *
 * Decides whether a node that did not answer in time is asked again. To find out takes a whole
 * timeout, so a job does it once, not for each of its extents. Then it does so after 1 min, 2 min,
 * and so on up to 16 min. A node that has come up anew is asked at once. Decides only; the caller
 * gives the times. {0}: nothing is held against the node.
 */
typedef struct
{
  gint64 until;                 /* monotonic, us */
  gint64 pause;                 /* us; 0: it answered last */
  gint64 noted;                 /* seconds since 1970 */
} PmssAvoidance;

#define PMSS_AVOIDANCE_FIRST (60 * (gint64) G_USEC_PER_SEC)
#define PMSS_AVOIDANCE_LONGEST (16 * PMSS_AVOIDANCE_FIRST)

/* It gave an answer, whichever. */
void     pmss_avoidance_note_answer  (PmssAvoidance *avoidance);
/* It gave none in time. @clock: seconds since 1970. */
void     pmss_avoidance_note_timeout (PmssAvoidance *avoidance, gint64 now, gint64 clock);
/* @up_since: seconds since 1970; 0: it is not up. */
gboolean pmss_avoidance_holds        (const PmssAvoidance *avoidance, gint64 now, gint64 up_since);

G_END_DECLS
