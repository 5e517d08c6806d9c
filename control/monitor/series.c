/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The series that control keeps. Pure. */
#include "control/monitor/series.h"

#define NODE TRUE, FALSE
#define CLUSTER FALSE, TRUE
#define BOTH TRUE, TRUE

static const PmssSeriesInfo infos[PMSS_N_SERIES] = {
  [PMSS_SERIES_CPU] = {"cpu", "fraction", 0, TRUE, NODE},
  [PMSS_SERIES_CPU_IOWAIT] = {"cpu_iowait", "fraction", 1, FALSE, NODE},
  [PMSS_SERIES_CPU_STEAL] = {"cpu_steal", "fraction", 2, FALSE, NODE},
  [PMSS_SERIES_MEMORY] = {"memory", "bytes", 3, FALSE, NODE},
  [PMSS_SERIES_MEMORY_TOTAL] = {"memory_total", "bytes", 4, FALSE, NODE},
  [PMSS_SERIES_DISK_USED] = {"disk_used", "bytes", 5, FALSE, NODE},
  [PMSS_SERIES_DISK_FREE] = {"disk_free", "bytes", 6, FALSE, NODE},
  [PMSS_SERIES_DISK_READ] = {"disk_read", "bytes/s", 7, FALSE, NODE},
  [PMSS_SERIES_DISK_WRITE] = {"disk_write", "bytes/s", 8, FALSE, NODE},
  [PMSS_SERIES_DISK_BUSY] = {"disk_busy", "fraction", 9, TRUE, NODE},
  [PMSS_SERIES_DISK_LATENCY] = {"disk_latency", "seconds", 10, TRUE, NODE},
  [PMSS_SERIES_NET_IN] = {"net_in", "bytes/s", 11, FALSE, BOTH},
  [PMSS_SERIES_NET_OUT] = {"net_out", "bytes/s", 12, TRUE, BOTH},
  [PMSS_SERIES_NETWORK_LIMIT] = {"network_limit", "bit/s", 13, FALSE, NODE},
  [PMSS_SERIES_NET_ERRORS] = {"net_errors", "1/s", 14, FALSE, NODE},
  [PMSS_SERIES_CONNECTIONS] = {"connections", "number", 15, FALSE, NODE},
  [PMSS_SERIES_REQUESTS] = {"requests", "1/s", 16, FALSE, NODE},
  [PMSS_SERIES_SENT] = {"sent", "bytes/s", 17, FALSE, BOTH},
  [PMSS_SERIES_CACHE_HITS] = {"cache_hits", "1/s", 18, FALSE, NODE},
  [PMSS_SERIES_CACHE_MISSES] = {"cache_misses", "1/s", 19, FALSE, NODE},
  [PMSS_SERIES_LATE] = {"late", "1/s", 20, TRUE, NODE},
  [PMSS_SERIES_SCRUB] = {"scrub", "bytes/s", 21, FALSE, NODE},
  [PMSS_SERIES_VIEWERS] = {"viewers", "number", 22, FALSE, NODE},
  [PMSS_SERIES_VIEWER_RATE] = {"viewer_rate", "bit/s", 23, FALSE, NODE},
  [PMSS_SERIES_VIEWER_LATE] = {"viewer_late", "1/s", 24, TRUE, NODE},
  [PMSS_SERIES_VIEWER_REBUILT] = {"viewer_rebuilt", "1/s", 25, FALSE, NODE},
  [PMSS_SERIES_VIEWER_TIME] = {"viewer_time", "seconds", 26, FALSE, NODE},
  [PMSS_SERIES_STREAMS] = {"streams", "number", 27, FALSE, CLUSTER},
  [PMSS_SERIES_USERS] = {"users", "number", 28, FALSE, CLUSTER},
  [PMSS_SERIES_CLIENTS] = {"clients", "number", 29, FALSE, CLUSTER},
  [PMSS_SERIES_NODES_UP] = {"nodes_up", "number", 30, FALSE, CLUSTER},
  [PMSS_SERIES_USED] = {"used", "bytes", 31, FALSE, CLUSTER},
  [PMSS_SERIES_FREE] = {"free", "bytes", 32, FALSE, CLUSTER},
  [PMSS_SERIES_BAD_SHARDS] = {"bad_shards", "number", 33, FALSE, CLUSTER},
  [PMSS_SERIES_CONTROL_CPU] = {"control_cpu", "processors", 34, FALSE, CLUSTER},
  [PMSS_SERIES_CONTROL_MEMORY] = {"control_memory", "bytes", 35, FALSE,
      CLUSTER},
};

const PmssSeriesInfo *
pmss_series_get_info (PmssSeries series)
{
  return &infos[series];
}

