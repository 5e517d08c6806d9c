/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of requests and answers that several resources need. On handlers'
 * threads. */
#include "control/api/router.h"

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-types.h"

gboolean
pmss_api_get_query_uint (PmssApiCall * call, const char *name,
    guint64 minimum, guint64 maximum, guint64 fallback, guint64 * value)
{
  const char *text = pmss_http_request_get_query (call->request, name);
  g_autoptr (GError) error = NULL;

  *value = fallback;
  if (text == NULL
      || g_ascii_string_to_unsigned (text, 10, minimum, maximum, value, &error))
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400, "%s: %s", name,
      error->message);
  return FALSE;
}

gboolean
pmss_api_get_query_bool (PmssApiCall * call, const char *name,
    gboolean fallback, gboolean * value)
{
  const char *text = pmss_http_request_get_query (call->request, name);

  *value = fallback;
  if (text == NULL)
    return TRUE;
  *value = g_str_equal (text, "true");
  if (*value || g_str_equal (text, "false"))
    return TRUE;
  pmss_http_request_respond_problem (call->request, 400,
      "%s is true or false", name);
  return FALSE;
}

GArray *
pmss_api_parse_nodes (const char *text, guint max)
{
  g_auto (GStrv) ids = g_strsplit (text, ",", (gint) max + 1);
  g_autoptr (GArray) nodes = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; ids[i] != NULL; i++) {
    guint64 id;
    guint node;

    if (i == max
        || !g_ascii_string_to_unsigned (ids[i], 10, 0, G_MAXINT32, &id, NULL))
      return NULL;
    node = (guint) id;
    g_array_append_val (nodes, node);
  }
  return nodes->len > 0 ? g_steal_pointer (&nodes) : NULL;
}

gboolean
pmss_api_get_param_id (PmssApiCall * call, gint64 * id)
{
  guint64 number;

  if (g_ascii_string_to_unsigned (call->param, 10, 1, G_MAXINT64, &number,
          NULL)) {
    *id = (gint64) number;
    return TRUE;
  }
  pmss_http_request_respond_problem (call->request, 404,
      "“%s” is not a number that anything here could have", call->param);
  return FALSE;
}

gboolean
pmss_api_check_medium_name (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;

  if (pmss_medium_name_check (call->param, &error))
    return TRUE;
  pmss_http_request_respond_error (call->request, error);
  return FALSE;
}

void
pmss_api_add_string (PmssJsonWriter * json, const char *name, const char *value)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_string_value (json, value);
}

void
pmss_api_add_int (PmssJsonWriter * json, const char *name, gint64 value)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_int_value (json, value);
}

void
pmss_api_add_known (PmssJsonWriter * json, const char *name, gint64 value)
{
  if (value >= 0)
    pmss_api_add_int (json, name, value);
  else
    pmss_api_add_string (json, name, NULL);
}

void
pmss_api_add_bool (PmssJsonWriter * json, const char *name, gboolean value)
{
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_add_boolean_value (json, value);
}

void
pmss_api_add_time (PmssJsonWriter * json, const char *name, gint64 seconds)
{
  g_autofree char *text = pmss_json_format_time (seconds);

  pmss_api_add_string (json, name, text);
}

void
pmss_api_set_node_class (PmssApiCall * call, guint node)
{
  char owner[16];

  g_snprintf (owner, sizeof (owner), "%u", node);
  pmss_http_request_set_class (call->request, PMSS_PLACE_NODE, owner);
}

void
pmss_api_respond (PmssApiCall * call, guint status, PmssJsonWriter * json)
{
  g_autoptr (GBytes) body = pmss_json_writer_finish (json);

  pmss_http_request_respond (call->request, status, "application/json", body);
}

void
pmss_api_respond_done (PmssApiCall * call, gboolean done, const GError * error)
{
  if (done)
    pmss_http_request_respond_empty (call->request, 204);
  else
    pmss_http_request_respond_error (call->request, error);
}

void
pmss_api_respond_job (PmssApiCall * call, gint64 job, const GError * error)
{
  g_autoptr (PmssJsonWriter) json = NULL;

  if (job == 0) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "job", job);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 202, json);
}

void
pmss_api_respond_list (PmssApiCall * call, const char *name, GPtrArray * list,
    PmssApiAddFunc add, char *const *next, const GError * error)
{
  g_autoptr (PmssJsonWriter) json = NULL;

  if (list == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, name);
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < list->len; i++)
    add (json, g_ptr_array_index (list, i));
  pmss_json_writer_end_array (json);
  if (next != NULL)
    pmss_api_add_string (json, "next", *next);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}
