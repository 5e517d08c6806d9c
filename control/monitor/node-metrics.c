/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes' figures for Prometheus. On workers of the listener. */
#include "control/monitor/node-metrics.h"

#include <math.h>

#include "control/monitor/fault-watch.h"
#include "control/monitor/fault-words.h"
#include "control/nodes/nodes.h"
#include "daemon/pmss-metrics.h"

#define MAX_AGE G_TIME_SPAN_SECOND

struct _PmssNodeMetrics
{
  PmssControlContext *context;
  GMutex lock;                  /* protects what follows; held while the text is made */
  GRefString *text;             /* NULL: none yet */
  gint64 made;                  /* monotonic */
};

typedef struct
{
  const char *name, *help;
  gsize offset;                 /* of a double */
} Figure;

#define OF_STATS(member) G_STRUCT_OFFSET (PmssNodeStats, member)
#define OF_VIEW(member) G_STRUCT_OFFSET (PmssReceptionView, member)

static const Figure figures[] = {
  {"node_cpu_ratio", "Part of all processors that is busy.", OF_STATS (cpu)},
  {"node_cpu_iowait_ratio", "Part that waits for disks.",
      OF_STATS (cpu_iowait)},
  {"node_cpu_steal_ratio", "Part that other guests of its machine took.",
      OF_STATS (cpu_steal)},
  {"node_memory_used_bytes", "Memory that programs cannot get.",
      OF_STATS (memory)},
  {"node_memory_total_bytes", "Memory in all.", OF_STATS (memory_total)},
  {"node_filesystem_avail_bytes", "Room that shards may still take.",
      OF_STATS (free)},
  {"node_filesystem_used_bytes", "Room that shards take.", OF_STATS (used)},
  {"node_disk_read_bytes_per_second", "Read from the shards' disks.",
      OF_STATS (disk_read)},
  {"node_disk_written_bytes_per_second", "Written to the shards' disks.",
      OF_STATS (disk_write)},
  {"node_network_receive_bytes_per_second", "Received.", OF_STATS (net_in)},
  {"node_network_transmit_bytes_per_second", "Sent.", OF_STATS (net_out)},
  {"node_network_limit_bits_per_second", "As much as its link carries.",
      OF_STATS (network_limit)},
  {"node_connections", "Open connections.", OF_STATS (connections)},
  {"node_requests_per_second", "Requests.", OF_STATS (requests)},
  {"node_sent_bytes_per_second", "Payload sent.", OF_STATS (sent)},
  {"node_cache_hits_per_second", "Requests whose bytes were in memory.",
      OF_STATS (cache_hits)},
  {"node_cache_misses_per_second", "Requests whose bytes the disk gave.",
      OF_STATS (cache_misses)},
  {"node_late_per_second", "Answers that waited for the disk for long.",
      OF_STATS (late)},
  {"node_scrub_bytes_per_second", "Read to look for damage.",
      OF_STATS (scrub_rate)},
  {"node_certificate_end_seconds", "When its certificate ends, since 1970.",
      OF_STATS (certificate)},
};

static const Figure views[] = {
  {"node_viewer_bits_per_second", "As much as viewers got from it.",
      OF_VIEW (rate)},
  {"node_viewer_late_per_second", "Times that viewers stopped waiting for it.",
      OF_VIEW (late)},
  {"node_viewer_rebuilt_per_second",
      "Units that others gave viewers in its place.", OF_VIEW (rebuilt)},
  {"node_viewer_unit_seconds", "How long the median viewer awaited a unit.",
      OF_VIEW (time)},
};

/* One node, as it is on the page. */
typedef struct
{
  char *id;
  PmssNodeInfo *info;
  PmssReceptionView view;       /* zeros: it has no viewers */
  gboolean viewed;
} Row;

static double
get_figure (gconstpointer object, const Figure * figure)
{
  return *(const double *) ((const char *) object + figure->offset);
}

static void
row_clear (gpointer data)
{
  g_free (((Row *) data)->id);
}

/* @nodes: of PmssNodeInfo, to stay as long. */
static GArray *
make_rows (PmssControlContext * context, GPtrArray * nodes)
{
  GArray *rows = g_array_new (FALSE, TRUE, sizeof (Row));

  g_array_set_clear_func (rows, row_clear);
  for (guint i = 0; i < nodes->len; i++) {
    PmssNodeInfo *info = g_ptr_array_index (nodes, i);
    Row row = {.info = info };

    row.id = g_strdup_printf ("%u", info->node.id);
    row.viewed = context->faults != NULL
        && pmss_fault_watch_get_view (context->faults, info->node.id,
        &row.view);
    g_array_append_val (rows, row);
  }
  return rows;
}

#define ROW(rows, i) (&g_array_index (rows, Row, i))

static void
add_known (PmssMetrics * metrics, const Row * row, double value)
{
  if (!isnan (value))
    pmss_metrics_add_real (metrics, "node", row->id, value);
}

static void
add_states (PmssMetrics * metrics, GArray * rows)
{
  pmss_metrics_family (metrics, "node_up", PMSS_METRIC_GAUGE,
      "1: it is up. 0: suspect or down.");
  for (guint i = 0; i < rows->len; i++)
    pmss_metrics_add (metrics, "node", ROW (rows, i)->id,
        ROW (rows, i)->info->state == PMSS_NODE_UP);
  pmss_metrics_family (metrics, "node_clock_skew_seconds", PMSS_METRIC_GAUGE,
      "By which its clock is ahead of control's.");
  for (guint i = 0; i < rows->len; i++)
    if (ROW (rows, i)->info->state != PMSS_NODE_DOWN)
      add_known (metrics, ROW (rows, i), (double) ROW (rows, i)->info->skew);
}

