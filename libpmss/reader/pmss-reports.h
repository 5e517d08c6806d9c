/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-lease.h"

G_BEGIN_DECLS

/**
 * PmssReports:
 *
 * The reader's reports to control of shards and nodes that did not give the right bytes, so that
 * control looks at them. Best effort: no read waits for a report, and unsent ones are forgotten
 * when the reader is closed.
 *
 * Threads: all of it is the I/O thread's, but new() and free(). Takes no lock.
 */
typedef struct _PmssReports PmssReports;

/* @lease: the session of the reports; outlives it. Both are nullable for note() alone. */
PmssReports *pmss_reports_new (PmssLoop *loop, PmssLease *lease);
/* Any thread, when no request is under way. */
void pmss_reports_free (PmssReports *reports);
/* No reports are sent any more. */
void pmss_reports_stop (PmssReports *reports);

/* Pure: whether @report is to be told at @now (us): each place and kind once a minute. */
gboolean pmss_reports_note (PmssReports *reports, const PmssReport *report,
    gint64 now);
/* Tells it if note() says so. */
void pmss_reports_add (PmssReports *reports, const PmssReport *report);
/* Tells it whenever it was told before. */
void pmss_reports_add_always (PmssReports *reports, const PmssReport *report);
/* The shard is given again: a further failure is reported anew. */
void pmss_reports_forget (PmssReports *reports, guint32 extent, guint index);

G_END_DECLS
