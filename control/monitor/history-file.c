/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of history.db. On its database thread. */
#include "control/monitor/history-file.h"

#include "control/monitor/interval.h"
#include "control/monitor/packed-number.h"

#define NODE_BITS 24
#define COLUMN_BITS 8
#define BLOCK_BITS 26

const PmssDatabaseKind pmss_history_kind = {
  "history-db", "/org/pmss/control/history/", FALSE
};

const PmssLevelInfo *
pmss_level_get_info (PmssLevel level)
{
  static const PmssLevelInfo infos[PMSS_N_LEVELS] = {
    [PMSS_LEVEL_MINUTE] = {60, 120, 12},
    [PMSS_LEVEL_TEN] = {600, 144, 31},
    [PMSS_LEVEL_HOUR] = {3600, 240, 74},
  };

  return &infos[level];
}

static void
row_clear (gpointer data)
{
  PmssHistoryRow *row = data;

  g_bytes_unref (row->bytes);
}

GArray *
pmss_history_rows_new (void)
{
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (PmssHistoryRow));

  g_array_set_clear_func (rows, row_clear);
  return rows;
}

gint64
pmss_history_block_id (PmssLevel level, gint64 block, guint node, guint column)
{
  return ((((gint64) level << BLOCK_BITS | block) << NODE_BITS | node)
      << COLUMN_BITS) | column;
}

guint16
pmss_history_block_get (const guint8 * data, gsize size, guint point)
{
  /* all of them are the same */
  gsize at = size == 2 ? 0 : 2 * (gsize) point;

  return at + 2 <= size ? (guint16) (data[at] | data[at + 1] << 8)
      : PMSS_PACKED_GAP;
}

static gboolean
put_row (PmssDatabase * database, PmssLevel level, gint64 time, guint node,
    GBytes * bytes, GError ** error)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  /* nothing has such a number; it would not fit a block's */
  if (node >> NODE_BITS != 0)
    return TRUE;
  return pmss_database_exec (database, error,
      "INSERT OR REPLACE INTO recent (level, time, node, data)"
      " VALUES (?1, ?2, ?3, ?4)", PMSS_INT (level), PMSS_INT (time),
      PMSS_INT (node), PMSS_BLOB (data, size));
}

static gboolean
is_possible (gint64 time)
{
  const PmssLevelInfo *shortest = pmss_level_get_info (PMSS_LEVEL_MINUTE);

  return time >= 0 && time / shortest->each / shortest->points >> BLOCK_BITS
      == 0;
}

gboolean
pmss_history_file_put (PmssDatabase * database, gpointer data, GError ** error)
{
  const PmssHistoryPut *put = data;

  if (!is_possible (put->time))
    return TRUE;
  for (guint i = 0; i < put->rows->len; i++) {
    const PmssHistoryRow *row = &g_array_index (put->rows, PmssHistoryRow, i);

    if (!put_row (database, put->level, put->time, row->node, row->bytes,
            error))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_history_next_time (PmssDatabase * database, PmssLevel level, gint64 from,
    gint64 * time, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT min(time) FROM recent WHERE level = ?1 AND time >= ?2",
      PMSS_INT (level), PMSS_INT (from));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *time = pmss_rows_int_or_unknown (rows, 0);
  return TRUE;
}

/* --- longer intervals --- */

static gboolean
has_rows (PmssDatabase * database, PmssLevel level, gint64 time, gboolean * has,
    GError ** error)
{
  gint64 found;

  if (!pmss_history_next_time (database, level, time, &found, error))
    return FALSE;
  *has = found == time;
  return TRUE;
}

/* One of @level from those of the level below it. */
static gboolean
make_longer (PmssDatabase * database, PmssLevel level, gint64 time,
    GError ** error)
{
  g_autoptr (GHashTable) nodes = g_hash_table_new_full (NULL, NULL, NULL,
      g_free);
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT node, data FROM recent"
      " WHERE level = ?1 AND time >= ?2 AND time < ?3", PMSS_INT (level - 1),
      PMSS_INT (time), PMSS_INT (time + pmss_level_get_info (level)->each));
  GHashTableIter iter;
  gpointer node, interval;

  while (pmss_rows_next (rows, &local)) {
    gsize size;
    const void *data = pmss_rows_blob (rows, 1, &size);

    node = GUINT_TO_POINTER ((guint) pmss_rows_int (rows, 0));
    interval = g_hash_table_lookup (nodes, node);
    if (interval == NULL) {
      interval = g_new0 (PmssInterval, 1);
      g_hash_table_insert (nodes, node, interval);
    }
    pmss_interval_add_bytes (interval, data, size);
  }
  if (!pmss_rows_end (g_steal_pointer (&local), error))
    return FALSE;
  g_hash_table_iter_init (&iter, nodes);
  while (g_hash_table_iter_next (&iter, &node, &interval)) {
    g_autoptr (GBytes) bytes = pmss_interval_take (interval);

    if (bytes != NULL && !put_row (database, level, time,
            GPOINTER_TO_UINT (node), bytes, error))
      return FALSE;
  }
  return TRUE;
}

/* Where nothing came of it, as of what a newer control has written: not again and again. */
static gboolean
mark_made (PmssDatabase * database, PmssLevel level, gint64 time,
    GError ** error)
{
  g_autoptr (GBytes) none = g_bytes_new (NULL, 0);
  gboolean made;

  return has_rows (database, level, time, &made, error)
      && (made || put_row (database, level, time, PMSS_CLUSTER_NODE, none,
          error));
}

/* The oldest one of @level that is over by @now and was not made yet. */
static gboolean
make_next_longer (PmssDatabase * database, PmssLevel level, gint64 now,
    gboolean * done, GError ** error)
{
  gint64 each = pmss_level_get_info (level)->each;
  gint64 time = 0;

  for (;;) {
    gboolean made;

    if (!pmss_history_next_time (database, level - 1, time, &time, error))
      return FALSE;
    if (time < 0 || time - time % each + each > now)
      return TRUE;
    time -= time % each;
    if (!has_rows (database, level, time, &made, error))
      return FALSE;
    if (!made) {
      *done = TRUE;
      return make_longer (database, level, time, error)
          && mark_made (database, level, time, error);
    }
    time += each;
  }
}

gboolean
pmss_history_file_keep (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssHistoryUpkeep *upkeep = data;

  upkeep->more = FALSE;
  for (PmssLevel level = PMSS_LEVEL_TEN; level < PMSS_N_LEVELS; level++) {
    if (!make_next_longer (database, level, upkeep->now, &upkeep->more, error))
      return FALSE;
    if (upkeep->more)
      return TRUE;
  }
  /* not before all longer ones are made of them */
  return pmss_history_pack (database, upkeep->now, &upkeep->more, error);
}
