/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/config.h"
#include "control/database/database.h"
#include "control/uploads/uploads.h"

G_BEGIN_DECLS

/* Shared by uploads.c (rows and files) and upload-writer.c (bytes). */
struct _PmssUploads {
  PmssControlConfig *config;
  PmssDatabase *database;
  PmssCatalog *catalog;
  char *folder;                 /* data/uploads */
  char *originals;              /* data/originals */

  GMutex lock;                  /* protects `writing` */
  GHashTable *writing;          /* ids that have a writer */
};

/* PMSS_ERROR_NO_SPACE unless the disk has @bytes more than it has to keep free. */
gboolean pmss_uploads_check_space (PmssUploads *uploads, guint64 bytes, GError **error);

/* PMSS_ERROR from errno: NO_SPACE for a full disk or quota. */
void     pmss_uploads_set_errno   (GError **error, int code, const char *what);

G_END_DECLS
