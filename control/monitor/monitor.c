/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of all nodes as time goes by. The tick is on the main thread. */
#include "control/monitor/monitor-private.h"

#include <string.h>

#include "control/config.h"
#include "control/nodes/nodes.h"
#include "libpmss/pmss-error.h"

/* Seconds that one tick makes up for: nothing is fresh for longer. */
#define MAX_SECONDS 4
/* s, after which a minute that is not in the file is a gap */
#define LATE 120

static const struct
{
  const char *name;
  gint64 each, span;            /* s */
} spans[PMSS_N_SPANS] = {
  [PMSS_SPAN_LIVE] = {"live", 1, PMSS_RING_SECONDS},
  [PMSS_SPAN_DAY] = {"day", 60, 86400},
  [PMSS_SPAN_MONTH] = {"month", 600, 31 * 86400},
  [PMSS_SPAN_YEAR] = {"year", 3600, 731 * 86400},
};

const char *
pmss_span_to_string (PmssSpan span)
{
  return spans[span].name;
}

gboolean
pmss_span_parse (const char *text, PmssSpan * span)
{
  for (guint i = 0; i < PMSS_N_SPANS; i++) {
    if (g_str_equal (text, spans[i].name)) {
      *span = i;
      return TRUE;
    }
  }
  return FALSE;
}

static void
subject_free (gpointer data)
{
  PmssSubject *subject = data;

  g_clear_pointer (&subject->ring, pmss_ring_free);
  g_free (subject);
}

/* What the subjects have added up goes to the history. */
static void
put_minute_locked (PmssMonitor * self)
{
  GArray *rows = pmss_history_rows_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->subjects);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssSubject *subject = value;
    PmssHistoryRow row = { subject->node };

    row.bytes = pmss_interval_take (&subject->interval);
    if (row.bytes != NULL)
      g_array_append_val (rows, row);
  }
  if (self->history != NULL && rows->len > 0)
    pmss_history_put (self->history, self->minute * 60, rows);
  else
    g_array_unref (rows);
}

PmssMonitor *
pmss_monitor_new (PmssControlContext * context, gboolean with_history)
{
  PmssMonitor *self = g_new0 (PmssMonitor, 1);
  g_autoptr (GError) error = NULL;

  self->context = context;
  self->load = pmss_cluster_load_new (context->database);
  g_mutex_init (&self->lock);
  self->subjects = g_hash_table_new_full (NULL, NULL, NULL, subject_free);
  if (with_history)
    self->history = pmss_history_new (context->config->data, context->reserve,
        context->events, &error);
  if (error != NULL)
    g_warning ("No history is kept: %s", error->message);
  return self;
}

void
pmss_monitor_free (PmssMonitor * self)
{
  put_minute_locked (self);
  g_clear_pointer (&self->history, pmss_history_free);
  g_hash_table_unref (self->subjects);
  g_mutex_clear (&self->lock);
  pmss_cluster_load_free (self->load);
  g_free (self);
}

static guint
count_series (guint node)
{
  return node == PMSS_CLUSTER_NODE ? PMSS_N_SERIES : PMSS_N_NODE_SERIES;
}

static PmssSubject *
find_subject_locked (PmssMonitor * self, guint node)
{
  PmssSubject *subject = g_hash_table_lookup (self->subjects,
      GUINT_TO_POINTER (node));

  if (subject != NULL)
    return subject;
  subject = g_new0 (PmssSubject, 1);
  subject->node = node;
  /* the cluster's is beside the number */
  if (node == PMSS_CLUSTER_NODE || self->n_rings < PMSS_MONITOR_MAX_LIVE) {
    subject->ring = pmss_ring_new (count_series (node));
    self->n_rings += node != PMSS_CLUSTER_NODE;
  }
  g_hash_table_insert (self->subjects, GUINT_TO_POINTER (node), subject);
  return subject;
}

void
pmss_monitor_note_viewers (PmssMonitor * self, guint node,
    const PmssViewerFigures * figures)
{
  PmssSubject *subject;

  g_mutex_lock (&self->lock);
  subject = g_hash_table_lookup (self->subjects, GUINT_TO_POINTER (node));
  if (subject != NULL) {
    subject->viewers = *figures;
    subject->has_viewers = TRUE;
  }
  g_mutex_unlock (&self->lock);
}

