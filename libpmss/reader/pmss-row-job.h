/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-rows.h"

G_BEGIN_DECLS

/**
 * PmssRowJob:
 *
 * The missing units of one row, being made from k others. It begins and ends under the reader's
 * lock. The long work in between needs no lock and does not know the row, which may change or go
 * meanwhile.
 */

/* A job for the missing units of @row, of which k units are READY. No other one of the row is under
 * way. @pool is not to go before the job. */
PmssRowJob *pmss_row_job_begin (PmssRows *rows, PmssRow *row,
    PmssBlockPool *pool);
/* The same if it is time for it: units are missing that no other job makes, and k are there. NULL:
 * it is not. */
PmssRowJob *pmss_row_job_try_begin (PmssRows *rows, PmssRow *row,
    PmssBlockPool *pool);
guint64 pmss_row_job_get_row (PmssRowJob *job);

/* Any thread, without the lock: makes the units and compares them with their
 * stored checksums. */
void pmss_row_job_run (PmssRowJob *job, PmssErasure *erasure);

/* Puts the rebuilt units into their row, as far as they are still wanted there. Drops the parity
 * units when nothing is missing any more, and frees @job. The units, by bits; @spared: of those,
 * the ones that could be had. 0 and PMSS_ERROR_CORRUPT: a unit does not match its checksum; 0
 * alone: the row has changed too much, or has gone. */
guint32 pmss_row_job_end (PmssRowJob *job, PmssRows *rows, guint32 *spared,
    GError **error);
void pmss_row_job_free (PmssRowJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssRowJob, pmss_row_job_free)

G_END_DECLS
