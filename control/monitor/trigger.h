/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssTrigger:
 *
 * A fault of one kind at one node: whether it lasts. It begins when its condition has held for a
 * while, and ends when the other condition has. A value; pure.
 */
typedef struct
{
  gboolean lasts;
  gint64 began;                 /* us; where it lasts */
  gint64 held;                  /* us, since when the condition of a change holds; 0: it does not */
  gint64 ended;                 /* us; 0: never */
} PmssTrigger;

/* One that has ended may begin again after this, us. */
#define PMSS_TRIGGER_REST G_TIME_SPAN_MINUTE

/* @begins, @ends: the conditions, as they are at @now; neither: nothing is known, or it is between
 * the thresholds. @hold_begin, @hold_end: us that they have to hold. Returns whether it has begun
 * or ended. */
gboolean pmss_trigger_step (PmssTrigger *trigger, gboolean begins, gboolean ends,
    gint64 hold_begin, gint64 hold_end, gint64 now);
/* Ends it at once. Returns whether it lasted. */
gboolean pmss_trigger_drop (PmssTrigger *trigger, gint64 now);

G_END_DECLS
