/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss capacity */

#include <stdio.h>

#include "cli-text.h"
#include "cli.h"

static const PmssCliUsage usage = {
  "[NAME]",
  "Shows what each storage server can send, how much of it is promised to\n"
      "streams, and how many more streams of the medium NAME fit.",
  "Examples:\n" "  pmss capacity\n" "  pmss capacity films/sintel.webm\n"
      "  pmss capacity --json films/sintel.webm | jq .medium.more",
  0, 1
};

static gboolean
is_null (JsonObject * object, const char *name)
{
  return !json_object_has_member (object, name)
      || json_object_get_null_member (object, name);
}

static void
add_row (PmssCliTable * table, JsonObject * node)
{
  gboolean known = !is_null (node, "capacity");

  pmss_cli_table_add (table,
      g_strdup_printf ("%" G_GUINT64_FORMAT,
          pmss_cli_json_number (node, "id")),
      known ? pmss_cli_rate (pmss_cli_json_number (node, "capacity"))
      : g_strdup ("not limited"),
      pmss_cli_rate (pmss_cli_json_number (node, "promised")),
      known ? pmss_cli_escape (pmss_cli_json_string (node, "resource"))
      : g_strdup ("-"));
}

static void
print_nodes (JsonObject * root)
{
  static const char *const columns[] = {
    ">NODE", ">CAPACITY", ">PROMISED", "BINDS", NULL
  };
  PmssCliTable *table = pmss_cli_table_new (columns);
  JsonArray *nodes = pmss_cli_json_array (root, "nodes");

  for (guint i = 0; nodes && i < json_array_get_length (nodes); i++)
    add_row (table, pmss_cli_json_element (nodes, i));
  pmss_cli_table_print (table, "No storage servers.");
}

static void
print_streams (JsonObject * root)
{
  guint64 waiting = pmss_cli_json_number (root, "waiting");

  printf ("\n%" G_GUINT64_FORMAT " streams have a promise",
      pmss_cli_json_number (root, "streams"));
  if (waiting > 0)
    printf (", %" G_GUINT64_FORMAT " of them wait for their start", waiting);
  printf (". Admission: %s.\n", pmss_cli_json_string (root, "policy"));
}

/* "1000 or more": further ones are not counted */
static char *
describe (JsonObject * medium, const char *member)
{
  guint64 number = pmss_cli_json_number (medium, member);

  return g_strdup_printf ("%" G_GUINT64_FORMAT "%s", number,
      number >= pmss_cli_json_number (medium, "most") ? " or more" : "");
}

static void
print_medium (JsonObject * medium)
{
  g_autofree char *name =
      pmss_cli_escape (pmss_cli_json_string (medium, "name"));
  g_autofree char *more = describe (medium, "more");
  g_autofree char *node = describe (medium, "after_node");
  g_autofree char *zone = describe (medium, "after_zone");

  if (is_null (medium, "more"))
    printf ("%s does not play for a time: nothing is promised to it.\n", name);
  else
    printf ("%s: %s more streams now, %s after the loss of a storage server, "
        "%s after that of a zone.\n", name, more, node, zone);
}

gboolean
pmss_cmd_capacity (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  JsonObject *root = NULL;
  GError *local = NULL;

  if (!pmss_cli_parse (cli, &usage, NULL, &argc, &argv, error))
    return FALSE;
  name = argc > 1 ? g_uri_escape_string (argv[1], NULL, FALSE) : NULL;
  path = g_strconcat ("/capacity", name != NULL ? "?medium=" : NULL, name,
      NULL);
  answer = pmss_cli_request (cli, "GET", path, NULL, &local);
  if (local == NULL)
    root = pmss_cli_json_root (answer, &local);
  if (local != NULL) {
    g_propagate_error (error, local);
    return FALSE;
  }
  if (cli->json) {
    pmss_cli_json_print (answer);
    return TRUE;
  }
  print_nodes (root);
  print_streams (root);
  if (pmss_cli_json_object (root, "medium") != NULL)
    print_medium (pmss_cli_json_object (root, "medium"));
  return TRUE;
}
