/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/calendar.h"
#include "control/admission/failure-reserve.h"
#include "control/admission/node-promises.h"
#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/* Shared by calendar.c (nodes, time, reservations), calendar-streams.c (what a stream takes of each
 * node) and calendar-fit.c (whether one fits). */

struct _PmssCalendar
{
  PmssCalendarRules rules;
  guint64 now;
  guint64 filled;               /* the first slot that is not written in yet */
  GPtrArray *nodes;             /* of PmssNodePromises */
  GArray *places;               /* of guint32, by node id: place in @nodes + 1; 0: none */
  PmssFailureReserve *failures; /* (nullable): the rules don't ask for it */
  GQueue reservations;          /* by their links */
};

/* @weight streams of @plan that begin with slot @skip of it, in slot @start. */
typedef struct
{
  const PmssStreamPlan *plan;
  guint32 skip;
  guint64 start;
  guint weight;
} PmssCalendarStream;

struct _PmssReservation
{
  PmssStreamPlan *plan;
  PmssCalendarStream stream;
  GList link;
};

/* What a stream takes of each of some nodes in each of some slots, in units. */
typedef struct
{
  guint64 slot;
  guint slots;
  PmssPlanPart part;
  guint64 units, room;          /* of the data shards' nodes */
  guint lost;                   /* data shards that are lost */
  guint spare;                  /* parity shards that are there */
  guint64 parity_units, parity_room;    /* for them, of the parity shards' nodes */
} PmssPiece;

typedef struct
{
  const PmssCalendar *calendar;
  PmssCalendarStream stream;
  PmssPlanWalk walk;
  guint64 from, end;            /* in slots of the calendar */
  guint64 at, part_end;
  PmssPlanPart part;
  const GArray *without;        /* (nullable) of guint: ids that are taken for gone */
  guint32 ids[PMSS_MAX_SHARDS];
} PmssPieces;

/* The pieces in the slots @from..@end - 1. */
void     pmss_pieces_init (PmssPieces *pieces, const PmssCalendar *calendar,
    const PmssCalendarStream *stream, guint64 from, guint64 end);
gboolean pmss_pieces_next (PmssPieces *pieces, PmssPiece *piece);
/* The slot after the stream's last. */
guint64  pmss_calendar_stream_get_end (const PmssCalendarStream *stream);

/* The most that the stream takes of a node in a slot. */
guint64  pmss_calendar_stream_get_peak (const PmssCalendarStream *stream);

/* NULL: it has no place, and so no limit. */
PmssNodePromises *pmss_calendar_get_node (const PmssCalendar *self, guint id, guint *place);
/* 0: none has it */
guint    pmss_calendar_get_id (const PmssCalendar *self, guint place);
/* Makes it one. */
PmssNodePromises *pmss_calendar_want_node (PmssCalendar *self, guint id, guint *place);

void     pmss_calendar_bind_set  (PmssCalendarBind *bind, guint node, guint failed,
    guint64 slot);
/* FALSE: it does not fit; @bind says why. Writes it in in any case. */
gboolean pmss_calendar_add_piece (PmssCalendar *self, const PmssPiece *piece,
    PmssCalendarBind *bind);
void     pmss_calendar_take_piece (PmssCalendar *self, const PmssPiece *piece);

G_END_DECLS
