/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control/api/router.h"

/* control/api/openapi.json and the tables of routes say the same. What the answers look like is integration-control-openapi's. */

typedef struct
{
  JsonNode *document;
  JsonObject *paths;
} Fixture;

static void
setup (Fixture * f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = g_resources_lookup_data
      ("/org/pmss/control/openapi.json", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);

  json_parser_load_from_data (parser, text, (gssize) length, &error);
  g_assert_no_error (error);
  f->document = json_parser_steal_root (parser);
  f->paths = json_object_get_object_member (json_node_get_object
      (f->document), "paths");
}

static void
teardown (Fixture * f, gconstpointer data)
{
  json_node_unref (f->document);
}

/* "/media/{name+}" -> "/media/{name}" */
static char *
openapi_path (const PmssRoute * route)
{
  g_autoptr (GString) path = g_string_new (route->path);

  g_string_replace (path, "+}", "}", 0);
  return g_string_free (g_steal_pointer (&path), FALSE);
}

static guint
check_route (Fixture * f, const PmssRoute * route)
{
  g_autofree char *path = openapi_path (route);
  g_autofree char *method = g_ascii_strdown (route->method, -1);
  JsonObject *item, *operation;

  g_test_message ("%s %s", route->method, route->path);
  g_assert_true (json_object_has_member (f->paths, path));
  item = json_object_get_object_member (f->paths, path);
  g_assert_true (json_object_has_member (item, method));
  operation = json_object_get_object_member (item, method);
  g_assert_cmpstr (json_object_get_string_member (operation, "x-role"), ==,
      pmss_role_to_string (route->role));
  g_assert_cmpint (json_object_has_member (operation, "requestBody"), ==,
      route->body != PMSS_BODY_NONE);
  return 1;
}

static void
test_same (Fixture * f, gconstpointer data)
{
  guint routes = 0, operations = 0;
  g_autoptr (GList) items = json_object_get_values (f->paths);

  for (guint i = 0; pmss_route_tables[i] != NULL; i++)
    for (const PmssRoute * r = pmss_route_tables[i]; r->method != NULL; r++)
      routes += check_route (f, r);
  for (GList * l = items; l != NULL; l = l->next)
    operations += json_object_get_size (json_node_get_object (l->data));
  g_assert_cmpuint (operations, ==, routes);
}

static void
test_well_formed (Fixture * f, gconstpointer data)
{
  for (guint i = 0; pmss_route_tables[i] != NULL; i++) {
    for (const PmssRoute * r = pmss_route_tables[i]; r->method != NULL; r++) {
      g_test_message ("%s %s", r->method, r->path);
      g_assert_nonnull (r->run);
      g_assert_cmpint (r->body == PMSS_BODY_STREAM, ==, r->begin != NULL);
      g_assert_cmpint (r->body == PMSS_BODY_STREAM, ==, r->data != NULL);
      /* one place at most, and a long one only at the end, or where nothing else is posted: what stands in it may end as the path does */
      g_assert_true (strchr (r->path, '{') == strrchr (r->path, '{'));
      g_assert_true (strstr (r->path, "+}") == NULL
          || g_str_has_suffix (r->path, "+}") !=
          g_str_equal (r->method, "POST"));
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/routes/same-as-openapi", Fixture, NULL, setup, test_same,
      teardown);
  g_test_add ("/routes/well-formed", Fixture, NULL, setup, test_well_formed,
      teardown);
  return g_test_run ();
}
