/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Signals end a command by its GCancellable, which a signal handler must not
 * touch: a thread of its own waits for them. The commands use synchronous
 * calls, so there is no main loop that could.
 */

#include <pthread.h>
#include <signal.h>

#include "cli.h"

static void
ending_signals (sigset_t * set)
{
  sigemptyset (set);
  sigaddset (set, SIGINT);
  sigaddset (set, SIGTERM);
  sigaddset (set, SIGHUP);
}

static gpointer
wait_for_signals (gpointer data)
{
  GCancellable *cancellable = data;
  sigset_t set;
  int number;

  ending_signals (&set);
  sigwait (&set, &number);
  g_cancellable_cancel (cancellable);
  /* Whoever asks again means it. */
  sigwait (&set, &number);
  signal (number, SIG_DFL);
  pthread_sigmask (SIG_UNBLOCK, &set, NULL);
  raise (number);
  return NULL;
}

void
pmss_cli_watch_signals (GCancellable * cancellable)
{
  sigset_t set;

  /* A reader of our output that goes away is an error of write(). */
  signal (SIGPIPE, SIG_IGN);
  ending_signals (&set);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  g_thread_unref (g_thread_new ("signals", wait_for_signals, cancellable));
}

void
pmss_cli_end_by_sigpipe (void)
{
  signal (SIGPIPE, SIG_DFL);
  raise (SIGPIPE);
}

void
pmss_cli_restore_signals (gpointer unused)
{
  sigset_t set;

  signal (SIGPIPE, SIG_DFL);
  ending_signals (&set);
  pthread_sigmask (SIG_UNBLOCK, &set, NULL);
}
