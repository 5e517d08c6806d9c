/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/stream-plan.h"

G_BEGIN_DECLS

/**
 * PmssCalendar:
 *
 * What is promised of each node, for the next four hours in slots of two seconds. It says whether
 * one more stream fits, and when. Pure: time comes in as numbers of slots. docs/admission.md
 * explains it. Threads: one at a time.
 */
typedef struct _PmssCalendar PmssCalendar;
typedef struct _PmssReservation PmssReservation;

#define PMSS_CALENDAR_SLOTS 7200
#define PMSS_CALENDAR_NO_LIMIT G_MAXUINT64
/* Streams that are counted at once. */
#define PMSS_CALENDAR_MOST (1 << 20)

typedef struct
{
  double reserve;               /* 0..1 of each node's capacity that is not given out */
  /* the bytes of any one node fit on the others as well; the larger of both reserves counts */
  gboolean survive_failure;
  gboolean work_ahead;          /* idle earlier slots count, as far as clients' buffers reach */
} PmssCalendarRules;

/* Why a stream does not fit. */
typedef struct
{
  guint node;                   /* that has too little */
  guint failed;                 /* if this one fails; 0: at once */
  guint64 slot;                 /* in which */
} PmssCalendarBind;

/* @slot: the present one */
PmssCalendar    *pmss_calendar_new      (const PmssCalendarRules *rules, guint64 slot);
void             pmss_calendar_free     (PmssCalendar *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssCalendar, pmss_calendar_free)
void             pmss_calendar_set_rules (PmssCalendar *self, const PmssCalendarRules *rules);

/* @capacity: bytes that the node can send in a slot, or PMSS_CALENDAR_NO_LIMIT. A node that is not
 * known has no limit. Nothing that was promised is taken back. */
void             pmss_calendar_set_node (PmssCalendar *self, guint node, guint64 capacity);
void             pmss_calendar_remove_node (PmssCalendar *self, guint node);

/* Time goes on to @slot; never back. */
void             pmss_calendar_advance  (PmssCalendar *self, guint64 slot);

/* The first of the slots @first..@last in which @weight streams of @plan fit that begin with slot
 * @skip of it. FALSE: none; @bind says what is in the way at @first. Changes nothing. */
gboolean         pmss_calendar_find     (PmssCalendar *self, const PmssStreamPlan *plan,
    guint32 skip, guint weight, guint64 first, guint64 last, guint64 *start,
    PmssCalendarBind *bind);
/* Writes a stream in, whether it fits or not. */
PmssReservation *pmss_calendar_reserve  (PmssCalendar *self, PmssStreamPlan *plan, guint32 skip,
    guint64 start);
/* Takes back what of it is not past, and frees it. */
void             pmss_calendar_release  (PmssCalendar *self, PmssReservation *reservation);
guint64          pmss_reservation_get_start (const PmssReservation *reservation);

/* How many more streams of @plan fit from now on, at most @most. @without: nodes that are taken for
 * gone, beside what they have to do for others then (nullable). */
guint            pmss_calendar_count_more (PmssCalendar *self, const PmssStreamPlan *plan,
    const GArray *without, guint most);
/* Bytes promised of a node in a slot. */
guint64          pmss_calendar_get_promised (PmssCalendar *self, guint node, guint64 slot);

G_END_DECLS
