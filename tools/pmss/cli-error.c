/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How errors end the program: exit codes of sysexits.h, and what to do. */

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <libpmss/pmss-error.h>

#include "cli-text.h"
#include "cli.h"

/* By shells' convention: 128 + SIGINT. */
#define EXIT_CANCELLED 130

static int
exit_code_of_pmss (const GError * error)
{
  switch ((PmssError) error->code) {
    case PMSS_ERROR_INVALID:
    case PMSS_ERROR_CORRUPT:
    case PMSS_ERROR_RANGE:
      return EX_DATAERR;
    case PMSS_ERROR_NOT_FOUND:
      return EX_NOINPUT;
    case PMSS_ERROR_NOT_AUTHORIZED:
    case PMSS_ERROR_FORBIDDEN:
      return EX_NOPERM;
    case PMSS_ERROR_BUSY:
    case PMSS_ERROR_TIMED_OUT:
      return EX_TEMPFAIL;
    case PMSS_ERROR_EXISTS:
      return EX_CANTCREAT;
    case PMSS_ERROR_TOO_FEW_SHARDS:
      return EX_IOERR;
    case PMSS_ERROR_UNREACHABLE:
    case PMSS_ERROR_CONFLICT:
      /* the cluster's: a disk here is a G_IO_ERROR */
    case PMSS_ERROR_NO_SPACE:
      return EX_UNAVAILABLE;
    case PMSS_ERROR_TLS:
    case PMSS_ERROR_PROTOCOL:
    case PMSS_ERROR_MISDIRECTED:
      return EX_PROTOCOL;
    case PMSS_ERROR_FAILED:
      return EX_SOFTWARE;
  }
  return EX_SOFTWARE;
}

static int
exit_code_of_io (int code)
{
  switch (code) {
    case G_IO_ERROR_CANCELLED:
      return EXIT_CANCELLED;
    case G_IO_ERROR_NOT_FOUND:
    case G_IO_ERROR_IS_DIRECTORY:
    case G_IO_ERROR_NOT_DIRECTORY:
      return EX_NOINPUT;
    case G_IO_ERROR_PERMISSION_DENIED:
    case G_IO_ERROR_READ_ONLY:
      return EX_NOPERM;
    case G_IO_ERROR_EXISTS:
      return EX_CANTCREAT;
    case G_IO_ERROR_TIMED_OUT:
      return EX_TEMPFAIL;
    default:
      return EX_IOERR;
  }
}

static int
exit_code_of_cli (const GError * error)
{
  switch ((PmssCliError) error->code) {
    case PMSS_CLI_ERROR_USAGE:
    case PMSS_CLI_ERROR_NO_SERVER:
      return EX_USAGE;
    case PMSS_CLI_ERROR_REFUSED:
      return EX_NOPERM;
    case PMSS_CLI_ERROR_NO_DECODER:
      return EX_UNAVAILABLE;
    case PMSS_CLI_ERROR_NOT_WHOLE:
      return EX_DATAERR;
    case PMSS_CLI_ERROR_INTERRUPTED:
      return EXIT_CANCELLED;
    case PMSS_CLI_ERROR_CONFIG:
      return EX_CONFIG;
    case PMSS_CLI_ERROR_SOFTWARE:
      return EX_SOFTWARE;
  }
  return EX_SOFTWARE;
}

int
pmss_cli_exit_code (const GError * error)
{
  if (error->domain == PMSS_ERROR)
    return exit_code_of_pmss (error);
  if (error->domain == G_IO_ERROR)
    return exit_code_of_io (error->code);
  if (error->domain == G_FILE_ERROR)
    return error->code == G_FILE_ERROR_ACCES ? EX_NOPERM :
        error->code == G_FILE_ERROR_NOENT ? EX_NOINPUT : EX_IOERR;
  if (error->domain == G_OPTION_ERROR || error->domain == G_URI_ERROR)
    return EX_USAGE;
  if (error->domain == G_KEY_FILE_ERROR)
    return EX_CONFIG;
  if (error->domain == G_SPAWN_ERROR)
    return EX_OSERR;
  if (error->domain == PMSS_CLI_ERROR)
    return exit_code_of_cli (error);
  return EX_SOFTWARE;
}

