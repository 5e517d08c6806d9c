/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values become points, and the same points again. */
#include "control/monitor/chart.h"

#include "control/monitor/columns.h"
#include "control/monitor/interval.h"
#include "control/monitor/packed-number.h"

#define DAY 86400
#define NONE PMSS_CHART_NONE

static void
test_axis (void)
{
  static const struct
  {
    gint64 each, span, end;
    guint points;
    gint64 after;
    PmssChartAxis axis;
  } cases[] = {
    {1, 600, 10000, 600, NONE, {9400, 1, 600}},
    {1, 600, 10000, 1000000000, NONE, {9400, 1, 600}},
    {1, 600, 10001, 300, NONE, {9400, 2, 300}},
    {1, 600, 10000, 7, NONE, {116 * 86 - 6 * 86, 86, 6}},
    {1, 600, 10000, 1, NONE, {9000, 600, 1}},
    {60, DAY, 20 * DAY + 60, 1440, NONE, {19 * DAY + 60, 60, 1440}},
    {3600, 731 * DAY, 800 * DAY, 300, NONE, {800 * DAY - 297 * 59 * 3600
                - (800 * 24 % 59) * 3600, 59 * 3600, 297}},
    /* what the caller has */
    {1, 600, 10000, 600, 9990, {9991, 1, 9}},
    {1, 600, 10000, 600, 9999, {10000, 1, 0}},
    {1, 600, 10000, 300, 9990, {9992, 2, 4}},
    {1, 600, 10000, 600, 0, {9400, 1, 600}},
    /* from the future */
    {1, 600, 10000, 600, 10000, {9400, 1, 600}},
    {1, 600, 10000, 600, G_MAXINT64, {9400, 1, 600}},
    /* a clock before 1970, and one that was never set */
    {1, 600, -5, 300, NONE, {-606, 2, 300}},
    {60, DAY, 0, 1440, NONE, {-DAY, 60, 1440}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    PmssChartAxis axis;

    pmss_chart_axis_init (&axis, cases[i].each, cases[i].span, cases[i].end,
        cases[i].points, cases[i].after);
    g_test_message ("case %u", i);
    g_assert_cmpint (axis.start, ==, cases[i].axis.start);
    g_assert_cmpint (axis.step, ==, cases[i].axis.step);
    g_assert_cmpuint (axis.n, ==, cases[i].axis.n);
  }
}

static void
test_points (void)
{
  const PmssChartAxis axis = { 100, 10, 3 };
  g_autoptr (PmssChart) chart = pmss_chart_new (&axis);
  PmssChartLine *cpu, *memory;

  pmss_chart_add_line (chart, 7, PMSS_SERIES_CPU);
  pmss_chart_add_line (chart, 7, PMSS_SERIES_MEMORY);
  cpu = &g_array_index (chart->lines, PmssChartLine, 0);
  memory = &g_array_index (chart->lines, PmssChartLine, 1);
  pmss_chart_add_mean (chart, cpu, 99, 1000);
  pmss_chart_add_mean (chart, cpu, 100, 1);
  pmss_chart_add_mean (chart, cpu, 109, 3);
  pmss_chart_add_mean (chart, cpu, 105, PMSS_UNKNOWN);
  pmss_chart_add_mean (chart, cpu, 129, 5);
  pmss_chart_add_mean (chart, cpu, 130, 1000);
  pmss_chart_add_max (chart, cpu, 100, 2);
  pmss_chart_add_max (chart, cpu, 101, 9);
  pmss_chart_add_max (chart, cpu, 102, PMSS_UNKNOWN);
  pmss_chart_add_max (chart, memory, 100, 2);
  g_assert_cmpfloat (pmss_chart_get_mean (cpu, 0), ==, 2);
  g_assert_true (isnan (pmss_chart_get_mean (cpu, 1)));
  g_assert_cmpfloat (pmss_chart_get_mean (cpu, 2), ==, 5);
  g_assert_cmpfloat (pmss_chart_get_max (cpu, 0), ==, 9);
  g_assert_true (isnan (pmss_chart_get_max (cpu, 1)));
  g_assert_null (memory->max);
  g_assert_true (isnan (pmss_chart_get_max (memory, 0)));
}

/* In one call as one by one, wherever the run begins and ends. */
static void
test_run (void)
{
  const PmssChartAxis axis = { 600, 180, 7 };
  double values[40];

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = i % 5 == 2 ? PMSS_UNKNOWN : i + 1;
  for (gint64 time = -3000; time < 3000; time += 60) {
    g_autoptr (PmssChart) one = pmss_chart_new (&axis);
    g_autoptr (PmssChart) other = pmss_chart_new (&axis);
    PmssChartLine *a, *b;

    pmss_chart_add_line (one, 7, PMSS_SERIES_CPU);
    pmss_chart_add_line (other, 7, PMSS_SERIES_CPU);
    a = &g_array_index (one->lines, PmssChartLine, 0);
    b = &g_array_index (other->lines, PmssChartLine, 0);
    for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
      pmss_chart_add_mean (one, a, time + i * 60, values[i]);
      pmss_chart_add_max (one, a, time + i * 60, values[i]);
    }
    for (guint is_max = 0; is_max < 2; is_max++)
      pmss_chart_add_run (other, b, time, 60, values, G_N_ELEMENTS (values),
          is_max);
    g_assert_cmpmem (a->sum, axis.n * sizeof (float), b->sum,
        axis.n * sizeof (float));
    g_assert_cmpmem (a->number, axis.n * sizeof (guint32), b->number,
        axis.n * sizeof (guint32));
    for (guint i = 0; i < axis.n; i++)
      g_assert_true (a->max[i] == b->max[i] || (isnan (a->max[i])
              && isnan (b->max[i])));
  }
}

