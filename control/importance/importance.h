/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/*
 * The importance of a medium, changed afterwards: whether its original is kept.
 *
 * Kept: the job "original" reads the medium's shards from their nodes as a verification does, and
 * writes the payload to a file. The file becomes the original when its SHA-256 is the one that the
 * catalog has of the upload, in the transaction that ends the job. Until then it is in the folder
 * data/rebuilt, and counts for nothing: an interrupted job begins anew, and a start empties the
 * folder. One extent's shards are in memory at a time.
 *
 * Dropped: only while every shard is there and good.
 *
 * Any thread; blocks.
 */

/* Queues the job, unless there is an original, or such a job. @job: (out): its id; 0: the original
 * is there. PMSS_ERROR_NOT_FOUND, PMSS_ERROR_CONFLICT: the medium is not ready.
 * PMSS_ERROR_NO_SPACE: control's disk has no room for it. */
gboolean pmss_original_keep (PmssControlContext *context, const char *name, const char *user,
    gint64 *job, GError **error);
/* PMSS_ERROR_NOT_FOUND, PMSS_ERROR_CONFLICT: the medium is not ready, its shards are not all whole,
 * or a job is making the original. */
gboolean pmss_original_drop (PmssControlContext *context, const char *name, GError **error);

G_END_DECLS
