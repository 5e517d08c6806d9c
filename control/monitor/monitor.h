/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/monitor/chart.h"

G_BEGIN_DECLS

/**
 * PmssMonitor:
 *
 * The figures of all storage servers and of the cluster, second by second for ten minutes, and what
 * is asked for of them (docs/monitoring.md). Each second it looks at the nodes' last heartbeats. A
 * node has figures in a second in which its last heartbeat was no older than PMSS_MONITOR_FRESH.
 * Threads: any, but for the tick.
 */

/* Storage servers that are kept second by second; further ones are in the history alone. */
#define PMSS_MONITOR_MAX_LIVE 1250
#define PMSS_MONITOR_FRESH (5 * G_USEC_PER_SEC / 2)

typedef enum { PMSS_SPAN_LIVE, PMSS_SPAN_DAY, PMSS_SPAN_MONTH, PMSS_SPAN_YEAR,
    PMSS_N_SPANS } PmssSpan;
const char  *pmss_span_to_string (PmssSpan span);
gboolean     pmss_span_parse     (const char *text, PmssSpan *span);

/* What is asked for. */
typedef struct
{
  GArray *nodes;                /* of guint; PMSS_CLUSTER_NODE: the cluster */
  gboolean series[PMSS_N_SERIES];
  PmssSpan span;
  guint points;                 /* at most, for each line */
  gint64 after;                 /* as pmss_chart_axis_init() has it; seconds since 1970 */
} PmssMonitorQuery;

/* @with_history: in the data folder. */
PmssMonitor *pmss_monitor_new  (PmssControlContext *context, gboolean with_history);
/* Writes what there is of the minute. */
void         pmss_monitor_free (PmssMonitor *monitor);
/* Once a second, on the main thread. µs; @wall since 1970. */
void         pmss_monitor_tick (PmssMonitor *monitor, gint64 monotonic, gint64 wall);
/* What viewers say of @node, for the next second. It is forgotten then: to be said each second. */
void         pmss_monitor_note_viewers (PmssMonitor *monitor, guint node,
    const PmssViewerFigures *figures);
/* (nullable) Why no history is kept now. */
char        *pmss_monitor_get_history_fault (PmssMonitor *monitor);
/* A line for each node and series that go together, by node. May block on the disk, but for
 * PMSS_SPAN_LIVE. */
PmssChart   *pmss_monitor_chart (PmssMonitor *monitor, const PmssMonitorQuery *query,
    GError **error);

G_END_DECLS
