/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/monitor/faults.h"
#include "control/monitor/reception.h"

G_BEGIN_DECLS

/**
 * PmssFaultWatch:
 *
 * Looks at all nodes once a second, and tells of what begins and ends: as events, and as faults of
 * nodes, for their warnings. #PmssFaults and #PmssReception decide; this object shows them the
 * cluster. In memory: after a restart what lasts begins anew. Threads: any, but for tick().
 */

/* @lease: seconds, of sessions. */
PmssFaultWatch *pmss_fault_watch_new   (PmssControlContext *context, guint lease);
void            pmss_fault_watch_free  (PmssFaultWatch *watch);

/* A reader of @viewer tells @nodes (of PmssNodeMeasure) with a renewal; @layout: of guint,
 * ascending, the nodes that its layout names. */
void            pmss_fault_watch_note  (PmssFaultWatch *watch, const char *viewer,
    const GArray *nodes, const GArray *layout);
/* Once a second, on the main thread; @now: monotonic. It may wait for the database. */
void            pmss_fault_watch_tick  (PmssFaultWatch *watch, gint64 now);

/* Array of PmssFault: what lasts. @watch: nullable: nothing does. */
GArray         *pmss_fault_watch_list  (PmssFaultWatch *watch);
/* Node @node as its viewers saw it when tick() looked last. FALSE: it has no viewers. */
gboolean        pmss_fault_watch_get_view (PmssFaultWatch *watch, guint node,
    PmssReceptionView *view);

G_END_DECLS