/* Half a minute of a node, of which it told the memory for a second. */
static void
test_minute (void)
{
  PmssInterval interval = { 0 };
  double values[PMSS_N_NODE_SERIES];
  g_autoptr (GBytes) bytes = NULL;
  PmssColumnsIter iter;
  guint column, n = 0;
  guint16 packed;

  g_assert_null (pmss_interval_take (&interval));
  for (guint i = 0; i < PMSS_N_NODE_SERIES; i++)
    values[i] = PMSS_UNKNOWN;
  for (guint i = 1; i <= 30; i++) {
    values[PMSS_SERIES_CPU] = i == 7 ? 1 : 0.5;
    values[PMSS_SERIES_MEMORY] = i == 30 ? 4096 : PMSS_UNKNOWN;
    pmss_interval_add_second (&interval, values, PMSS_N_NODE_SERIES);
  }
  bytes = pmss_interval_take (&interval);
  pmss_columns_iter_init (&iter, g_bytes_get_data (bytes, NULL),
      g_bytes_get_size (bytes));
  while (pmss_columns_iter_next (&iter, &column, &packed)) {
    const double expected[] = { 15.5 / 30, 1, 4096 };
    const guint columns[] = { 0, 1, 6 };

    g_assert_cmpuint (n, <, 3);
    g_assert_cmpuint (column, ==, columns[n]);
    g_assert_cmpuint (packed, ==, pmss_packed_number_pack (expected[n]));
    n++;
  }
  g_assert_cmpuint (n, ==, 3);
  g_assert_null (pmss_interval_take (&interval));
}

/* Bytes of a damaged file. */
static void
test_columns_cut (void)
{
  static const guint8 bytes[] = { 1, 0, 2, 0, 255, 255, 255 };
  PmssColumnsIter iter;
  guint column, n = 0;
  guint16 packed;

  pmss_columns_iter_init (&iter, bytes, sizeof (bytes));
  while (pmss_columns_iter_next (&iter, &column, &packed))
    n++;
  g_assert_cmpuint (n, ==, 1);
  pmss_columns_iter_init (&iter, NULL, 0);
  g_assert_false (pmss_columns_iter_next (&iter, &column, &packed));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/chart/axis", test_axis);
  g_test_add_func ("/chart/points", test_points);
  g_test_add_func ("/chart/run", test_run);
  g_test_add_func ("/chart/minute", test_minute);
  g_test_add_func ("/chart/columns-cut", test_columns_cut);
  return g_test_run ();
}
