/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route that says how the cluster is. On handlers' threads. */
#include "control/api/router.h"

#include "control/overview/cluster-health.h"

/* null where @seconds is 0. */
static void
add_moment (PmssJsonWriter * json, const char *name, gint64 seconds)
{
  if (seconds != 0)
    pmss_api_add_time (json, name, seconds);
  else
    pmss_api_add_string (json, name, NULL);
}

static void
add_action (PmssJsonWriter * json, const PmssClusterItem * item)
{
  pmss_json_writer_set_member_name (json, "action");
  if (item->label == NULL) {
    pmss_json_writer_add_null_value (json);
    return;
  }
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "label", item->label);
  pmss_api_add_string (json, "method", item->method);
  pmss_api_add_string (json, "path", item->path);
  pmss_json_writer_set_member_name (json, "body");
  if (item->confirm > 0) {
    pmss_json_writer_begin_object (json);
    pmss_api_add_int (json, "confirm_cleanup", item->confirm);
    pmss_json_writer_end_object (json);
  } else {
    pmss_json_writer_add_null_value (json);
  }
  pmss_json_writer_end_object (json);
}

static void
add_item (PmssJsonWriter * json, const PmssClusterItem * item)
{
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "severity",
      pmss_cluster_state_to_string (item->severity));
  pmss_api_add_string (json, "kind", item->kind);
  pmss_api_add_string (json, "subject", item->subject);
  pmss_api_add_string (json, "text", item->text);
  pmss_api_add_string (json, "advice", item->advice);
  pmss_api_add_known (json, "count", item->count);
  pmss_api_add_known (json, "bytes", item->bytes);
  add_moment (json, "since", item->since);
  pmss_api_add_string (json, "reason", item->reason);
  add_action (json, item);
  pmss_json_writer_end_object (json);
}

static void
add_health (PmssJsonWriter * json, const PmssClusterFacts * facts)
{
  g_autoptr (PmssClusterHealth) health = pmss_cluster_health_judge (facts);

  pmss_json_writer_set_member_name (json, "health");
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "state",
      pmss_cluster_state_to_string (health->state));
  pmss_api_add_string (json, "sentence", health->sentence);
  pmss_json_writer_set_member_name (json, "items");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < health->items->len; i++)
    add_item (json, g_ptr_array_index (health->items, i));
  pmss_json_writer_end_array (json);
  pmss_json_writer_end_object (json);
}

static void
add_nodes (PmssJsonWriter * json, const PmssClusterFacts * facts,
    const PmssNodeSums * sums)
{
  pmss_json_writer_set_member_name (json, "nodes");
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "total", sums->total);
  for (int i = PMSS_NODE_N_STATES - 1; i >= 0; i--)
    pmss_api_add_int (json, pmss_node_state_to_string (i), sums->state[i]);
  pmss_json_writer_end_object (json);
  pmss_json_writer_set_member_name (json, "space");
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "total",
      (gint64) MIN (sums->used + sums->free, G_MAXINT64));
  pmss_api_add_int (json, "free", (gint64) sums->free);
  pmss_api_add_int (json, "used", (gint64) sums->used);
  pmss_api_add_int (json, "original_free", (gint64) facts->room);
  pmss_json_writer_end_object (json);
}

static void
add_work (PmssJsonWriter * json, const PmssClusterFacts * facts)
{
  static const PmssJobState shown[] = {
    PMSS_JOB_QUEUED, PMSS_JOB_RUNNING, PMSS_JOB_WAITING, PMSS_JOB_PAUSED,
    PMSS_JOB_FAILED
  };

  pmss_json_writer_set_member_name (json, "media");
  pmss_json_writer_begin_object (json);
  for (guint i = 0; i < PMSS_N_MEDIUM_STATES; i++)
    pmss_api_add_int (json, pmss_medium_state_to_string (i),
        (gint64) facts->media[i]);
  pmss_json_writer_end_object (json);
  pmss_json_writer_set_member_name (json, "jobs");
  pmss_json_writer_begin_object (json);
  for (guint i = 0; i < G_N_ELEMENTS (shown); i++)
    pmss_api_add_int (json, pmss_job_state_to_string (shown[i]),
        (gint64) facts->jobs[shown[i]]);
  pmss_json_writer_end_object (json);
  pmss_api_add_int (json, "uploads", (gint64) facts->uploads);
}

static void
get_overview (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  g_auto (PmssClusterFacts) facts = { 0 };
  PmssNodeSums sums;

  if (!pmss_cluster_facts_gather (call->context, &facts, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_cluster_facts_sum (&facts, &sums);
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_api_add_time (json, "as_of", facts.as_of);
  add_health (json, &facts);
  pmss_api_add_int (json, "streams", (gint64) facts.streams);
  pmss_api_add_int (json, "rate", (gint64) sums.rate);
  add_nodes (json, &facts, &sums);
  add_work (json, &facts);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_overview[] = {
  {"GET", "/api/v1/overview", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      get_overview},
  {NULL}
};
