/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * How an upload becomes a medium: the job "ingest" (pmss_job_type_ingest).
 *
 *   probe ──▶ stripe ──▶ verify ──▶ commit
 *
 * - probe: pmss-probe describes the file. A failure of it is a warning, and so is a decoder that it
 *   lacks. It is left out once the server twice did not live to see its end.
 *   A medium with pictures or sound has artwork made meanwhile by another run of pmss-probe, with a
 *   minute's time, unless it is small. A failure of that is logged, and nothing else. Commit does
 *   not wait for it: what is not there by then is stopped, and the job "artwork" makes it.
 * - stripe: the upload's bytes go on to the nodes, with the SHA-256 of it all on the way. Durable
 *   extents are read back meanwhile. See #PmssStriping.
 * - verify: every shard that was not found good then is computed again from the upload, compared
 *   with its node's bytes, and put right.
 * - commit: version and medium become ready in one transaction with the end of upload and job; the
 *   original is kept or dropped.
 *
 * Interrupted at any point, the job goes on with the phase that it was in. In stripe and verify it
 * goes on with the first extent that was not done; the earlier ones are hashed once more. A failed
 * job (no space, too few nodes) can be resumed. When it is cancelled, the medium is deleted with
 * all that was written of it. Memory: the writer's, and with two extents read back 2 x (1 + m/k) +
 * 1 extents. Small files take little of that. Two files are taken in at a time, and beside them
 * four small ones: neither kind waits for the other.
 */

/* The upload is whole: makes the job, and the medium's state ingesting. Returns the job's id, 0 on
 * error (PMSS_ERROR_CONFLICT: not whole, or done before). */
gint64   pmss_ingest_start   (PmssControlContext *context, const char *upload, const char *user,
    GError **error);

/* At the start of the server: uploads that were whole when it went down, but had no job yet. */
gboolean pmss_ingest_recover (PmssControlContext *context, GError **error);

G_END_DECLS