/* What a node that is down said last is not how it is. */
static void
add_figures (PmssMetrics * metrics, GArray * rows)
{
  for (guint i = 0; i < G_N_ELEMENTS (figures); i++) {
    pmss_metrics_family (metrics, figures[i].name, PMSS_METRIC_GAUGE,
        figures[i].help);
    for (guint j = 0; j < rows->len; j++)
      if (ROW (rows, j)->info->state != PMSS_NODE_DOWN)
        add_known (metrics, ROW (rows, j),
            get_figure (&ROW (rows, j)->info->stats, &figures[i]));
  }
}

/* The worst disk's. */
static void
add_disks (PmssMetrics * metrics, GArray * rows, const char *name,
    const char *help, gsize offset)
{
  pmss_metrics_family (metrics, name, PMSS_METRIC_GAUGE, help);
  for (guint i = 0; i < rows->len; i++) {
    const PmssNodeStats *stats = &ROW (rows, i)->info->stats;
    double worst = PMSS_UNKNOWN;

    if (ROW (rows, i)->info->state == PMSS_NODE_DOWN)
      continue;
    for (guint j = 0; j < stats->n_disks; j++)
      worst = fmax (worst, *(const double *)
          ((const char *) &stats->disks[j] + offset));
    add_known (metrics, ROW (rows, i), worst);
  }
}

static void
add_views (PmssMetrics * metrics, GArray * rows)
{
  pmss_metrics_family (metrics, "node_viewers", PMSS_METRIC_GAUGE,
      "Viewers that read from it.");
  for (guint i = 0; i < rows->len; i++)
    if (ROW (rows, i)->viewed)
      pmss_metrics_add (metrics, "node", ROW (rows, i)->id,
          ROW (rows, i)->view.viewers);
  pmss_metrics_family (metrics, "node_viewer_complaints", PMSS_METRIC_GAUGE,
      "Viewers for whom it was slow within the last minute.");
  for (guint i = 0; i < rows->len; i++)
    if (ROW (rows, i)->viewed)
      pmss_metrics_add (metrics, "node", ROW (rows, i)->id,
          ROW (rows, i)->view.complaints);
  for (guint i = 0; i < G_N_ELEMENTS (views); i++) {
    pmss_metrics_family (metrics, views[i].name, PMSS_METRIC_GAUGE,
        views[i].help);
    for (guint j = 0; j < rows->len; j++)
      if (ROW (rows, j)->viewed)
        add_known (metrics, ROW (rows, j),
            get_figure (&ROW (rows, j)->view, &views[i]));
  }
}

/* By their events' names; those that there are not have a line, too. */
static void
add_faults (PmssMetrics * metrics, PmssFaultWatch * watch)
{
  g_autoptr (GArray) faults = pmss_fault_watch_list (watch);
  guint counts[PMSS_N_FAULTS] = { 0 };

  for (guint i = 0; i < faults->len; i++)
    counts[g_array_index (faults, PmssFault, i).kind]++;
  pmss_metrics_family (metrics, "faults", PMSS_METRIC_GAUGE,
      "Faults of storage servers that last, and of control.");
  for (guint kind = 0; kind < PMSS_N_FAULTS; kind++)
    pmss_metrics_add (metrics, "fault", pmss_fault_get_name (kind),
        counts[kind]);
}

static char *
make_text (PmssControlContext * context)
{
  PmssMetrics *metrics = pmss_metrics_new ("pmss_control_");
  g_autoptr (GPtrArray) nodes = pmss_nodes_list_known (context->nodes);
  g_autoptr (GArray) rows = make_rows (context, nodes);

  add_states (metrics, rows);
  add_figures (metrics, rows);
  add_disks (metrics, rows, "node_disk_busy_ratio",
      "Part of the time in which the busiest disk had anything to do.",
      G_STRUCT_OFFSET (PmssDiskStats, busy));
  add_disks (metrics, rows, "node_disk_latency_seconds",
      "Time of a request, mean, of the slowest disk.",
      G_STRUCT_OFFSET (PmssDiskStats, latency));
  add_views (metrics, rows);
  add_faults (metrics, context->faults);
  return pmss_metrics_finish (metrics);
}

PmssNodeMetrics *
pmss_node_metrics_new (PmssControlContext * context)
{
  PmssNodeMetrics *self = g_new0 (PmssNodeMetrics, 1);

  self->context = context;
  g_mutex_init (&self->lock);
  return self;
}

void
pmss_node_metrics_free (PmssNodeMetrics * self)
{
  g_clear_pointer (&self->text, g_ref_string_release);
  g_mutex_clear (&self->lock);
  g_free (self);
}

GRefString *
pmss_node_metrics_get (PmssNodeMetrics * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  gint64 now = g_get_monotonic_time ();

  if (self->text == NULL || now - self->made >= MAX_AGE) {
    g_autofree char *text = make_text (self->context);

    g_clear_pointer (&self->text, g_ref_string_release);
    self->text = g_ref_string_new (text);
    self->made = now;
  }
  return g_ref_string_acquire (self->text);
}
