/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A page of metrics in Prometheus' text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). It has families of values, each
 * with its help and type once and its values behind them. On one thread. */
typedef struct _PmssMetrics PmssMetrics;

typedef enum { PMSS_METRIC_COUNTER, PMSS_METRIC_GAUGE, PMSS_METRIC_HISTOGRAM } PmssMetricType;

/* @prefix: of all names, "pmss_control_". */
PmssMetrics *pmss_metrics_new    (const char *prefix);
/* (transfer full) The text. Frees @self. */
char        *pmss_metrics_finish (PmssMetrics *self);

/* Takes over the text of another page, whose families have other names. */
void         pmss_metrics_append (PmssMetrics *self, const char *text);

/* Begins a family. @name: [a-z_0-9], and none that there is already. */
void         pmss_metrics_family (PmssMetrics *self, const char *name, PmssMetricType type,
    const char *help);
/* Values of the family begun last. @label: (nullable): the label that tells them apart; @of: its
 * value, UTF-8. */
void         pmss_metrics_add    (PmssMetrics *self, const char *label, const char *of,
    guint64 value);
void         pmss_metrics_add_numbered (PmssMetrics *self, const char *label, guint of,
    guint64 value);
/* The same of a number with a fraction, of which four digits are told. */
void         pmss_metrics_add_real     (PmssMetrics *self, const char *label, const char *of,
    double value);
/* @bounds: @n_bounds upper ones, in us, ascending. @numbers: one more, how many fell under each and
 * not under the one before, the last those above all. @sum: us. The text is in seconds. */
void         pmss_metrics_add_histogram (PmssMetrics *self, const char *label, const char *of,
    const gint64 *bounds, guint n_bounds, const guint64 *numbers, gint64 sum);
/* A family of one value. */
void         pmss_metrics_single (PmssMetrics *self, const char *name, PmssMetricType type,
    const char *help, guint64 value);

G_END_DECLS
