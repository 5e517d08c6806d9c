/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss node ls, add, set, repair, remove */

#include <stdio.h>
#include <string.h>

#include <libpmss/pmss-error.h>
#include <libpmss/pmss-types.h>

#include "cli-list.h"

static const PmssCliUsage ls_usage = {
  "", "Lists the storage servers, and says what is wrong with them.",
  "Examples:\n"
      "  pmss node ls\n"
      "  pmss node ls --json | jq '.nodes[] | select(.state != \"up\")'",
  0, 0
};

static char *
node_address (JsonObject * node)
{
  const char *host = pmss_cli_json_string (node, "address");
  g_autofree char *text = g_strdup_printf (host && strchr (host, ':') ?
      "[%s]:%" G_GUINT64_FORMAT : "%s:%" G_GUINT64_FORMAT,
      host != NULL ? host : "?", pmss_cli_json_number (node, "port"));

  return pmss_cli_escape (text);
}

static void
add_row (PmssCliTable * table, JsonObject * node)
{
  JsonObject *stats = pmss_cli_json_object (node, "stats");
  const char *zone = pmss_cli_json_string (node, "zone");
  /* what a node said last is of no use when it is down */
  gboolean down = g_strcmp0 (pmss_cli_json_string (node, "state"), "down") == 0;

  pmss_cli_table_add (table,
      g_strdup_printf ("%" G_GUINT64_FORMAT, pmss_cli_json_number (node,
              "id")), node_address (node),
      pmss_cli_escape (zone && *zone ? zone : NULL),
      pmss_cli_escape (pmss_cli_json_string (node, "state")),
      pmss_cli_size (pmss_cli_json_number (node, "used")),
      pmss_cli_size (pmss_cli_json_number (node, "free")),
      g_strdup_printf ("%" G_GUINT64_FORMAT, pmss_cli_json_number (node,
              "shards")),
      down ? g_strdup ("-") : g_strdup_printf ("%.0f %%",
          100 * pmss_cli_json_double (stats, "cpu")),
      down ? g_strdup ("-") : pmss_cli_rate (8 *
          pmss_cli_json_number (stats, "net_out")));
}

/* What is not as it should be, in words. */
static void
print_trouble (JsonArray * nodes)
{
  for (guint i = 0; i < json_array_get_length (nodes); i++) {
    JsonObject *node = pmss_cli_json_element (nodes, i);
    g_autofree char *age = pmss_cli_age_since (pmss_cli_json_string (node,
            "since"));
    g_autofree char *state = pmss_cli_escape (pmss_cli_json_string (node,
            "state"));
    const char *reason = pmss_cli_json_string (node, "reason");
    g_autofree char *why = pmss_cli_sentence (reason);
    const char *warning = pmss_cli_json_string (node, "warning");
    g_autofree char *careful = pmss_cli_sentence (warning);
    guint64 bad = pmss_cli_json_number (node, "bad_shards");
    guint64 held = pmss_cli_json_number (node, "held_shards");

    if (reason != NULL)
      printf ("Storage server %" G_GUINT64_FORMAT " is %s%s%s: %s.\n",
          pmss_cli_json_number (node, "id"), state, age != NULL ? " for " : "",
          age != NULL ? age : "", why);
    if (warning != NULL)
      printf ("Storage server %" G_GUINT64_FORMAT ": %s.\n",
          pmss_cli_json_number (node, "id"), careful);
    if (held > 0)
      printf ("Storage server %" G_GUINT64_FORMAT " has %" G_GUINT64_FORMAT
          " shards that nobody knows. So many are not deleted unasked:\n"
          "  look whether the catalog is the right one, then 'pmss node set %"
          G_GUINT64_FORMAT " --confirm-cleanup'.\n",
          pmss_cli_json_number (node, "id"), held,
          pmss_cli_json_number (node, "id"));
    if (bad > 0)
      printf ("Storage server %" G_GUINT64_FORMAT " has %" G_GUINT64_FORMAT
          " bad shard%s.\n", pmss_cli_json_number (node, "id"), bad,
          bad == 1 ? "" : "s");
  }
}

static gboolean
node_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  static const char *const columns[] = { ">ID", "ADDRESS", "ZONE", "STATE",
    ">USED", ">FREE", ">SHARDS", ">CPU", ">SENDING", NULL
  };
  static const PmssCliList list = {
    "nodes", columns, add_row,
    "No storage servers; 'pmss node add' says how one joins.", print_trouble
  };

  return pmss_cli_parse (cli, &ls_usage, NULL, &argc, &argv, error) &&
      pmss_cli_list (cli, "/nodes", &list, error);
}

static const PmssCliUsage add_usage = {
  "", "Makes a join token and says how to start a storage server with it.",
  "The token is good for one server and one hour.\n\n"
      "Examples:\n"
      "  pmss node add\n"
      "  pmss node add --zone rack2\n"
      "  pmss node add --json | jq -r .join_token",
  0, 0
};

