/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The alternate screen of a terminal, by the sequences of ECMA-48 and xterm. */
#include "live-screen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"
/* of a terminal that does not say */
#define COLUMNS 80
#define ROWS 24

struct _PmssLiveScreen
{
  GCancellable *cancellable;
  GCancellable *over;           /* ends the thread */
  GThread *keys;                /* NULL: standard input is no terminal */
  struct termios before;        /* of standard input */
};

gboolean
pmss_live_screen_is_possible (void)
{
  const char *term = g_getenv ("TERM");

  return isatty (STDOUT_FILENO) && term != NULL && *term != '\0'
      && !g_str_equal (term, "dumb");
}

/* FALSE: it has ended. */
static gboolean
read_key (PmssLiveScreen * self)
{
  char key;

  if (read (STDIN_FILENO, &key, 1) <= 0)
    return FALSE;
  if (key == 'q' || key == 'Q')
    g_cancellable_cancel (self->cancellable);
  return TRUE;
}

static gpointer
read_keys (gpointer data)
{
  PmssLiveScreen *self = data;
  GPollFD fds[] = { {.fd = STDIN_FILENO,.events = G_IO_IN}, {0} };

  if (!g_cancellable_make_pollfd (self->over, &fds[1]))
    return NULL;
  do {
    if (g_poll (fds, 2, -1) < 0 && errno != EINTR)
      break;
  } while (fds[1].revents == 0 && (fds[0].revents == 0 || read_key (self)));
  g_cancellable_release_fd (self->over);
  return NULL;
}

/* Keys at once, unseen; and no stop that would leave the screen as it is. */
static gboolean
take_keys (PmssLiveScreen * self, GError ** error)
{
  struct termios raw;

  if (!isatty (STDIN_FILENO))
    return TRUE;
  if (tcgetattr (STDIN_FILENO, &self->before) == 0) {
    raw = self->before;
    raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr (STDIN_FILENO, TCSANOW, &raw) == 0) {
      self->keys = g_thread_new ("keys", read_keys, self);
      return TRUE;
    }
  }
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
      "The terminal cannot be set: %s; --once shows the table once",
      g_strerror (errno));
  return FALSE;
}

PmssLiveScreen *
pmss_live_screen_new (GCancellable * cancellable, GError ** error)
{
  PmssLiveScreen *self = g_new0 (PmssLiveScreen, 1);

  self->cancellable = cancellable;
  self->over = g_cancellable_new ();
  if (!take_keys (self, error)) {
    g_object_unref (self->over);
    g_free (self);
    return NULL;
  }
  fputs (ENTER, stdout);
  return self;
}

void
pmss_live_screen_free (PmssLiveScreen * self)
{
  g_cancellable_cancel (self->over);
  if (self->keys != NULL) {
    g_thread_join (self->keys);
    tcsetattr (STDIN_FILENO, TCSANOW, &self->before);
  }
  fputs (LEAVE, stdout);
  fflush (stdout);
  g_object_unref (self->over);
  g_free (self);
}

void
pmss_live_screen_get_size (PmssLiveScreen * self, guint * columns, guint * rows)
{
  struct winsize size = { 0 };

  ioctl (STDOUT_FILENO, TIOCGWINSZ, &size);
  *columns = size.ws_col > 0 ? size.ws_col : COLUMNS;
  *rows = size.ws_row > 0 ? size.ws_row : ROWS;
}

void
pmss_live_screen_show (PmssLiveScreen * self, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n = g_strv_length (lines), columns, rows, shown;

  pmss_live_screen_get_size (self, &columns, &rows);
  while (n > 0 && lines[n - 1][0] == '\0')
    n--;
  shown = n <= rows ? n : rows - 1;
  fputs (HOME, stdout);
  for (guint i = 0; i < shown; i++)
    printf ("%s" CLEAR_LINE "%s", lines[i], i + 1 < rows ? "\n" : "");
  if (shown < n)
    printf ("… %u more lines" CLEAR_LINE, n - shown);
  else if (shown < rows)
    fputs (CLEAR_REST, stdout);
  fflush (stdout);
}
