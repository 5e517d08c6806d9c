/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss play */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libpmss/client/pmss-control-url.h>
#include <libpmss/pmss-error.h>
#include <libpmss/pmss-uri.h>

#include "cli-text.h"
#include "cli.h"
#include "medium.h"
#include "playing.h"
#include "starting.h"

/* s */
#define DEFAULT_WAIT 300
#define MAX_WAIT (24 * 3600)

static const PmssCliUsage usage = {
  "NAME [-- PLAYER-OPTION…]",
  "Plays a medium with gst-play-1.0, or any other player that uses GStreamer.",
  "Examples:\n"
      "  pmss play films/sintel.webm\n"
      "  pmss play films/sintel.webm -- --start-position=60\n"
      "  pmss play --player totem films/sintel.webm\n"
      "  pmss play --print-uri films/sintel.webm\n"
      "  pmss play --discard --stats films/sintel.webm   decodes it, shows nothing",
  1, -1
};

/* "http://h:p" and a name -> "pmss://h:p/name" */
static char *
medium_uri (PmssCli * cli, const char *name, GError ** error)
{
  g_autofree char *url = pmss_cli_find_url (cli, error);
  g_autoptr (PmssControlUrl) place =
      url != NULL ? pmss_control_url_parse (url, error) : NULL;
  g_autoptr (PmssUri) uri = NULL;

  if (place == NULL || !pmss_medium_check_name (name, error))
    return NULL;
  uri = pmss_uri_new (place->tls, place->host, place->port, name);
  return pmss_uri_to_string (uri);
}

/* Players tell little of what is wrong, and end with 0 all the same. */
static gboolean
can_be_played (PmssCli * cli, const char *name, GError ** error)
{
  g_autoptr (PmssClient) client = pmss_cli_connect (cli, error);
  g_autoptr (JsonNode) node = client ?
      pmss_medium_get (cli, client, name, error) : NULL;
  JsonObject *medium = node != NULL ? pmss_cli_json_root (node, error) : NULL;
  g_autofree char *state = NULL;

  if (medium == NULL)
    return FALSE;
  state = pmss_cli_escape (pmss_cli_json_string (medium, "state"));
  if (g_str_equal (state, "ready"))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "“%s” is not ready but %s", name, state);
  return FALSE;
}

/* The player's element takes the session over. It is held until then, and not
 * given back: control has it for as long as its lease. */
static PmssReader *
hold_session (PmssCli * cli, const char *name, guint wait, GError ** error)
{
  PmssReader *reader = pmss_starting_open (cli, name, wait, error);
  g_autofree char *text = NULL;

  if (reader == NULL)
    return NULL;
  text = g_strdup_printf ("%s %s", pmss_reader_get_session (reader)->id, name);
  g_setenv ("PMSS_SESSION", text, TRUE);
  return reader;
}

/* Becomes the player. Does not return when it works. */
static gboolean
become_player (const char *player, const char *uri, char **options,
    int n_options, GError ** error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  int i;

  g_ptr_array_add (argv, (gpointer) player);
  for (i = 0; i < n_options; i++)
    g_ptr_array_add (argv, options[i]);
  g_ptr_array_add (argv, (gpointer) uri);
  g_ptr_array_add (argv, NULL);
  pmss_cli_restore_signals (NULL);
  execvp (player, (char **) argv->pdata);
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "The player %s cannot be started: %s; gst-play-1.0 is in Debian's "
      "package gstreamer1.0-plugins-base-apps, --player names another",
      player, g_strerror (errno));
  return FALSE;
}

/* The element, in this process or in the player's, has no options of ours. */
static void
tell_authorities (PmssCli * cli)
{
  g_autofree char *path = NULL;

  if (!cli->ca_file)
    return;
  path = g_canonicalize_filename (cli->ca_file, NULL);
  g_setenv ("PMSS_CA_FILE", path, TRUE);
}

static void
tell_uri (PmssCli * cli, const char *uri)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonObject) object = NULL;

  if (!cli->json) {
    puts (uri);
    return;
  }
  node = json_node_alloc ();
  object = json_object_new ();
  json_object_set_string_member (object, "uri", uri);
  json_node_init_object (node, object);
  pmss_cli_json_print (node);
}

static gboolean
check_wait (int wait, GError ** error)
{
  if (wait >= 0 && wait <= MAX_WAIT)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "--wait has to be from 0 to %d, not %d", MAX_WAIT, wait);
  return FALSE;
}

gboolean
pmss_cmd_play (PmssCli * cli, int argc, char **argv, GError ** error)
{
  g_autofree char *player = NULL;
  g_autofree char *save = NULL;
  g_autofree char *uri = NULL;
  gboolean print_uri = FALSE, discard = FALSE, stats = FALSE;
  g_autoptr (PmssReader) held = NULL;
  int wait = DEFAULT_WAIT;
  const GOptionEntry entries[] = {
    {"player", 0, 0, G_OPTION_ARG_STRING, &player,
        "The player to start (gst-play-1.0)", "PROGRAM"},
    {"print-uri", 0, 0, G_OPTION_ARG_NONE, &print_uri,
        "Print the URI, for a player of your own", NULL},
    {"discard", 0, 0, G_OPTION_ARG_NONE, &discard,
        "Decode as fast as possible and show nothing", NULL},
    {"wait", 0, 0, G_OPTION_ARG_INT, &wait,
        "Wait for a start, if the servers are full (300)", "SECONDS"},
    {"save", 0, 0, G_OPTION_ARG_FILENAME, &save,
        "Write what the element pmsssrc gives to FILE", "FILE"},
    {"stats", 0, 0, G_OPTION_ARG_NONE, &stats,
        "With --discard or --save: what each server gave", NULL},
    {NULL}
  };

  if (!pmss_cli_parse (cli, &usage, entries, &argc, &argv, error))
    return FALSE;
  if (!check_wait (wait, error))
    return FALSE;
  uri = medium_uri (cli, argv[1], error);
  if (uri == NULL)
    return FALSE;
  if (print_uri) {
    tell_uri (cli, uri);
    return TRUE;
  }
  if (!can_be_played (cli, argv[1], error))
    return FALSE;
  tell_authorities (cli);
  if (discard || save != NULL)
    return pmss_playing_run (cli, uri, save, stats, (guint) wait, error);
  held = hold_session (cli, argv[1], (guint) wait, error);
  if (held == NULL)
    return FALSE;
  /* "--" stays where options of the player follow. */
  argv += 2;
  argc -= 2;
  if (argc > 0 && g_str_equal (argv[0], "--")) {
    argv++;
    argc--;
  }
  return become_player (player != NULL ? player : "gst-play-1.0", uri, argv,
      argc, error);
}
