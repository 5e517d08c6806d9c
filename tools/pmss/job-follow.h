/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli-progress.h"
#include "cli.h"

G_BEGIN_DECLS

/* Waits for the end of a job and shows its progress. It also waits for a control server that goes
 * away for up to a minute.
 * @known: (out) (optional): FALSE when @error says nothing about the job: it could not be asked
 * about, and may go on. Returns the job as it ended. @error: it failed, was cancelled, or is paused
 * (which does not end by itself). */
JsonNode *pmss_job_follow (PmssCli *cli, PmssClient *client, guint64 id, PmssCliProgress *progress,
    gboolean *known, GError **error);

G_END_DECLS
