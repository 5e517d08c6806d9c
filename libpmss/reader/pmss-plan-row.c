/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-plan.h"

/* Which units of one row are wanted. */

gboolean
pmss_plan_is_due (PmssEngine * engine, guint64 row, guint index, gint64 now)
{
  return pmss_deadline_get (engine, row, index) - now <=
      engine->late.hedge_time + PMSS_TICK;
}

PmssPlanPass
pmss_plan_begin (PmssEngine * engine)
{
  return (PmssPlanPass) {
  pmss_loop_now (engine->loop), pmss_budget_get_units (&engine->budget),
        G_MAXUINT64};
}

typedef struct
{
  PmssEngine *engine;
  PmssRow *row;
  PmssExtentGeometry geometry;
  guint k, n;
  guint first;                  /* data unit that is needed first */
  gboolean urgent;
  gboolean wait_late;           /* what late nodes were asked for counts */
  gboolean give_idle;           /* late nodes may be asked that have room, */
  gboolean give_late;           /* and what they were asked for counts, */
  gboolean give_busy;           /* and those that have no room may be asked, too */
  gint64 now;
  guint had;                    /* units there, coming, or empty */
  gboolean left;                /* one is left to a late node, or to another reader */
} RowPlan;

static PmssSource
unit_source (RowPlan * plan, guint index)
{
  return pmss_engine_get_source (plan->engine, plan->row, index);
}

static gboolean
unit_is_empty (RowPlan * plan, guint index)
{
  return pmss_extent_geometry_unit_length (&plan->geometry, plan->row->row,
      index) == 0;
}

/* The node that was asked, which need not be the one that would be now: a shard
 * may have two places. */
static gboolean
is_asked_of_good (RowPlan * plan, guint index)
{
  PmssLink *link = pmss_stream_get_owner (plan->row->slots[index].stream);

  return link->state == PMSS_LINK_UP
      && unit_source (plan, index) == PMSS_SOURCE_GOOD;
}

/* What a late node was asked for, it may still give in time, as long as others
 * could. */
static gboolean
unit_is_coming (RowPlan * plan, guint index)
{
  PmssUnitSlot *slot = &plan->row->slots[index];

  if (slot->state != PMSS_UNIT_ASKED)
    return FALSE;
  return plan->wait_late || plan->give_late || is_asked_of_good (plan, index)
      || !pmss_plan_is_due (plan->engine, plan->row->number, index, plan->now);
}

/* Whether a unit is there or can be counted on to come. */
static gboolean
unit_is_had (RowPlan * plan, guint index)
{
  PmssUnitSlot *slot = &plan->row->slots[index];

  return slot->state == PMSS_UNIT_READY || unit_is_empty (plan, index)
      || (plan->row->coming & (1u << index)) || unit_is_coming (plan, index);
}

static gboolean
may_be_asked (RowPlan * plan, guint index, PmssSource source)
{
  if (source != PMSS_SOURCE_LATE || !plan->give_idle)
    return source == PMSS_SOURCE_GOOD;
  return plan->give_busy
      || pmss_link_has_room (pmss_engine_get_shard_link (plan->engine,
          plan->row->extent, index), plan->engine->settings.max_connections,
      TRUE);
}

/* The data units that the consumer needs: from their own nodes if possible. */
static guint32
plan_data_units (RowPlan * plan)
{
  guint32 missing = 0;
  guint j;

  for (j = 0; j < plan->k; j++) {
    PmssUnitSlot *slot = &plan->row->slots[j];
    PmssSource source;

    if (unit_is_had (plan, j)) {
      plan->had++;
      continue;
    }
    if (j < plan->first)
      continue;
    source = unit_source (plan, j);
    if (!plan->urgent && pmss_rows_is_coming_to_others (&plan->engine->rows,
            plan->row, j)) {
      plan->left = TRUE;
    } else if (slot->state == PMSS_UNIT_NONE && may_be_asked (plan, j, source)) {
      slot->wanted = TRUE;
      plan->had++;
    } else if (slot->state == PMSS_UNIT_ASKED || source != PMSS_SOURCE_LATE
        || plan->urgent) {
      missing |= 1u << j;
    } else {
      plan->left = TRUE;
    }
  }
  return missing;
}

