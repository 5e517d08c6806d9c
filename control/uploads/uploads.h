/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/context.h"
#include "control/disk-reserve.h"

G_BEGIN_DECLS

/**
 * PmssUploads:
 *
 * Files on their way in: a row of the table upload and a file in data/uploads each. The medium's
 * name is taken from creation on.
 *
 *   create ──▶ receiving ──finish──▶ complete ──▶ (dropped by the ingest's commit, or by a
 *   deletion)
 *                  │ removed, expired; a plain PUT: cut off
 *                  ▼
 *                gone: row, file and medium
 *
 * Received bytes have been synced to the disk and then committed. Bytes in the file beyond that do
 * not count and are written again. All functions block. Any thread may call them.
 */

typedef enum { PMSS_UPLOAD_PUT, PMSS_UPLOAD_TUS } PmssUploadKind;

/* Strings are owned. */
typedef struct
{
  char *id;                     /* 32 hex digits */
  gint64 medium;
  char *name;                   /* of the medium */
  char *user;
  PmssUploadKind kind;
  gboolean complete;
  guint64 size, received;       /* bytes */
  guint32 unit, extent;         /* of the version that is made of it; 0: as the settings have it */
  gint64 created, expires;      /* seconds since 1970 */
} PmssUpload;

void          pmss_upload_free (PmssUpload *upload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUpload, pmss_upload_free)

/* Makes the folder, and removes the remains of a crash there and among @originals: plain PUTs that
 * were cut off, files without a use (data-files.h). @originals outlives @uploads. */
PmssUploads  *pmss_uploads_new    (PmssControlConfig *config, PmssDatabase *database,
    PmssCatalog *catalog, PmssOriginals *originals, GError **error);
void          pmss_uploads_free   (PmssUploads *uploads);
/* Sets the room that uploads have to leave free besides, from now on. Before the first request;
 * @reserve outlives @uploads. */
void          pmss_uploads_set_reserve (PmssUploads *uploads, PmssDiskReserve *reserve);
/* Whether files that were set aside are kept however long they are there. Before the first call of
 * pmss_uploads_expire(). */
void          pmss_uploads_set_keep_unknown (PmssUploads *uploads, gboolean keep);

/* Takes the name. @medium: name, size, redundancy, keep_original, unit, extent, and other known
 * members; its id is filled in. PMSS_ERROR_EXISTS: the name is taken. An unfinished upload of the
 * same user gives way if no client writes to it. PMSS_ERROR_NO_SPACE: the disk has no room for
 * it. */
PmssUpload   *pmss_uploads_create (PmssUploads *uploads, PmssMedium *medium, PmssUploadKind kind,
    const char *user, GError **error);
/* PMSS_ERROR_NOT_FOUND, once it has expired, too. */
PmssUpload   *pmss_uploads_get    (PmssUploads *uploads, const char *id, GError **error);
/* The upload that a medium is made from. PMSS_ERROR_NOT_FOUND */
PmssUpload   *pmss_uploads_get_by_medium (PmssUploads *uploads, gint64 medium, GError **error);
/* Those not complete, by id: array that frees them. */
GPtrArray    *pmss_uploads_list   (PmssUploads *uploads, GError **error);
/* In a transaction, also without an object: calls @func for each row. */
typedef void (*PmssUploadFunc) (const PmssUpload *upload, gpointer user_data);
gboolean      pmss_uploads_each (PmssDatabase *database, PmssUploadFunc func, gpointer user_data,
    GError **error);
/* @room: bytes that uploads may still take of the disk, besides those that they have announced.
 * @receiving: uploads that are under way. */
gboolean      pmss_uploads_get_room (PmssUploads *uploads, guint64 *room, guint64 *receiving,
    GError **error);
/* Where its bytes are. */
char         *pmss_uploads_get_path (PmssUploads *uploads, const char *id);
/* Gives up an upload that is not complete: row, file and medium. PMSS_ERROR_BUSY while a client
 * writes; PMSS_ERROR_CONFLICT when complete. */
gboolean      pmss_uploads_remove (PmssUploads *uploads, const char *id, GError **error);
/* Removes those whose time is up, and files whose time aside is up. One thread at a time. */
gboolean      pmss_uploads_expire (PmssUploads *uploads, GError **error);

/* Counts a probe of the file that begins. Where @most were counted before, @may is FALSE, and it is
 * not counted. The end of a probe forgets them all. So a count at a later begin is of probes that
 * the server did not live to see the end of. PMSS_ERROR_NOT_FOUND */
gboolean      pmss_uploads_begin_probe (PmssUploads *uploads, const char *id, guint most,
    gboolean *may, GError **error);
gboolean      pmss_uploads_end_probe   (PmssUploads *uploads, const char *id, GError **error);

/* Parts of a larger transaction: see pmss_ingest_start() and the deletion. */
/* All bytes are there: complete; the medium begins to be ingested. PMSS_ERROR_CONFLICT if not. */
gboolean      pmss_uploads_finish (PmssUploads *uploads, const char *id, GError **error);
/* Drops the row of @medium's upload, if there is one, and notes that its file may go.
 * pmss_uploads_delete_files() after the commit deletes it; after a crash in between, the next start
 * does. */
gboolean      pmss_uploads_drop          (PmssUploads *uploads, gint64 medium, GError **error);
/* Deletes the files that committed transactions gave up. A file that cannot be deleted is logged,
 * and tried again with the next. */
void          pmss_uploads_delete_files  (PmssUploads *uploads);

/**
 * PmssUploadWriter:
 *
 * The right to add bytes to one upload; there is one at a time. Belongs to one thread.
 */
typedef struct _PmssUploadWriter PmssUploadWriter;

/* PMSS_ERROR_BUSY: another client writes. PMSS_ERROR_CONFLICT: @offset is not the number of
 * received bytes, or the upload is complete. */
PmssUploadWriter *pmss_upload_writer_open  (PmssUploads *uploads, const char *id, guint64 offset,
    GError **error);
/* PMSS_ERROR_NO_SPACE; PMSS_ERROR_RANGE past the size. Bytes written before count once synced. */
gboolean          pmss_upload_writer_write (PmssUploadWriter *writer, const void *data,
    gsize length, GError **error);
/* The written bytes are on the disk and committed when this returns TRUE. Also done by close. */
gboolean          pmss_upload_writer_sync  (PmssUploadWriter *writer, GError **error);
/* As of the last sync. */
guint64           pmss_upload_writer_get_received (PmssUploadWriter *writer);
/* Seconds since 1970, as of the last sync. */
gint64            pmss_upload_writer_get_expires  (PmssUploadWriter *writer);
/* Syncs and ends. FALSE: the sync failed; the writer is gone all the same. */
gboolean          pmss_upload_writer_close (PmssUploadWriter *writer, GError **error);
/* Ends without a sync: bytes since the last one do not count. */
void              pmss_upload_writer_abandon (PmssUploadWriter *writer);

G_END_DECLS
