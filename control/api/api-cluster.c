/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route for the cluster's own facts. On handlers' threads. */
#include "control/api/router.h"

#include <string.h>

#include "control/config.h"
#include "control/database/database.h"
#include "control/keys.h"
#include "control/metrics.h"

#define OPENAPI "/org/pmss/control/openapi.json"

static void
get_cluster (PmssApiCall * call)
{
  const PmssControlConfig *config = call->context->config;
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  char redundancy[8];

  pmss_redundancy_to_string (config->redundancy, redundancy);
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "cluster",
      pmss_keys_get_cluster (call->context->keys));
  pmss_api_add_string (json, "version", PMSS_VERSION);
  pmss_api_add_string (json, "public_url", config->public_url);
  pmss_json_writer_set_member_name (json, "defaults");
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "redundancy", redundancy);
  pmss_api_add_int (json, "unit", config->unit);
  pmss_api_add_int (json, "extent", config->extent);
  pmss_api_add_int (json, "lease", config->lease);
  pmss_api_add_int (json, "max_upload", (gint64) config->max_upload);
  pmss_json_writer_end_object (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static void
get_openapi (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) document = g_resources_lookup_data (OPENAPI,
      G_RESOURCE_LOOKUP_FLAGS_NONE, &error);

  if (document != NULL)
    pmss_http_request_respond (call->request, 200, "application/json",
        document);
  else
    pmss_http_request_respond_error (call->request, error);
}

/* Who asks has no login, and is not to wait for ever for a database that is stuck. */
#define HEALTH_WAIT (2 * G_TIME_SPAN_SECOND)

static gboolean
do_nothing (PmssDatabase * database, gpointer data, GError ** error)
{
  return TRUE;
}

/* Healthy is a server that gets an answer from the database and can take uploads. */
static void
get_health (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  gboolean ok = pmss_database_transact_within (call->context->database,
      HEALTH_WAIT, do_nothing, NULL, g_free, &error);
  g_autofree char *full = pmss_disk_reserve_explain (call->context->reserve);

  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "status", !ok ? error->message
      : full != NULL ? full : "ok");
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, ok && full == NULL ? 200 : 503, json);
}

static void
get_metrics (PmssApiCall * call)
{
  g_autoptr (GBytes) body = NULL;
  char *text;

  if (!pmss_http_request_may_watch (call->request,
          call->context->config->metrics_token))
    return;
  text = pmss_control_metrics (call->context);
  body = g_bytes_new_take (text, strlen (text));
  pmss_http_request_respond (call->request, 200,
      "text/plain; version=0.0.4; charset=utf-8", body);
}

const PmssRoute pmss_routes_cluster[] = {
  {"GET", "/healthz", PMSS_ROLE_NONE, PMSS_BODY_NONE, get_health},
  {"GET", "/metrics", PMSS_ROLE_NONE, PMSS_BODY_NONE, get_metrics},
  {"GET", "/api/v1/openapi.json", PMSS_ROLE_NONE, PMSS_BODY_NONE,
      get_openapi},
  {"GET", "/api/v1/cluster", PMSS_ROLE_VIEWER, PMSS_BODY_NONE, get_cluster},
  {NULL}
};
