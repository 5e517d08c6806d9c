/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-lease.h"

G_BEGIN_DECLS

/**
 * PmssReports:
 *
 * What the reader tells control of shards and nodes that did not give what they should have, so
 * that somebody looks. Best effort: nobody waits for it, and what cannot be told is forgotten when
 * the reader is closed.
 *
 * Threads: all of it is the I/O thread's, but new() and free(). Takes no lock.
 */
typedef struct _PmssReports PmssReports;

/* @lease: within which it is told; outlives it. Both are nullable for note() alone. */
PmssReports *pmss_reports_new (PmssLoop *loop, PmssLease *lease);
/* Any thread, when no request is under way. */
void pmss_reports_free (PmssReports *reports);
/* Nothing is told any more. */
void pmss_reports_stop (PmssReports *reports);

/* Pure: whether @report is to be told at @now (us): each place and kind once a minute. */
gboolean pmss_reports_note (PmssReports *reports, const PmssReport *report,
    gint64 now);
/* Tells it if note() says so. */
void pmss_reports_add (PmssReports *reports, const PmssReport *report);
/* Tells it whenever it was told before. */
void pmss_reports_add_always (PmssReports *reports, const PmssReport *report);
/* The shard is given again: if it fails once more, that is told anew. */
void pmss_reports_forget (PmssReports *reports, guint32 extent, guint index);

G_END_DECLS
