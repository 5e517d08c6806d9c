/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of history.db become blocks, and old blocks go. On its database thread. */
#include "control/monitor/history-file.h"

#include <string.h>

#include "control/monitor/columns.h"
#include "control/monitor/packed-number.h"

/* Numbers of nodes that one piece is about. */
#define NODES 64

/* Rows of some nodes, on their way into blocks. */
typedef struct
{
  PmssDatabase *database;
  PmssLevel level;
  const PmssLevelInfo *info;
  gint64 block;                 /* its number */
  guint first;                  /* node */
  guint16 *columns[NODES][PMSS_MAX_COLUMNS];    /* info->points numbers; NULL: none */
} Piece;

static gint64
block_begin (const PmssLevelInfo * info, gint64 block)
{
  return block * info->each * info->points;
}

static guint16 *
get_column (Piece * piece, guint node, guint column)
{
  guint16 **numbers = &piece->columns[node - piece->first][column];

  if (*numbers == NULL) {
    *numbers = g_new (guint16, piece->info->points);
    memset (*numbers, 0xff, piece->info->points * sizeof (guint16));
  }
  return *numbers;
}

static void
take_row (Piece * piece, guint point, guint node, const void *data, gsize size)
{
  PmssColumnsIter iter;
  guint column;
  guint16 packed;

  pmss_columns_iter_init (&iter, data, size);
  while (pmss_columns_iter_next (&iter, &column, &packed))
    if (column < PMSS_MAX_COLUMNS)
      get_column (piece, node, column)[point] = packed;
}

static gboolean
take_interval (Piece * piece, gint64 time, GError ** error)
{
  guint point = (guint) ((time - block_begin (piece->info, piece->block))
      / piece->info->each);
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (piece->database,
      "SELECT node, data FROM recent WHERE level = ?1 AND time = ?2"
      " AND node >= ?3 AND node < ?4", PMSS_INT (piece->level),
      PMSS_INT (time), PMSS_INT (piece->first),
      PMSS_INT (piece->first + NODES));

  while (pmss_rows_next (rows, &local)) {
    gsize size;
    const void *data = pmss_rows_blob (rows, 1, &size);

    take_row (piece, point, (guint) pmss_rows_int (rows, 0), data, size);
  }
  return pmss_rows_end (g_steal_pointer (&local), error)
      && pmss_database_exec (piece->database, error,
      "DELETE FROM recent WHERE level = ?1 AND time = ?2"
      " AND node >= ?3 AND node < ?4", PMSS_INT (piece->level),
      PMSS_INT (time), PMSS_INT (piece->first),
      PMSS_INT (piece->first + NODES));
}

static gboolean
take_intervals (Piece * piece, GError ** error)
{
  gint64 time = block_begin (piece->info, piece->block);
  gint64 end = block_begin (piece->info, piece->block + 1);

  for (; time < end; time++) {
    if (!pmss_history_next_time (piece->database, piece->level, time, &time,
            error))
      return FALSE;
    if (time < 0 || time >= end)
      return TRUE;
    if (!take_interval (piece, time, error))
      return FALSE;
  }
  return TRUE;
}

/* What the block has already, where the clock went back: what is newer goes before it. */
static gboolean
add_old (Piece * piece, gint64 id, guint16 * numbers, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (piece->database,
      "SELECT data FROM block WHERE id = ?1", PMSS_INT (id));

  if (pmss_rows_next (rows, &local)) {
    gsize size;
    const guint8 *data = pmss_rows_blob (rows, 0, &size);

    for (guint i = 0; i < piece->info->points; i++)
      if (numbers[i] == PMSS_PACKED_GAP)
        numbers[i] = pmss_history_block_get (data, size, i);
  }
  return pmss_rows_end (g_steal_pointer (&local), error);
}

/* How many numbers are written: one, where all are the same. */
static guint
count_needed (const guint16 * numbers, guint n)
{
  for (guint i = 1; i < n; i++)
    if (numbers[i] != numbers[0])
      return n;
  return 1;
}

static gboolean
write_column (Piece * piece, guint node, guint column, guint16 * numbers,
    GError ** error)
{
  gint64 id = pmss_history_block_id (piece->level, piece->block, node, column);
  guint needed;

  if (!add_old (piece, id, numbers, error))
    return FALSE;
  needed = count_needed (numbers, piece->info->points);
  for (guint i = 0; i < needed; i++)
    numbers[i] = GUINT16_TO_LE (numbers[i]);
  return pmss_database_exec (piece->database, error,
      "INSERT OR REPLACE INTO block (id, data) VALUES (?1, ?2)",
      PMSS_INT (id), PMSS_BLOB (numbers, needed * sizeof (guint16)));
}

