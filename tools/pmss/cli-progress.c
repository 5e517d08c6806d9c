/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli-text.h"

#define BAR_WIDTH 24
#define TERMINAL_WIDTH 80       /* where it does not tell */
#define NUMBERS_WIDTH 52        /* " 100 %  99.9 MB of 99.9 MB  99.9 MB/s  10:00:00 left" */
#define SHARE_WIDTH 21          /* " 100 %  10:00:00 left" */
#define TERMINAL_INTERVAL (G_USEC_PER_SEC / 10)
#define LINE_INTERVAL (10 * G_USEC_PER_SEC)

struct _PmssCliProgress
{
  PmssCliProgress *whole;       /* of which this is a part; nullable */
  guint64 done;                 /* of a part: what the whole knows of */
  GMutex lock;                  /* of a whole: protects `parts_done` */
  guint64 parts_done;

  gboolean silent;
  gboolean terminal;
  gboolean on_line;             /* the cursor stands after a bar */
  gboolean bytes;               /* what is counted are bytes, to be shown */
  char *what;
  gint64 phase_start;           /* monotonic, us */
  guint64 phase_done;           /* where this phase began, for the rate */
  gint64 last_shown;
};

PmssCliProgress *
pmss_cli_progress_new (gboolean silent)
{
  PmssCliProgress *progress = g_new0 (PmssCliProgress, 1);

  g_mutex_init (&progress->lock);
  progress->silent = silent;
  progress->terminal = isatty (STDERR_FILENO);
  return progress;
}

PmssCliProgress *
pmss_cli_progress_new_part (PmssCliProgress * whole)
{
  PmssCliProgress *progress = g_new0 (PmssCliProgress, 1);

  progress->silent = TRUE;
  progress->whole = whole;
  return progress;
}

/* What was sent once more counts once. */
static void
update_part (PmssCliProgress * part, guint64 done)
{
  PmssCliProgress *whole = part->whole;

  if (done <= part->done)
    return;
  g_mutex_lock (&whole->lock);
  whole->parts_done += done - part->done;
  g_mutex_unlock (&whole->lock);
  part->done = done;
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

static int
terminal_width (void)
{
  struct winsize size;

  if (ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return TERMINAL_WIDTH;
}

/* As wide as the numbers behind it leave room for at their longest: a line
 * that wraps cannot be overwritten, and a bar that breathes is no bar. */
static void
append_bar (PmssCliProgress * progress, GString * line, double share)
{
  int rest = progress->bytes ? NUMBERS_WIDTH : SHARE_WIDTH;
  int width = MIN (terminal_width () - (int) line->len - rest - 4, BAR_WIDTH);
  int i;

  if (width < 4)
    return;
  g_string_append (line, " [");
  for (i = 0; i < width; i++)
    g_string_append_c (line, i < (int) (share * width) ? '#' : ' ');
  g_string_append (line, "]");
}

/* What stands behind the bar. */
static void
append_numbers (PmssCliProgress * progress, GString * text, guint64 done,
    guint64 total, gint64 now)
{
  double elapsed = (double) (now - progress->phase_start) / G_USEC_PER_SEC;
  guint64 moved = done > progress->phase_done ? done - progress->phase_done : 0;
  double rate = elapsed > 0.2 ? (double) moved / elapsed : 0;

  if (total > 0)
    g_string_append_printf (text, " %3.0f %%",
        100.0 * (double) done / (double) total);
  if (progress->bytes) {
    g_autofree char *size = pmss_cli_size (done);
    g_autofree char *whole = pmss_cli_size (total);
    g_autofree char *speed = pmss_cli_size ((guint64) rate);

    g_string_append_printf (text, "  %s", size);
    if (total > 0)
      g_string_append_printf (text, " of %s", whole);
    if (rate > 0)
      g_string_append_printf (text, "  %s/s", speed);
  }
  if (rate > 0 && total > done) {
    g_autofree char *left =
        pmss_cli_duration ((guint64) ((double) (total - done) / rate * 1e9));

    g_string_append_printf (text, "  %s left", left);
  }
}

static void
show (PmssCliProgress * progress, const char *label, guint64 done,
    guint64 total, gint64 now)
{
  g_autoptr (GString) line = g_string_new (label);
  g_autofree char *cut = NULL;

  if (total > 0)
    done = MIN (done, total);
  if (progress->terminal && total > 0)
    append_bar (progress, line, (double) done / (double) total);
  append_numbers (progress, line, done, total, now);
  /* In the last column some terminals go on to the next line. */
  cut = pmss_cli_cut (line->str, (guint) MAX (terminal_width () - 1, 1));
  if (progress->terminal)
    fprintf (stderr, "\r%s\033[K", cut);
  else
    fprintf (stderr, "%s\n", line->str);
  fflush (stderr);
  progress->on_line = progress->terminal;
}

/* @label: (nullable): what to show for @what, which may change at any time. */
static void
update (PmssCliProgress * progress, const char *what, const char *label,
    guint64 done, guint64 total, gboolean bytes)
{
  gint64 now;

  if (progress->silent)
    return;
  if (g_strcmp0 (progress->what, what) != 0)
    begin_phase (progress, what, done);
  progress->bytes = bytes;
  now = g_get_monotonic_time ();
  if (now - progress->last_shown <
      (progress->terminal ? TERMINAL_INTERVAL : LINE_INTERVAL))
    return;
  progress->last_shown = now;
  show (progress, label != NULL ? label : what, done, total, now);
}

void
pmss_cli_progress_update (PmssCliProgress * progress, const char *what,
    guint64 done, guint64 total)
{
  if (progress->whole)
    update_part (progress, done);
  update (progress, what, NULL, done, total, TRUE);
}

void
pmss_cli_progress_update_parts (PmssCliProgress * whole, guint n_done,
    guint n, guint64 total)
{
  g_autofree char *label = g_strdup_printf ("%u of %u files", n_done, n);
  guint64 done;

  g_mutex_lock (&whole->lock);
  done = whole->parts_done;
  g_mutex_unlock (&whole->lock);
  update (whole, "files", label, done, total, TRUE);
}

void
pmss_cli_progress_update_share (PmssCliProgress * progress, const char *what,
    guint64 done, guint64 total)
{
  update (progress, what, NULL, done, total, FALSE);
}

gboolean
pmss_cli_progress_is_silent (PmssCliProgress * progress)
{
  return progress->silent;
}

void
pmss_cli_progress_clear (PmssCliProgress * progress)
{
  /* a part's: the whole, on another thread, shows itself again soon */
  if (!progress->on_line && !(progress->whole && progress->whole->terminal))
    return;
  fputs ("\r\033[K", stderr);
  fflush (stderr);
  progress->on_line = FALSE;
}

void
pmss_cli_progress_free (PmssCliProgress * progress)
{
  pmss_cli_progress_clear (progress);
  if (!progress->whole)
    g_mutex_clear (&progress->lock);
  g_free (progress->what);
  g_free (progress);
}
