/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"
#include "control/catalog/catalog.h"
#include "control/uploads/uploads.h"

G_BEGIN_DECLS

/* A client's words about a file that it wants to upload. All but the name may be NULL. Hostile. */
typedef struct
{
  const char *name;
  const char *redundancy;       /* "4+2" */
  const char *keep_original;    /* "true", "false" */
  const char *unit, *extent;    /* bytes, in digits */
  const char *title;
  const char *content_type;
  guint64 size;
} PmssUploadRequest;

/* The medium that it asks for. Where it says nothing the policies do, or the server's defaults
 * (control/policies/). PMSS_ERROR_INVALID names the fault. PMSS_ERROR_NO_SPACE: fewer storage
 * servers have joined than its redundancy needs. */
PmssMedium *pmss_upload_request_check (const PmssUploadRequest *request,
    const PmssControlContext *context, GError **error);

/* PMSS_ERROR_INVALID */
gboolean    pmss_upload_request_check_title (const char *title, GError **error);

/* Writes a piece of a body of @size bytes, and tells streams when more of it is durable. */
gboolean    pmss_upload_request_write (PmssApiCall *call, PmssUploadWriter *writer, guint64 size,
    const void *data, gsize length, GError **error);

G_END_DECLS
