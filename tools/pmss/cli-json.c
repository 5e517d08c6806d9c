/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* json-glib's getters warn or return garbage on what is absent or of another
 * type; a server's answer may be anything. */

#include <stdio.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"

static JsonNode *
member (JsonObject * object, const char *name, JsonNodeType type)
{
  JsonNode *node =
      object != NULL ? json_object_get_member (object, name) : NULL;

  return node && JSON_NODE_TYPE (node) == type ? node : NULL;
}

const char *
pmss_cli_json_string (JsonObject * object, const char *name)
{
  JsonNode *node = member (object, name, JSON_NODE_VALUE);

  return node && json_node_get_value_type (node) == G_TYPE_STRING ?
      json_node_get_string (node) : NULL;
}

gboolean
pmss_cli_json_is_number (JsonObject * object, const char *name)
{
  JsonNode *node = member (object, name, JSON_NODE_VALUE);

  return node != NULL && (json_node_get_value_type (node) == G_TYPE_INT64
      || json_node_get_value_type (node) == G_TYPE_DOUBLE);
}

double
pmss_cli_json_double (JsonObject * object, const char *name)
{
  JsonNode *node = member (object, name, JSON_NODE_VALUE);

  if (node == NULL || json_node_get_value_type (node) == G_TYPE_STRING)
    return 0;
  return json_node_get_double (node);
}

gboolean
pmss_cli_json_boolean (JsonObject * object, const char *name)
{
  JsonNode *node = member (object, name, JSON_NODE_VALUE);

  return node && json_node_get_value_type (node) == G_TYPE_BOOLEAN &&
      json_node_get_boolean (node);
}

guint64
pmss_cli_json_number (JsonObject * object, const char *name)
{
  JsonNode *node = member (object, name, JSON_NODE_VALUE);
  gint64 value;

  if (node == NULL)
    return 0;
  if (json_node_get_value_type (node) == G_TYPE_DOUBLE) {
    double number = json_node_get_double (node);

    return number > 0 && number < 1e19 ? (guint64) number : 0;
  }
  if (json_node_get_value_type (node) != G_TYPE_INT64)
    return 0;
  value = json_node_get_int (node);
  return value > 0 ? (guint64) value : 0;
}

JsonObject *
pmss_cli_json_object (JsonObject * object, const char *name)
{
  JsonNode *node = member (object, name, JSON_NODE_OBJECT);

  return node != NULL ? json_node_get_object (node) : NULL;
}

JsonArray *
pmss_cli_json_array (JsonObject * object, const char *name)
{
  JsonNode *node = member (object, name, JSON_NODE_ARRAY);

  return node != NULL ? json_node_get_array (node) : NULL;
}

JsonObject *
pmss_cli_json_root (JsonNode * node, GError ** error)
{
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
      "The control server's answer is no JSON object");
  return NULL;
}

JsonObject *
pmss_cli_json_element (JsonArray * array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return node && JSON_NODE_HOLDS_OBJECT (node) ?
      json_node_get_object (node) : NULL;
}

void
pmss_cli_json_print (JsonNode * node)
{
  g_autofree char *text = node != NULL ? json_to_string (node, TRUE) : NULL;

  printf ("%s\n", text != NULL ? text : "null");
}

void
pmss_cli_json_print_list (const char *name, JsonArray * list)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_array_member (object, name, json_array_ref (list));
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

void
pmss_cli_json_print_page (const char *name, JsonArray * list, guint64 next)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_array_member (object, name, json_array_ref (list));
  if (next)
    json_object_set_int_member (object, "next", (gint64) next);
  else
    json_object_set_null_member (object, "next");
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}
