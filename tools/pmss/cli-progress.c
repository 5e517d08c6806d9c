/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli-text.h"

#define BAR_WIDTH 24
#define TERMINAL_INTERVAL (G_USEC_PER_SEC / 10)
#define LINE_INTERVAL (10 * G_USEC_PER_SEC)

struct _PmssCliProgress
{
  gboolean silent;
  gboolean terminal;
  gboolean on_line;             /* the cursor stands after a bar */
  char *what;
  gint64 phase_start;           /* monotonic, us */
  guint64 phase_done;           /* where this phase began, for the rate */
  gint64 last_shown;
};

PmssCliProgress *
pmss_cli_progress_new (gboolean silent)
{
  PmssCliProgress *progress = g_new0 (PmssCliProgress, 1);

  progress->silent = silent;
  progress->terminal = isatty (STDERR_FILENO);
  return progress;
}

static void
begin_phase (PmssCliProgress * progress, const char *what, guint64 done)
{
  pmss_cli_progress_clear (progress);
  g_free (progress->what);
  progress->what = g_strdup (what);
  progress->phase_start = g_get_monotonic_time ();
  progress->phase_done = done;
  /* A terminal shows it at once; a log only what takes long. */
  progress->last_shown = progress->terminal ? 0 : progress->phase_start;
}

static void
append_bar (GString * line, guint64 done, guint64 total)
{
  guint filled = (guint) ((double) done / (double) total * BAR_WIDTH);
  guint i;

  g_string_append (line, " [");
  for (i = 0; i < BAR_WIDTH; i++)
    g_string_append_c (line, i < filled ? '#' : ' ');
  g_string_append (line, "]");
}

static void
show (PmssCliProgress * progress, guint64 done, guint64 total, gint64 now)
{
  double elapsed = (double) (now - progress->phase_start) / G_USEC_PER_SEC;
  g_autoptr (GString) line = g_string_new (progress->what);
  g_autofree char *size = pmss_cli_size (done);
  guint64 moved = done > progress->phase_done ? done - progress->phase_done : 0;

  if (total > 0) {
    g_autofree char *whole = pmss_cli_size (total);

    done = MIN (done, total);
    if (progress->terminal)
      append_bar (line, done, total);
    g_string_append_printf (line, " %3.0f %%  %s of %s",
        100.0 * (double) done / (double) total, size, whole);
  } else {
    g_string_append_printf (line, " %s", size);
  }
  if (elapsed > 0.2 && moved > 0) {
    double rate = (double) moved / elapsed;
    g_autofree char *text = pmss_cli_size ((guint64) rate);

    g_string_append_printf (line, "  %s/s", text);
    if (total > done) {
      g_autofree char *left =
          pmss_cli_duration ((guint64) ((double) (total - done) / rate * 1e9));

      g_string_append_printf (line, "  %s left", left);
    }
  }
  if (progress->terminal)
    fprintf (stderr, "\r%s\033[K", line->str);
  else
    fprintf (stderr, "%s\n", line->str);
  fflush (stderr);
  progress->on_line = progress->terminal;
}

void
pmss_cli_progress_update (PmssCliProgress * progress, const char *what,
    guint64 done, guint64 total)
{
  gint64 now;

  if (progress->silent)
    return;
  if (g_strcmp0 (progress->what, what) != 0)
    begin_phase (progress, what, done);
  now = g_get_monotonic_time ();
  if (now - progress->last_shown <
      (progress->terminal ? TERMINAL_INTERVAL : LINE_INTERVAL))
    return;
  progress->last_shown = now;
  show (progress, done, total, now);
}

void
pmss_cli_progress_clear (PmssCliProgress * progress)
{
  if (!progress->on_line)
    return;
  fputs ("\r\033[K", stderr);
  fflush (stderr);
  progress->on_line = FALSE;
}

void
pmss_cli_progress_free (PmssCliProgress * progress)
{
  pmss_cli_progress_clear (progress);
  g_free (progress->what);
  g_free (progress);
}
