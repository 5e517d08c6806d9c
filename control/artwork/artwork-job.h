/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/context.h"

G_BEGIN_DECLS

/*
 * The job "artwork": makes a medium's pictures anew, of its original. Where none is kept a copy is
 * made from the shards, in the folder of originals that are being made. It counts for nothing
 * there, goes with the end of the job, and after a crash with the next start.
 *
 *   (read ──▶) picture
 *
 * read: the copy. picture: pmss-probe looks at the file. A file that shows nothing, or that
 * pmss-probe does not bear, is a warning. A run that a crash or a pause interrupted in "picture" is
 * made once more (read-again, picture-again), and not a third time: the file may have ended the
 * server.
 *
 * Any thread; blocks.
 */

/* Whether a medium may have pictures or a sound, as far as its ingest found out. Pure. */
gboolean pmss_artwork_is_of_use (const PmssMedium *medium);

/* Part of a transaction, with pmss_jobs_wake() after it: the job's id, 0 on error. The job that has
 * not ended yet counts. */
gint64 pmss_artwork_add_job (PmssControlContext *context, const PmssMedium *medium,
    const char *user, GError **error);
/* Returns the job's id, 0 on error: PMSS_ERROR_NOT_FOUND, PMSS_ERROR_CONFLICT when the medium is
 * not ready. */
gint64 pmss_artwork_start (PmssControlContext *context, const char *name, const char *user,
    GError **error);

G_END_DECLS
