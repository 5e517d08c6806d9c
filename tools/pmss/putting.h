/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli-progress.h"
#include "cli.h"
#include "upload.h"

G_BEGIN_DECLS

/* One file on its way to being a medium: uploaded, followed until it is striped, compared. Any
 * thread; one call shares nothing with another but @client. */

typedef struct
{
  JsonNode *medium;             /* the catalog's entry; NULL without @wait */
  guint64 job;                  /* that stripes it */
  guint64 size;                 /* bytes */
  gboolean twin;                /* it was there before */
} PmssPut;

void     pmss_put_clear (PmssPut *put);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmssPut, pmss_put_clear)

/* @wait: until it is striped; the sums are compared then. FALSE with PMSS_CLI_ERROR_INTERRUPTED:
 * the text tells which work goes on. */
gboolean pmss_put_run   (PmssCli *cli, PmssClient *client, const PmssUploadRequest *request,
    gboolean wait, PmssCliProgress *progress, PmssPut *put, GError **error);

G_END_DECLS
