/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssRepair:
 *
 * Replaces lost and damaged shards. Every two seconds a thread looks whether a node has been down
 * for longer than `repair-delay`, or an administrator does not want to wait. It also looks whether
 * a shard is known to be bad, or suspected. Every hour it looks at all extents. If there is work it
 * adds the job "repair" (pmss_job_type_repair), one at a time, of no medium. A failed job goes on
 * when something has changed, or after ten seconds. That time doubles with each failure, up to ten
 * minutes.
 *
 * It does not begin by itself while fewer than half of the nodes are up.
 */

/* After the jobs were made: it adds one. */
PmssRepair *pmss_repair_start (PmssControlContext *context);
/* Joins the thread. */
void        pmss_repair_stop  (PmssRepair *repair);
/* After the jobs have ended: they tell it how they went. */
void        pmss_repair_free  (PmssRepair *repair);
/* Look now. Any thread. */
void        pmss_repair_wake  (PmssRepair *repair);

/* Since the start. */
typedef struct
{
  guint64 shards, bytes;        /* that were made */
  guint64 failures;             /* extents of which something could not be made */
} PmssRepairStats;

/* Any thread. */
void        pmss_repair_get_stats (PmssRepair *repair, PmssRepairStats *stats);

G_END_DECLS
