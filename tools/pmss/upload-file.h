/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssUploadFile:
 *
 * A file that is being uploaded. It is opened once. Its bytes are hashed as they are read, so that
 * the sum is of the bytes that were sent. A change, cut, replacement or removal meanwhile is
 * noticed before the last byte is given out: no upload of the file becomes whole.
 *
 * Reference counted: a read may outlive the request that it was for. Any thread, one read at a
 * time.
 */
typedef struct _PmssUploadFile PmssUploadFile;

/* @path: "-" is standard input, of which a copy is kept while it is no file; that ends with
 * @cancellable. @hash: whether a sum will be asked for. Only regular files: others have no size. */
PmssUploadFile *pmss_upload_file_open  (const char *path, gboolean hash, GCancellable *cancellable,
    GError **error);
PmssUploadFile *pmss_upload_file_ref   (PmssUploadFile *file);
void            pmss_upload_file_unref (PmssUploadFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUploadFile, pmss_upload_file_unref)

/* Whether it is standard input: another run cannot find that again. */
gboolean        pmss_upload_file_is_input     (PmssUploadFile *file);
/* Bytes, and µs since 1970, as of the opening. */
guint64         pmss_upload_file_get_size     (PmssUploadFile *file);
gint64          pmss_upload_file_get_modified (PmssUploadFile *file);
/* PMSS_ERROR_CONFLICT if it is not the file any more that was opened. */
gboolean        pmss_upload_file_check        (PmssUploadFile *file, GError **error);
/* Hashes those of the first @offset bytes that were not given out yet. */
gboolean        pmss_upload_file_hash_to      (PmssUploadFile *file, guint64 offset,
    GCancellable *cancellable, GError **error);
/* All bytes from @offset on, for one request. The stream's error after a change is that of
 * pmss_upload_file_check(). */
GInputStream   *pmss_upload_file_stream       (PmssUploadFile *file, guint64 offset);
/* SHA-256 in hex digits; call it once, after pmss_upload_file_hash_to() of all. */
char           *pmss_upload_file_get_sum      (PmssUploadFile *file);

G_END_DECLS
