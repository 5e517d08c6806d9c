/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/jobs/jobs.h"

G_BEGIN_DECLS

/*
 * A medium's bytes as a file on control's disk, made from its shards by a job. Shards that are bad
 * or gone do no harm while the others give the bytes. One extent's shards are in memory at a time.
 * On the job's thread, which it blocks.
 */

/* Makes the file @path anew and open, for pmss_payload_file_write(). @what: in errors, "the
 * original". -1: an error. */
int      pmss_payload_file_open  (const char *path, const char *what, GError **error);
/* Writes all bytes of @medium to @fd, with the job's progress and within its rate limit, as long as
 * the disk has room. It compares them with the medium's SHA-256. Shards that may come back make the
 * job wait. PMSS_ERROR_NO_SPACE, PMSS_ERROR_UNREACHABLE, PMSS_ERROR_CORRUPT; cancelled with the
 * job. */
gboolean pmss_payload_file_write (PmssJobRun *run, const PmssMedium *medium, int fd,
    const char *path, const char *what, GError **error);
/* The error of a write that failed with @code. FALSE. */
gboolean pmss_payload_file_fail  (const char *path, const char *what, int code, GError **error);
/* A failure is logged. */
void     pmss_payload_file_unlink (const char *path);

/* The error that the disk has less @room than @size bytes. FALSE then. */
gboolean pmss_payload_file_check_room (PmssControlContext *context, guint64 size,
    const char *what, GError **error);

G_END_DECLS
