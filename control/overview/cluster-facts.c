/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collects what an overview is made of. Any thread. */
#include "control/overview/cluster-facts.h"

#include <string.h>

#include "control/config.h"
#include "control/database/database.h"
#include "control/monitor/fault-watch.h"
#include "control/monitor/monitor.h"
#include "control/reconcile/reconcile.h"
#include "control/uploads/uploads.h"

static void
count_states (PmssControlContext * context, PmssClusterFacts * facts)
{
  for (guint i = 0; i < PMSS_N_JOB_STATES; i++)
    facts->jobs[i] = (guint64) pmss_database_get_tally (context->database,
        "job", pmss_job_state_to_string (i));
  for (guint i = 0; i < PMSS_N_MEDIUM_STATES; i++)
    facts->media[i] = (guint64) pmss_database_get_tally (context->database,
        "medium", pmss_medium_state_to_string (i));
  facts->streams = (guint64) pmss_database_get_tally (context->database,
      "session", "");
}

static void
list_held (PmssControlContext * context, PmssClusterFacts * facts)
{
  facts->held = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < facts->nodes->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (facts->nodes, i);
    guint64 held = context->reconciler != NULL ?
        pmss_reconciler_get_held (context->reconciler, info->node.id) : 0;

    g_array_append_val (facts->held, held);
  }
}

gboolean
pmss_cluster_facts_gather (PmssControlContext * context,
    PmssClusterFacts * facts, GError ** error)
{
  memset (facts, 0, sizeof (*facts));
  facts->as_of = g_get_real_time () / G_USEC_PER_SEC;
  facts->redundancy = context->config->redundancy;
  facts->nodes = pmss_nodes_list (context->nodes, error);
  if (facts->nodes == NULL
      || !pmss_uploads_get_room (context->uploads, &facts->room,
          &facts->uploads, error))
    return FALSE;
  facts->faults = pmss_fault_watch_list (context->faults);
  list_held (context, facts);
  count_states (context, facts);
  facts->history = context->monitor != NULL ?
      pmss_monitor_get_history_fault (context->monitor) : NULL;
  facts->disk = pmss_disk_reserve_explain (context->reserve);
  return TRUE;
}

void
pmss_cluster_facts_clear (PmssClusterFacts * facts)
{
  g_clear_pointer (&facts->nodes, g_ptr_array_unref);
  g_clear_pointer (&facts->held, g_array_unref);
  g_clear_pointer (&facts->faults, g_array_unref);
  g_clear_pointer (&facts->history, g_free);
  g_clear_pointer (&facts->disk, g_free);
}

gint64
pmss_node_info_get_rate (const PmssNodeInfo * info)
{
  if (info->last_seen == 0 || info->state == PMSS_NODE_DOWN
      || isnan (info->stats.net_out))
    return -1;
  return (gint64) (info->stats.net_out * 8);
}

/* What nodes say may be senseless, and is not to become a small number. */
static void
add (guint64 * sum, guint64 value)
{
  *sum += MIN (value, (guint64) G_MAXINT64 - *sum);
}

void
pmss_cluster_facts_sum (const PmssClusterFacts * facts, PmssNodeSums * sums)
{
  memset (sums, 0, sizeof (*sums));
  sums->total = facts->nodes->len;
  for (guint i = 0; i < facts->nodes->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (facts->nodes, i);

    sums->state[info->state]++;
    add (&sums->rate, (guint64) MAX (pmss_node_info_get_rate (info), 0));
    if (info->last_seen == 0)
      continue;
    add (&sums->used, info->used);
    add (&sums->free, info->free);
  }
}
