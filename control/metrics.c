/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/metrics.h"

#include "control/database/database.h"
#include "control/reconcile/reconcile.h"
#include "control/nodes/nodes.h"
#include "control/repair/repair.h"
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

typedef struct
{
  GString *text;
  const char *name;
} StateRow;

/* The states are words of our own, so nothing needs escaping. */
static void
add_state (const char *state, gint64 number, gpointer data)
{
  StateRow *row = data;

  g_string_append_printf (row->text, "pmss_control_%s{state=\"%s\"} %"
      G_GINT64_FORMAT "\n", row->name, state, number);
}

static void
add_counts (GString * text, PmssDatabase * database)
{
  StateRow media = { text, "media" }, jobs = { text, "jobs" };

  add_head (text, "media", "gauge", "Media by state.");
  pmss_database_each_tally (database, "medium", add_state, &media);
  add_head (text, "jobs", "gauge", "Jobs by state.");
  pmss_database_each_tally (database, "job", add_state, &jobs);
  add_one (text, "pending_deletions", "gauge",
      "Shards that wait to be deleted from their nodes.",
      (guint64) pmss_database_get_tally (database, "pending_deletion", ""));
  add_one (text, "sessions", "gauge", "Admitted streams.",
      (guint64) pmss_database_get_tally (database, "session", ""));
  add_one (text, "bad_shards", "gauge",
      "Shards that are missing, damaged or unreadable, or said to be.",
      (guint64) pmss_database_get_tally (database, "bad_shard", ""));
}

static void
add_piece (GString * text, const PmssDatabaseTimes * times, PmssPiece piece,
    const char *name)
{
  static const gint64 bounds[] = { PMSS_PIECE_BOUNDS };
  guint64 number = 0;

  for (guint i = 0; i <= G_N_ELEMENTS (bounds); i++) {
    char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";

    if (i < G_N_ELEMENTS (bounds))
      g_ascii_formatd (bound, sizeof (bound), "%g",
          bounds[i] / (double) G_USEC_PER_SEC);
    number += times->number[piece][i];
    g_string_append_printf (text, "pmss_control_database_seconds_bucket"
        "{piece=\"%s\",le=\"%s\"} %" G_GUINT64_FORMAT "\n", name, bound,
        number);
  }
  g_string_append_printf (text, "pmss_control_database_seconds_sum"
      "{piece=\"%s\"} %" G_GINT64_FORMAT ".%06d\n", name,
      times->spent[piece] / G_USEC_PER_SEC,
      (int) (times->spent[piece] % G_USEC_PER_SEC));
  g_string_append_printf (text, "pmss_control_database_seconds_count"
      "{piece=\"%s\"} %" G_GUINT64_FORMAT "\n", name, number);
}

static void
add_times (GString * text, PmssDatabase * database)
{
  PmssDatabaseTimes times;

  pmss_database_get_times (database, &times);
  add_head (text, "database_seconds", "histogram",
      "What the database thread was occupied by in one piece.");
  add_piece (text, &times, PMSS_PIECE_FUNCTION, "function");
  add_piece (text, &times, PMSS_PIECE_COMMIT, "commit");
}

static void
add_nodes (GString * text, PmssNodes * nodes)
{
  guint count[PMSS_NODE_N_STATES];

  pmss_nodes_count_states (nodes, count);
  add_head (text, "nodes", "gauge", "Storage servers by state.");
  for (guint i = 0; i < G_N_ELEMENTS (count); i++)
    g_string_append_printf (text, "pmss_control_nodes{state=\"%s\"} %u\n",
        pmss_node_state_to_string (i), count[i]);
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
pmss_control_metrics (PmssControlContext * context)
{
  g_autoptr (GString) text = g_string_new (NULL);

  add_counts (text, context->database);
  add_times (text, context->database);
  add_nodes (text, context->nodes);
  add_repair (text, context->repair);
  add_reconciler (text, context->reconciler);
  add_http (text, g_atomic_pointer_get (&context->httpd));
  return g_string_free (g_steal_pointer (&text), FALSE);
}
