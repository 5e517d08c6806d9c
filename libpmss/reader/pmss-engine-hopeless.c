/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows pmss-hopeless.c the rows that are waited for, and does what it says. Lock held. */
#include "libpmss/reader/pmss-engine.h"

static PmssHopelessRow
view_row (PmssEngine * engine, PmssRow * row)
{
  PmssHopelessRow view = {.redundancy = engine->rows.redundancy,
    .timeout = engine->settings.timeout,.retries = engine->settings.retries,
    .stuck_since = row->stuck_since
  };

  for (guint i = 0; i < view.redundancy.k + view.redundancy.m; i++)
    view.units[i] = (PmssHopelessUnit) {
    .link = pmss_links_get_shard_link (&engine->links, row->extent, i),.is_bad =
        row->slots[i].state == PMSS_UNIT_BAD,.tries =
        pmss_bad_shards_get_tries (engine->links.bad_shards, row->extent,
        i),.retry =
        pmss_bad_shards_get_retry (engine->links.bad_shards, row->extent, i)};
  return view;
}

gboolean
pmss_engine_is_row_doubtful (PmssEngine * engine, PmssRow * row)
{
  const PmssHopelessRow view = view_row (engine, row);

  return pmss_hopeless_is_doubtful (&view);
}

GError *
pmss_engine_new_row_error (PmssEngine * engine, PmssRow * row)
{
  const PmssHopelessRow view = view_row (engine, row);

  return pmss_hopeless_new_error (&view, engine->medium, row->extent);
}

static void
check_row (PmssEngine * engine, PmssRow * row, gint64 now)
{
  const PmssHopelessRow view = view_row (engine, row);

  pmss_refresh_need (engine->refresh, engine->rows.layout, now);
  if (pmss_hopeless_is_over (&view, now, pmss_refresh_may_help (engine->refresh,
              row->stuck_since))) {
    row->error = pmss_hopeless_new_error (&view, engine->medium, row->extent);
    return;
  }
  engine->stuck = TRUE;
  engine->stuck_until =
      MIN (engine->stuck_until, pmss_hopeless_get_due (&view));
  engine->stuck_until =
      MIN (engine->stuck_until, pmss_refresh_get_due (engine->refresh));
}

void
pmss_engine_check_hopeless (PmssEngine * engine, gint64 now)
{
  GHashTableIter iter;
  gpointer value;

  engine->stuck = FALSE;
  engine->stuck_until = G_MAXINT64;
  g_hash_table_iter_init (&iter, engine->rows.table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssRow *row = value;

    if (row->stuck_since != 0 && row->error == NULL
        && pmss_waits_is_for (&engine->waits, row->number, -1))
      check_row (engine, row, now);
  }
}