static void
print_how (const char *url, const char *token, const char *expires,
    const char *zone)
{
  g_autofree char *word = pmss_cli_shell_word (token);
  g_autofree char *zone_word = zone != NULL ? pmss_cli_shell_word (zone) : NULL;
  g_autofree char *end = pmss_cli_time (expires);

  printf ("Join token (for one server, until %s):\n  %s\n\n", end, word);
  printf ("On the new storage server, with its own address for HOST:\n"
      "  pmss-storage --listen=0.0.0.0:%d --advertise=HOST:%d \\\n"
      "    --data=/var/lib/pmss-storage --control=%s \\\n"
      "    --join-token=%s%s%s\n\n", PMSS_STORAGE_PORT, PMSS_STORAGE_PORT,
      url, word, zone != NULL ? " --zone=" : "", zone != NULL ? zone_word : "");
  if (strstr (url, "//127.") || strstr (url, "//localhost") ||
      strstr (url, "//[::1]"))
    printf ("%s is this machine only: name the control server as the\n"
        "new one reaches it.\n\n", url);
  printf ("or put the same keys into /etc/pmss/storage.conf and start the "
      "service:\n  systemctl enable --now pmss-storage\n");
}

/* What other machines call the control server: its public-url; where it has none, @url. */
static char *
find_public_url (PmssCli * cli, const char *url)
{
  g_autoptr (JsonNode) answer =
      pmss_cli_request (cli, "GET", "/cluster", NULL, NULL);
  JsonObject *root = answer != NULL ? pmss_cli_json_root (answer, NULL) : NULL;
  const char *public =
      root != NULL ? pmss_cli_json_string (root, "public_url") : NULL;

  return public != NULL ? pmss_cli_escape (public) : g_strdup (url);
}

static gboolean
node_add (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *zone = NULL;
  g_autofree char *url = NULL;
  const GOptionEntry entries[] = {
    {"zone", 0, 0, G_OPTION_ARG_STRING, &zone,
        "The failure domain it stands in (rack, room)", "ZONE"},
    {NULL}
  };
  g_autoptr (JsonNode) body = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) answer = NULL;
  const char *token;
  JsonObject *root;

  if (!pmss_cli_parse (cli, &add_usage, entries, &argc, &argv, error))
    return FALSE;
  if (zone != NULL)
    json_object_set_string_member (object, "zone", zone);
  json_node_init_object (body, object);
  url = pmss_cli_find_url (cli, error);
  answer =
      url != NULL ? pmss_cli_request (cli, "POST", "/nodes/join-tokens", body,
      error) : NULL;
  root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  if (root == NULL)
    return FALSE;
  token = pmss_cli_json_string (root, "join_token");
  if (token == NULL) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "The control server answered without a join token");
    return FALSE;
  }
  if (cli->json) {
    pmss_cli_json_print (answer);
  } else {
    g_autofree char *public = find_public_url (cli, url);

    print_how (public, token, pmss_cli_json_string (root, "expires"), zone);
  }
  return TRUE;
}

static const PmssCliUsage set_usage = {
  "ID", "Says where a storage server is, or confirms a large clean-up of it.",
  "A storage server that says itself that it has moved has to prove it; an\n"
      "address that is set here counts at once. --confirm-cleanup deletes the\n"
      "shards that nobody knows, as 'pmss node ls' counts them: first make sure\n"
      "that the catalog is the right one and that the server is the one it says.\n\n"
      "Examples:\n"
      "  pmss node set 4 --address=storage4.example.org:8471\n"
      "  pmss node set 4 --confirm-cleanup",
  1, 1
};

/* The node as the server has it; @list owns it. */
static JsonObject *
find_node (PmssCli * cli, guint64 id, JsonNode ** list, GError ** error)
{
  JsonObject *root;
  JsonArray *nodes;

  *list = pmss_cli_request (cli, "GET", "/nodes", NULL, error);
  root = *list ? pmss_cli_json_root (*list, error) : NULL;
  if (root == NULL)
    return NULL;
  nodes = pmss_cli_json_array (root, "nodes");
  for (guint i = 0; nodes && i < json_array_get_length (nodes); i++) {
    JsonObject *node = pmss_cli_json_element (nodes, i);

    if (pmss_cli_json_number (node, "id") == id)
      return node;
  }
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "There is no storage server %" G_GUINT64_FORMAT, id);
  return NULL;
}

static gboolean
add_address (JsonObject * change, JsonObject * node, const char *address,
    GError ** error)
{
  g_autoptr (GSocketConnectable) parsed = g_network_address_parse (address,
      PMSS_STORAGE_PORT, error);

  if (parsed == NULL)
    return FALSE;
  json_object_set_string_member (change, "address",
      g_network_address_get_hostname (G_NETWORK_ADDRESS (parsed)));
  json_object_set_int_member (change, "port",
      g_network_address_get_port (G_NETWORK_ADDRESS (parsed)));
  json_object_set_boolean_member (change, "tls",
      json_object_get_boolean_member_with_default (node, "tls", FALSE));
  return TRUE;
}

