/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssNodePromises:
 *
 * What is promised of one node, slot by slot, in a ring. All amounts are numbers of units, so that
 * what is added is taken back exactly. Pure. Threads: one at a time.
 */

/* A power of two, above PMSS_CALENDAR_SLOTS: what is beyond is written in by many slots at once. */
#define PMSS_RING_SLOTS 8192
#define PMSS_RING_AT(slot) ((slot) & (PMSS_RING_SLOTS - 1))
#define PMSS_PROMISE_UNIT 64    /* bytes */

typedef struct
{
  guint id;
  guint64 capacity;             /* bytes in a slot; G_MAXUINT64: no limit */
  guint64 limit;                /* units that are given out in a slot; G_MAXUINT64: all */
  guint64 *promised;            /* due in the slot */
  guint64 *room;                /* of them, clients have room for so many one slot earlier */
  guint64 *backlog;             /* has to be sent before the slot begins */
  guint n_backlog;              /* slots with backlog */
  guint64 most;                 /* no slot has more promised */
  guint64 ahead;                /* of the present slot's, sent before it began */
} PmssNodePromises;

/* Some slots, and what is added to each. */
typedef struct
{
  guint64 slot;                 /* the first */
  guint slots;
  guint64 units;
  guint64 room;
} PmssPromise;

PmssNodePromises *pmss_node_promises_new  (guint id);
void              pmss_node_promises_free (PmssNodePromises *self);
/* @now: the present slot */
void              pmss_node_promises_set_limit (PmssNodePromises *self, guint64 limit, guint64 now);

/* FALSE: a slot that this touches has more backlog than room now. */
gboolean          pmss_node_promises_add  (PmssNodePromises *self, const PmssPromise *promise,
    guint64 now);
void              pmss_node_promises_take (PmssNodePromises *self, const PmssPromise *promise,
    guint64 now);
/* What a stream was sent ahead goes with it. */
void              pmss_node_promises_forget_ahead (PmssNodePromises *self, guint64 units);
/* TRUE: so much fits into each of these slots without any work ahead. */
gboolean          pmss_node_promises_is_idle (const PmssNodePromises *self,
    const PmssPromise *promise);
/* TRUE: so much fits into any slot without work ahead. */
gboolean          pmss_node_promises_has_plenty (const PmssNodePromises *self, guint64 units);
/* TRUE: so much does not fit into that slot, whatever else is true. */
gboolean          pmss_node_promises_is_full (const PmssNodePromises *self, guint64 slot,
    guint64 units, guint64 room, guint64 now);
/* The slots @from..@to - 1 are over, and empty. */
void              pmss_node_promises_advance (PmssNodePromises *self, guint64 from, guint64 to);
void              pmss_node_promises_clear (PmssNodePromises *self);

G_END_DECLS
