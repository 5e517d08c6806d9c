/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-budget.h"
#include "libpmss/reader/pmss-cursors.h"
#include "libpmss/reader/pmss-links.h"
#include "libpmss/reader/pmss-row-job.h"
#include "libpmss/reader/pmss-waits.h"

G_BEGIN_DECLS

/**
 * PmssPlan:
 *
 * Decides what is asked for next, and of which nodes, which requests end, and which rows are
 * rebuilt. Its owner calls it after each change, and does what the actions say, in their order:
 *
 *   pmss_plan_begin() ──▶ actions ──▶ the memory is shared anew ──▶ pmss_plan_run() ──▶ actions
 *
 * It marks the units that it wants in the rows. What it decides is in the rows and links at once: a
 * unit that is to be asked for is ASKED, and a link has the new request among its own.
 *
 * Pure: no clock, no I/O. Times are in us on the clock of the owner. Threads: the I/O thread, under
 * the reader's lock.
 *
 *   pmss-plan.c       what is asked for, and of whom
 *   pmss-plan-row.c   which units of a row are wanted
 *   pmss-plan-jump.c  which requests are of no use after a jump
 *   pmss-tail.c       the medium's last units, shared out anew
 */

/* us until everything is looked at again at the latest, as long as something is
 * under way. */
#define PMSS_TICK (50 * G_TIME_SPAN_MILLISECOND)

typedef enum
{
  PMSS_PLAN_END,                /* a request is of no use any more: cancel it */
  PMSS_PLAN_REBUILD,            /* enough units of a row are there: make the missing ones */
  PMSS_PLAN_ASK,                /* a request: send it */
} PmssPlanKind;

typedef struct
{
  PmssPlanKind kind;
  PmssStream *stream;           /* END, ASK: whose owner is the link */
  gint priority;                /* ASK: in the loop, as GLib's */
  PmssRowJob *job;              /* REBUILD: (transfer full) */
  gboolean is_awaited;          /* REBUILD: somebody waits for the row */
} PmssPlanAction;

/* All that may differ from one look to the next, and is in none of the parts. */
typedef struct
{
  gint64 now;
  gint64 hedge_time;            /* us that almost all answers take (PmssLate) */
  gboolean is_stuck;            /* a read waits for a row that too few have */
  gsize share_blocks;           /* that may be held, */
  gsize behind;                 /* of these, besides the windows, */
  gsize enough;                 /* and what is held of them */
} PmssPlanScene;

typedef struct
{
  /* the parts of the reader that it looks at, and changes; set once, when the medium is known */
  PmssRows *rows;
  PmssCursors *cursors;
  PmssLinks *links;
  const PmssWaits *waits;
  PmssBlockPool *pool;
  guint max_connections;        /* to one node */

  PmssBudget budget;            /* of units that are asked for twice */
  gboolean jumped;              /* requests may be of no use */
  guint64 replan_at;            /* row of the active cursor at which there is more to ask for */
  gboolean tail_asked;          /* the medium's last unit was asked for */
  PmssPlanScene scene;          /* of the look at hand */
  GArray *actions;              /* of PmssPlanAction: its result */
} PmssPlan;

/* @parts: those of its fields that are set once. @max_extra: percent of units that are asked for
 * twice. */
void pmss_plan_init (PmssPlan *self, const PmssPlan *parts, guint max_extra);
void pmss_plan_clear (PmssPlan *self);
/* There is an active cursor. The actions stay until the next call. */
void pmss_plan_begin (PmssPlan *self, const PmssPlanScene *scene);
void pmss_plan_run (PmssPlan *self, const PmssPlanScene *scene);

/* --- Shared by its files --- */

/* One look at the window. */
typedef struct
{
  guint extra;                  /* units that may be asked for twice */
  guint64 left;                 /* first row of which a unit is left to a late node, or
                                 * to another reader, until it is urgent; G_MAXUINT64: none */
} PmssPlanPass;

PmssPlanPass pmss_plan_pass_begin (PmssPlan *self);
/* Marks the units of @row that are wanted, from data unit @first on. @urgent: late nodes are not
 * waited for. Takes extra requests from @pass. */
void pmss_plan_row (PmssPlan *self, PmssRow *row, guint first,
    gboolean urgent, PmssPlanPass *pass);
/* Whether it is needed before the next look but one, so that others can just
 * give it in time. */
gboolean pmss_plan_is_due (PmssPlan *self, guint64 row, guint index);
/* Ends requests that are of use neither in @cursor's window nor to a waiting read. It spares those
 * that are nearly through if the cache has room. */
void pmss_plan_cancel_unwanted (PmssPlan *self, PmssCursor *cursor);
/* Shares out the wanted units of the medium's last rows, @first to @end, so that all nodes have
 * equally much to give. The rows @fixed..@first stay as they are. */
void pmss_tail_share (PmssPlan *self, guint64 fixed, guint64 first,
    guint64 end);

G_END_DECLS
