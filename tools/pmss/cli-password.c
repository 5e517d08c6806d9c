/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <libpmss/pmss-error.h>
#include <sodium.h>

#include "cli.h"

/* As much as the control server takes. */
#define MAX_PASSWORD 1024

struct _PmssCliPassword
{
  char text[MAX_PASSWORD + 2];  /* a line's end and NUL */
};

gboolean
pmss_cli_password_is_asked (const char *file)
{
  return file == NULL && isatty (STDIN_FILENO);
}

/* Waits for something to read, or for the user to have had enough. */
static gboolean
wait_for_input (int fd, GCancellable * cancellable, GError ** error)
{
  GPollFD fds[2] = { {fd, G_IO_IN, 0} };

  if (!g_cancellable_make_pollfd (cancellable, &fds[1]))
    return TRUE;
  while (g_poll (fds, 2, -1) < 0 && errno == EINTR);
  g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Reads a line unbuffered: no copy of it stays in a stdio buffer. */
static gboolean
read_line (int fd, PmssCliPassword * password, const char *what,
    GCancellable * cancellable, GError ** error)
{
  gsize length = 0;
  gboolean ended = FALSE;

  while (!ended && length <= MAX_PASSWORD) {
    gssize n;

    if (!wait_for_input (fd, cancellable, error))
      return FALSE;
    n = read (fd, password->text + length, 1);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
          "%s cannot be read: %s", what, g_strerror (errno));
      return FALSE;
    }
    ended = n == 0 || password->text[length] == '\n';
    if (!ended)
      length++;
  }
  password->text[length] = '\0';
  if (length > 0 && password->text[length - 1] == '\r')
    password->text[length - 1] = '\0';
  if (ended && password->text[0] != '\0')
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      ended ? "%s holds no password" : "%s holds a line over 1024 bytes", what);
  return FALSE;
}

char *
pmss_cli_ask_user (GCancellable * cancellable, GError ** error)
{
  g_autofree PmssCliPassword *line = g_new0 (PmssCliPassword, 1);
  g_autoptr (GError) local = NULL;

  if (!isatty (STDIN_FILENO)) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "There is no terminal to ask for the user's name: give --user USER");
    return NULL;
  }
  fputs ("User: ", stderr);
  fflush (stderr);
  if (!read_line (STDIN_FILENO, line, "The terminal", cancellable, &local) &&
      !g_error_matches (local, PMSS_ERROR, PMSS_ERROR_INVALID)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  if (local != NULL || *g_strstrip (line->text) == '\0') {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_USAGE,
        "No user was given");
    return NULL;
  }
  return g_strdup (line->text);
}

static gboolean
read_file (const char *file, PmssCliPassword * password,
    GCancellable * cancellable, GError ** error)
{
  FILE *stream = fopen (file, "re");
  gboolean ok;

  if (stream == NULL) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "The password file %s cannot be opened: %s", file, g_strerror (errno));
    return FALSE;
  }
  ok = read_line (fileno (stream), password, file, cancellable, error);
  fclose (stream);
  return ok;
}

/* However it ends, the terminal shows again what is typed. */
static gboolean
read_terminal (const char *prompt, PmssCliPassword * password,
    GCancellable * cancellable, GError ** error)
{
  struct termios before, silent;
  gboolean ok;

  fputs (prompt, stderr);
  fflush (stderr);
  if (tcgetattr (STDIN_FILENO, &before) != 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "The terminal cannot be told not to show the password: %s",
        g_strerror (errno));
    return FALSE;
  }
  silent = before;
  silent.c_lflag &= (tcflag_t) ~ ECHO;
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &silent);
  ok = read_line (STDIN_FILENO, password, "The terminal", cancellable, error);
  tcsetattr (STDIN_FILENO, TCSAFLUSH, &before);
  fputc ('\n', stderr);
  return ok;
}

PmssCliPassword *
pmss_cli_password_get (const char *prompt, const char *file,
    GCancellable * cancellable, GError ** error)
{
  g_autoptr (PmssCliPassword) password = NULL;
  gboolean ok;

  if (sodium_init () < 0 ||
      !(password = sodium_malloc (sizeof (PmssCliPassword)))) {
    g_set_error (error, PMSS_CLI_ERROR, PMSS_CLI_ERROR_SOFTWARE,
        "There is no memory to keep a password in");
    return NULL;
  }
  if (file != NULL)
    ok = read_file (file, password, cancellable, error);
  else if (isatty (STDIN_FILENO))
    ok = read_terminal (prompt, password, cancellable, error);
  else
    ok = read_line (STDIN_FILENO, password, "Standard input", cancellable,
        error);
  return ok ? g_steal_pointer (&password) : NULL;
}

PmssCliPassword *
pmss_cli_password_get_new (const char *file, GCancellable * cancellable,
    GError ** error)
{
  g_autoptr (PmssCliPassword) first =
      pmss_cli_password_get ("New password: ", file, cancellable, error);
  g_autoptr (PmssCliPassword) second = NULL;

  if (first == NULL || !pmss_cli_password_is_asked (file))
    return g_steal_pointer (&first);
  second = pmss_cli_password_get ("The same again: ", NULL, cancellable, error);
  if (second == NULL)
    return NULL;
  if (strcmp (first->text, second->text) == 0)
    return g_steal_pointer (&first);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "The two passwords differ");
  return NULL;
}

const char *
pmss_cli_password_text (PmssCliPassword * password)
{
  return password->text;
}

void
pmss_cli_password_free (PmssCliPassword * password)
{
  sodium_free (password);
}
