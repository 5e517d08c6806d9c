/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/*
 * The job "verify". It reads every shard of a medium whole from its node. It compares each record
 * with its checksums, the records of a row with each other, and parity with its data. It compares
 * the whole with the catalog's SHA-256. It notes bad shards for the repair, and strikes out good
 * ones that were thought bad. It changes nothing on the nodes. One extent's shards are in memory at
 * a time.
 *
 * Interrupted, it begins anew: the SHA-256 is of the whole.
 */

/* A job for the medium @name, or the one that has not ended yet. @rate_limit: bit/s of what is
 * read, 0: none. Returns its id, 0 on error: PMSS_ERROR_NOT_FOUND, PMSS_ERROR_CONFLICT when the
 * medium is not ready. */
gint64 pmss_verify_start (PmssControlContext *context, const char *name, guint64 rate_limit,
    const char *user, GError **error);

G_END_DECLS
