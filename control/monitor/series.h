/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/nodes/node-stats.h"

G_BEGIN_DECLS

/* The series that control keeps, of each node and of the cluster (docs/monitoring.md). Pure. */
typedef enum
{
  /* of a node; the cluster has some of them, too */
  PMSS_SERIES_CPU, PMSS_SERIES_CPU_IOWAIT, PMSS_SERIES_CPU_STEAL, PMSS_SERIES_MEMORY,
  PMSS_SERIES_MEMORY_TOTAL, PMSS_SERIES_DISK_USED, PMSS_SERIES_DISK_FREE, PMSS_SERIES_DISK_READ,
  PMSS_SERIES_DISK_WRITE, PMSS_SERIES_DISK_BUSY, PMSS_SERIES_DISK_LATENCY, PMSS_SERIES_NET_IN,
  PMSS_SERIES_NET_OUT, PMSS_SERIES_NETWORK_LIMIT, PMSS_SERIES_NET_ERRORS, PMSS_SERIES_CONNECTIONS,
  PMSS_SERIES_REQUESTS, PMSS_SERIES_SENT, PMSS_SERIES_CACHE_HITS, PMSS_SERIES_CACHE_MISSES,
  PMSS_SERIES_LATE, PMSS_SERIES_SCRUB, PMSS_SERIES_VIEWERS, PMSS_SERIES_VIEWER_RATE,
  PMSS_SERIES_VIEWER_LATE, PMSS_SERIES_VIEWER_REBUILT, PMSS_SERIES_VIEWER_TIME,
  PMSS_N_NODE_SERIES,
  /* of the cluster alone */
  PMSS_SERIES_STREAMS = PMSS_N_NODE_SERIES, PMSS_SERIES_USERS, PMSS_SERIES_CLIENTS,
  PMSS_SERIES_NODES_UP, PMSS_SERIES_USED, PMSS_SERIES_FREE, PMSS_SERIES_BAD_SHARDS,
  PMSS_SERIES_CONTROL_CPU, PMSS_SERIES_CONTROL_MEMORY,
  PMSS_N_SERIES
} PmssSeries;

/* The node that stands for the cluster. */
#define PMSS_CLUSTER_NODE 0

typedef struct
{
  const char *name, *unit;
  /* in history.db, for ever: the means have column 2 × number, the largest the next one */
  guint number;
  gboolean has_max;             /* the largest second is kept, too */
  gboolean of_node, of_cluster;
} PmssSeriesInfo;

#define PMSS_MAX_COLUMNS (2 * 64)

const PmssSeriesInfo *pmss_series_get_info (PmssSeries series);
gboolean    pmss_series_parse    (const char *name, PmssSeries *series);
/* Whether @node may have it. */
gboolean    pmss_series_is_of    (PmssSeries series, guint node);

/* What viewers say of a node; PMSS_UNKNOWN where nobody reads from it. */
typedef struct
{
  double viewers;
  double rate;                  /* bit/s */
  double late, rebuilt;         /* units, 1/s */
  double time;                  /* s: of a unit, the mean */
} PmssViewerFigures;

/* The values of a node's series at one moment, but for what viewers say: PMSS_UNKNOWN where it does
 * not tell. */
void        pmss_series_of_node  (const PmssNodeStats *stats, double values[PMSS_N_NODE_SERIES]);
void        pmss_series_add_viewers (const PmssViewerFigures *viewers,
    double values[PMSS_N_NODE_SERIES]);

G_END_DECLS
