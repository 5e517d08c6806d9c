/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page /metrics of the control server. On a worker of its listener. */
#include "control/metrics.h"

#include "control/database/database.h"
#include "control/monitor/monitor.h"
#include "control/monitor/node-metrics.h"
#include "control/reconcile/reconcile.h"
#include "control/nodes/nodes.h"
#include "control/repair/repair.h"
#include "daemon/pmss-metrics.h"
#include "httpd/pmss-httpd.h"

static void
add_state (const char *state, gint64 number, gpointer metrics)
{
  pmss_metrics_add (metrics, "state", state, (guint64) number);
}

static void
add_counts (PmssMetrics * metrics, PmssDatabase * database)
{
  pmss_metrics_family (metrics, "media", PMSS_METRIC_GAUGE, "Media by state.");
  pmss_database_each_tally (database, "medium", add_state, metrics);
  pmss_metrics_family (metrics, "jobs", PMSS_METRIC_GAUGE, "Jobs by state.");
  pmss_database_each_tally (database, "job", add_state, metrics);
  pmss_metrics_single (metrics, "pending_deletions", PMSS_METRIC_GAUGE,
      "Shards that wait to be deleted from their nodes.",
      (guint64) pmss_database_get_tally (database, "pending_deletion", ""));
  pmss_metrics_single (metrics, "sessions", PMSS_METRIC_GAUGE,
      "Admitted streams.", (guint64) pmss_database_get_tally (database,
          "session", ""));
  pmss_metrics_family (metrics, "events", PMSS_METRIC_GAUGE,
      "Events that the log has, by whether they may displace no others.");
  pmss_metrics_add (metrics, "minor", "no",
      (guint64) pmss_database_get_tally (database, "event", "0"));
  pmss_metrics_add (metrics, "minor", "yes",
      (guint64) pmss_database_get_tally (database, "event", "1"));
  pmss_metrics_single (metrics, "bad_shards", PMSS_METRIC_GAUGE,
      "Shards that are missing, damaged or unreadable, or said to be.",
      (guint64) pmss_database_get_tally (database, "bad_shard", ""));
}

static void
add_piece (PmssMetrics * metrics, const PmssDatabaseTimes * times,
    PmssPiece piece, const char *name)
{
  static const gint64 bounds[] = { PMSS_PIECE_BOUNDS };

  pmss_metrics_add_histogram (metrics, "piece", name, bounds,
      G_N_ELEMENTS (bounds), times->number[piece], times->spent[piece]);
}

static void
add_times (PmssMetrics * metrics, PmssDatabase * database)
{
  PmssDatabaseTimes times;

  pmss_database_get_times (database, &times);
  pmss_metrics_family (metrics, "database_seconds", PMSS_METRIC_HISTOGRAM,
      "What the database thread was occupied by in one piece.");
  add_piece (metrics, &times, PMSS_PIECE_FUNCTION, "function");
  add_piece (metrics, &times, PMSS_PIECE_COMMIT, "commit");
}

static void
add_nodes (PmssMetrics * metrics, PmssNodes * nodes)
{
  guint count[PMSS_NODE_N_STATES];

  pmss_nodes_count_states (nodes, count);
  pmss_metrics_family (metrics, "nodes", PMSS_METRIC_GAUGE,
      "Storage servers by state.");
  for (guint i = 0; i < G_N_ELEMENTS (count); i++)
    pmss_metrics_add (metrics, "state", pmss_node_state_to_string (i),
        count[i]);
}

static void
add_each_node (PmssMetrics * metrics, PmssNodeMetrics * nodes)
{
  g_autoptr (GRefString) text = pmss_node_metrics_get (nodes);

  pmss_metrics_append (metrics, text);
}

static void
add_history (PmssMetrics * metrics, PmssMonitor * monitor)
{
  g_autofree char *fault = pmss_monitor_get_history_fault (monitor);

  pmss_metrics_single (metrics, "history_working", PMSS_METRIC_GAUGE,
      "0: the history of figures cannot be kept now.", fault == NULL);
}

static void
add_repair (PmssMetrics * metrics, PmssRepair * repair)
{
  PmssRepairStats stats;

  if (repair == NULL)
    return;
  pmss_repair_get_stats (repair, &stats);
  pmss_metrics_single (metrics, "repaired_shards_total", PMSS_METRIC_COUNTER,
      "Shards that were made anew.", stats.shards);
  pmss_metrics_single (metrics, "repaired_bytes_total", PMSS_METRIC_COUNTER,
      "Bytes of them.", stats.bytes);
  pmss_metrics_single (metrics, "repair_failures_total", PMSS_METRIC_COUNTER,
      "Extents that could not be repaired.", stats.failures);
}

