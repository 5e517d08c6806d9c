/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "critical", "warning", "message", "info", "debug"; PMSS_ERROR_INVALID for anything else. Pure. */
gboolean pmss_daemon_parse_log_level (const char *text, GLogLevelFlags *level, GError **error);
/* Prepares a daemon before it begins: the log, as many descriptors as it may have, no death by
 * SIGPIPE, libsodium. Once, on the main thread, before there are others. Ends the process on
 * failure. */
void     pmss_daemon_prepare (GLogLevelFlags log_level);
/* A thread that a server needs to begin; the caller joins it. @data must outlive the thread. If the
 * system gives no thread it says so, with what to do, and ends the process with 71 (EX_OSERR). */
GThread *pmss_daemon_thread_new (const char *name, GThreadFunc func, gpointer data);
/* Takes @folder for this process, by flock on "lock" in it. Returns the descriptor that holds it;
 * the caller closes it, which ends the lock. -1 and PMSS_ERROR: another process has it, or the
 * folder does not take the file. Any thread. */
int      pmss_daemon_lock_folder (const char *folder, GError **error);

G_END_DECLS
