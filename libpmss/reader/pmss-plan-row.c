/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-plan.h"

/* Which units of one row are wanted. */

gboolean
pmss_plan_is_due (PmssPlan * self, guint64 row, guint index)
{
  return pmss_cursors_get_deadline (self->cursors, self->waits, row, index) -
      self->scene.now <= self->scene.hedge_time + PMSS_TICK;
}

PmssPlanPass
pmss_plan_pass_begin (PmssPlan * self)
{
  return (PmssPlanPass) {
  pmss_budget_get_units (&self->budget), G_MAXUINT64};
}

typedef struct
{
  PmssPlan *plan;
  PmssRow *row;
  PmssExtentGeometry geometry;
  guint k, n;
  guint first;                  /* data unit that is needed first */
  gboolean urgent;
  gboolean wait_late;           /* what late nodes were asked for counts */
  gboolean give_idle;           /* late nodes may be asked that have room, */
  gboolean give_late;           /* and what they were asked for counts, */
  gboolean give_busy;           /* and those that have no room may be asked, too */
  guint had;                    /* units there, coming, or empty */
  gboolean left;                /* one is left to a late node, or to another reader */
} RowPlan;

static PmssSource
unit_source (RowPlan * look, guint index)
{
  return pmss_links_get_source (look->plan->links, look->row, index);
}

static gboolean
unit_is_empty (RowPlan * look, guint index)
{
  return pmss_extent_geometry_unit_length (&look->geometry, look->row->row,
      index) == 0;
}

/* The node that was asked, which need not be the one that would be now: a shard
 * may have two places. */
static gboolean
is_asked_of_good (RowPlan * look, guint index)
{
  PmssLink *link = pmss_stream_get_owner (look->row->slots[index].stream);

  return link->state == PMSS_LINK_UP
      && unit_source (look, index) == PMSS_SOURCE_GOOD;
}

/* What a late node was asked for, it may still give in time, as long as others
 * could. */
static gboolean
unit_is_coming (RowPlan * look, guint index)
{
  PmssUnitSlot *slot = &look->row->slots[index];

  if (slot->state != PMSS_UNIT_ASKED)
    return FALSE;
  return look->wait_late || look->give_late || is_asked_of_good (look, index)
      || !pmss_plan_is_due (look->plan, look->row->number, index);
}

/* Whether a unit is there or can be counted on to come. */
static gboolean
unit_is_had (RowPlan * look, guint index)
{
  PmssUnitSlot *slot = &look->row->slots[index];

  return slot->state == PMSS_UNIT_READY || unit_is_empty (look, index)
      || (look->row->coming & (1u << index)) || unit_is_coming (look, index);
}

static gboolean
may_be_asked (RowPlan * look, guint index, PmssSource source)
{
  if (source != PMSS_SOURCE_LATE || !look->give_idle)
    return source == PMSS_SOURCE_GOOD;
  return look->give_busy
      || pmss_link_has_room (pmss_links_get_shard_link (look->plan->links,
          look->row->extent, index), look->plan->max_connections, TRUE);
}

/* The data units that the consumer needs: from their own nodes if possible. */
static guint32
plan_data_units (RowPlan * look)
{
  guint32 missing = 0;
  guint j;

  for (j = 0; j < look->k; j++) {
    PmssUnitSlot *slot = &look->row->slots[j];
    PmssSource source;

    if (unit_is_had (look, j)) {
      look->had++;
      continue;
    }
    if (j < look->first)
      continue;
    source = unit_source (look, j);
    if (!look->urgent && pmss_rows_is_coming_to_others (look->plan->rows,
            look->row, j)) {
      look->left = TRUE;
    } else if (slot->state == PMSS_UNIT_NONE && may_be_asked (look, j, source)) {
      slot->wanted = TRUE;
      look->had++;
    } else if (slot->state == PMSS_UNIT_ASKED || source != PMSS_SOURCE_LATE
        || look->urgent) {
      missing |= 1u << j;
    } else {
      look->left = TRUE;
    }
  }
  return missing;
}

