/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/context.h"
#include "control/jobs/jobs.h"
#include "control/monitor/faults.h"
#include "control/nodes/nodes.h"

G_BEGIN_DECLS

/* What is known of the cluster at one moment. */
typedef struct
{
  gint64 as_of;                 /* seconds since 1970 */
  GPtrArray *nodes;             /* of PmssNodeInfo, by id */
  GArray *faults;               /* (nullable) of PmssFault: what lasts, by node */
  GArray *held;                 /* of guint64: the unknown shards of each of @nodes */
  PmssRedundancy redundancy;    /* of uploads that do not say */
  guint64 jobs[PMSS_N_JOB_STATES];
  guint64 media[PMSS_N_MEDIUM_STATES];
  guint64 streams;
  guint64 uploads;              /* under way */
  guint64 room;                 /* bytes that uploads may still take of control's disk */
  char *history;                /* (nullable) why no history of figures is kept */
  char *disk;                   /* (nullable) why that disk is as good as full, and the remedy */
} PmssClusterFacts;

/* Blocks; any thread. FALSE: the database cannot be asked. To be cleared in any case. */
gboolean pmss_cluster_facts_gather (PmssControlContext *context, PmssClusterFacts *facts,
    GError **error);
void     pmss_cluster_facts_clear  (PmssClusterFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmssClusterFacts, pmss_cluster_facts_clear)

/* Sums over the nodes. Pure. */
typedef struct
{
  guint total, state[PMSS_NODE_N_STATES];
  guint64 used, free;           /* bytes, of those that were heard of */
  guint64 rate;                 /* bit/s that those send which are not down */
} PmssNodeSums;
void     pmss_cluster_facts_sum    (const PmssClusterFacts *facts, PmssNodeSums *sums);

/* bit/s that a node sends, as of its last heartbeat; -1: it is down, or that is not known. Pure. */
gint64   pmss_node_info_get_rate   (const PmssNodeInfo *info);

G_END_DECLS
