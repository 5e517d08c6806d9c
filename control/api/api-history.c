/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route for figures as time went by. On handlers' threads. */
#include "control/api/router.h"

#include <string.h>

#include "control/monitor/monitor.h"
#include "control/monitor/packed-number.h"
#include "control/nodes/nodes.h"

/* Lines of an answer, and its points in all: there are fewer for each where there are many lines.
 * So an answer has 10 MB at most. */
#define MAX_LINES 4000
#define MAX_POINTS 500000
#define DEFAULT_POINTS 300

static gboolean
refuse (PmssApiCall * call, const char *name, const char *what)
{
  pmss_http_request_respond_problem (call->request, 400, "%s: %s", name, what);
  return FALSE;
}

static gboolean
get_series (PmssApiCall * call, PmssMonitorQuery * query)
{
  const char *text = pmss_http_request_get_query (call->request, "series");
  g_auto (GStrv) names = text != NULL ? g_strsplit (text, ",", -1) : NULL;

  if (names == NULL || names[0] == NULL)
    return refuse (call, "series", "is missing: name some of them");
  for (guint i = 0; names[i] != NULL; i++) {
    PmssSeries series;

    if (!pmss_series_parse (names[i], &series)) {
      pmss_http_request_respond_problem (call->request, 400,
          "series: there is none that is called “%s”", names[i]);
      return FALSE;
    }
    query->series[series] = TRUE;
  }
  return TRUE;
}

static void
add_node (guint id, PmssNodeState state, const PmssNodeStats * stats,
    gint64 heard, gpointer data)
{
  g_array_append_val ((GArray *) data, id);
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint x = *(const guint *) a, y = *(const guint *) b;

  return x < y ? -1 : x > y;
}

static void
drop_repeated (GArray * nodes)
{
  guint n = 0;

  g_array_sort (nodes, compare_ids);
  for (guint i = 0; i < nodes->len; i++)
    if (n == 0 || g_array_index (nodes, guint, n - 1)
        != g_array_index (nodes, guint, i))
      g_array_index (nodes, guint, n++) = g_array_index (nodes, guint, i);
  g_array_set_size (nodes, n);
}

static gboolean
get_nodes (PmssApiCall * call, PmssMonitorQuery * query)
{
  const char *text = pmss_http_request_get_query (call->request, "nodes");

  if (text == NULL || g_str_equal (text, "all")) {
    query->nodes = g_array_new (FALSE, FALSE, sizeof (guint));
    pmss_nodes_visit (call->context->nodes, add_node, query->nodes);
  } else if ((query->nodes = pmss_api_parse_nodes (text, MAX_LINES)) == NULL) {
    return refuse (call, "nodes", "ids with commas between them, 0 for the "
        "cluster, or all");
  }
  drop_repeated (query->nodes);
  return TRUE;
}

static gboolean
get_span (PmssApiCall * call, PmssMonitorQuery * query)
{
  const char *text = pmss_http_request_get_query (call->request, "span");

  query->span = PMSS_SPAN_LIVE;
  return text == NULL || pmss_span_parse (text, &query->span)
      || refuse (call, "span", "is live, day, month or year");
}

static guint
count_lines (const PmssMonitorQuery * query)
{
  guint n = 0;

  for (guint i = 0; i < query->nodes->len; i++)
    for (guint s = 0; s < PMSS_N_SERIES; s++)
      n += query->series[s] && pmss_series_is_of (s,
          g_array_index (query->nodes, guint, i));
  return n;
}

/* FALSE: answered. */
static gboolean
get_query (PmssApiCall * call, PmssMonitorQuery * query)
{
  guint64 points, after;
  guint lines;

  if (!get_series (call, query) || !get_nodes (call, query)
      || !get_span (call, query)
      || !pmss_api_get_query_uint (call, "points", 1, G_MAXINT64,
          DEFAULT_POINTS, &points)
      || !pmss_api_get_query_uint (call, "after", 0, G_MAXINT64, G_MAXUINT64,
          &after))
    return FALSE;
  lines = count_lines (query);
  if (lines > MAX_LINES) {
    pmss_http_request_respond_problem (call->request, 400,
        "These are %u lines, and an answer has %u at most: ask for fewer nodes "
        "or series", lines, MAX_LINES);
    return FALSE;
  }
  query->points = (guint) MIN (points, MAX_POINTS / MAX (lines, 1));
  query->after = after == G_MAXUINT64 ? PMSS_CHART_NONE : (gint64) after;
  return TRUE;
}

static void
add_line (PmssJsonWriter * json, const PmssChart * chart,
    const PmssChartLine * line)
{
  const PmssSeriesInfo *info = pmss_series_get_info (line->series);

  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "node", line->node);
  pmss_api_add_string (json, "name", info->name);
  pmss_api_add_string (json, "unit", info->unit);
  pmss_json_writer_set_member_name (json, "mean");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < chart->axis.n; i++)
    pmss_packed_number_write (pmss_chart_get_mean (line, i), json);
  pmss_json_writer_end_array (json);
  pmss_json_writer_set_member_name (json, "max");
  if (line->max == NULL) {
    pmss_json_writer_add_null_value (json);
  } else {
    pmss_json_writer_begin_array (json);
    for (guint i = 0; i < chart->axis.n; i++)
      pmss_packed_number_write (pmss_chart_get_max (line, i), json);
    pmss_json_writer_end_array (json);
  }
  pmss_json_writer_end_object (json);
}

static void
respond_chart (PmssApiCall * call, PmssSpan span, const PmssChart * chart)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();

  pmss_json_writer_begin_object (json);
  pmss_api_add_time (json, "as_of", g_get_real_time () / G_USEC_PER_SEC);
  pmss_api_add_string (json, "span", pmss_span_to_string (span));
  pmss_api_add_int (json, "start", chart->axis.start);
  pmss_api_add_int (json, "step", chart->axis.step);
  pmss_api_add_int (json, "points", chart->axis.n);
  pmss_json_writer_set_member_name (json, "series");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < chart->lines->len; i++)
    add_line (json, chart, &g_array_index (chart->lines, PmssChartLine, i));
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static void
get_history (PmssApiCall * call)
{
  PmssMonitorQuery query = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssChart) chart = NULL;

  if (get_query (call, &query)) {
    chart = pmss_monitor_chart (call->context->monitor, &query, &error);
    if (chart != NULL)
      respond_chart (call, query.span, chart);
    else
      pmss_http_request_respond_error (call->request, error);
  }
  g_clear_pointer (&query.nodes, g_array_unref);
}

const PmssRoute pmss_routes_history[] = {
  {"GET", "/api/v1/history", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, get_history},
  {NULL}
};