/* Others of the row in place of what is missing, until there are k. */
static void
plan_substitutes (RowPlan * look)
{
  guint i;

  for (i = 0; i < look->n && look->had < look->k; i++) {
    PmssUnitSlot *slot = &look->row->slots[i];
    PmssSource source = unit_source (look, i);

    if ((look->row->missing & (1u << i)) || slot->wanted
        || unit_is_had (look, i))
      continue;
    if (slot->state == PMSS_UNIT_NONE && may_be_asked (look, i, source)) {
      slot->wanted = TRUE;
      look->had++;
    }
  }
}

/* Where parity was asked for, that many data units need not be. */
static void
plan_savings (RowPlan * look)
{
  guint j;

  for (j = look->k; j-- > look->first && look->had > look->k;) {
    if (!look->row->slots[j].wanted)
      continue;
    pmss_rows_spare (look->row, j);
    look->had--;
  }
}

static void
plan_row_once (RowPlan * look)
{
  guint i;

  look->had = 0;
  look->left = FALSE;
  look->row->spared = 0;
  for (i = 0; i < look->n; i++)
    look->row->slots[i].wanted = FALSE;
  look->row->missing = plan_data_units (look);
  for (i = look->k; i < look->n; i++)
    look->had += unit_is_had (look, i);
  if (look->row->missing != 0)
    plan_substitutes (look);
  plan_savings (look);
}

/* Units that would be asked for though enough are on their way. */
static guint
count_extra (RowPlan * look)
{
  guint i, claimed, wanted = 0;

  for (i = 0; i < look->n; i++)
    wanted += look->row->slots[i].wanted;
  if (wanted == 0)
    return 0;
  claimed = pmss_rows_count_claimed (look->plan->rows, look->row);
  return MAX (claimed + wanted, look->k) - MAX (claimed, look->k);
}

static void
add_rebuilding (PmssPlan * self, PmssRow * row)
{
  PmssPlanAction action = {.kind = PMSS_PLAN_REBUILD };

  action.job = pmss_row_job_try_begin (self->rows, row, self->pool);
  if (action.job == NULL)
    return;
  action.is_awaited = pmss_waits_is_for (self->waits, row->number, -1);
  g_array_append_val (self->actions, action);
}

void
pmss_plan_row (PmssPlan * self, PmssRow * row, guint first, gboolean urgent,
    PmssPlanPass * pass)
{
  RowPlan look = {.plan = self,.row = row,.first = first,.urgent = urgent };

  pmss_rows_adopt (self->rows, row, first);
  look.k = self->rows->redundancy.k;
  look.n = look.k + self->rows->redundancy.m;
  pmss_rows_geometry (self->rows, row, &look.geometry);
  plan_row_once (&look);
  row->denied = (row->missing == 0 || look.had >= look.k)
      && count_extra (&look) > pass->extra;
  if (row->denied) {
    /* Nothing more may be asked for twice: what was asked for is waited for. */
    look.wait_late = TRUE;
    plan_row_once (&look);
  }
  if (row->missing != 0 && look.had < look.k) {
    /* Not enough good ones: a late one is better than none, and one that says
     * nothing to what it was asked for is not waited for if another may. */
    look.give_idle = TRUE;
    plan_row_once (&look);
    if ((row->missing != 0 && look.had < look.k)
        || count_extra (&look) > pass->extra) {
      look.give_late = TRUE;
      plan_row_once (&look);
    }
  }
  if (row->missing != 0 && look.had < look.k) {
    look.give_busy = TRUE;
    plan_row_once (&look);
  }
  pass->extra -= MIN (pass->extra, count_extra (&look));
  if (look.left)
    pass->left = MIN (pass->left, row->number);
  if (row->missing == 0 || look.had >= look.k) {
    row->stuck_since = 0;
    g_clear_error (&row->error);
    /* All that it takes may be there from an earlier rebuilding: then no
     * record comes any more that would make it happen. */
    add_rebuilding (self, row);
  } else if (row->stuck_since == 0) {
    row->stuck_since = self->scene.now;
  }
}
