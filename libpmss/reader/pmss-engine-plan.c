/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows PmssCursors and PmssPlan what the engine has, and does what they say. Lock held. */
#include "libpmss/reader/pmss-engine.h"

static PmssPlanScene
view_scene (PmssEngine * engine)
{
  return (PmssPlanScene) {
  .now = pmss_loop_now (engine->loop),.hedge_time =
        engine->late.hedge_time,.is_stuck = engine->stuck,.share_blocks =
        engine->share_blocks,.behind =
        pmss_engine_get_behind (engine),.enough =
        pmss_engine_get_enough (engine)};
}

static void
act (PmssEngine * engine)
{
  for (guint i = 0; i < engine->plan.actions->len; i++) {
    const PmssPlanAction *action =
        &g_array_index (engine->plan.actions, PmssPlanAction, i);

    switch (action->kind) {
      case PMSS_PLAN_END:
        pmss_stream_cancel (action->stream, G_IO_ERROR, G_IO_ERROR_CANCELLED,
            "not wanted any more");
        break;
      case PMSS_PLAN_REBUILD:
        pmss_engine_rebuild (engine, action->job, action->is_awaited);
        break;
      case PMSS_PLAN_ASK:
        pmss_engine_send (engine, action->stream, action->priority);
        break;
    }
  }
}

void
pmss_engine_plan (PmssEngine * engine)
{
  PmssPlanScene scene;

  if (pmss_engine_is_resting (engine) || engine->cursors.active == NULL)
    return;
  scene = view_scene (engine);
  pmss_plan_begin (&engine->plan, &scene);
  act (engine);
  pmss_engine_take_share (engine);
  scene = view_scene (engine);
  pmss_plan_run (&engine->plan, &scene);
  act (engine);
  pmss_engine_note_held (engine);
}

/* --- Reads --- */

/* Asked of a node that answers, or being rebuilt: nothing to be done but to
 * wait. */
static gboolean
is_coming (PmssEngine * engine, guint64 number, guint index)
{
  PmssRow *row = pmss_rows_get (&engine->rows, number);
  PmssLink *link;

  if (row != NULL && (row->coming & (1u << index)))
    return TRUE;
  if (row == NULL || row->slots[index].state != PMSS_UNIT_ASKED)
    return FALSE;
  link = pmss_stream_get_owner (row->slots[index].stream);
  return link->state == PMSS_LINK_UP;
}

gboolean
pmss_engine_note_read (PmssEngine * engine, guint64 row, guint index,
    gboolean hit)
{
  const PmssCursorsRead read = {.row = row,.index = index,.hit = hit,.is_near =
        pmss_links_is_near (&engine->links),.now = pmss_loop_now (engine->loop)
  };
  PmssCursorsMove move = pmss_cursors_note_read (&engine->cursors, &read);
  gboolean resumed = engine->paused;

  engine->paused = FALSE;
  if (move == PMSS_CURSORS_BACK)
    return resumed;
  if (move == PMSS_CURSORS_JUMPED)
    engine->plan.jumped = TRUE;
  return resumed || move != PMSS_CURSORS_ON || row >= engine->plan.replan_at
      || !(hit || is_coming (engine, row, index));
}
