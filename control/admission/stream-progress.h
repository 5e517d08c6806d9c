/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/stream-plan.h"

G_BEGIN_DECLS

/**
 * PmssProgress:
 *
 * How far a stream that was let in is by its plan, and what follows from what its reader tells: it
 * was moved to another place, it paused, or goes on (docs/admission.md, Seeks and pauses). A reader
 * tells what it likes, of itself alone. A value. Pure: slots are the caller's.
 */
typedef struct
{
  gboolean held;                /* its place is written in the calendar */
  guint64 start;                /* slot of the clock in which slot @skip of the plan is */
  guint32 skip;
  guint64 idle_since;           /* slot of the clock; 0: it is not idle */
} PmssProgress;

typedef enum
{
  PMSS_PROGRESS_GOES_ON,        /* nothing to be done */
  PMSS_PROGRESS_MOVES,          /* the plan goes on from another slot, from now on */
  PMSS_PROGRESS_RESTS,          /* its place is given back */
} PmssProgressStep;

/* Slots for which a paused stream keeps its place: a minute. */
#define PMSS_PROGRESS_KEPT (60 / PMSS_SLOT)

/* The slot of the plan that @now is by it; its last one where it is over. */
guint32          pmss_progress_get_slot (const PmssProgress *progress, const PmssStreamPlan *plan,
    guint64 now);
/* Its reader tells where it is (bytes; -1: not told) and whether it reads at all. @skip: (out)
 * where it moves: to which slot of the plan. The caller does as it says, and writes that down. */
PmssProgressStep pmss_progress_note     (PmssProgress *progress, const PmssStreamPlan *plan,
    guint64 now, gint64 position, gboolean idle, guint32 *skip);

G_END_DECLS
