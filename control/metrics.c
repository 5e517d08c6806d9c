/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/metrics.h"

#include "control/database/database.h"
#include "control/jobs/reconcile.h"
#include "control/nodes/nodes.h"
#include "control/repair/repair.h"
#include "control/sessions/sessions.h"
#include "httpd/pmss-httpd.h"

static void
add_head (GString * text, const char *name, const char *type, const char *help)
{
  g_string_append_printf (text, "# HELP pmss_control_%s %s\n"
      "# TYPE pmss_control_%s %s\n", name, help, name, type);
}

static void
add_one (GString * text, const char *name, const char *type,
    const char *help, guint64 value)
{
  add_head (text, name, type, help);
  g_string_append_printf (text, "pmss_control_%s %" G_GUINT64_FORMAT "\n",
      name, value);
}

/* @rows: a label's value and a number. The labels are states and types of our own, so nothing needs escaping. */
static gboolean
add_rows (GString * text, const char *name, const char *label,
    PmssRows * rows, GError ** error)
{
  g_autoptr (GError) local = NULL;

  while (pmss_rows_next (rows, &local))
    g_string_append_printf (text, "pmss_control_%s{%s=\"%s\"} %"
        G_GINT64_FORMAT "\n", name, label, pmss_rows_text (rows, 0),
        pmss_rows_int (rows, 1));
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
add_counts (PmssDatabase * database, gpointer data, GError ** error)
{
  GString *text = data;
  g_autoptr (PmssRows) media = pmss_database_query (database,
      "SELECT state, count(*) FROM medium GROUP BY state");
  g_autoptr (PmssRows) jobs = pmss_database_query (database,
      "SELECT state, count(*) FROM job GROUP BY state");
  g_autoptr (PmssRows) pending = pmss_database_query (database,
      "SELECT count(*) FROM pending_deletion");

  add_head (text, "media", "gauge", "Media by state.");
  if (!add_rows (text, "media", "state", media, error))
    return FALSE;
  add_head (text, "jobs", "gauge", "Jobs by state.");
  if (!add_rows (text, "jobs", "state", jobs, error)
      || !pmss_rows_next (pending, error))
    return FALSE;
  add_one (text, "pending_deletions", "gauge",
      "Shards that wait to be deleted from their nodes.",
      (guint64) pmss_rows_int (pending, 0));
  return TRUE;
}

static void
add_nodes (GString * text, GPtrArray * nodes)
{
  guint64 bad = 0;
  guint count[] = {
    [PMSS_NODE_DOWN] = 0,[PMSS_NODE_SUSPECT] = 0,[PMSS_NODE_UP] = 0
  };

  for (guint i = 0; i < nodes->len; i++) {
    const PmssNodeInfo *info = g_ptr_array_index (nodes, i);

    count[info->state]++;
    bad += info->bad_shards;
  }
  add_head (text, "nodes", "gauge", "Storage servers by state.");
  for (guint i = 0; i < G_N_ELEMENTS (count); i++)
    g_string_append_printf (text, "pmss_control_nodes{state=\"%s\"} %u\n",
        pmss_node_state_to_string (i), count[i]);
  add_one (text, "bad_shards", "gauge",
      "Shards that are missing, damaged or unreadable, or said to be.", bad);
}

static void
add_repair (GString * text, PmssRepair * repair)
{
  PmssRepairStats stats;

  if (repair == NULL)
    return;
  pmss_repair_get_stats (repair, &stats);
  add_one (text, "repaired_shards_total", "counter",
      "Shards that were made anew.", stats.shards);
  add_one (text, "repaired_bytes_total", "counter", "Bytes of them.",
      stats.bytes);
  add_one (text, "repair_failures_total", "counter",
      "Extents that could not be repaired.", stats.failures);
}

static void
add_reconciler (GString * text, PmssReconciler * reconciler)
{
  g_autoptr (GArray) nodes = NULL;
  guint64 orphans, deleted;

  if (reconciler == NULL)
    return;
  nodes = pmss_reconciler_get_stats (reconciler, &orphans, &deleted);
  add_one (text, "orphans_total", "counter",
      "Shards on nodes that no row knew for the grace period.", orphans);
  add_one (text, "deleted_shards_total", "counter",
      "Pending deletions and orphans that nodes have confirmed.", deleted);
  add_head (text, "missing_shards", "gauge",
      "Shards that a node should have and had not when it was last listed.");
  for (guint i = 0; i < nodes->len; i++) {
    const PmssReconciled *found = &g_array_index (nodes, PmssReconciled, i);

    g_string_append_printf (text, "pmss_control_missing_shards{node=\"%u\"} %"
        G_GUINT64_FORMAT "\n", found->node, found->missing);
  }
  add_head (text, "unknown_shards", "gauge",
      "Shards that nobody knows and that are left alone for now.");
  for (guint i = 0; i < nodes->len; i++) {
    const PmssReconciled *found = &g_array_index (nodes, PmssReconciled, i);

    g_string_append_printf (text, "pmss_control_unknown_shards{node=\"%u\"} %"
        G_GUINT64_FORMAT "\n", found->node, found->unknown);
  }
}

static void
add_http (GString * text, PmssHttpd * httpd)
{
  PmssHttpdStats stats;

  if (httpd == NULL)
    return;
  pmss_httpd_get_stats (httpd, &stats);
  add_one (text, "http_connections", "gauge", "Open connections.",
      stats.connections);
  add_head (text, "http_places", "gauge", "Open connections by class.");
  g_string_append_printf (text, "pmss_control_http_places{class=\"stranger\"} "
      "%u\npmss_control_http_places{class=\"user\"} %u\n"
      "pmss_control_http_places{class=\"node\"} %u\n",
      stats.strangers, stats.users, stats.nodes);
  add_one (text, "http_displaced_total", "counter",
      "Connections without a login that were closed to make room.",
      stats.displaced);
  add_one (text, "http_turned_away_total", "counter",
      "Connections for which there was no place.", stats.turned_away);
  add_one (text, "http_accepted_total", "counter", "Connections taken.",
      stats.accepted);
  add_one (text, "http_refused_total", "counter",
      "Requests refused before they reached the API.", stats.refused);
  add_one (text, "http_requests_total", "counter", "Requests.", stats.requests);
  add_one (text, "http_cut_slow_total", "counter",
      "Connections cut for being slow.", stats.cut_slow);
  add_one (text, "http_received_bytes_total", "counter", "Bytes received.",
      stats.bytes_in);
  add_one (text, "http_sent_bytes_total", "counter", "Bytes sent.",
      stats.bytes_out);
}

char *
pmss_control_metrics (PmssControlContext * context, GError ** error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) nodes = NULL;
  g_autoptr (GError) local = NULL;
  gint64 sessions;

  nodes = pmss_nodes_list (context->nodes, error);
  if (nodes == NULL
      || !pmss_database_transact (context->database, add_counts, text, error))
    return NULL;
  add_nodes (text, nodes);
  sessions = pmss_sessions_count (context->sessions, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  add_one (text, "sessions", "gauge", "Admitted streams.", (guint64) sessions);
  add_repair (text, context->repair);
  add_reconciler (text, context->reconciler);
  add_http (text, g_atomic_pointer_get (&context->httpd));
  return g_string_free (g_steal_pointer (&text), FALSE);
}
