/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/*
 * The job "verify": every shard of a medium is read whole from its node; each record is held
 * against its checksums, the records of a row against each other, parity against what it is
 * computed from, and the whole against the catalog's SHA-256. What is bad is written down for the
 * repair, what was thought to be and is good is struck out. It changes nothing on the nodes. One
 * extent's shards are in memory at a time.
 *
 * Interrupted, it begins anew: the SHA-256 is of the whole.
 */

/* A job for the medium @name, or the one that has not ended yet. @rate_limit: bit/s of what is
 * read, 0: none. Returns its id, 0 on error: PMSS_ERROR_NOT_FOUND, PMSS_ERROR_CONFLICT when the
 * medium is not ready. */
gint64 pmss_verify_start (PmssControlContext *context, const char *name, guint64 rate_limit,
    const char *user, GError **error);

G_END_DECLS