static void
add_reconciler (PmssMetrics * metrics, PmssReconciler * reconciler)
{
  g_autoptr (GArray) nodes = NULL;
  guint64 orphans, deleted;

  if (reconciler == NULL)
    return;
  nodes = pmss_reconciler_get_stats (reconciler, &orphans, &deleted);
  pmss_metrics_single (metrics, "orphans_total", PMSS_METRIC_COUNTER,
      "Shards on nodes that no row knew for the grace period.", orphans);
  pmss_metrics_single (metrics, "deleted_shards_total", PMSS_METRIC_COUNTER,
      "Pending deletions and orphans that nodes have confirmed.", deleted);
  pmss_metrics_family (metrics, "missing_shards", PMSS_METRIC_GAUGE,
      "Shards that a node should have and had not when it was last listed.");
  for (guint i = 0; i < nodes->len; i++) {
    const PmssReconciled *found = &g_array_index (nodes, PmssReconciled, i);

    pmss_metrics_add_numbered (metrics, "node", found->node, found->missing);
  }
  pmss_metrics_family (metrics, "unknown_shards", PMSS_METRIC_GAUGE,
      "Shards that nobody knows and that are left alone for now.");
  for (guint i = 0; i < nodes->len; i++) {
    const PmssReconciled *found = &g_array_index (nodes, PmssReconciled, i);

    pmss_metrics_add_numbered (metrics, "node", found->node, found->unknown);
  }
}

static void
add_http (PmssMetrics * metrics, PmssHttpd * httpd)
{
  PmssHttpdStats stats;

  if (httpd == NULL)
    return;
  if (pmss_httpd_get_certificate_end (httpd) != 0)
    pmss_metrics_single (metrics, "certificate_end_seconds",
        PMSS_METRIC_GAUGE, "When control's certificate ends, since 1970.",
        (guint64) pmss_httpd_get_certificate_end (httpd));
  pmss_httpd_get_stats (httpd, &stats);
  pmss_metrics_single (metrics, "http_connections", PMSS_METRIC_GAUGE,
      "Open connections.", stats.connections);
  pmss_metrics_family (metrics, "http_places", PMSS_METRIC_GAUGE,
      "Open connections by class.");
  pmss_metrics_add (metrics, "class", "stranger", stats.strangers);
  pmss_metrics_add (metrics, "class", "user", stats.users);
  pmss_metrics_add (metrics, "class", "node", stats.nodes);
  pmss_metrics_single (metrics, "http_displaced_total", PMSS_METRIC_COUNTER,
      "Connections without a login that were closed to make room.",
      stats.displaced);
  pmss_metrics_single (metrics, "http_turned_away_total", PMSS_METRIC_COUNTER,
      "Connections for which there was no place.", stats.turned_away);
  pmss_metrics_single (metrics, "http_accepted_total", PMSS_METRIC_COUNTER,
      "Connections taken.", stats.accepted);
  pmss_metrics_single (metrics, "http_refused_total", PMSS_METRIC_COUNTER,
      "Requests refused before they reached the API.", stats.refused);
  pmss_metrics_single (metrics, "http_requests_total", PMSS_METRIC_COUNTER,
      "Requests.", stats.requests);
  pmss_metrics_single (metrics, "http_cut_slow_total", PMSS_METRIC_COUNTER,
      "Connections cut for being slow.", stats.cut_slow);
  pmss_metrics_single (metrics, "http_received_bytes_total",
      PMSS_METRIC_COUNTER, "Bytes received.", stats.bytes_in);
  pmss_metrics_single (metrics, "http_sent_bytes_total", PMSS_METRIC_COUNTER,
      "Bytes sent.", stats.bytes_out);
}

char *
pmss_control_metrics (PmssControlContext * context)
{
  PmssMetrics *metrics = pmss_metrics_new ("pmss_control_");

  add_counts (metrics, context->database);
  add_times (metrics, context->database);
  add_nodes (metrics, context->nodes);
  add_repair (metrics, context->repair);
  add_reconciler (metrics, context->reconciler);
  if (context->monitor != NULL)
    add_history (metrics, context->monitor);
  if (context->node_metrics != NULL)
    add_each_node (metrics, context->node_metrics);
  add_http (metrics, g_atomic_pointer_get (&context->httpd));
  return pmss_metrics_finish (metrics);
}
