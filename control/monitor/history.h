/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/monitor/history-file.h"

G_BEGIN_DECLS

/**
 * PmssHistory:
 *
 * The figures of two years, in history.db (docs/monitoring.md). Nothing depends on it: when the
 * file cannot be used it says so once, keeps some minutes in memory, and tries again each minute. A
 * file that is damaged is set aside. A thread of its own writes and looks after the file. Threads:
 * any.
 */
typedef struct _PmssHistory PmssHistory;

/* Minutes that wait for a file that cannot be written; the oldest goes then. */
#define PMSS_HISTORY_WAITING 10

/* @reserve, @events: nullable. Waits for nothing. NULL: there is no thread. */
PmssHistory *pmss_history_new    (const char *folder, PmssDiskReserve *reserve,
    PmssEvents *events, GError **error);
/* Writes what waits, or tries to. */
void         pmss_history_free   (PmssHistory *history);
/* The minute that begins at @time, s since 1970. Takes @rows, of PmssHistoryRow. Waits for
 * nothing. */
void         pmss_history_put    (PmssHistory *history, gint64 time, GArray *rows);
/* Waits until what was put before is in the file, or could not be written. */
void         pmss_history_settle (PmssHistory *history);
/* When the last minute ends that is in the file, s since 1970; 0: none since the start. */
gint64       pmss_history_get_written (PmssHistory *history);
/* (nullable) Why the file cannot be used now. */
char        *pmss_history_get_fault   (PmssHistory *history);
/* Adds to the lines of @chart. Blocks on the disk. PMSS_ERROR_BUSY: it cannot be read now. */
gboolean     pmss_history_read   (PmssHistory *history, PmssLevel level, PmssChart *chart,
    GError **error);

G_END_DECLS
