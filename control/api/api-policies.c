/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for policies. On handlers' threads. */
#include "control/api/router.h"

#include "control/policies/policies.h"
#include "libpmss/format/pmss-layout.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define MAX_ORDER 1000000
#define MAX_TYPE 255

static void
add_redundancy (PmssJsonWriter * json, PmssRedundancy redundancy)
{
  char text[8];

  if (redundancy.k != 0)
    pmss_redundancy_to_string (redundancy, text);
  pmss_api_add_string (json, "redundancy", redundancy.k != 0 ? text : NULL);
}

static void
add_policy (PmssJsonWriter * json, gconstpointer element)
{
  const PmssPolicy *policy = element;

  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "name", policy->name);
  pmss_api_add_int (json, "order", policy->order);
  pmss_json_writer_set_member_name (json, "match");
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "names", policy->names);
  pmss_api_add_string (json, "types", policy->types);
  pmss_api_add_known (json, "min_size", policy->min_size);
  pmss_api_add_known (json, "max_size", policy->max_size);
  pmss_json_writer_end_object (json);
  add_redundancy (json, policy->redundancy);
  pmss_api_add_known (json, "unit", policy->unit != 0 ? (gint64) policy->unit
      : -1);
  pmss_api_add_known (json, "extent", policy->extent != 0 ?
      (gint64) policy->extent : -1);
  if (policy->keep_original >= 0)
    pmss_api_add_bool (json, "keep_original", policy->keep_original);
  else
    pmss_api_add_string (json, "keep_original", NULL);
  pmss_json_writer_end_object (json);
}

static void
list_policies (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) policies =
      pmss_policies_list (call->context->database, &error);

  pmss_api_respond_list (call, "policies", policies, add_policy, NULL, error);
}

/* PUT */

/* A member that is absent or null leaves the value as it is. */
static gboolean
get_text (JsonObject * object, const char *name, char **value, GError ** error)
{
  const char *text;

  if (!pmss_json_has (object, name))
    return TRUE;
  if (!pmss_json_get_string (object, name, PMSS_MAX_POLICY_GLOB, &text, error))
    return FALSE;
  *value = g_strdup (text);
  return TRUE;
}

static gboolean
get_number (JsonObject * object, const char *name, gint64 max, gint64 * value,
    GError ** error)
{
  return !pmss_json_has (object, name)
      || pmss_json_get_int (object, name, 0, max, value, error);
}

static gboolean
get_match (JsonObject * body, PmssPolicy * policy, GError ** error)
{
  static const char *const members[] = {
    "names", "types", "min_size", "max_size", NULL
  };
  JsonObject *match;

  if (!pmss_json_has (body, "match"))
    return TRUE;
  return pmss_json_get_object (body, "match", &match, error)
      && pmss_json_check_members (match, members, error)
      && get_text (match, "names", &policy->names, error)
      && get_text (match, "types", &policy->types, error)
      && get_number (match, "min_size", G_MAXINT64, &policy->min_size, error)
      && get_number (match, "max_size", G_MAXINT64, &policy->max_size, error);
}

static gboolean
get_values (JsonObject * body, PmssPolicy * policy, GError ** error)
{
  gint64 unit = 0, extent = 0;
  const char *redundancy;
  gboolean keep;

  if (pmss_json_has (body, "redundancy")
      && (!pmss_json_get_string (body, "redundancy", 8, &redundancy, error)
          || !pmss_redundancy_parse (redundancy, &policy->redundancy, error)))
    return FALSE;
  if (pmss_json_has (body, "keep_original")) {
    if (!pmss_json_get_boolean (body, "keep_original", &keep, error))
      return FALSE;
    policy->keep_original = keep ? 1 : 0;
  }
  if (!get_number (body, "unit", G_MAXUINT32, &unit, error)
      || !get_number (body, "extent", G_MAXUINT32, &extent, error))
    return FALSE;
  policy->unit = (guint32) unit;
  policy->extent = (guint32) extent;
  return TRUE;
}

