/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/config.h"
#include "control/database/database.h"
#include "control/uploads/uploads.h"

G_BEGIN_DECLS

/* Shared by uploads.c (rows), upload-files.c (their files) and upload-writer.c (bytes). */
struct _PmssUploads {
  PmssControlConfig *config;
  PmssDatabase *database;
  PmssCatalog *catalog;
  char *folder;                 /* data/uploads */
  char *originals;              /* data/originals */
  gint64 opened;                /* monotonic */

  PmssDiskReserve *reserve;     /* nullable */

  GMutex lock;                  /* protects all below */
  GHashTable *writing;          /* ids that have a writer */
  guint64 unsynced;             /* bytes that writers have written and that no row counts as received yet */
};

/* PMSS_ERROR_NO_SPACE unless the disk has @bytes more than it has to keep free and than others have @announced. */
gboolean pmss_uploads_check_space (PmssUploads *uploads, guint64 bytes, guint64 announced, GError **error);

/* PMSS_ERROR from errno: NO_SPACE for a full disk or quota. */
void     pmss_uploads_set_errno   (GError **error, int code, const char *what);

/* Makes the file of the upload @id, durably and empty. It comes before the row, so that a row has its file. */
gboolean pmss_upload_files_make   (PmssUploads *uploads, const char *id, GError **error);
/* Takes back a file that got no row. */
void     pmss_upload_files_unmake (PmssUploads *uploads, const char *id);
/* At the start: deletes the files that rows of file_deletion name and the empty ones that have no row, and sets other files without a row aside. */
gboolean pmss_upload_files_sweep  (PmssUploads *uploads, GError **error);

/* upload-name.c: makes sure that no medium has @name. An unfinished upload of @user's own gives way; of another user's, or one that is being written to,
 * PMSS_ERROR_EXISTS tells whose it is and how far. */
gboolean pmss_uploads_take_name (PmssUploads *uploads, const char *name, const char *user, GError **error);

G_END_DECLS
