/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values become the points of a chart. Pure. */
#include "control/monitor/chart.h"

static gint64
round_down (gint64 time, gint64 step)
{
  gint64 rest = time % step;

  return time - (rest < 0 ? rest + step : rest);
}

void
pmss_chart_axis_init (PmssChartAxis * axis, gint64 each, gint64 span,
    gint64 end, guint points, gint64 after)
{
  gint64 values = span / each;
  gint64 group = (values + points - 1) / points;

  axis->step = group * each;
  axis->n = (guint) (values / group);
  axis->start = round_down (end, axis->step) - axis->n * axis->step;
  if (after >= axis->start && after < end) {
    gint64 had = (after - axis->start) / axis->step + 1;

    had = MIN (had, (gint64) axis->n);
    axis->start += had * axis->step;
    axis->n -= (guint) had;
  }
}

static void
line_clear (gpointer data)
{
  PmssChartLine *line = data;

  g_free (line->sum);
  g_free (line->max);
  g_free (line->number);
}

PmssChart *
pmss_chart_new (const PmssChartAxis * axis)
{
  PmssChart *self = g_new0 (PmssChart, 1);

  self->axis = *axis;
  self->lines = g_array_new (FALSE, FALSE, sizeof (PmssChartLine));
  g_array_set_clear_func (self->lines, line_clear);
  return self;
}

void
pmss_chart_free (PmssChart * self)
{
  g_array_unref (self->lines);
  g_free (self);
}

void
pmss_chart_add_line (PmssChart * self, guint node, PmssSeries series)
{
  PmssChartLine line = {
    .node = node,.series = series,
    .sum = g_new0 (float, self->axis.n),.number = g_new0 (guint32, self->axis.n)
  };

  if (pmss_series_get_info (series)->has_max) {
    line.max = g_new (float, self->axis.n);
    for (guint i = 0; i < self->axis.n; i++)
      line.max[i] = (float) PMSS_UNKNOWN;
  }
  g_array_append_val (self->lines, line);
}

/* FALSE: it is beside the axis. */
static gboolean
find_point (const PmssChart * self, gint64 time, guint * point)
{
  const PmssChartAxis *axis = &self->axis;

  if (time < axis->start || time >= axis->start + axis->n * axis->step)
    return FALSE;
  *point = (guint) ((time - axis->start) / axis->step);
  return TRUE;
}

static void
add_mean (PmssChartLine * line, guint point, double value)
{
  if (isnan (value))
    return;
  line->sum[point] += (float) value;
  line->number[point]++;
}

static void
add_max (PmssChartLine * line, guint point, double value)
{
  float *max = &line->max[point];

  /* of a comparison with NaN comes FALSE: an unknown value is passed over */
  if (isnan (*max) || (float) value > *max)
    *max = (float) value;
}

void
pmss_chart_add_mean (PmssChart * self, PmssChartLine * line, gint64 time,
    double value)
{
  guint point;

  if (find_point (self, time, &point))
    add_mean (line, point, value);
}

void
pmss_chart_add_max (PmssChart * self, PmssChartLine * line, gint64 time,
    double value)
{
  guint point;

  if (line->max != NULL && find_point (self, time, &point))
    add_max (line, point, value);
}

/* A month of a hundred nodes are half a million values: no division for each. */
void
pmss_chart_add_run (PmssChart * self, PmssChartLine * line, gint64 time,
    gint64 each, const double *values, guint n, gboolean is_max)
{
  const PmssChartAxis *axis = &self->axis;
  gint64 skipped = time < axis->start ?
      (axis->start - time + each - 1) / each : 0;
  gint64 into = time + skipped * each - axis->start;
  gint64 point = into / axis->step, rest = into % axis->step;

  for (gint64 i = skipped; i < n && point < axis->n; i++) {
    if (is_max)
      add_max (line, (guint) point, values[i]);
    else
      add_mean (line, (guint) point, values[i]);
    rest += each;
    if (rest >= axis->step) {
      rest -= axis->step;
      point++;
    }
  }
}

double
pmss_chart_get_mean (const PmssChartLine * line, guint point)
{
  return line->number[point] > 0 ?
      (double) line->sum[point] / line->number[point] : PMSS_UNKNOWN;
}

double
pmss_chart_get_max (const PmssChartLine * line, guint point)
{
  return line->max != NULL ? (double) line->max[point] : PMSS_UNKNOWN;
}
