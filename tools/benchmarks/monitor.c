/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the history of a large cluster takes: two years go by at once, through the code that writes
 * it. bench-monitor FOLDER NODES; prints a JSON object. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <glib/gstdio.h>

#include "control/monitor/columns.h"
#include "control/monitor/history-file.h"
#include "control/monitor/interval.h"
#include "control/monitor/packed-number.h"
#include "control/monitor/ring.h"

#define DAY 86400
#define END (20000 * (gint64) DAY)
/* Intervals that are written in one commit while time flies. */
#define AT_ONCE 48
/* Rows of noise, which the nodes have by turns. */
#define NOISE 509
#define CHART_NODES 100
#define CHARTS 5

typedef struct
{
  PmssDatabase *database;
  guint nodes;
  GBytes *noise[NOISE];
  GRand *rand;
} Bench;

typedef struct
{
  Bench *bench;
  PmssLevel level;
  gint64 from, to;
} Stretch;

static double
get_cpu (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static double
get_time (void)
{
  return (double) g_get_monotonic_time () / G_USEC_PER_SEC;
}

static void
check (GError * error)
{
  if (error == NULL)
    return;
  g_printerr ("bench-monitor: %s\n", error->message);
  exit (1);
}

/* Every series of a node, none of them the same twice. */
static GBytes *
make_noise (GRand * rand)
{
  GByteArray *bytes = g_byte_array_new ();

  for (guint i = 0; i < PMSS_N_NODE_SERIES; i++) {
    const PmssSeriesInfo *info = pmss_series_get_info (i);

    pmss_columns_append (bytes, 2 * info->number,
        g_rand_double_range (rand, 1, 1e6));
    if (info->has_max)
      pmss_columns_append (bytes, 2 * info->number + 1,
          g_rand_double_range (rand, 1e6, 2e6));
  }
  return g_byte_array_free_to_bytes (bytes);
}

static gboolean
put_stretch (PmssDatabase * database, gpointer data, GError ** error)
{
  const Stretch *stretch = data;
  Bench *self = stretch->bench;
  gint64 each = pmss_level_get_info (stretch->level)->each;

  for (gint64 time = stretch->from; time < stretch->to; time += each) {
    g_autoptr (GArray) rows = pmss_history_rows_new ();
    PmssHistoryPut put = { stretch->level, time, rows };

    for (guint node = 1; node <= self->nodes; node++) {
      PmssHistoryRow row = { node, g_bytes_ref (self->noise[g_rand_int_range
                (self->rand, 0, NOISE)])
      };

      g_array_append_val (rows, row);
    }
    if (!pmss_history_file_put (database, &put, error))
      return FALSE;
  }
  return TRUE;
}

static void
keep (Bench * self, gint64 now)
{
  PmssHistoryUpkeep upkeep = { now, TRUE };

  while (upkeep.more) {
    g_autoptr (GError) error = NULL;

    pmss_database_transact (self->database, pmss_history_file_keep, &upkeep,
        &error);
    check (error);
  }
}

/* @at_once: intervals between two looks at what is due. */
static void
fill (Bench * self, PmssLevel level, gint64 from, gint64 to, guint at_once)
{
  gint64 each = pmss_level_get_info (level)->each;

  for (gint64 time = from; time < to; time += at_once * each) {
    Stretch stretch = { self, level, time, MIN (time + at_once * each, to) };
    g_autoptr (GError) error = NULL;

    pmss_database_transact (self->database, put_stretch, &stretch, &error);
    check (error);
    keep (self, stretch.to);
  }
}

/* CPU of a chart of one series of some nodes, s. */
static double
read_chart (Bench * self, PmssLevel level, gint64 span, guint points)
{
  PmssChartAxis axis;
  g_autoptr (PmssChart) chart = NULL;
  PmssHistoryRead read = { level };
  g_autoptr (GError) error = NULL;
  double begin = get_cpu ();

  pmss_chart_axis_init (&axis, pmss_level_get_info (level)->each, span, END,
      points, PMSS_CHART_NONE);
  chart = pmss_chart_new (&axis);
  for (guint node = 1; node <= MIN (CHART_NODES, self->nodes); node++)
    pmss_chart_add_line (chart, node, PMSS_SERIES_CPU);
  read.chart = chart;
  pmss_database_read (self->database, pmss_history_file_read, &read, &error);
  check (error);
  return get_cpu () - begin;
}

static double
read_best (Bench * self, PmssLevel level, gint64 span)
{
  double best = G_MAXDOUBLE;

  for (guint i = 0; i < CHARTS; i++)
    best = MIN (best, read_chart (self, level, span, 300));
  return best;
}

static gsize
get_size (const char *path)
{
  GStatBuf st;

  return g_stat (path, &st) == 0 ? (gsize) st.st_size : 0;
}

/* CPU of a second of all nodes in memory. */
static double
measure_second (Bench * self)
{
  PmssRing **rings = g_new (PmssRing *, self->nodes);
  PmssInterval *intervals = g_new0 (PmssInterval, self->nodes);
  double values[PMSS_N_NODE_SERIES];
  double begin;

  for (guint i = 0; i < PMSS_N_NODE_SERIES; i++)
    values[i] = 1000 * (i + 1);
  for (guint node = 0; node < self->nodes; node++)
    rings[node] = pmss_ring_new (PMSS_N_NODE_SERIES);
  begin = get_cpu ();
  for (gint64 second = 0; second < 60; second++)
    for (guint node = 0; node < self->nodes; node++) {
      values[PMSS_SERIES_CPU] = (double) second;
      pmss_ring_add (rings[node], second, values);
      pmss_interval_add_second (&intervals[node], values, PMSS_N_NODE_SERIES);
    }
  begin = (get_cpu () - begin) / 60;
  for (guint node = 0; node < self->nodes; node++)
    pmss_ring_free (rings[node]);
  g_free (rings);
  g_free (intervals);
  return begin;
}

int
main (int argc, char **argv)
{
  Bench bench = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  double begin, minutes, filled;

  if (argc != 3)
    return 2;
  path = g_build_filename (argv[1], "history.db", NULL);
  bench.nodes = (guint) g_ascii_strtoull (argv[2], NULL, 10);
  bench.rand = g_rand_new_with_seed (1);
  for (guint i = 0; i < NOISE; i++)
    bench.noise[i] = make_noise (bench.rand);
  bench.database = pmss_database_open_kind (&pmss_history_kind, path, &error);
  check (error);
  begin = get_time ();
  fill (&bench, PMSS_LEVEL_HOUR, END - 731 * DAY, END - DAY, AT_ONCE);
  fill (&bench, PMSS_LEVEL_TEN, END - 31 * DAY, END - DAY, AT_ONCE);
  filled = get_time () - begin;
  /* the last day as it goes by, longer intervals and all */
  minutes = get_cpu ();
  fill (&bench, PMSS_LEVEL_MINUTE, END - DAY, END, 1);
  minutes = get_cpu () - minutes;
  printf ("{\"nodes\": %u, \"bytes\": %" G_GSIZE_FORMAT ", \"fill_seconds\": "
      "%.1f, \"history_cores\": %.6f, \"second_cpu\": %.6f, \"month\": %.4f, "
      "\"year\": %.4f, \"day\": %.4f}\n", bench.nodes, get_size (path), filled,
      minutes / DAY, measure_second (&bench),
      read_best (&bench, PMSS_LEVEL_TEN, 31 * DAY),
      read_best (&bench, PMSS_LEVEL_HOUR, 731 * DAY),
      read_best (&bench, PMSS_LEVEL_MINUTE, DAY));
  pmss_database_close (bench.database);
  return 0;
}
