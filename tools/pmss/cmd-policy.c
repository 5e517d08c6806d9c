/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss policy ls, set, rm */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-amount.h>

#include "cli-list.h"

static const PmssCliUsage ls_usage = {
  "", "Lists the rules for uploads that do not say how they are stored.",
  "Each value of an upload comes from the first rule that is about it and says\n"
      "something of it; a dash stands for nothing.\n\n"
      "Example:\n  pmss policy ls", 0, 0
};

/* "10 MB and more", "-" for any */
static char *
describe_size (JsonObject * match)
{
  guint64 min = pmss_cli_json_number (match, "min_size");
  guint64 max = pmss_cli_json_number (match, "max_size");
  g_autofree char *least = pmss_cli_size (min);
  g_autofree char *most = pmss_cli_size (max);
  gboolean bounded = json_object_has_member (match, "max_size")
      && !json_object_get_null_member (match, "max_size");

  if (!bounded)
    return min == 0 ? g_strdup ("-") : g_strdup_printf ("from %s", least);
  return min == 0 ? g_strdup_printf ("up to %s", most)
      : g_strdup_printf ("%s to %s", least, most);
}

static char *
size_or_dash (JsonObject * policy, const char *name)
{
  guint64 size = pmss_cli_json_number (policy, name);

  return size != 0 ? g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS)
      : g_strdup ("-");
}

static void
add_row (PmssCliTable * table, JsonObject * policy)
{
  JsonObject *match = pmss_cli_json_object (policy, "match");
  g_autoptr (JsonObject) empty = json_object_new ();
  gboolean says = json_object_has_member (policy, "keep_original")
      && !json_object_get_null_member (policy, "keep_original");

  if (match == NULL)
    match = empty;
  pmss_cli_table_add (table,
      g_strdup_printf ("%" G_GUINT64_FORMAT, pmss_cli_json_number (policy,
              "order")),
      pmss_cli_escape (pmss_cli_json_string (policy, "name")),
      pmss_cli_escape (pmss_cli_json_string (match, "names")),
      pmss_cli_escape (pmss_cli_json_string (match, "types")),
      describe_size (match),
      pmss_cli_escape (pmss_cli_json_string (policy, "redundancy")),
      size_or_dash (policy, "unit"), size_or_dash (policy, "extent"),
      g_strdup (!says ? "-" : pmss_cli_json_boolean (policy, "keep_original") ?
          "kept" : "dropped"));
}

static gboolean
policy_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  static const char *const columns[] = { ">ORDER", "POLICY", "NAMES", "TYPES",
    "SIZE", "REDUNDANCY", ">UNIT", ">EXTENT", "ORIGINAL", NULL
  };
  static const PmssCliList list = {
    "policies", columns, add_row, "No policies: the settings count.", NULL
  };

  return pmss_cli_parse (cli, &ls_usage, NULL, &argc, &argv, error) &&
      pmss_cli_list (cli, "/policies", &list, error);
}

static const PmssCliUsage set_usage = {
  "POLICY", "Makes a rule for uploads, or replaces the one of that name.",
  "It is about the media that are as all of --names, --types, --min-size and\n"
      "--max-size say. In patterns * is any characters and ? is one. What an upload\n"
      "says itself goes before all rules.\n\n"
      "Examples:\n"
      "  pmss policy set masters --names 'masters/*' --redundancy 6+3 --keep-original\n"
      "  pmss policy set small --max-size 1MiB --redundancy 1+2 --order 0\n"
      "  pmss policy set films --types 'video/*' --unit 512KiB --extent 32MiB",
  1, 1
};

typedef struct
{
  char *names, *types, *min_size, *max_size;
  char *redundancy, *unit, *extent;
  gboolean keep, drop;
  int order;
} Wanted;

static void
wanted_clear (Wanted * wanted)
{
  g_free (wanted->names);
  g_free (wanted->types);
  g_free (wanted->min_size);
  g_free (wanted->max_size);
  g_free (wanted->redundancy);
  g_free (wanted->unit);
  g_free (wanted->extent);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wanted, wanted_clear)
/* A size as people type it; NULL is left out. */
     static gboolean set_size (JsonObject * object, const char *member,
    const char *option, const char *text, GError ** error)
{
  guint64 bytes;

  if (text == NULL)
    return TRUE;
  if (!pmss_amount_parse (text, &bytes, NULL)) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "%s “%s” is not a size like 512KiB or 10M", option, text);
    return FALSE;
  }
  json_object_set_int_member (object, member, (gint64) bytes);
  return TRUE;
}