static gboolean
change_node (PmssCli * cli, guint64 id, const char *address, gboolean confirm,
    GError ** error)
{
  g_autoptr (JsonNode) list = NULL, answer = NULL;
  g_autoptr (JsonNode) body = json_node_alloc ();
  g_autoptr (JsonObject) change = json_object_new ();
  g_autofree char *path = g_strdup_printf ("/nodes/%" G_GUINT64_FORMAT, id);
  JsonObject *node = find_node (cli, id, &list, error);

  if (node == NULL || (address && !add_address (change, node, address, error)))
    return FALSE;
  /* as many as there are now: of more somebody has to be asked anew */
  if (confirm)
    json_object_set_int_member (change, "confirm_cleanup",
        MAX (pmss_cli_json_number (node, "held_shards"), 1));
  json_node_init_object (body, change);
  answer = pmss_cli_request (cli, "PATCH", path, body, error);
  if (!answer)
    return FALSE;
  if (cli->json)
    pmss_cli_json_print (answer);
  else if (confirm)
    printf ("The %" G_GUINT64_FORMAT " shards that nobody knows are deleted "
        "from storage server %" G_GUINT64_FORMAT ".\n",
        pmss_cli_json_number (node, "held_shards"), id);
  else
    printf ("Storage server %" G_GUINT64_FORMAT " is at %s.\n", id, address);
  return TRUE;
}

static gboolean
node_set (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *address = NULL;
  gboolean confirm = FALSE;
  const GOptionEntry entries[] = {
    {"address", 0, 0, G_OPTION_ARG_STRING, &address,
        "Where it is to be reached", "HOST:PORT"},
    {"confirm-cleanup", 0, 0, G_OPTION_ARG_NONE, &confirm,
        "Delete the shards on it that nobody knows", NULL},
    {NULL}
  };
  guint64 id;

  if (!pmss_cli_parse (cli, &set_usage, entries, &argc, &argv, error) ||
      !pmss_cli_parse_id (argv[1], "storage server", &id, error))
    return FALSE;
  if (address != NULL || confirm)
    return change_node (cli, id, address, confirm, error);
  g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      "Nothing to set: give --address or --confirm-cleanup");
  return FALSE;
}

static const PmssCliUsage repair_usage = {
  "ID", "Does not wait for a storage server that is down.",
  "Its shards are rebuilt on the others at once, not only when it has been down\n"
      "for long (10 minutes, unless the control server is set otherwise). If it\n"
      "comes back meanwhile it keeps what it has.\n\n"
      "Example:\n  pmss node repair 4 && pmss job ls",
  1, 1
};

static gboolean
node_repair (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *path = NULL;
  guint64 id;

  if (!pmss_cli_parse (cli, &repair_usage, NULL, &argc, &argv, error) ||
      !pmss_cli_parse_id (argv[1], "storage server", &id, error))
    return FALSE;
  path = g_strdup_printf ("/nodes/%" G_GUINT64_FORMAT "/repair", id);
  answer = pmss_cli_request (cli, "POST", path, NULL, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (cli->json)
    pmss_cli_json_print (answer);
  else
    printf ("The shards of storage server %" G_GUINT64_FORMAT " are rebuilt on "
        "the others; 'pmss job ls' shows how far that is.\n", id);
  return TRUE;
}

static const PmssCliUsage remove_usage = {
  "ID", "Forgets a storage server that holds no shards any more.",
  "A server that still holds shards is refused; one that is down and whose\n"
      "shards were rebuilt elsewhere is not.\n\n"
      "Example:\n  pmss node remove 4",
  1, 1
};

static gboolean
node_remove (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *path = NULL;
  guint64 id;

  if (!pmss_cli_parse (cli, &remove_usage, NULL, &argc, &argv, error) ||
      !pmss_cli_parse_id (argv[1], "storage server", &id, error))
    return FALSE;
  path = g_strdup_printf ("/nodes/%" G_GUINT64_FORMAT, id);
  answer = pmss_cli_request (cli, "DELETE", path, NULL, &local);
  if (local != NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "Storage server %" G_GUINT64_FORMAT " stays: ", id);
    return FALSE;
  }
  printf (cli->json ? "{}\n" : "Storage server %" G_GUINT64_FORMAT
      " is forgotten.\n", id);
  return TRUE;
}

static const PmssCliCommand verbs[] = {
  {"ls", node_ls, "", "list the storage servers"},
  {"add", node_add, "[--zone ZONE]", "a join token, and how to use it"},
  {"set", node_set, "ID ...", "its address; confirm a large clean-up"},
  {"repair", node_repair, "ID", "rebuild a lost one's shards on the others"},
  {"remove", node_remove, "ID", "forget one that holds nothing"},
  {NULL}
};

gboolean
pmss_cmd_node (PmssCli * cli, int argc, char **argv, GError ** error)
{
  return pmss_cli_dispatch (cli, verbs, "The storage servers.", argc, argv,
      error);
}