static gboolean
write_columns (Piece * piece, GError ** error)
{
  for (guint node = 0; node < NODES; node++)
    for (guint column = 0; column < PMSS_MAX_COLUMNS; column++)
      if (piece->columns[node][column] != NULL
          && !write_column (piece, piece->first + node, column,
              piece->columns[node][column], error))
        return FALSE;
  return TRUE;
}

static void
piece_free (Piece * piece)
{
  for (guint node = 0; node < NODES; node++)
    for (guint column = 0; column < PMSS_MAX_COLUMNS; column++)
      g_free (piece->columns[node][column]);
  g_free (piece);
}

/* The first node of the block's rows. */
static gboolean
find_first_node (PmssDatabase * database, PmssLevel level, gint64 time,
    gint64 end, guint * node, GError ** error)
{
  *node = G_MAXUINT;
  for (; time < end; time++) {
    if (!pmss_history_next_time (database, level, time, &time, error))
      return FALSE;
    if (time >= 0 && time < end) {
      g_autoptr (PmssRows) rows = pmss_database_query (database,
          "SELECT min(node) FROM recent WHERE level = ?1 AND time = ?2",
          PMSS_INT (level), PMSS_INT (time));

      if (!pmss_rows_next (rows, error))
        return FALSE;
      *node = MIN (*node, (guint) pmss_rows_int (rows, 0));
    } else {
      return TRUE;
    }
  }
  return TRUE;
}

static gboolean
pack_piece (PmssDatabase * database, PmssLevel level, gint64 block,
    GError ** error)
{
  Piece *piece = g_new0 (Piece, 1);
  gboolean ok;

  piece->database = database;
  piece->level = level;
  piece->info = pmss_level_get_info (level);
  piece->block = block;
  ok = find_first_node (database, level, block_begin (piece->info, block),
      block_begin (piece->info, block + 1), &piece->first, error)
      && take_intervals (piece, error) && write_columns (piece, error);
  piece_free (piece);
  return ok;
}

/* --- old blocks --- */

/* The blocks of @level that there are, by number. */
static gboolean
list_blocks (PmssDatabase * database, PmssLevel level, GArray * blocks,
    GError ** error)
{
  gint64 end = pmss_history_block_id (level + 1, 0, 0, 0);
  gint64 each = pmss_history_block_id (0, 1, 0, 0);
  gint64 id = pmss_history_block_id (level, 0, 0, 0);

  for (;;) {
    g_autoptr (PmssRows) rows = pmss_database_query (database,
        "SELECT min(id) FROM block WHERE id >= ?1", PMSS_INT (id));
    gint64 block;

    if (!pmss_rows_next (rows, error))
      return FALSE;
    id = pmss_rows_int_or_unknown (rows, 0);
    if (id < 0 || id >= end)
      return TRUE;
    block = (id - pmss_history_block_id (level, 0, 0, 0)) / each;
    g_array_append_val (blocks, block);
    id = pmss_history_block_id (level, block + 1, 0, 0);
  }
}

static gboolean
delete_block (PmssDatabase * database, PmssLevel level, gint64 block,
    GError ** error)
{
  return pmss_database_exec (database, error,
      "DELETE FROM block WHERE id >= ?1 AND id < ?2",
      PMSS_INT (pmss_history_block_id (level, block, 0, 0)),
      PMSS_INT (pmss_history_block_id (level, block + 1, 0, 0)));
}

/* As many as there is room for stay, of the past and, apart from them, of the future: what a clock
 * that was ahead has written takes no room of the truth, and one that is behind deletes nothing. */
static gboolean
prune (PmssDatabase * database, PmssLevel level, gint64 now, gboolean * done,
    GError ** error)
{
  const PmssLevelInfo *info = pmss_level_get_info (level);
  g_autoptr (GArray) blocks = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint past = 0;

  if (!list_blocks (database, level, blocks, error))
    return FALSE;
  while (past < blocks->len
      && block_begin (info, g_array_index (blocks, gint64, past)) <= now)
    past++;
  if (past > info->blocks) {
    *done = TRUE;
    return delete_block (database, level, g_array_index (blocks, gint64, 0),
        error);
  }
  if (blocks->len - past > info->blocks) {
    *done = TRUE;
    return delete_block (database, level, g_array_index (blocks, gint64,
            blocks->len - 1), error);
  }
  return TRUE;
}

gboolean
pmss_history_pack (PmssDatabase * database, gint64 now, gboolean * done,
    GError ** error)
{
  for (PmssLevel level = 0; level < PMSS_N_LEVELS; level++) {
    const PmssLevelInfo *info = pmss_level_get_info (level);
    gint64 time, block;

    if (!pmss_history_next_time (database, level, 0, &time, error))
      return FALSE;
    block = time / info->each / info->points;
    if (time >= 0 && block_begin (info, block + 1) <= now) {
      *done = TRUE;
      return pack_piece (database, level, block, error);
    }
    if (!prune (database, level, now, done, error))
      return FALSE;
    if (*done)
      return TRUE;
  }
  return TRUE;
}
