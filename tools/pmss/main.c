/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pmss: the command line of PMSS. This file only finds the command. */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <sysexits.h>

#include "cli-text.h"
#include "cli.h"

static const PmssCliCommand commands[] = {
  {"login", pmss_cmd_login, "[URL]", "log in to a control server"},
  {"logout", pmss_cmd_logout, "[URL]", "log out and forget the login"},
  {"ls", pmss_cmd_ls, "[PREFIX]", "list media"},
  {"info", pmss_cmd_info, "NAME...", "show what is known of media"},
  {"put", pmss_cmd_put, "FILE... [NAME]", "upload files and folders"},
  {"get", pmss_cmd_get, "NAME [FILE]",
      "fetch a medium, from all its servers at once"},
  {"play", pmss_cmd_play, "NAME", "play a medium"},
  {"verify", pmss_cmd_verify, "NAME...", "have all shards of media checked"},
  {"artwork", pmss_cmd_artwork, "NAME...",
      "make the pictures of media anew"},
  {"mv", pmss_cmd_mv, "OLD... NEW", "give media other names"},
  {"set", pmss_cmd_set, "NAME", "change a title, keep or drop an original"},
  {"rm", pmss_cmd_rm, "NAME...", "delete media"},
  {"status", pmss_cmd_status, "", "how the cluster is, and what to do"},
  {"capacity", pmss_cmd_capacity, "[NAME]",
      "how much more the storage servers can send"},
  {"top", pmss_cmd_top, "", "storage servers and streams, live"},
  {"node", pmss_cmd_node, "ls|add|set|...", "storage servers"},
  {"job", pmss_cmd_job, "ls|watch|pause|...", "background work"},
  {"session", pmss_cmd_session, "ls|end", "running streams"},
  {"link", pmss_cmd_link, "NAME|ls|rm",
      "links that play a medium without a login"},
  {"events", pmss_cmd_events, "[--follow]", "what happened, and by whom"},
  {"user", pmss_cmd_user, "ls|add|rm|passwd", "who may do what"},
  {"policy", pmss_cmd_policy, "ls|set|rm",
      "how uploads are stored that do not say"},
  {"local", pmss_cmd_local, "up|status|down|...",
      "a cluster on this machine, to try and to test"},
  {NULL}
};

static const char intro[] =
    "Talks to a PMSS control server, and reads media from its storage servers.\n"
    "Every command takes --json, --server URL and --ca-file FILE. Without --server,\n"
    "PMSS_URL and PMSS_TOKEN count, and without these what 'pmss login' stored.";

/* "--version" may stand beside --json, and nothing else. */
static gboolean
print_version (PmssCli * cli, int argc, char **argv)
{
  gboolean wanted = argc == 2 && g_str_equal (argv[1], "--version");

  if (!wanted)
    return FALSE;
  printf (cli->json ? "{ \"version\" : \"%s\" }\n" : "pmss %s\n", PMSS_VERSION);
  return TRUE;
}

static gboolean
run (PmssCli * cli, int argc, char **argv, GError ** error)
{
  /* for errors of what comes first, too */
  for (int i = 1; i < argc && !g_str_equal (argv[i], "--"); i++)
    cli->json |= g_str_equal (argv[i], "--json");
  return pmss_cli_parse_leading (cli, &argc, &argv, error) &&
      (print_version (cli, argc, argv) ||
      pmss_cli_dispatch (cli, commands, intro, argc, argv, error));
}

int
main (int argc, char **argv)
{
  PmssCli cli = { 0 };
  g_autoptr (GError) error = NULL;
  int status;

  /* Not LC_NUMERIC: numbers are the same everywhere. */
  setlocale (LC_CTYPE, "");
  g_set_prgname ("pmss");
  cli.cancellable = g_cancellable_new ();
  pmss_cli_watch_signals (cli.cancellable);
  if (!run (&cli, argc, argv, &error)) {
    /* "pmss get NAME - | head" is no error to tell of. */
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
      pmss_cli_end_by_sigpipe ();
    if (cli.json)
      pmss_cli_print_error_json (error);
    else
      pmss_cli_print_error (error);
    status = pmss_cli_exit_code (error);
  } else if (fflush (stdout) != 0 || ferror (stdout)) {
    if (errno == EPIPE)
      pmss_cli_end_by_sigpipe ();
    perror ("pmss: standard output");
    status = EX_IOERR;
  } else {
    status = cli.status;
  }
  /* The signal thread may be using the cancellable: it lives on to the end. */
  g_free (cli.server);
  g_free (cli.ca_file);
  return status;
}
