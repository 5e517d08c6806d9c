/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/config.h"
#include "control/data-files/data-files.h"
#include "control/database/database.h"
#include "control/uploads/uploads.h"

G_BEGIN_DECLS

/* Shared by uploads.c and upload-rows.c (rows), upload-files.c (their files) and upload-writer.c
 * (bytes). */
struct _PmssUploads
{
  PmssControlConfig *config;
  PmssDatabase *database;
  PmssCatalog *catalog;
  PmssOriginals *originals;     /* their files are swept with ours */
  PmssDataFiles *files;         /* data/uploads */
  gint64 opened;                /* monotonic */

  PmssDiskReserve *reserve;     /* nullable */
  gboolean keep_unknown;        /* nothing that was set aside is deleted */
  /* of the expiring thread: monotonic, when to look at files that were set aside */
  gint64 aside_at;

  GMutex lock;                  /* protects all below */
  /* id of each upload that has a writer -> guint64: bytes that it has written and that the row does
   * not count as received */
  GHashTable *writing;
};

/* The columns that pmss_upload_read() makes an upload of, and their tables. */
#define PMSS_UPLOAD_COLUMNS "upload.id, upload.medium, medium.name, upload.user, " \
    "upload.kind, upload.state, upload.size, upload.received, " \
    "upload.created, upload.expires, upload.unit, upload.extent " \
    "FROM upload JOIN medium ON medium.id = upload.medium"
PmssUpload *pmss_upload_read (PmssRows *rows);

/* PMSS_ERROR_NO_SPACE unless the disk has @bytes more than it has to keep free and than others have
 * @announced. */
gboolean pmss_uploads_check_space (PmssUploads *uploads, guint64 bytes, guint64 announced,
    GError **error);

/* In a transaction: bytes that unfinished uploads have announced and that are not on the disk
 * yet. */
gboolean pmss_uploads_get_announced (PmssUploads *uploads, PmssDatabase *database, guint64 *bytes,
    GError **error);

/* The right to write to @id, or to remove it, which one thread has at a time. FALSE: another thread
 * has it. */
gboolean pmss_uploads_take         (PmssUploads *uploads, const char *id);
void     pmss_uploads_give_back    (PmssUploads *uploads, const char *id);
/* Its holder says how many bytes of the file the row does not count. Before the answer to the
 * commit that counts them, for the transactions right behind it. */
void     pmss_uploads_set_unsynced (PmssUploads *uploads, const char *id, guint64 bytes);

/* PMSS_ERROR from errno: NO_SPACE for a full disk or quota. */
void     pmss_uploads_set_errno   (GError **error, int code, const char *what);

/* Makes the file of the upload @id, durably and empty. It comes before the row, so that a row has
 * its file. */
gboolean pmss_upload_files_make   (PmssUploads *uploads, const char *id, GError **error);
/* Takes back a file that got no row. */
void     pmss_upload_files_unmake (PmssUploads *uploads, const char *id);
/* For #PmssDataFiles. */
gboolean pmss_upload_files_find     (PmssDatabase *database, const char *name, PmssDataFile *file,
    GError **error);
gboolean pmss_upload_files_is_spare (const char *name, const GStatBuf *st, gpointer user_data);

/* upload-name.c: makes sure that no medium has @name. An unfinished upload of @user's own gives
 * way. One of another user's, or one that is being written to, is PMSS_ERROR_EXISTS, with its owner
 * and how far it is. */
gboolean pmss_uploads_take_name (PmssUploads *uploads, const char *name, const char *user,
    GError **error);

G_END_DECLS
