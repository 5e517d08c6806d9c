/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The route for reports of readers. On handlers' threads. */
#include "control/api/api-bad-shards.h"

#include "control/accounts/secret.h"
#include "control/catalog/catalog-health.h"
#include "control/nodes/node-probe.h"
#include "control/sessions/sessions.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

/* What viewers' readers say that they cannot read. None of it is believed: shards are suspected until somebody has looked, nodes are asked. */

#define MAX_REPORTS 32

/* One entry of a report. */
typedef struct
{
  guint32 extent;
  guint index;
  gint64 row;                   /* -1: none in particular */
  guint node;
  gboolean unreachable;
  PmssBadKind kind;             /* of a shard */
} Report;

static gboolean
get_kind (JsonObject * object, Report * report, GError ** error)
{
  static const struct
  {
    const char *name;
    PmssBadKind kind;
  } kinds[] = {
    {"checksum", PMSS_BAD_DAMAGED}, {"length", PMSS_BAD_DAMAGED},
    {"wrong", PMSS_BAD_DAMAGED}, {"missing", PMSS_BAD_MISSING},
    {"unreadable", PMSS_BAD_UNREADABLE},
  };
  const char *text;

  if (!pmss_json_get_string (object, "kind", 32, &text, error))
    return FALSE;
  report->unreachable = g_str_equal (text, "unreachable");
  if (report->unreachable)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (g_str_equal (text, kinds[i].name)) {
      report->kind = kinds[i].kind;
      return TRUE;
    }
  }
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "kind: has to be checksum, length, wrong, missing, unreadable or"
      " unreachable");
  return FALSE;
}

static gboolean
get_report (JsonObject * object, Report * report, GError ** error)
{
  static const char *const members[] = {
    "extent", "index", "unit", "node", "kind", NULL
  };
  gint64 extent, index, node;

  report->row = -1;
  if (!pmss_json_check_members (object, members, error)
      || !pmss_json_get_int (object, "extent", 0, G_MAXUINT32, &extent, error)
      || !pmss_json_get_int (object, "index", 0, PMSS_MAX_SHARDS - 1, &index,
          error)
      || (pmss_json_has (object, "unit")
          && !pmss_json_get_int (object, "unit", 0, G_MAXUINT32, &report->row,
              error))
      || !pmss_json_get_int (object, "node", 1, G_MAXUINT, &node, error)
      || !get_kind (object, report, error))
    return FALSE;
  report->extent = (guint32) extent;
  report->index = (guint) index;
  report->node = (guint) node;
  return TRUE;
}

static GArray *
get_reports (JsonObject * body, GError ** error)
{
  static const char *const members[] = { "reports", NULL };
  g_autoptr (GArray) reports = g_array_new (FALSE, TRUE, sizeof (Report));
  JsonArray *array;

  if (!pmss_json_check_members (body, members, error)
      || !pmss_json_get_array (body, "reports", MAX_REPORTS, &array, error))
    return NULL;
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = pmss_json_object (json_array_get_element (array, i),
        "a report", error);
    Report report = { 0 };

    if (object == NULL || !get_report (object, &report, error))
      return NULL;
    g_array_append_val (reports, report);
  }
  if (reports->len > 0)
    return g_steal_pointer (&reports);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "reports: has to have at least one");
  return NULL;
}

static PmssBadShard *
make_suspicion (const Report * report, const PmssViewing * session)
{
  PmssBadShard *bad = g_new0 (PmssBadShard, 1);
  guint32 row = (guint32) report->row;

  bad->version = session->version;
  bad->extent = report->extent;
  bad->shard = report->index;
  bad->node = report->node;
  bad->state = PMSS_BAD_SUSPECTED;
  bad->kind = report->kind;
  bad->source = PMSS_FOUND_BY_READER;
  bad->user = g_strdup (session->user);
  if (report->row >= 0) {
    bad->rows = g_array_new (FALSE, FALSE, sizeof (guint32));
    g_array_append_val (bad->rows, row);
  }
  return bad;
}

/* Only of a node that the session has anything to do with. */
static gboolean
ask_for_node (PmssControlContext * context, const Report * report,
    const PmssViewing * session, GError ** error)
{
  gboolean wanted;

  if (!pmss_catalog_wants_shard (context->catalog, &session->version,
          report->extent, report->index, report->node, &wanted, error))
    return FALSE;
  if (wanted)
    pmss_node_probe_ask (context->probe, report->node, session->id);
  return TRUE;
}

static gboolean
take_reports (PmssControlContext * context, GArray * reports,
    const PmssViewing * session, GError ** error)
{
  g_autoptr (GPtrArray) bad =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_bad_shard_free);

  for (guint i = 0; i < reports->len; i++) {
    const Report *report = &g_array_index (reports, Report, i);

    if (!report->unreachable)
      g_ptr_array_add (bad, make_suspicion (report, session));
    else if (!ask_for_node (context, report, session, error))
      return FALSE;
  }
  return pmss_api_add_bad_shards (context, bad, error);
}

static void
respond_error (PmssApiCall * call, const GError * error)
{
  if (!g_error_matches (error, PMSS_ERROR, PMSS_ERROR_BUSY)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_http_request_add_header (call->request, "Retry-After", "1");
  pmss_http_request_respond_problem (call->request, 429, "%s", error->message);
}

static void
report (PmssApiCall * call)
{
  PmssControlContext *context = call->context;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssViewing) session = NULL;
  g_autoptr (GArray) reports = NULL;

  if (!pmss_secret_is_id (call->param)) {
    pmss_http_request_respond_problem (call->request, 404,
        "There is no such session, or it has ended");
    return;
  }
  reports = get_reports (pmss_http_request_get_json (call->request), &error);
  if (reports != NULL)
    session = pmss_sessions_begin_report (context->sessions, call->param,
        call->user->name, &error);
  if (session != NULL && take_reports (context, reports, session, &error))
    pmss_http_request_respond_empty (call->request, 204);
  else
    respond_error (call, error);
}

const PmssRoute pmss_routes_reports[] = {
  {"POST", "/api/v1/sessions/{id}/reports", PMSS_ROLE_VIEWER, PMSS_BODY_JSON,
      report,.gateway = TRUE},
  {NULL}
};
