/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream that waits until it may start; the main thread, but for the news of
 * a reader, which come on its own. */
#include "starting.h"

#include <stdio.h>

#include <libpmss/client/pmss-busy.h>

#include "cli-text.h"

#define SECOND G_GUINT64_CONSTANT (1000000000)

typedef struct
{
  PmssCli *cli;
  const char *name;
} Starting;

void
pmss_starting_tell (PmssCli * cli, const char *name, gint64 start_in,
    gboolean granted)
{
  g_autofree char *shown = pmss_cli_escape (name);
  g_autofree char *time = NULL;

  if (cli->json)
    return;
  if (start_in < 0) {
    fprintf (stderr, "The servers are full; “%s” waits for a start.\n",
        shown);
    return;
  }
  time = pmss_busy_format_time (start_in);
  fprintf (stderr, granted ? "The servers are full; “%s” starts in %s.\n" :
      "The servers are full; “%s” is likely to start in %s.\n", shown,
      time);
}

static void
on_waiting (PmssReader * reader, gint64 start_in, gboolean granted,
    const GError * refusal, const Starting * starting)
{
  pmss_starting_tell (starting->cli, starting->name, start_in, granted);
}

PmssReader *
pmss_starting_open (PmssCli * cli, const char *name, guint seconds,
    GError ** error)
{
  g_autoptr (PmssClient) client = pmss_cli_connect (cli, error);
  g_autoptr (PmssReader) reader = NULL;
  const Starting starting = { cli, name };
  gulong handler;
  gboolean opened;

  if (client == NULL)
    return NULL;
  reader = pmss_reader_new (client, name);
  g_object_set (reader, "wait-for-admission", seconds * SECOND, NULL);
  handler = g_signal_connect (reader, "waiting", G_CALLBACK (on_waiting),
      (gpointer) & starting);
  opened = pmss_reader_open (reader, cli->cancellable, error);
  /* a wait that was cancelled goes on until it is closed */
  if (!opened)
    pmss_reader_close (reader);
  g_signal_handler_disconnect (reader, handler);
  return opened ? g_steal_pointer (&reader) : NULL;
}
