/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* Deletes a medium. One transaction cancels its other jobs, sets it and its versions to deleting,
 * and queues the job "delete" (pmss_job_type_delete). The name is free from then on. That job
 * deletes the shards from their nodes, then the rows, then the upload or original. The shards of a
 * node that cannot be reached become pending deletions, done when it is back (reconcile.h).
 * PMSS_ERROR_NOT_FOUND: no such medium. Returns the job's id, 0 on error. */
gint64 pmss_deletion_start (PmssControlContext *context, const char *name, const char *user,
    GError **error);

G_END_DECLS
