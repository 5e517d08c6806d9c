/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One question with yes or no; the main thread. */
#include "cli-confirm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ANSWER 16

/* A line, in lower case; what does not fit is no answer. FALSE: cancelled. */
static gboolean
read_answer (PmssCli * cli, char answer[MAX_ANSWER], GError ** error)
{
  gsize length = 0;

  for (;;) {
    GPollFD fds[2] = { {STDIN_FILENO, G_IO_IN, 0}
    };
    gboolean two = g_cancellable_make_pollfd (cli->cancellable, &fds[1]);
    char c;
    gssize n;

    g_poll (fds, two ? 2 : 1, -1);
    if (two)
      g_cancellable_release_fd (cli->cancellable);
    if (g_cancellable_set_error_if_cancelled (cli->cancellable, error))
      return FALSE;
    n = read (STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0 || c == '\n')
      break;
    if (length + 1 < MAX_ANSWER)
      answer[length++] = g_ascii_tolower (c);
  }
  answer[length] = '\0';
  return TRUE;
}

gboolean
pmss_cli_confirm (PmssCli * cli, const char *question, const char *what,
    GError ** error)
{
  char answer[MAX_ANSWER];

  if (!isatty (STDIN_FILENO) || cli->json) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "%s, and nobody can be asked here: --yes does it, --dry-run shows "
        "what it would be", what);
    return FALSE;
  }
  fprintf (stderr, "%s [y/N]: ", question);
  fflush (stderr);
  if (!read_answer (cli, answer, error))
    return FALSE;
  if (strcmp (answer, "y") == 0 || strcmp (answer, "yes") == 0)
    return TRUE;
  g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_INTERRUPTED,
      "nothing was done");
  return FALSE;
}