/* --- a second passes --- */

/* What a node said last. */
typedef struct
{
  guint node;
  gint64 heard;                 /* monotonic, µs; 0: not yet */
  double used, free;
  double values[PMSS_N_NODE_SERIES];
} Sample;

typedef struct
{
  GArray *samples;              /* of Sample */
  guint up;
} Samples;

/* With the nodes' lock held, and for that reason into memory of its own. */
static void
take_sample (guint node, PmssNodeState state, const PmssNodeStats * stats,
    gint64 heard, gpointer data)
{
  Samples *samples = data;
  Sample sample = { node, heard, stats->used, stats->free };

  samples->up += state == PMSS_NODE_UP;
  pmss_series_of_node (stats, sample.values);
  g_array_append_val (samples->samples, sample);
}

static void
add_values_locked (PmssSubject * subject, gint64 second, const double *values)
{
  if (subject->ring != NULL)
    pmss_ring_add (subject->ring, second, values);
  pmss_interval_add_second (&subject->interval, values,
      count_series (subject->node));
  subject->last = second;
}

static void
add_up (double *sum, double value)
{
  if (!isnan (value))
    *sum = isnan (*sum) ? value : *sum + value;
}

static void
add_sample_locked (PmssMonitor * self, gint64 second, Sample * sample,
    double *cluster)
{
  gint64 end = (second + 1) * G_USEC_PER_SEC;
  PmssSubject *subject;

  if (sample->heard == 0 || ABS (end - sample->heard) > PMSS_MONITOR_FRESH)
    return;
  subject = find_subject_locked (self, sample->node);
  if (subject->has_viewers)
    pmss_series_add_viewers (&subject->viewers, sample->values);
  subject->has_viewers = FALSE;
  add_values_locked (subject, second, sample->values);
  add_up (&cluster[PMSS_SERIES_SENT], sample->values[PMSS_SERIES_SENT]);
  add_up (&cluster[PMSS_SERIES_NET_IN], sample->values[PMSS_SERIES_NET_IN]);
  add_up (&cluster[PMSS_SERIES_NET_OUT], sample->values[PMSS_SERIES_NET_OUT]);
  add_up (&cluster[PMSS_SERIES_USED], sample->used);
  add_up (&cluster[PMSS_SERIES_FREE], sample->free);
}

/* Nodes that were silent for the whole ring: down, or removed. */
static void
forget_silent_locked (PmssMonitor * self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->subjects);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssSubject *subject = value;

    if (subject->last > self->closed - PMSS_RING_SECONDS)
      continue;
    self->n_rings -= subject->ring != NULL;
    g_hash_table_iter_remove (&iter);
  }
}

static void
begin_minute_locked (PmssMonitor * self, gint64 minute)
{
  put_minute_locked (self);
  if (self->began == 0)
    self->began = minute;
  self->minute = minute;
  forget_silent_locked (self);
}

static void
close_second_locked (PmssMonitor * self, gint64 second, const double *load,
    const Samples * samples)
{
  gint64 minute = (second + self->time.offset) / 60;
  double cluster[PMSS_N_SERIES];

  if (minute != self->minute)
    begin_minute_locked (self, minute);
  memcpy (cluster, load, sizeof (cluster));
  cluster[PMSS_SERIES_NODES_UP] = samples->up;
  for (guint i = 0; i < samples->samples->len; i++)
    add_sample_locked (self, second, &g_array_index (samples->samples, Sample,
            i), cluster);
  add_values_locked (find_subject_locked (self, PMSS_CLUSTER_NODE), second,
      cluster);
  self->closed = second;
}

