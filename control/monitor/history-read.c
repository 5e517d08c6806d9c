/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What history.db has of some lines. On its database thread. */
#include "control/monitor/history-file.h"

#include <string.h>

#include "control/monitor/columns.h"
#include "control/monitor/packed-number.h"

typedef struct
{
  PmssDatabase *database;
  PmssLevel level;
  const PmssLevelInfo *info;
  PmssChart *chart;
  gint64 begin, end;            /* of the axis */
  guint first_node, last_node;
} Reading;

/* --- blocks --- */

static gboolean
read_block (Reading * self, gint64 block, PmssChartLine * line,
    gboolean is_max, GError ** error)
{
  guint column = 2 * pmss_series_get_info (line->series)->number + is_max;
  gint64 begin = block * self->info->each * self->info->points;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (self->database,
      "SELECT data FROM block WHERE id = ?1",
      PMSS_INT (pmss_history_block_id (self->level, block, line->node,
              column)));

  if (pmss_rows_next (rows, &local)) {
    gsize size;
    const guint8 *data = pmss_rows_blob (rows, 0, &size);
    double values[PMSS_MAX_POINTS];

    for (guint i = 0; i < self->info->points; i++)
      values[i] =
          pmss_packed_number_unpack (pmss_history_block_get (data, size, i));
    pmss_chart_add_run (self->chart, line, begin, self->info->each, values,
        self->info->points, is_max);
  }
  return pmss_rows_end (g_steal_pointer (&local), error);
}

static gboolean
read_blocks (Reading * self, GError ** error)
{
  gint64 length = self->info->each * self->info->points;

  for (gint64 block = self->begin / length; block * length < self->end; block++)
    for (guint i = 0; i < self->chart->lines->len; i++) {
      PmssChartLine *line = &g_array_index (self->chart->lines, PmssChartLine,
          i);

      if (!read_block (self, block, line, FALSE, error)
          || (line->max != NULL && !read_block (self, block, line, TRUE,
                  error)))
        return FALSE;
    }
  return TRUE;
}

/* --- rows that are not packed yet --- */

/* The first line of @node; the lines' number: there is none. */
static guint
find_lines (const GArray * lines, guint node)
{
  guint low = 0, high = lines->len;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (g_array_index (lines, PmssChartLine, middle).node < node)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* All numbers of a row, by column. */
static void
unfold (const void *data, gsize size, guint16 numbers[PMSS_MAX_COLUMNS])
{
  PmssColumnsIter iter;
  guint column;
  guint16 packed;

  memset (numbers, 0xff, PMSS_MAX_COLUMNS * sizeof (guint16));
  pmss_columns_iter_init (&iter, data, size);
  while (pmss_columns_iter_next (&iter, &column, &packed))
    if (column < PMSS_MAX_COLUMNS)
      numbers[column] = packed;
}

static void
take_row (Reading * self, gint64 time, guint node, const void *data, gsize size)
{
  GArray *lines = self->chart->lines;
  guint16 numbers[PMSS_MAX_COLUMNS];
  guint i = find_lines (lines, node);

  if (i == lines->len || g_array_index (lines, PmssChartLine, i).node != node)
    return;
  unfold (data, size, numbers);
  for (; i < lines->len; i++) {
    PmssChartLine *line = &g_array_index (lines, PmssChartLine, i);
    guint column = 2 * pmss_series_get_info (line->series)->number;

    if (line->node != node)
      return;
    pmss_chart_add_mean (self->chart, line, time,
        pmss_packed_number_unpack (numbers[column]));
    if (line->max != NULL)
      pmss_chart_add_max (self->chart, line, time,
          pmss_packed_number_unpack (numbers[column + 1]));
  }
}

static gboolean
read_interval (Reading * self, gint64 time, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (self->database,
      "SELECT node, data FROM recent WHERE level = ?1 AND time = ?2"
      " AND node >= ?3 AND node <= ?4", PMSS_INT (self->level),
      PMSS_INT (time), PMSS_INT (self->first_node), PMSS_INT (self->last_node));

  while (pmss_rows_next (rows, &local)) {
    gsize size;
    const void *data = pmss_rows_blob (rows, 1, &size);

    take_row (self, time, (guint) pmss_rows_int (rows, 0), data, size);
  }
  return pmss_rows_end (g_steal_pointer (&local), error);
}

static gboolean
read_recent (Reading * self, GError ** error)
{
  for (gint64 time = self->begin; time < self->end; time++) {
    if (!pmss_history_next_time (self->database, self->level, time, &time,
            error))
      return FALSE;
    if (time < 0 || time >= self->end)
      return TRUE;
    if (!read_interval (self, time, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_history_file_read (PmssDatabase * database, gpointer data, GError ** error)
{
  const PmssHistoryRead *read = data;
  const PmssChartAxis *axis = &read->chart->axis;
  const GArray *lines = read->chart->lines;
  Reading self = {
    .database = database,.level = read->level,
    .info = pmss_level_get_info (read->level),.chart = read->chart,
    .begin = MAX (axis->start, 0),.end = axis->start + axis->n * axis->step
  };

  if (lines->len == 0 || self.end <= self.begin)
    return TRUE;
  self.first_node = g_array_index (lines, PmssChartLine, 0).node;
  self.last_node = g_array_index (lines, PmssChartLine, lines->len - 1).node;
  return read_blocks (&self, error) && read_recent (&self, error);
}