gboolean
pmss_series_parse (const char *name, PmssSeries * series)
{
  for (guint i = 0; i < PMSS_N_SERIES; i++) {
    if (g_str_equal (name, infos[i].name)) {
      *series = i;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
pmss_series_is_of (PmssSeries series, guint node)
{
  return node == PMSS_CLUSTER_NODE ? infos[series].of_cluster
      : infos[series].of_node;
}

/* NaN where there is none. */
static double
worst_disk (const PmssNodeStats * stats, gsize offset)
{
  double worst = PMSS_UNKNOWN;

  /* of a number and NaN fmax() gives the number */
  for (guint i = 0; i < stats->n_disks; i++)
    worst = fmax (worst, G_STRUCT_MEMBER (double, &stats->disks[i], offset));
  return worst;
}

/* Whether folder @i is on the disk of one before it. */
static gboolean
is_repeated (const PmssNodeStats * stats, guint i)
{
  for (guint j = 0; j < i; j++)
    if (stats->disks[i].device[0] != '\0'
        && g_str_equal (stats->disks[i].device, stats->disks[j].device))
      return TRUE;
  return FALSE;
}

/* Of the shards' file systems, where the node tells of each; else what its store says. */
static void
add_space (const PmssNodeStats * stats, double *used, double *free)
{
  double all_used = 0, all_free = 0;

  for (guint i = 0; i < stats->n_disks; i++) {
    const PmssDiskStats *disk = &stats->disks[i];

    if (is_repeated (stats, i))
      continue;
    all_used += MAX (disk->total - disk->free, 0);
    all_free += disk->free;
  }
  *used = stats->n_disks > 0 && !isnan (all_used) ? all_used : stats->used;
  *free = stats->n_disks > 0 && !isnan (all_free) ? all_free : stats->free;
}

static double
sum_errors (const PmssNodeStats * stats)
{
  double sum = PMSS_UNKNOWN;

  for (guint i = 0; i < stats->n_interfaces; i++) {
    double errors = stats->interfaces[i].errors;

    if (!isnan (errors))
      sum = isnan (sum) ? errors : sum + errors;
  }
  return sum;
}

void
pmss_series_add_viewers (const PmssViewerFigures * viewers,
    double values[PMSS_N_NODE_SERIES])
{
  values[PMSS_SERIES_VIEWERS] = viewers->viewers;
  values[PMSS_SERIES_VIEWER_RATE] = viewers->rate;
  values[PMSS_SERIES_VIEWER_LATE] = viewers->late;
  values[PMSS_SERIES_VIEWER_REBUILT] = viewers->rebuilt;
  values[PMSS_SERIES_VIEWER_TIME] = viewers->time;
}

void
pmss_series_of_node (const PmssNodeStats * stats,
    double values[PMSS_N_NODE_SERIES])
{
  static const PmssViewerFigures nobody = {
    PMSS_UNKNOWN, PMSS_UNKNOWN, PMSS_UNKNOWN, PMSS_UNKNOWN, PMSS_UNKNOWN
  };

  values[PMSS_SERIES_CPU] = stats->cpu;
  values[PMSS_SERIES_CPU_IOWAIT] = stats->cpu_iowait;
  values[PMSS_SERIES_CPU_STEAL] = stats->cpu_steal;
  values[PMSS_SERIES_MEMORY] = stats->memory;
  values[PMSS_SERIES_MEMORY_TOTAL] = stats->memory_total;
  add_space (stats, &values[PMSS_SERIES_DISK_USED],
      &values[PMSS_SERIES_DISK_FREE]);
  values[PMSS_SERIES_DISK_READ] = stats->disk_read;
  values[PMSS_SERIES_DISK_WRITE] = stats->disk_write;
  values[PMSS_SERIES_DISK_BUSY] = worst_disk (stats,
      G_STRUCT_OFFSET (PmssDiskStats, busy));
  values[PMSS_SERIES_DISK_LATENCY] = worst_disk (stats,
      G_STRUCT_OFFSET (PmssDiskStats, latency));
  values[PMSS_SERIES_NET_IN] = stats->net_in;
  values[PMSS_SERIES_NET_OUT] = stats->net_out;
  values[PMSS_SERIES_NETWORK_LIMIT] = stats->network_limit;
  values[PMSS_SERIES_NET_ERRORS] = sum_errors (stats);
  values[PMSS_SERIES_CONNECTIONS] = stats->connections;
  values[PMSS_SERIES_REQUESTS] = stats->requests;
  values[PMSS_SERIES_SENT] = stats->sent;
  values[PMSS_SERIES_CACHE_HITS] = stats->cache_hits;
  values[PMSS_SERIES_CACHE_MISSES] = stats->cache_misses;
  values[PMSS_SERIES_LATE] = stats->late;
  values[PMSS_SERIES_SCRUB] = stats->scrub_rate;
  pmss_series_add_viewers (&nobody, values);
}