static gboolean
get_policy (JsonObject * body, PmssPolicy * policy, GError ** error)
{
  static const char *const members[] = {
    "order", "match", "redundancy", "unit", "extent", "keep_original", NULL
  };

  policy->order = -1;
  return pmss_json_check_members (body, members, error)
      && get_number (body, "order", MAX_ORDER, &policy->order, error)
      && get_match (body, policy, error) && get_values (body, policy, error);
}

static void
put_policy (PmssApiCall * call)
{
  g_autoptr (PmssPolicy) policy = pmss_policy_new (call->param);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;

  if (!get_policy (pmss_http_request_get_json (call->request), policy, &error)
      || !pmss_policies_set (call->context->database, policy, &error)) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  add_policy (json, policy);
  pmss_api_respond (call, 200, json);
}

static void
delete_policy (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  gboolean done = pmss_policies_remove (call->context->database, call->param,
      &error);

  pmss_api_respond_done (call, done, error);
}

/* Choosing */

static gboolean
get_subject (JsonObject * body, PmssPolicySubject * subject, GError ** error)
{
  static const char *const members[] = {
    "name", "content_type", "size", NULL
  };
  gint64 size;

  if (!pmss_json_check_members (body, members, error)
      || !pmss_json_get_string (body, "name", PMSS_MAX_NAME, &subject->name,
          error)
      || (pmss_json_has (body, "content_type")
          && !pmss_json_get_string (body, "content_type", MAX_TYPE,
              &subject->content_type, error))
      || !pmss_json_get_int (body, "size", 0, G_MAXINT64, &size, error))
    return FALSE;
  subject->size = (guint64) size;
  return TRUE;
}

static void
add_why (PmssJsonWriter * json, const char *name, const char *policy)
{
  g_autofree char *text = policy != NULL ? g_strconcat ("policy ", policy, NULL)
      : g_strdup ("the cluster's default");

  pmss_api_add_string (json, name, text);
}

static void
respond_choice (PmssApiCall * call, const PmssPolicyChoice * choice)
{
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();

  pmss_json_writer_begin_object (json);
  add_redundancy (json, choice->redundancy);
  pmss_api_add_int (json, "unit", choice->unit);
  /* as a version gets it */
  pmss_api_add_int (json, "extent", pmss_layout_round_extent (choice->extent,
          choice->redundancy, choice->unit));
  pmss_api_add_bool (json, "keep_original", choice->keep_original);
  pmss_json_writer_set_member_name (json, "why");
  pmss_json_writer_begin_object (json);
  add_why (json, "redundancy", choice->why_redundancy);
  add_why (json, "unit", choice->why_unit);
  add_why (json, "extent", choice->why_extent);
  add_why (json, "keep_original", choice->why_keep_original);
  pmss_json_writer_end_object (json);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

static void
choose (PmssApiCall * call)
{
  PmssPolicySubject subject = { 0 };
  g_auto (PmssPolicyChoice) choice = { 0 };
  g_autoptr (GError) error = NULL;

  if (get_subject (pmss_http_request_get_json (call->request), &subject, &error)
      && pmss_policies_choose (call->context, &subject, &choice, &error))
    respond_choice (call, &choice);
  else
    pmss_http_request_respond_error (call->request, error);
}

const PmssRoute pmss_routes_policies[] = {
  {"GET", "/api/v1/policies", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      list_policies},
  {"POST", "/api/v1/policies/choose", PMSS_ROLE_OPERATOR, PMSS_BODY_JSON,
      choose},
  {"PUT", "/api/v1/policies/{name}", PMSS_ROLE_ADMIN, PMSS_BODY_JSON,
      put_policy,.audit = "policy set"},
  {"DELETE", "/api/v1/policies/{name}", PMSS_ROLE_ADMIN, PMSS_BODY_NONE,
      delete_policy,.audit = "policy remove"},
  {NULL}
};
