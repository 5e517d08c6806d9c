/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "local-state.h"

G_BEGIN_DECLS

/* Processes that outlive the command that starts them. */

/* The path of pmss-control or pmss-storage: in PMSS_BUILD_DIR, beside this program (in a build or
 * installed), or in PATH. */
char    *pmss_local_daemon_find    (const char *program, GError **error);
/* Starts @argv in a session of its own, standard input from /dev/null, output appended to @log.
 * @environment: as of g_get_environ(). */
gboolean pmss_local_daemon_start   (char **argv, char **environment, const char *log,
    PmssLocalProcess *process, GError **error);
/* Whether it runs: this process, not another that got its number. */
gboolean pmss_local_daemon_is_alive (const PmssLocalProcess *process);
/* Signals it, if it is alive; the number is never used for another process. */
void     pmss_local_daemon_signal  (const PmssLocalProcess *process, int number);
/* Waits until it has ended; FALSE after @timeout_us. */
gboolean pmss_local_daemon_wait    (const PmssLocalProcess *process, gint64 timeout_us);
/* The TCP port that it listens on; 0: none yet. */
guint16  pmss_local_daemon_get_port (const PmssLocalProcess *process);
/* A free TCP port outside of the range that the system gives out by itself. So it is still free
 * when its server is started again. 0, any: none was found. */
guint16  pmss_local_daemon_choose_port (void);

G_END_DECLS