/* What to do, where the text of the error does not say it by itself. */
static const char *
hint_of_pmss (const GError * error)
{
  switch ((PmssError) error->code) {
    case PMSS_ERROR_NOT_AUTHORIZED:
      return strstr (error->message, "pmss login") ? NULL :
          "Log in with 'pmss login URL', or set PMSS_TOKEN.";
    case PMSS_ERROR_FORBIDDEN:
      return "An administrator can do it, or give you the role.";
    case PMSS_ERROR_UNREACHABLE:
      return "Check that the server runs and that its address and port are "
          "right;\n--server URL asks another one.";
    case PMSS_ERROR_TLS:
      return "If the server has no TLS, its URL begins with http://. If its "
          "certificate is of an\nauthority of your own, name that with "
          "--ca-file FILE.";
    case PMSS_ERROR_TIMED_OUT:
    case PMSS_ERROR_BUSY:
      return strstr (error->message, "ry again") ? NULL :
          "Try again in a moment.";
    case PMSS_ERROR_TOO_FEW_SHARDS:
      return "'pmss node ls' shows which storage servers are down.";
    case PMSS_ERROR_CORRUPT:
      return "Keep what was stored and look at the log of the storage "
          "servers; 'pmss verify NAME' says which shards are bad.";
    default:
      return NULL;
  }
}

static const char *
hint_of (const GError * error)
{
  if (error->domain == PMSS_ERROR)
    return hint_of_pmss (error);
  if (g_error_matches (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_NO_SERVER))
    return "Log in with 'pmss login URL', or give --server URL or PMSS_URL.";
  return NULL;
}

JsonNode *
pmss_cli_error_to_json (const GError * error)
{
  JsonNode *node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *valid = g_utf8_make_valid (error->message, -1);
  const char *hint = hint_of (error);
  gboolean cancelled = g_error_matches (error, G_IO_ERROR,
      G_IO_ERROR_CANCELLED);

  json_object_set_string_member (object, "message",
      cancelled ? "interrupted" : valid);
  json_object_set_int_member (object, "exit", pmss_cli_exit_code (error));
  if (hint != NULL)
    json_object_set_string_member (object, "hint", hint);
  else
    json_object_set_null_member (object, "hint");
  json_node_init_object (node, object);
  return node;
}

/* One line, so that it can be told from the next one. Takes @what. */
static void
print_line (const char *name, JsonNode * what)
{
  g_autoptr (JsonNode) node = json_node_alloc ();
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *text = NULL;

  json_object_set_member (object, name, what);
  json_node_init_object (node, object);
  text = json_to_string (node, FALSE);
  fflush (stdout);
  fprintf (stderr, "%s\n", text);
}

void
pmss_cli_print_error_json (const GError * error)
{
  print_line ("error", pmss_cli_error_to_json (error));
}

void
pmss_cli_print_warning (PmssCli * cli, const char *text)
{
  g_autofree char *shown = pmss_cli_escape (text);
  g_autoptr (JsonObject) object = NULL;
  JsonNode *node;

  if (!cli->json) {
    fprintf (stderr, "%s: %s\n", g_get_prgname (), shown);
    return;
  }
  node = json_node_alloc ();
  object = json_object_new ();
  json_object_set_string_member (object, "message", shown);
  json_node_init_object (node, object);
  print_line ("warning", node);
}

void
pmss_cli_print_error (const GError * error)
{
  g_autofree char *text = pmss_cli_escape (error->message);
  const char *hint = hint_of (error);

  fflush (stdout);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    fprintf (stderr, "%s: interrupted\n", g_get_prgname ());
    return;
  }
  fprintf (stderr, "%s: %s\n", g_get_prgname (), text);
  if (hint != NULL)
    fprintf (stderr, "%s\n", hint);
  if (pmss_cli_exit_code (error) == EX_USAGE && hint == NULL)
    fprintf (stderr, "Try '%s --help'.\n", g_get_prgname ());
}
