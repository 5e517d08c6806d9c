/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/calendar.h"

G_BEGIN_DECLS

/**
 * CalendarModel:
 *
 * What the calendar should say, by adding up each stream's units slot by slot, and nodes that send
 * as a fluid, slot by slot, with work ahead. All reservations are made through it.
 */
#define MODEL_NODES 7           /* ids 1..7 */

typedef struct
{
  PmssCalendar *calendar;
  PmssCalendarRules rules;
  guint64 now;
  guint64 capacity[MODEL_NODES + 1];    /* bytes in a slot */
  guint64 ahead[MODEL_NODES + 1];       /* units of the present slot, sent before it began */
  GPtrArray *streams;           /* all that there ever were */
} CalendarModel;

typedef struct
{
  PmssStreamPlan *plan;
  PmssReservation *reservation; /* (nullable): released */
  guint32 skip;
  guint64 start, from, until;   /* slots; it counts in @from..@until - 1 */
  guint32 slots;
  GArray *shares;               /* of ModelShare */
  double ahead[MODEL_NODES + 1];        /* bytes of the present slot that a node has sent */
} ModelStream;

CalendarModel *calendar_model_new     (const PmssCalendarRules *rules, guint64 now,
    guint64 capacity);
void           calendar_model_free    (CalendarModel *self);
/* Whether it fits at exactly @start. */
gboolean       calendar_model_fits    (CalendarModel *self, PmssStreamPlan *plan, guint32 skip,
    guint64 start);
ModelStream   *calendar_model_reserve (CalendarModel *self, PmssStreamPlan *plan, guint32 skip,
    guint64 start);
void           calendar_model_release (CalendarModel *self, ModelStream *stream);
/* Sends the present slot; nothing may be late. */
void           calendar_model_step    (CalendarModel *self, GRand *rand);
/* The calendar says the same of each slot. */
void           calendar_model_compare (CalendarModel *self);

/* Some medium on some nodes. */
PmssStreamPlan *calendar_model_make_plan (GRand *rand, guint most_slots, gboolean with_losses);

G_END_DECLS
