/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssFailureReserve:
 *
 * What each node would have to send if any one other failed: for each node, what is promised of it,
 * and for each other one what would move to it, in long slots: 16 seconds, and more where there are
 * more than 128 nodes, so that it takes 144 MiB at most. Nodes are places in a list here.
 * Amounts are numbers of units, so that what is added is taken back exactly. Pure. Threads: one at
 * a time.
 */
typedef struct _PmssFailureReserve PmssFailureReserve;

#define PMSS_FAILURE_MAX_NODES 1024
#define PMSS_FAILURE_NONE G_MAXUINT

PmssFailureReserve *pmss_failure_reserve_new  (guint64 now);
void      pmss_failure_reserve_free (PmssFailureReserve *self);
/* Room for nodes 0..@n_nodes - 1. FALSE: more than PMSS_FAILURE_MAX_NODES. */
gboolean  pmss_failure_reserve_grow (PmssFailureReserve *self, guint n_nodes);
/* @capacity: units in a slot of two seconds; G_MAXUINT64: no limit */
void      pmss_failure_reserve_set_capacity (PmssFailureReserve *self, guint node,
    guint64 capacity);
void      pmss_failure_reserve_advance (PmssFailureReserve *self, guint64 now);

typedef struct
{
  guint64 slot;                 /* the first, of two seconds */
  guint slots;
  guint node;
  guint64 units;                /* in each */
} PmssFailureLoad;

/* What @load->node sends anyway. FALSE: with what would move to it, it is too much in one of these
 * slots. */
gboolean  pmss_failure_reserve_add  (PmssFailureReserve *self, const PmssFailureLoad *load);
void      pmss_failure_reserve_take (PmssFailureReserve *self, const PmssFailureLoad *load);
/* What moves to @load->node if @failed fails. */
gboolean  pmss_failure_reserve_add_move  (PmssFailureReserve *self, guint failed,
    const PmssFailureLoad *load);
void      pmss_failure_reserve_take_move (PmssFailureReserve *self, guint failed,
    const PmssFailureLoad *load);

/* TRUE: a stream that takes at most so much of a node, or moves it there, fits in these slots. */
gboolean  pmss_failure_reserve_is_idle (PmssFailureReserve *self, const PmssFailureLoad *load);
/* TRUE: so much more in that slot alone does not. @failed: (out) if that one fails, the worst, or
 * PMSS_FAILURE_NONE */
gboolean  pmss_failure_reserve_is_full (PmssFailureReserve *self, const PmssFailureLoad *load,
    guint *failed);
/* Units that would move to @node in a slot of two seconds, on average, if all of @failed do. */
guint64   pmss_failure_reserve_get_moved (const PmssFailureReserve *self, const guint *failed,
    guint n_failed, guint node, guint64 slot);
gsize     pmss_failure_reserve_get_size (const PmssFailureReserve *self);

G_END_DECLS
