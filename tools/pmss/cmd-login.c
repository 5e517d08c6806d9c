/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss login, logout */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libpmss/client/pmss-credentials.h>
#include <libpmss/pmss-error.h>

#include "cli-password.h"
#include "cli-text.h"
#include "cli.h"

static const PmssCliUsage login_usage = {
  "[URL]", "Logs in to a control server and remembers it.",
  "The password is asked for on the terminal, read from --password-file, or is\n"
      "the first line of standard input where that is no terminal. A one-time\n"
      "password is changed at once: the new one is asked for, read from\n"
      "--new-password-file, or the next line of standard input. What is stored\n"
      "is a token with an end, in the file pmss/credentials (mode 0600) of the\n"
      "user's configuration folder, never the password. The FILE of --ca-file is\n"
      "remembered with it, for later commands and for players.\n\n"
      "Examples:\n"
      "  pmss login http://control.example.org:8470 --user alice\n"
      "  pmss login control.example.org --user alice --password-file secret\n"
      "  pmss login https://control.example.org --ca-file ca.pem",
  0, 1
};

/* The authorities that were named now, or with an earlier login there: players have no --ca-file. */
static char *
ca_file_to_keep (PmssCli * cli, const char *url)
{
  g_autoptr (PmssCredentials) stored = NULL;

  if (cli->ca_file)
    return g_canonicalize_filename (cli->ca_file, NULL);
  stored = pmss_credentials_load (url, NULL);
  return stored != NULL ? g_steal_pointer (&stored->ca_file) : NULL;
}

static gboolean
store (PmssCli * cli, const char *url, const char *user, const char *token,
    const char *expires, GError ** error)
{
  g_autofree char *ca_file = ca_file_to_keep (cli, url);
  PmssCredentials credentials = {
    (char *) url, (char *) user, (char *) token, (char *) expires, ca_file
  };

  return pmss_credentials_store (&credentials, error);
}

static void
report_login (PmssCli * cli, const char *url, const char *user,
    const char *expires)
{
  if (cli->json) {
    g_autoptr (JsonNode) node = json_node_alloc ();
    JsonObject *object = json_object_new ();

    json_object_set_string_member (object, "url", url);
    json_object_set_string_member (object, "user", user);
    json_object_set_string_member (object, "expires", expires);
    json_node_init_object (node, object);
    json_object_unref (object);
    pmss_cli_json_print (node);
  } else {
    g_autofree char *shown = pmss_cli_escape (user);
    g_autofree char *end = pmss_cli_time (expires);

    printf ("Logged in at %s as %s until %s.\n", url, shown, end);
  }
}

/* The login is good for nothing else before. */
static gboolean
change_one_time (PmssCli * cli, PmssClient * client, const char *user,
    PmssCliPassword * old, const char *file, GError ** error)
{
  g_autoptr (PmssCliPassword) password = NULL;
  g_autoptr (JsonNode) body = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *name = pmss_client_encode_name (user);
  g_autofree char *path = g_strdup_printf ("/users/%s/password", name);

  if (pmss_cli_password_is_asked (file))
    fputs ("This is a one-time password: choose one of your own.\n", stderr);
  password = pmss_cli_password_get_new (file, cli->cancellable, error);
  if (password == NULL) {
    g_prefix_error (error, "The one-time password has to be changed; give the "
        "new one with --new-password-file, or as the next line of standard "
        "input: ");
    return FALSE;
  }
  json_object_set_string_member (object, "password",
      pmss_cli_password_text (password));
  json_object_set_string_member (object, "old_password",
      pmss_cli_password_text (old));
  json_node_init_object (body, object);
  answer = pmss_client_request (client, "PUT", path, body, cli->cancellable,
      error);
  if (answer != NULL)
    return TRUE;
  g_prefix_error (error, "The one-time password is not changed: ");
  return FALSE;
}

gboolean
pmss_cmd_login (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *user = NULL;
  g_autofree char *file = NULL;
  g_autofree char *new_file = NULL;
  g_autofree char *url = NULL;
  g_autofree char *token = NULL;
  g_autofree char *expires = NULL;
  g_autoptr (PmssCliPassword) password = NULL;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (GError) local = NULL;
  const GOptionEntry entries[] = {
    {"user", 'u', 0, G_OPTION_ARG_STRING, &user, "Who to log in as", "USER"},
    {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &file,
        "Read the password from FILE (its first line)", "FILE"},
    {"new-password-file", 0, 0, G_OPTION_ARG_FILENAME, &new_file,
        "Read what replaces a one-time password", "FILE"},
    {NULL}
  };

  if (!pmss_cli_parse (cli, &login_usage, entries, &argc, &argv, error))
    return FALSE;
  url = argc > 1 ? pmss_cli_normalize_url (argv[1], error) :
      pmss_cli_find_url (cli, error);
  if (url == NULL)
    return FALSE;
  if (user == NULL)
    user = pmss_cli_ask_user (cli->cancellable, error);
  if (user == NULL)
    return FALSE;
  password = pmss_cli_password_get ("Password: ", file, cli->cancellable,
      error);
  if (password == NULL)
    return FALSE;
  client = pmss_cli_client_new (cli, url, error);
  if (client == NULL)
    return FALSE;
  if (!pmss_client_login (client, user, pmss_cli_password_text (password),
          &token, &expires, cli->cancellable, &local)) {
    /* "Log in" would be no help. */
    if (g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED))
      g_set_error_literal (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_REFUSED,
          local->message);
    else
      g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (pmss_client_has_one_time_password (client)
      && !change_one_time (cli, client, user, password, new_file, error))
    return FALSE;
  if (!store (cli, url, user, token, expires, error)) {
    g_prefix_error (error, "Logged in, but the login cannot be stored: ");
    return FALSE;
  }
  report_login (cli, url, user, expires);
  return TRUE;
}

static const PmssCliUsage logout_usage = {
  "[URL]", "Ends a login and forgets it.",
  "Examples:\n"
      "  pmss logout                          the server of the last login\n"
      "  pmss logout http://control:8470",
  0, 1
};

gboolean
pmss_cmd_logout (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *url = NULL;
  g_autoptr (PmssCredentials) stored = NULL;
  g_autoptr (PmssClient) client = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) local = NULL;

  if (!pmss_cli_parse (cli, &logout_usage, NULL, &argc, &argv, error))
    return FALSE;
  url = argc > 1 ? pmss_cli_normalize_url (argv[1], error) :
      pmss_cli_find_url (cli, error);
  if (url == NULL)
    return FALSE;
  stored = pmss_credentials_load (url, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (stored != NULL) {
    client = pmss_cli_client_new (cli, url, &local);
  }
  if (client != NULL) {
    pmss_client_set_credentials (client, stored->token, NULL, NULL);
    answer = pmss_client_request (client, "POST", "/logout", NULL,
        cli->cancellable, &local);
  }
  if (!pmss_credentials_forget (url, error))
    return FALSE;
  /* A token that has ended is as good as one that was ended. */
  if (local != NULL
      && !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED)) {
    g_propagate_prefixed_error (error, g_steal_pointer (&local),
        "The login is forgotten here, but the server could not be told, "
        "so that its token lives on to its end: ");
    return FALSE;
  }
  if (!cli->json)
    printf (stored !=
        NULL ? "Logged out at %s.\n" : "There was no login at %s.\n", url);
  else
    printf ("{}\n");
  return TRUE;
}
