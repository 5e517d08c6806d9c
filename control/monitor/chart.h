/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/series.h"

G_BEGIN_DECLS

/* Where the points of a chart lie. Each begins at a multiple of the step, so that the same points
 * come again when the chart is asked for later. */
typedef struct
{
  gint64 start;                 /* of the first point's begin */
  gint64 step;                  /* s */
  guint n;
} PmssChartAxis;

#define PMSS_CHART_NONE G_MININT64

/* @each: s that a value is of. @span: s, a multiple of it. @end: s, when the last value ends.
 * @points: at most. @after: only points that begin later; PMSS_CHART_NONE, and one that is
 * not before @end: all. */
void       pmss_chart_axis_init (PmssChartAxis *axis, gint64 each, gint64 span, gint64 end,
    guint points, gint64 after);

/* One series of a node. */
typedef struct
{
  guint node;
  PmssSeries series;
  float *sum, *max;             /* max: NULL where the series has none */
  guint32 *number;
} PmssChartLine;

/**
 * PmssChart:
 *
 * The means, and the largest, of values that fall into the points of an axis. Pure.
 */
typedef struct
{
  PmssChartAxis axis;
  GArray *lines;                /* of PmssChartLine */
} PmssChart;

PmssChart *pmss_chart_new  (const PmssChartAxis *axis);
void       pmss_chart_free (PmssChart *chart);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssChart, pmss_chart_free)

void       pmss_chart_add_line (PmssChart *chart, guint node, PmssSeries series);
/* A value, or the largest one, of the time @time. Unknown ones and those beside the axis are passed
 * over. */
void       pmss_chart_add_mean (PmssChart *chart, PmssChartLine *line, gint64 time, double value);
void       pmss_chart_add_max  (PmssChart *chart, PmssChartLine *line, gint64 time, double value);
/* The same for @n values, one each @each s from @time on, which divides the step. */
void       pmss_chart_add_run  (PmssChart *chart, PmssChartLine *line, gint64 time, gint64 each,
    const double *values, guint n, gboolean is_max);
/* PMSS_UNKNOWN: a gap. */
double     pmss_chart_get_mean (const PmssChartLine *line, guint point);
double     pmss_chart_get_max  (const PmssChartLine *line, guint point);

G_END_DECLS