/* Others of the row in place of what is missing, until there are k. */
static void
plan_substitutes (RowPlan * plan)
{
  guint i;

  for (i = 0; i < plan->n && plan->had < plan->k; i++) {
    PmssUnitSlot *slot = &plan->row->slots[i];
    PmssSource source = unit_source (plan, i);

    if ((plan->row->missing & (1u << i)) || slot->wanted
        || unit_is_had (plan, i))
      continue;
    if (slot->state == PMSS_UNIT_NONE && may_be_asked (plan, i, source)) {
      slot->wanted = TRUE;
      plan->had++;
    }
  }
}

/* Where parity was asked for, that many data units need not be. */
static void
plan_savings (RowPlan * plan)
{
  guint j;

  for (j = plan->k; j-- > plan->first && plan->had > plan->k;) {
    if (!plan->row->slots[j].wanted)
      continue;
    pmss_rows_spare (plan->row, j);
    plan->had--;
  }
}

static void
plan_row_once (RowPlan * plan)
{
  guint i;

  plan->had = 0;
  plan->left = FALSE;
  plan->row->spared = 0;
  for (i = 0; i < plan->n; i++)
    plan->row->slots[i].wanted = FALSE;
  plan->row->missing = plan_data_units (plan);
  for (i = plan->k; i < plan->n; i++)
    plan->had += unit_is_had (plan, i);
  if (plan->row->missing != 0)
    plan_substitutes (plan);
  plan_savings (plan);
}

/* Units that would be asked for though enough are on their way. */
static guint
count_extra (RowPlan * plan)
{
  guint i, claimed, wanted = 0;

  for (i = 0; i < plan->n; i++)
    wanted += plan->row->slots[i].wanted;
  if (wanted == 0)
    return 0;
  claimed = pmss_rows_count_claimed (&plan->engine->rows, plan->row);
  return MAX (claimed + wanted, plan->k) - MAX (claimed, plan->k);
}

void
pmss_plan_row (PmssEngine * engine, PmssRow * row, guint first, gboolean urgent,
    PmssPlanPass * pass)
{
  RowPlan plan = {.engine = engine,.row = row,.first = first,.urgent = urgent,
    .now = pass->now
  };

  pmss_rows_adopt (&engine->rows, row, first);
  plan.k = engine->rows.redundancy.k;
  plan.n = plan.k + engine->rows.redundancy.m;
  pmss_rows_geometry (&engine->rows, row, &plan.geometry);
  plan_row_once (&plan);
  row->denied = (row->missing == 0 || plan.had >= plan.k)
      && count_extra (&plan) > pass->extra;
  if (row->denied) {
    /* Nothing more may be asked for twice: what was asked for is waited for. */
    plan.wait_late = TRUE;
    plan_row_once (&plan);
  }
  if (row->missing != 0 && plan.had < plan.k) {
    /* Not enough good ones: a late one is better than none, and one that says
     * nothing to what it was asked for is not waited for if another may. */
    plan.give_idle = TRUE;
    plan_row_once (&plan);
    if ((row->missing != 0 && plan.had < plan.k)
        || count_extra (&plan) > pass->extra) {
      plan.give_late = TRUE;
      plan_row_once (&plan);
    }
  }
  if (row->missing != 0 && plan.had < plan.k) {
    plan.give_busy = TRUE;
    plan_row_once (&plan);
  }
  pass->extra -= MIN (pass->extra, count_extra (&plan));
  if (plan.left)
    pass->left = MIN (pass->left, row->number);
  if (row->missing == 0 || plan.had >= plan.k) {
    row->stuck_since = 0;
    g_clear_error (&row->error);
    /* All that it takes may be there from an earlier rebuilding: then no
     * record comes any more that would make it happen. */
    pmss_engine_try_rebuild (engine, row);
  } else if (row->stuck_since == 0) {
    row->stuck_since = pmss_loop_now (engine->loop);
  }
}
