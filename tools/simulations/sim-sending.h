/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-media.h"

G_BEGIN_DECLS

/**
 * SimSending:
 *
 * Nodes that send to viewers as a fluid, in slots of two seconds. A node sends first what is due
 * first; what is due at once is shared out in proportion. A viewer takes bytes ahead as far as its
 * buffer reaches. One that lacks a byte when it is due stands still for a slot.
 */
typedef struct _SimSending SimSending;
typedef struct _SimViewer SimViewer;

/* @capacity: bytes of each node in a slot */
SimSending *sim_sending_new    (guint n_nodes, double capacity);
void        sim_sending_free   (SimSending *self);
/* It begins with the next slot. */
SimViewer  *sim_sending_add    (SimSending *self, const SimMedium *medium);
void        sim_sending_remove (SimSending *self, SimViewer *viewer);
/* Slots that it has played, and that it stood still. */
guint       sim_viewer_get_played (const SimViewer *viewer);
guint       sim_viewer_get_still (const SimViewer *viewer);
/* One slot; returns the bytes that were sent. */
double      sim_sending_step   (SimSending *self);
/* The part of its capacity that a node used in the last slots. */
double      sim_sending_get_busy (const SimSending *self, guint node);

G_END_DECLS
