/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssRepair:
 *
 * Sees to it that every shard is there. A thread looks, every two seconds, whether a node has been
 * down for longer than the setting `repair-delay` (or somebody does not want to wait that long),
 * and whether something bad is known, or told, of a shard; and every hour at all extents. If so it
 * adds the job "repair" (pmss_job_type_repair), of which there is one at a time; it is of no
 * medium. One that has failed goes on when something has changed, or after ten seconds, and each
 * time that this fails after twice as long, ten minutes at most.
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
