/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss user ls, add, set, rm, passwd */

#include <stdio.h>
#include <string.h>

#include <libpmss/client/pmss-credentials.h>
#include <libpmss/pmss-error.h>

#include "cli-list.h"
#include "cli-password.h"

static const PmssCliUsage ls_usage = {
  "", "Lists the users and their roles.",
  "A viewer sees and plays media, an operator also uploads, deletes and looks\n"
      "after jobs, an administrator also manages users and storage servers.\n\n"
      "Example:\n  pmss user ls", 0, 0
};

static void
add_row (PmssCliTable * table, JsonObject * user)
{
  pmss_cli_table_add (table,
      pmss_cli_escape (pmss_cli_json_string (user, "name")),
      pmss_cli_escape (pmss_cli_json_string (user, "role")),
      pmss_cli_time (pmss_cli_json_string (user, "created")));
}

static gboolean
user_ls (PmssCli * cli, int argc, char **argv, GError ** error)
{
  static const char *const columns[] = { "NAME", "ROLE", "CREATED", NULL };
  static const PmssCliList list = {
    "users", columns, add_row, "No users.", NULL
  };

  return pmss_cli_parse (cli, &ls_usage, NULL, &argc, &argv, error) &&
      pmss_cli_list (cli, "/users", &list, error);
}

/* {"a": "b", ...} of pairs ended by NULL; a NULL value is left out. */
static JsonNode *
object_of (const char *first, ...)
{
  JsonNode *node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  const char *key, *value;
  va_list pairs;

  va_start (pairs, first);
  for (key = first; key; key = va_arg (pairs, const char *))
  {
    value = va_arg (pairs, const char *);
    if (value)
      json_object_set_string_member (object, key, value);
  }
  va_end (pairs);
  json_node_init_object (node, object);
  return node;
}

static char *
user_path (const char *name, const char *rest)
{
  g_autofree char *escaped = g_uri_escape_string (name, NULL, FALSE);

  return g_strconcat ("/users/", escaped, rest, NULL);
}

static void
report (PmssCli * cli, JsonNode * answer, const char *what, const char *name)
{
  g_autofree char *shown = pmss_cli_escape (name);

  if (!cli->json)
    printf ("%s %s.\n", what, shown);
  else if (answer != NULL && JSON_NODE_HOLDS_OBJECT (answer))
    pmss_cli_json_print (answer);
  else
    printf ("{}\n");
}

/* Before a password is asked for, and without a server. */
static gboolean
check_role (const char *role, GError ** error)
{
  static const char *const roles[] = { "viewer", "operator", "admin", NULL };
  g_autofree char *shown = NULL;

  if (role != NULL && g_strv_contains (roles, role))
    return TRUE;
  shown = role != NULL ? pmss_cli_escape (role) : NULL;
  if (shown != NULL)
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "“%s” is not a role: give --role viewer, operator or admin", shown);
  else
    g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "Which role? Give --role viewer, operator or admin");
  return FALSE;
}

static const PmssCliUsage add_usage = {
  "NAME", "Adds a user.",
  "The password is asked for, or read as for 'pmss login'.\n\n"
      "Examples:\n"
      "  pmss user add bob\n"
      "  pmss user add carol --role operator --password-file secret",
  1, 1
};

static gboolean
user_add (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *role = NULL;
  g_autofree char *file = NULL;
  const GOptionEntry entries[] = {
    {"role", 0, 0, G_OPTION_ARG_STRING, &role,
        "viewer (the default), operator or admin", "ROLE"},
    {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &file,
        "Read the password from FILE (its first line)", "FILE"},
    {NULL}
  };
  g_autoptr (PmssCliPassword) password = NULL;
  g_autoptr (JsonNode) body = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;

  if (!pmss_cli_parse (cli, &add_usage, entries, &argc, &argv, error)
      || (role && !check_role (role, error)))
    return FALSE;
  password = pmss_cli_password_get_new (file, cli->cancellable, error);
  if (password == NULL)
    return FALSE;
  body = object_of ("name", argv[1], "role", role != NULL ? role : "viewer",
      "password", pmss_cli_password_text (password), NULL);
  answer = pmss_cli_request (cli, "POST", "/users", body, &local);
  if (local != NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "User “%s” is not added: ", argv[1]);
    return FALSE;
  }
  report (cli, answer, "Added user", argv[1]);
  return TRUE;
}

static const PmssCliUsage set_usage = {
  "NAME", "Gives a user another role.",
  "It counts at once, for logins that the user has, too. The user's streams\n"
      "end, and begin anew where the new role may have them. The last\n"
      "administrator stays one.\n\n"
      "Example:\n  pmss user set bob --role operator",
  1, 1
};

static void
report_role (PmssCli * cli, JsonNode * answer, const char *name,
    const char *role)
{
  g_autofree char *shown = pmss_cli_escape (name);

  if (cli->json)
    pmss_cli_json_print (answer);
  else
    printf ("%s is %s %s now.\n", shown,
        g_str_equal (role, "viewer") ? "a" : "an", role);
}