void
pmss_monitor_tick (PmssMonitor * self, gint64 monotonic, gint64 wall)
{
  gint64 last = monotonic / G_USEC_PER_SEC - 1;
  double load[PMSS_N_SERIES];
  Samples samples = { g_array_new (FALSE, FALSE, sizeof (Sample)) };

  for (guint i = 0; i < PMSS_N_SERIES; i++)
    load[i] = PMSS_UNKNOWN;
  pmss_cluster_load_look (self->load, monotonic, load);
  pmss_nodes_visit (self->context->nodes, take_sample, &samples);
  g_mutex_lock (&self->lock);
  pmss_steady_time_look (&self->time, monotonic, wall);
  for (gint64 second = self->closed == 0 ? last
      : MAX (self->closed + 1, last - MAX_SECONDS + 1); second <= last;
      second++)
    close_second_locked (self, second, load, &samples);
  g_mutex_unlock (&self->lock);
  g_array_unref (samples.samples);
}

/* --- what is asked for --- */

static void
add_lines (PmssChart * chart, const PmssMonitorQuery * query)
{
  for (guint i = 0; i < query->nodes->len; i++) {
    guint node = g_array_index (query->nodes, guint, i);

    for (guint s = 0; s < PMSS_N_SERIES; s++)
      if (query->series[s] && pmss_series_is_of (s, node))
        pmss_chart_add_line (chart, node, s);
  }
}

static void
fill_line_locked (PmssMonitor * self, PmssChart * chart, PmssChartLine * line)
{
  const PmssChartAxis *axis = &chart->axis;
  const PmssSubject *subject = g_hash_table_lookup (self->subjects,
      GUINT_TO_POINTER (line->node));

  if (subject == NULL || subject->ring == NULL)
    return;
  for (gint64 i = 0; i < axis->n * axis->step; i++) {
    double value = pmss_ring_get (subject->ring, line->series,
        axis->start + i - self->time.offset);

    pmss_chart_add_mean (chart, line, axis->start + i, value);
    pmss_chart_add_max (chart, line, axis->start + i, value);
  }
}

static PmssChart *
chart_live (PmssMonitor * self, const PmssMonitorQuery * query)
{
  PmssChartAxis axis;
  PmssChart *chart;

  g_mutex_lock (&self->lock);
  pmss_chart_axis_init (&axis, 1, PMSS_RING_SECONDS,
      self->closed + 1 + self->time.offset, query->points, query->after);
  g_mutex_unlock (&self->lock);
  chart = pmss_chart_new (&axis);
  add_lines (chart, query);
  /* the second goes on meanwhile, between two lines */
  for (guint i = 0; i < chart->lines->len; i++) {
    g_mutex_lock (&self->lock);
    fill_line_locked (self, chart, &g_array_index (chart->lines,
            PmssChartLine, i));
    g_mutex_unlock (&self->lock);
  }
  return chart;
}

static PmssChart *
chart_history (PmssMonitor * self, const PmssMonitorQuery * query,
    GError ** error)
{
  static const PmssLevel levels[] = {
    [PMSS_SPAN_DAY] = PMSS_LEVEL_MINUTE,
    [PMSS_SPAN_MONTH] = PMSS_LEVEL_TEN,
    [PMSS_SPAN_YEAR] = PMSS_LEVEL_HOUR,
  };
  gint64 written = pmss_history_get_written (self->history);
  gint64 began, each = spans[query->span].each, now;
  g_autoptr (PmssChart) chart = NULL;
  PmssChartAxis axis;

  g_mutex_lock (&self->lock);
  now = self->closed + 1 + self->time.offset;
  began = self->began * 60;
  g_mutex_unlock (&self->lock);
  /* what is on its way into the file is no gap */
  now = MIN (now, MAX (MAX (written, began), now - LATE));
  pmss_chart_axis_init (&axis, each, spans[query->span].span,
      now / each * each, query->points, query->after);
  chart = pmss_chart_new (&axis);
  add_lines (chart, query);
  return pmss_history_read (self->history, levels[query->span], chart, error) ?
      g_steal_pointer (&chart) : NULL;
}

char *
pmss_monitor_get_history_fault (PmssMonitor * self)
{
  return self->history != NULL ? pmss_history_get_fault (self->history)
      : g_strdup ("the system gives control no thread for it");
}

PmssChart *
pmss_monitor_chart (PmssMonitor * self, const PmssMonitorQuery * query,
    GError ** error)
{
  if (query->span == PMSS_SPAN_LIVE)
    return chart_live (self, query);
  if (self->history != NULL)
    return chart_history (self, query, error);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_BUSY,
      "No history is kept");
  return NULL;
}
