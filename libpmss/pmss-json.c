/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Members of one type and within limits; parsing is in pmss-json-parse.c. */

#include "pmss-json.h"

#include <string.h>

#include "pmss-error.h"
#include "pmss-text.h"

static gboolean
wrong (GError ** error, const char *name, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "“%s” %s", name,
      what);
  return FALSE;
}

JsonObject *
pmss_json_object (JsonNode * node, const char *what, GError ** error)
{
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)) {
    wrong (error, what, "is not an object");
    return NULL;
  }
  return json_node_get_object (node);
}

gboolean
pmss_json_has (JsonObject * object, const char *name)
{
  return json_object_has_member (object, name)
      && !json_object_get_null_member (object, name);
}

gboolean
pmss_json_check_members (JsonObject * object, const char *const *names,
    GError ** error)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, NULL)) {
    if (!g_strv_contains (names, name))
      return wrong (error, name, "is not known here");
  }
  return TRUE;
}

static JsonNode *
get_member (JsonObject * object, const char *name, GError ** error)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL)
    wrong (error, name, "is missing");
  return node;
}

static gboolean
check_int (JsonNode * node, const char *name, gint64 min, gint64 max,
    gint64 * value, GError ** error)
{
  gint64 found;

  if (!JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64)
    return wrong (error, name, "is not an integer");
  found = json_node_get_int (node);
  if (found < min || found > max) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” is %" G_GINT64_FORMAT " and not from %" G_GINT64_FORMAT
        " to %" G_GINT64_FORMAT, name, found, min, max);
    return FALSE;
  }
  *value = found;
  return TRUE;
}

gboolean
pmss_json_get_int (JsonObject * object, const char *name, gint64 min,
    gint64 max, gint64 * value, GError ** error)
{
  JsonNode *node = get_member (object, name, error);

  return node != NULL && check_int (node, name, min, max, value, error);
}

gboolean
pmss_json_element_int (JsonArray * array, guint index, const char *what,
    gint64 min, gint64 max, gint64 * value, GError ** error)
{
  return check_int (json_array_get_element (array, index), what, min, max,
      value, error);
}

gboolean
pmss_json_get_double (JsonObject * object, const char *name, double min,
    double max, double *value, GError ** error)
{
  JsonNode *node = get_member (object, name, error);
  double found;

  if (node == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_DOUBLE
          && json_node_get_value_type (node) != G_TYPE_INT64))
    return wrong (error, name, "is not a number");
  found = json_node_get_double (node);
  /* so that NaN fails, too */
  if (!(found >= min && found <= max))
    return wrong (error, name, "is out of limits");
  *value = found;
  return TRUE;
}

gboolean
pmss_json_get_boolean (JsonObject * object, const char *name, gboolean * value,
    GError ** error)
{
  JsonNode *node = get_member (object, name, error);

  if (node == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return wrong (error, name, "is neither true nor false");
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
pmss_json_get_string (JsonObject * object, const char *name, gsize max,
    const char **value, GError ** error)
{
  JsonNode *node = get_member (object, name, error);

  if (node == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return wrong (error, name, "is not a string");
  if (strlen (json_node_get_string (node)) > max)
    return wrong (error, name, "is too long");
  *value = json_node_get_string (node);
  return TRUE;
}

gboolean
pmss_json_get_time (JsonObject * object, const char *name, gint64 * seconds,
    GError ** error)
{
  const char *text;

  if (!pmss_json_get_string (object, name, 32, &text, error))
    return FALSE;
  if (!pmss_json_parse_time (text, seconds))
    return wrong (error, name, "is not a time such as 2026-01-31T12:00:00Z");
  return TRUE;
}

gboolean
pmss_json_get_object (JsonObject * object, const char *name,
    JsonObject ** value, GError ** error)
{
  JsonNode *node = get_member (object, name, error);

  if (node == NULL)
    return FALSE;
  *value = pmss_json_object (node, name, error);
  return *value != NULL;
}

gboolean
pmss_json_get_array (JsonObject * object, const char *name, guint max,
    JsonArray ** value, GError ** error)
{
  JsonNode *node = get_member (object, name, error);

  if (node == NULL)
    return FALSE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return wrong (error, name, "is not an array");
  if (json_array_get_length (json_node_get_array (node)) > max)
    return wrong (error, name, "has too many elements");
  *value = json_node_get_array (node);
  return TRUE;
}

/* times */

char *
pmss_json_format_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  g_autofree char *rest = NULL;

  if (time == NULL)
    return NULL;
  rest = g_date_time_format (time, "%m-%dT%H:%M:%SZ");
  /* %Y has no leading zeros */
  return g_strdup_printf ("%04d-%s", g_date_time_get_year (time), rest);
}

gboolean
pmss_json_parse_time (const char *text, gint64 * seconds)
{
  static const char form[] = "0000-00-00T00:00:00Z";
  g_autoptr (GDateTime) time = NULL;

  if (strlen (text) != strlen (form))
    return FALSE;
  for (guint i = 0; i < strlen (form); i++) {
    if (form[i] == '0' ? !g_ascii_isdigit (text[i]) : text[i] != form[i])
      return FALSE;
  }
#define DIGITS(at) ((text[at] - '0') * 10 + (text[(at) + 1] - '0'))
  time = g_date_time_new_utc (DIGITS (0) * 100 + DIGITS (2), DIGITS (5),
      DIGITS (8), DIGITS (11), DIGITS (14), DIGITS (17));
#undef DIGITS
  if (time == NULL)
    return FALSE;
  *seconds = g_date_time_to_unix (time);
  return TRUE;
}

static void
clean_member (JsonObject * object, const char *name, JsonNode * node,
    gpointer data)
{
  pmss_json_clean (node);
}

static void
clean_element (JsonArray * array, guint index, JsonNode * node, gpointer data)
{
  pmss_json_clean (node);
}

void
pmss_json_clean (JsonNode * node)
{
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    json_object_foreach_member (json_node_get_object (node), clean_member,
        NULL);
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    json_array_foreach_element (json_node_get_array (node), clean_element,
        NULL);
  } else if (JSON_NODE_HOLDS_VALUE (node)
      && json_node_get_value_type (node) == G_TYPE_STRING) {
    g_autofree char *clean = pmss_text_clean (json_node_get_string (node));

    json_node_set_string (node, clean);
  }
}
