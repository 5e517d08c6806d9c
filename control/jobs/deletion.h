/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* How a medium goes: in one transaction its other jobs are cancelled, it and its versions begin to
 * be deleted (its name is free from then on), and the job "delete" (pmss_job_type_delete) is
 * queued, which takes the shards from their nodes, then the rows, then the upload or original. What
 * a node that cannot be reached holds becomes a pending deletion, done when it is back
 * (reconcile.h). PMSS_ERROR_NOT_FOUND: no such medium. Returns the job's id, 0 on error. */
gint64 pmss_deletion_start (PmssControlContext *context, const char *name, const char *user,
    GError **error);

G_END_DECLS
