/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The program pmss-control. */
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "control/config.h"
#include "control/restore.h"
#include "control/server.h"
#include "daemon/pmss-daemon.h"

static gboolean
run (const PmssControlCommandLine * line, GError ** error)
{
  switch (line->task) {
    case PMSS_CONTROL_SERVE:
      return pmss_control_serve (line->config, error);
    case PMSS_CONTROL_CHECK_RESTORE:
      return pmss_restore_run (line->config, PMSS_RESTORE_CHECK, error);
    case PMSS_CONTROL_RESTORE:
      return pmss_restore_run (line->config, PMSS_RESTORE, error);
    case PMSS_CONTROL_RESTORE_END_STREAMS:
      return pmss_restore_run (line->config, PMSS_RESTORE_END_STREAMS, error);
    case PMSS_CONTROL_END_RESTORE:
      return pmss_restore_run (line->config, PMSS_RESTORE_END, error);
  }
  g_return_val_if_reached (FALSE);
}

int
main (int argc, char **argv)
{
  PmssControlCommandLine line;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  /* for the texts of the log; numbers are the same everywhere */
  setlocale (LC_CTYPE, "");
  umask (077);
  line = pmss_control_config_load (argc, argv);
  if (line.config == NULL)
    return line.status;
  pmss_daemon_prepare (line.config->log_level);
  ok = run (&line, &error);
  if (!ok)
    g_printerr ("pmss-control: %s\n", error->message);
  pmss_control_config_free (line.config);
  return ok ? EXIT_SUCCESS : EX_UNAVAILABLE;
}