static gboolean
user_set (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *role = NULL;
  const GOptionEntry entries[] = {
    {"role", 0, 0, G_OPTION_ARG_STRING, &role,
        "viewer, operator or admin", "ROLE"},
    {NULL}
  };
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) body = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;

  if (!pmss_cli_parse (cli, &set_usage, entries, &argc, &argv, error)
      || !check_role (role, error))
    return FALSE;
  path = user_path (argv[1], "");
  body = object_of ("role", role, NULL);
  answer = pmss_cli_request (cli, "PATCH", path, body, &local);
  if (local != NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "The role of “%s” stays as it is: ", argv[1]);
    return FALSE;
  }
  report_role (cli, answer, argv[1], role);
  return TRUE;
}

static const PmssCliUsage rm_usage = {
  "NAME", "Removes a user and ends the user's logins and streams.",
  "Example:\n  pmss user rm bob", 1, 1
};

static gboolean
user_rm (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;

  if (!pmss_cli_parse (cli, &rm_usage, NULL, &argc, &argv, error))
    return FALSE;
  path = user_path (argv[1], "");
  answer = pmss_cli_request (cli, "DELETE", path, NULL, &local);
  if (local != NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "User “%s” is not removed: ", argv[1]);
    return FALSE;
  }
  report (cli, answer, "Removed user", argv[1]);
  return TRUE;
}

static const PmssCliUsage passwd_usage = {
  "[NAME]", "Changes a password: one's own, or as an administrator anyone's.",
  "One's own needs the old one, too: asked for, or read from\n"
      "--old-password-file.\n\n"
      "Examples:\n"
      "  pmss user passwd\n" "  pmss user passwd bob --password-file new",
  0, 1
};

/* Who is logged in at the server that is talked to. */
static char *
own_name (PmssCli * cli, GError ** error)
{
  g_autofree char *url = pmss_cli_find_url (cli, error);
  g_autoptr (PmssCredentials) stored = NULL;
  const char *token = g_getenv ("PMSS_TOKEN");

  if (url == NULL)
    return NULL;
  stored = pmss_credentials_load (url, NULL);
  if (stored != NULL && !(token && *token))
    return g_strdup (stored->user);
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
      "Whose password? No login at %s is used: give the user's name", url);
  return NULL;
}

/* One's own needs the old one, too. @silent: nobody can be asked for it. */
static gboolean
old_password (PmssCli * cli, const char *file, gboolean own, gboolean silent,
    PmssCliPassword ** old, GError ** error)
{
  if (file == NULL && !own)
    return TRUE;
  if (file == NULL && silent) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "One's own password is changed with the old one: give "
        "--old-password-file FILE");
    return FALSE;
  }
  *old = pmss_cli_password_get ("Old password: ", file, cli->cancellable,
      error);
  return *old != NULL;
}

static gboolean
user_passwd (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *file = NULL;
  g_autofree char *old_file = NULL;
  const GOptionEntry entries[] = {
    {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &file,
        "Read the new password from FILE (its first line)", "FILE"},
    {"old-password-file", 0, 0, G_OPTION_ARG_FILENAME, &old_file,
        "Read the old password from FILE", "FILE"},
    {NULL}
  };
  g_autoptr (PmssCliPassword) old = NULL;
  g_autoptr (PmssCliPassword) password = NULL;
  g_autofree char *own = NULL;
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autoptr (JsonNode) body = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;

  if (!pmss_cli_parse (cli, &passwd_usage, entries, &argc, &argv, error))
    return FALSE;
  own = own_name (cli, argc > 1 ? NULL : error);
  name = g_strdup (argc > 1 ? argv[1] : own);
  if (name == NULL || !old_password (cli, old_file,
          g_strcmp0 (name, own) == 0, !pmss_cli_password_is_asked (file),
          &old, error))
    return FALSE;
  password = pmss_cli_password_get_new (file, cli->cancellable, error);
  if (password == NULL)
    return FALSE;
  path = user_path (name, "/password");
  body = object_of ("password", pmss_cli_password_text (password),
      "old_password", old != NULL ? pmss_cli_password_text (old) : NULL, NULL);
  answer = pmss_cli_request (cli, "PUT", path, body, &local);
  if (local != NULL) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "The password of “%s” stays as it is: ", name);
    return FALSE;
  }
  report (cli, answer, "Changed the password of", name);
  return TRUE;
}

static const PmssCliCommand verbs[] = {
  {"ls", user_ls, "", "list users and roles"},
  {"add", user_add, "NAME", "add a user"},
  {"set", user_set, "NAME", "give a user another role"},
  {"rm", user_rm, "NAME", "remove a user"},
  {"passwd", user_passwd, "[NAME]", "change a password"},
  {NULL}
};

gboolean
pmss_cmd_user (PmssCli * cli, int argc, char **argv, GError ** error)
{
  return pmss_cli_dispatch (cli, verbs, "Who may do what.", argc, argv, error);
}
