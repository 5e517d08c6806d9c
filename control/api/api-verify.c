/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route that verifies a medium, and the list of bad shards. On handlers'
 * threads. */
#include "control/api/router.h"

#include <stdio.h>

#include "control/catalog/catalog-health.h"
#include "control/verify/verify.h"

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 100           /* with 1,024 rows each */
#define MAX_RATE G_MAXINT64

/* Verifying a medium, and the list of its bad shards. */

static void
start_verify (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  guint64 rate_limit;
  gint64 job;

  if (!pmss_api_check_medium_name (call)
      || !pmss_api_get_query_uint (call, "rate_limit", 0, MAX_RATE, 0,
          &rate_limit))
    return;
  job = pmss_verify_start (call->context, call->param, rate_limit,
      call->user->name, &error);
  pmss_api_respond_job (call, job, error);
}

static void
add_bad_shard (PmssJsonWriter * json, const PmssBadShard * bad)
{
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "extent", bad->extent);
  pmss_api_add_int (json, "shard", bad->shard);
  pmss_api_add_int (json, "node", bad->node);
  pmss_api_add_string (json, "state", pmss_bad_state_to_string (bad->state));
  pmss_api_add_string (json, "kind", pmss_bad_kind_to_string (bad->kind));
  pmss_json_writer_set_member_name (json, "rows");
  if (bad->rows) {
    pmss_json_writer_begin_array (json);
    for (guint i = 0; i < bad->rows->len; i++)
      pmss_json_writer_add_int_value (json, g_array_index (bad->rows, guint32,
              i));
    pmss_json_writer_end_array (json);
  } else {
    pmss_json_writer_add_null_value (json);
  }
  pmss_api_add_string (json, "source", pmss_found_by_to_string (bad->source));
  pmss_api_add_time (json, "found", bad->found);
  pmss_json_writer_end_object (json);
}

/* "EXTENT.SHARD", as `next` says it. FALSE: answered. */
static gboolean
get_after (PmssApiCall * call, PmssBadShard * after, gboolean * given)
{
  const char *text = pmss_http_request_get_query (call->request, "after");
  int end = 0;

  *given = text != NULL;
  if (text == NULL || (sscanf (text, "%9u.%2u%n", &after->extent, &after->shard,
              &end) == 2 && text[end] == '\0'))
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400,
      "after is not what next was");
  return FALSE;
}

static void
respond_list (PmssApiCall * call, GPtrArray * list, guint limit)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autofree char *next = NULL;

  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "bad_shards");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < MIN (list->len, limit); i++)
    add_bad_shard (json, g_ptr_array_index (list, i));
  pmss_json_writer_end_array (json);
  if (list->len > limit) {
    PmssBadShard *last = g_ptr_array_index (list, limit - 1);

    next = g_strdup_printf ("%u.%u", last->extent, last->shard);
  }
  pmss_api_add_string (json, "next", next);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static void
list_bad_shards (PmssApiCall * call)
{
  PmssCatalog *catalog = call->context->catalog;
  const char *name = pmss_http_request_get_query (call->request, "medium");
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssMedium) medium = NULL;
  g_autoptr (GPtrArray) list = NULL;
  PmssBadShard after = { 0 };
  gboolean given;
  guint64 limit;

  if (!pmss_api_get_query_uint (call, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT,
          &limit) || !get_after (call, &after, &given))
    return;
  if (name == NULL) {
    pmss_http_request_respond_problem (call->request, 400,
        "medium: say of which medium");
    return;
  }
  medium = pmss_catalog_get_medium (catalog, name, &error);
  if (medium != NULL && medium->has_version) {
    after.version = medium->version;
    list = pmss_catalog_list_bad_shards (catalog, &medium->version,
        given ? &after : NULL, limit + 1, &error);
  } else if (medium != NULL) {
    list = g_ptr_array_new ();
  }
  if (list != NULL)
    respond_list (call, list, limit);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_verify[] = {
  {"POST", "/api/v1/media/{name+}/verify", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      start_verify},
  {"GET", "/api/v1/bad-shards", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      list_bad_shards},
  {NULL}
};