static void
set_text (JsonObject * object, const char *member, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, member, text);
}

static gboolean
fill_body (JsonObject * body, const Wanted * wanted, GError ** error)
{
  JsonObject *match = json_object_new ();

  json_object_set_object_member (body, "match", match);
  set_text (match, "names", wanted->names);
  set_text (match, "types", wanted->types);
  set_text (body, "redundancy", wanted->redundancy);
  if (wanted->keep || wanted->drop)
    json_object_set_boolean_member (body, "keep_original", wanted->keep);
  if (wanted->order >= 0)
    json_object_set_int_member (body, "order", wanted->order);
  return set_size (match, "min_size", "--min-size", wanted->min_size, error)
      && set_size (match, "max_size", "--max-size", wanted->max_size, error)
      && set_size (body, "unit", "--unit", wanted->unit, error)
      && set_size (body, "extent", "--extent", wanted->extent, error);
}

static char *
policy_path (const char *name)
{
  g_autofree char *escaped = g_uri_escape_string (name, NULL, FALSE);

  return g_strconcat ("/policies/", escaped, NULL);
}

static gboolean
send_policy (PmssCli * cli, const char *name, const Wanted * wanted,
    GError ** error)
{
  g_autofree char *path = policy_path (name);
  g_autofree char *shown = pmss_cli_escape (name);
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) body = json_node_alloc (), answer = NULL;

  if (wanted->keep && wanted->drop) {
    g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "--keep-original and --drop-original contradict each other");
    return FALSE;
  }
  json_node_init_object (body, object);
  if (!fill_body (object, wanted, error))
    return FALSE;
  answer = pmss_cli_request (cli, "PUT", path, body, error);
  if (answer == NULL)
    return FALSE;
  if (cli->json)
    pmss_cli_json_print (answer);
  else
    printf ("Policy %s counts for uploads from now on.\n", shown);
  return TRUE;
}

static gboolean
policy_set (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_auto (Wanted) wanted = {.order = -1 };
  const GOptionEntry entries[] = {
    {"names", 0, 0, G_OPTION_ARG_STRING, &wanted.names,
        "Media with names like this", "PATTERN"},
    {"types", 0, 0, G_OPTION_ARG_STRING, &wanted.types,
        "... with a content type like this: video/*", "PATTERN"},
    {"min-size", 0, 0, G_OPTION_ARG_STRING, &wanted.min_size,
        "... of at least this size", "SIZE"},
    {"max-size", 0, 0, G_OPTION_ARG_STRING, &wanted.max_size,
        "... of at most this size", "SIZE"},
    {"redundancy", 'r', 0, G_OPTION_ARG_STRING, &wanted.redundancy,
        "Data and parity shards", "K+M"},
    {"unit", 0, 0, G_OPTION_ARG_STRING, &wanted.unit,
        "Stripe unit, 4KiB to 4MiB", "SIZE"},
    {"extent", 0, 0, G_OPTION_ARG_STRING, &wanted.extent,
        "Extent size, up to 256MiB", "SIZE"},
    {"keep-original", 0, 0, G_OPTION_ARG_NONE, &wanted.keep,
        "The file is kept whole on the control server, too", NULL},
    {"drop-original", 0, 0, G_OPTION_ARG_NONE, &wanted.drop,
        "... or is not", NULL},
    {"order", 0, 0, G_OPTION_ARG_INT, &wanted.order,
        "Smaller ones go before (behind all others)", "N"},
    {NULL}
  };

  return pmss_cli_parse (cli, &set_usage, entries, &argc, &argv, error)
      && send_policy (cli, argv[1], &wanted, error);
}

static const PmssCliUsage rm_usage = {
  "POLICY", "Removes a rule. Media that are there stay as they are.",
  "Example:\n  pmss policy rm masters", 1, 1
};

static gboolean
policy_rm (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *path = NULL;

  if (!pmss_cli_parse (cli, &rm_usage, NULL, &argc, &argv, error))
    return FALSE;
  path = policy_path (argv[1]);
  return pmss_cli_remove (cli, path, error);
}

static const PmssCliCommand verbs[] = {
  {"ls", policy_ls, "", "list them in their order"},
  {"set", policy_set, "POLICY", "make or replace one"},
  {"rm", policy_rm, "POLICY", "remove one"},
  {NULL}
};

gboolean
pmss_cmd_policy (PmssCli * cli, int argc, char **argv, GError ** error)
{
  return pmss_cli_dispatch (cli, verbs,
      "How uploads are stored that do not say, by name, type and size.", argc,
      argv, error);
}
