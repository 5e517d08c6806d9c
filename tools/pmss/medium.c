/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "medium.h"

#include <string.h>

#include <libpmss/pmss-error.h>
#include <libpmss/pmss-types.h>

#include "cli-suggest.h"
#include "cli-text.h"

gboolean
pmss_medium_check_name (const char *name, GError ** error)
{
  if (pmss_medium_name_check (name, error))
    return TRUE;
  g_prefix_error (error, "“%s”: ", name);
  return FALSE;
}

char *
pmss_medium_path (const char *name, GError ** error)
{
  g_autofree char *encoded = NULL;

  if (!pmss_medium_check_name (name, error))
    return NULL;
  encoded = pmss_client_encode_name (name);
  return g_strconcat ("/media/", encoded, NULL);
}


/* One page: "/media?prefix=…&after=…". */
static JsonNode *
get_page (PmssCli * cli, PmssClient * client, const char *prefix,
    const char *after, GError ** error)
{
  g_autoptr (GString) path = g_string_new ("/media?limit=1000");

  if (prefix != NULL) {
    g_string_append (path, "&prefix=");
    g_string_append_uri_escaped (path, prefix, NULL, FALSE);
  }
  if (after != NULL) {
    g_string_append (path, "&after=");
    g_string_append_uri_escaped (path, after, NULL, FALSE);
  }
  return pmss_client_request (client, "GET", path->str, NULL,
      cli->cancellable, error);
}

JsonArray *
pmss_medium_list (PmssCli * cli, PmssClient * client, const char *prefix,
    GError ** error)
{
  g_autoptr (JsonArray) all = json_array_new ();
  g_autofree char *after = NULL;

  do {
    g_autoptr (JsonNode) page = get_page (cli, client, prefix, after, error);
    JsonObject *root = page != NULL ? pmss_cli_json_root (page, error) : NULL;
    JsonArray *media = pmss_cli_json_array (root, "media");
    const char *next = pmss_cli_json_string (root, "next");
    guint i;

    if (root == NULL)
      return NULL;
    for (i = 0; media && i < json_array_get_length (media); i++)
      json_array_add_element (all, json_array_dup_element (media, i));
    /* A server that answers with the same page for ever is no server. */
    if (next != NULL && after != NULL && strcmp (next, after) <= 0) {
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
          "The control server's list of media does not go on after “%s”",
          after);
      return NULL;
    }
    g_free (after);
    after = g_strdup (next);
  } while (after != NULL);
  return g_steal_pointer (&all);
}

char **
pmss_medium_list_ready (PmssCli * cli, PmssClient * client,
    gboolean (*wanted) (JsonObject * medium), GError ** error)
{
  g_autoptr (JsonArray) media = pmss_medium_list (cli, client, NULL, error);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  if (media == NULL)
    return NULL;
  for (guint i = 0; i < json_array_get_length (media); i++) {
    JsonObject *medium = pmss_cli_json_element (media, i);
    const char *name = pmss_cli_json_string (medium, "name");

    if (name != NULL && g_strcmp0 (pmss_cli_json_string (medium, "state"),
            "ready") == 0 && (wanted == NULL || wanted (medium)))
      g_strv_builder_add (names, name);
  }
  return g_strv_builder_end (names);
}

/* Adds the names of the first media that begin with @prefix. */
static void
add_names (PmssCli * cli, PmssClient * client, const char *prefix,
    PmssSuggestion * suggestion)
{
  g_autoptr (JsonNode) page = get_page (cli, client, prefix, NULL, NULL);
  JsonObject *root = page != NULL ? pmss_cli_json_root (page, NULL) : NULL;
  JsonArray *media = pmss_cli_json_array (root, "media");

  for (guint i = 0; media && i < json_array_get_length (media); i++) {
    const char *name = pmss_cli_json_string (pmss_cli_json_element (media, i),
        "name");

    if (name != NULL)
      pmss_suggestion_add (suggestion, name);
  }
}

void
pmss_medium_suggest (PmssCli * cli, PmssClient * client, const char *name,
    GError ** error)
{
  const PmssErrorDetails *details =
      error != NULL ? pmss_error_get_details (*error) : NULL;
  g_auto (PmssSuggestion) suggestion = { NULL };
  g_autofree char *folder = g_path_get_dirname (name);
  g_autofree char *prefix = g_strconcat (folder, "/", NULL);
  g_autofree char *text = NULL;

  if (details == NULL || details->http_status != 404)
    return;
  pmss_suggestion_init (&suggestion, name);
  if (!g_str_equal (folder, "."))
    add_names (cli, client, prefix, &suggestion);
  if (!suggestion.best)
    add_names (cli, client, NULL, &suggestion);
  if (!suggestion.best)
    return;
  text = g_strdup_printf ("%s; did you mean “%s”?", (*error)->message,
      suggestion.best);
  g_free ((*error)->message);
  (*error)->message = g_steal_pointer (&text);
}

guint64
pmss_medium_start_job (PmssCli * cli, PmssClient * client, const char *name,
    const char *what, GError ** error)
{
  g_autofree char *medium = pmss_medium_path (name, error);
  g_autofree char *path = medium != NULL ? g_strconcat (medium, "/", what, NULL)
      : NULL;
  g_autoptr (JsonNode) answer = path != NULL ? pmss_client_request (client,
      "POST", path, NULL, cli->cancellable, error) : NULL;
  JsonObject *root = answer != NULL ? pmss_cli_json_root (answer, error) : NULL;
  guint64 job = root != NULL ? pmss_cli_json_number (root, "job") : 0;

  if (path != NULL && answer == NULL)
    pmss_medium_suggest (cli, client, name, error);
  if (root != NULL && job == 0)
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "The control server does not say which job it is");
  return job;
}

JsonNode *
pmss_medium_get (PmssCli * cli, PmssClient * client, const char *name,
    GError ** error)
{
  g_autofree char *path = pmss_medium_path (name, error);
  JsonNode *node;

  if (path == NULL)
    return NULL;
  node = pmss_client_request (client, "GET", path, NULL, cli->cancellable,
      error);
  if (node == NULL)
    pmss_medium_suggest (cli, client, name, error);
  return node;
}
