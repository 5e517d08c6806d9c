/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli-progress.h"
#include "cli.h"

G_BEGIN_DECLS

/**
 * PmssUpload:
 *
 * One file on its way to the control server by the tus protocol. Where the same file was on its way
 * to the same name before, it goes on there.
 */
typedef struct _PmssUpload PmssUpload;

typedef struct
{
  const char *file;             /* path */
  const char *name;             /* of the medium */
  const char *redundancy;       /* nullable: the server's default */
  const char *title;            /* nullable */
  /* (nullable) bytes, in digits; the server's default */
  const char *unit, *extent;
  gboolean keep_original, drop_original;        /* neither: as a policy says */
  gboolean hash;                /* a sum will be asked for */
} PmssUploadRequest;

/* @client: with credentials. */
PmssUpload *pmss_upload_new     (PmssCli *cli, PmssClient *client,
    const PmssUploadRequest *request, GError **error);
/* Sends all of the file; a broken connection is made again, as long as it gets on. Returns the
 * number of the ingest job, 0 where the server named none. */
gboolean    pmss_upload_run     (PmssUpload *upload, PmssCliProgress *progress, guint64 *job,
    GError **error);
/* SHA-256 in hex digits of the bytes that were sent, or, where none were, of the file as it was
 * opened. Call it once. */
char       *pmss_upload_sum     (PmssUpload *upload, GError **error);
/* Bytes of the file. */
guint64     pmss_upload_get_size (PmssUpload *upload);
void        pmss_upload_free    (PmssUpload *upload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUpload, pmss_upload_free)

G_END_DECLS
