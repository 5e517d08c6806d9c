/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss link NAME, ls, rm */

#include <stdio.h>
#include <string.h>

#include "cli-list.h"

static const PmssCliUsage add_usage = {
  "NAME", "Makes a link that plays a medium for whoever has it.",
  "It opens that one medium, to read, for as long as --expires says (1d): a number\n"
      "of s, m, h or d, a viewer's at most 7d. It ends earlier with its maker, when the\n"
      "maker becomes a viewer, with the maker's password, or by 'pmss link rm'. It is\n"
      "printed this once.\n\n"
      "Examples:\n"
      "  pmss link films/sintel.webm --expires 12h\n"
      "  mpv \"$(pmss link films/sintel.webm)\"\n"
      "  pmss link add ls        (a medium that is called as a command is)",
  1, 1
};

/* "12h" in seconds; 0: it is no such time. */
static guint64
parse_time (const char *text)
{
  static const struct
  {
    char unit;
    guint64 seconds;
  } units[] = { {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400} };
  gsize length = strlen (text);
  g_autofree char *digits = length > 1 ? g_strndup (text, length - 1) : NULL;
  guint64 number;

  if (digits == NULL || !g_ascii_string_to_unsigned (digits, 10, 1,
          366 * 86400, &number, NULL))
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (text[length - 1] == units[i].unit)
      return number * units[i].seconds;
  return 0;
}

static JsonNode *
make_body (const char *name, guint64 lifetime)
{
  JsonNode *body = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_string_member (object, "medium", name);
  json_object_set_int_member (object, "lifetime", (gint64) lifetime);
  json_node_set_object (body, object);
  return body;
}

static gboolean
link_add (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *expires = NULL;
  const GOptionEntry entries[] = {
    {"expires", 0, 0, G_OPTION_ARG_STRING, &expires,
        "How long it is good: 30m, 12h, 7d (1d)", "TIME"},
    {NULL}
  };
  g_autoptr (JsonNode) body = NULL, answer = NULL;
  JsonObject *root;
  guint64 lifetime;

  if (!pmss_cli_parse (cli, &add_usage, entries, &argc, &argv, error))
    return FALSE;
  lifetime = parse_time (expires != NULL ? expires : "1d");
  if (lifetime == 0) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "--expires “%s” is not a time like 30m, 12h or 7d", expires);
    return FALSE;
  }
  body = make_body (argv[1], lifetime);
  answer = pmss_cli_request (cli, "POST", "/links", body, error);
  root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  if (root == NULL)
    return FALSE;
  if (cli->json) {
    pmss_cli_json_print (answer);
  } else {
    g_autofree char *url = pmss_cli_escape (pmss_cli_json_string (root, "url"));

    printf ("%s\n", url);
  }
  return TRUE;
}

static const PmssCliUsage ls_usage = {
  "", "Lists the links that are good; administrators see those of all.",
  "Example:\n  pmss link ls", 0, 0
};

static void
add_row (PmssCliTable * table, JsonObject * link)
{
  pmss_cli_table_add (table,
      g_strdup_printf ("%" G_GUINT64_FORMAT, pmss_cli_json_number (link,
              "id")), pmss_cli_escape (pmss_cli_json_string (link, "user")),
      pmss_cli_time (pmss_cli_json_string (link, "created")),
      pmss_cli_time (pmss_cli_json_string (link, "expires")),
      pmss_cli_escape (pmss_cli_json_string (link, "medium")));
}

static gboolean
link_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  static const char *const columns[] = { ">ID", "USER", "CREATED", "EXPIRES",
    "MEDIUM", NULL
  };
  static const PmssCliList list = {
    "links", columns, add_row, "No links.", NULL
  };

  return pmss_cli_parse (cli, &ls_usage, NULL, &argc, &argv, error) &&
      pmss_cli_list (cli, "/links", &list, error);
}

static const PmssCliUsage rm_usage = {
  "ID", "Ends a link, and the streams that it began.",
  "Example:\n  pmss link rm 12", 1, 1
};

static gboolean
link_rm (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *path = NULL;
  guint64 id;

  if (!pmss_cli_parse (cli, &rm_usage, NULL, &argc, &argv, error) ||
      !pmss_cli_parse_id (argv[1], "link", &id, error))
    return FALSE;
  path = g_strdup_printf ("/links/%" G_GUINT64_FORMAT, id);
  return pmss_cli_remove (cli, path, error);
}

static const PmssCliCommand verbs[] = {
  {"add", link_add, "NAME [--expires TIME]", "make one; add may be left out"},
  {"ls", link_ls, "", "list them"},
  {"rm", link_rm, "ID", "end one"},
  {NULL}
};

static gboolean
is_verb (const char *word)
{
  for (const PmssCliCommand * verb = verbs; verb->name != NULL; verb++)
    if (strcmp (verb->name, word) == 0)
      return TRUE;
  return strcmp (word, "--help") == 0 || strcmp (word, "-h") == 0;
}

gboolean
pmss_cmd_link (PmssCli * cli, int argc, char **argv, GError ** error)
{
  if (argc > 1 && !is_verb (argv[1]))
    return link_add (cli, argc, argv, error);
  return pmss_cli_dispatch (cli, verbs,
      "Links that play a medium without a login.", argc, argv, error);
}
