/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine.h"

#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-wait.h"

/* When a row cannot be had, and what is said of it. */

/* Whether it makes no sense to wait for a node that has never given a byte: it,
 * or its shard, has been tried @failures times. One that gave something before
 * may give again: it is restarted, or its disk is mounted. */
static gboolean
is_spent (PmssEngine * engine, PmssLink * link, guint failures)
{
  return link->counters.units == 0 && engine->settings.retries >= 0
      && failures > (guint) engine->settings.retries;
}

static gboolean
is_unit_gone (PmssEngine * engine, PmssRow * row, guint index)
{
  PmssLink *link = pmss_engine_get_shard_link (engine, row->extent, index);

  return link == NULL || row->slots[index].state == PMSS_UNIT_BAD
      || is_spent (engine, link, pmss_bad_shards_get_tries (engine->bad_shards,
          row->extent, index))
      || (!pmss_link_is_usable (link)
      && is_spent (engine, link, link->failures));
}

/* Waiting does not help. */
static gboolean
is_hopeless (PmssEngine * engine, PmssRow * row)
{
  guint i, gone = 0;
  guint n = engine->rows.redundancy.k + engine->rows.redundancy.m;

  for (i = 0; i < n; i++)
    gone += is_unit_gone (engine, row, i);
  return gone > engine->rows.redundancy.m;
}

gboolean
pmss_hopeless_is_doubtful (PmssEngine * engine, PmssRow * row)
{
  guint i, doubtful = 0;
  guint n = engine->rows.redundancy.k + engine->rows.redundancy.m;

  for (i = 0; i < n; i++) {
    PmssLink *link = pmss_engine_get_shard_link (engine, row->extent, i);

    doubtful += link == NULL || !pmss_link_is_usable (link)
        || row->slots[i].state == PMSS_UNIT_BAD
        || pmss_bad_shards_get_tries (engine->bad_shards, row->extent, i) > 0;
  }
  return row->stuck_since != 0 || doubtful > engine->rows.redundancy.m;
}

GError *
pmss_hopeless_new_error (PmssEngine * engine, PmssRow * row)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint i, k = engine->rows.redundancy.k;
  guint n = k + engine->rows.redundancy.m;
  PmssErrorDetails *details;
  PmssLink *first = NULL;
  GError *error;

  for (i = 0; i < n; i++) {
    PmssLink *link = pmss_engine_get_shard_link (engine, row->extent, i);

    if (link == NULL) {
      g_string_append_printf (text, "; shard %u is lost", i);
    } else if (!pmss_link_is_usable (link)) {
      pmss_link_describe_trouble (link, text);
      first = first != NULL ? first : link;
    } else if (row->slots[i].state == PMSS_UNIT_BAD
        || pmss_bad_shards_get_tries (engine->bad_shards, row->extent, i) > 0) {
      g_string_append_printf (text, "; node %u (%s): shard %u is damaged or"
          " missing", link->node.id, link->peer, i);
      first = first != NULL ? first : link;
    }
  }
  error = g_error_new (PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS,
      "%s: extent %u needs %u of its %u shards, and fewer can be had%s",
      engine->medium, row->extent, k, n, text->str);
  details = pmss_error_get_details (error);
  details->medium = g_strdup (engine->medium);
  details->extent = row->extent;
  if (first != NULL) {
    details->node = first->node.id;
    details->peer = g_strdup (first->peer);
  }
  return error;
}

/* When something is to be tried for a row that is stuck, or it is given up. */
static gint64
find_due (PmssEngine * engine, PmssRow * row)
{
  guint i, n = engine->rows.redundancy.k + engine->rows.redundancy.m;
  gint64 due = engine->settings.timeout > 0 ?
      row->stuck_since + engine->settings.timeout : G_MAXINT64;

  for (i = 0; i < n; i++)
    due = MIN (due, pmss_bad_shards_get_retry (engine->bad_shards, row->extent,
            i));
  return due;
}

/* Not before control was asked where the shards are by now. */
static gboolean
is_over (PmssEngine * engine, PmssRow * row, gint64 now)
{
  if (engine->settings.timeout > 0
      && now - row->stuck_since >= engine->settings.timeout)
    return TRUE;
  return is_hopeless (engine, row)
      && !pmss_refresh_may_help (engine->refresh, row->stuck_since);
}

void
pmss_hopeless_check (PmssEngine * engine, gint64 now)
{
  GHashTableIter iter;
  gpointer value;

  engine->stuck = FALSE;
  engine->stuck_until = G_MAXINT64;
  g_hash_table_iter_init (&iter, engine->rows.table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssRow *row = value;

    if (row->stuck_since == 0 || row->error != NULL
        || !pmss_wait_is_for (engine, row->number, -1))
      continue;
    pmss_refresh_need (engine->refresh, engine->rows.layout, now);
    if (is_over (engine, row, now)) {
      row->error = pmss_hopeless_new_error (engine, row);
      continue;
    }
    engine->stuck = TRUE;
    engine->stuck_until = MIN (engine->stuck_until, find_due (engine, row));
    engine->stuck_until = MIN (engine->stuck_until,
        pmss_refresh_get_due (engine->refresh));
  }
}
