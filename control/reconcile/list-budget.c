/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bound of a node's list. Pure. */
#include "control/reconcile/list-budget.h"

/* A page of 1,000 names takes a few ms; a slow node may take a hundred times as long. */
#define TIME (60 * (gint64) G_USEC_PER_SEC)
#define TIME_A_SHARD 1000       /* us */

void
pmss_list_budget_init (PmssListBudget * self, guint64 shards, guint64 more,
    gint64 now)
{
  self->names = 2 * shards + more;
  self->until = now + TIME + (gint64) shards *TIME_A_SHARD;
}

gboolean
pmss_list_budget_is_spent (const PmssListBudget * self, guint64 names,
    gint64 now)
{
  return names >= self->names || now >= self->until;
}
