/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssByteSource:
 *
 * Bytes that can be read again, at any place: of an upload, or of a kept original. Striping and
 * comparing see no more of them than this. Does not change, save that it can fail.
 *
 * Threads: any, several at once. Blocks.
 */
typedef struct _PmssByteSource PmssByteSource;

typedef struct
{
  /* Exactly @length bytes from @offset, which are within the size. */
  gboolean (*read) (gpointer user_data, guint64 offset, guint8 *to, gsize length, GError **error);
  void     (*free) (gpointer user_data);        /* nullable */
} PmssByteSourceFuncs;

PmssByteSource *pmss_byte_source_new      (const PmssByteSourceFuncs *funcs, gpointer user_data,
    guint64 size);
/* The file at @path, which has to have @size bytes. @what: its name in errors, "The upload's file":
 * clients read errors, the path is for the log. PMSS_ERROR_FAILED: it cannot be read.
 * PMSS_ERROR_CORRUPT: it has, or has meanwhile, another size. */
PmssByteSource *pmss_byte_source_new_file (const char *path, guint64 size, const char *what,
    GError **error);
void            pmss_byte_source_free     (PmssByteSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssByteSource, pmss_byte_source_free)

/* Exactly @length bytes. PMSS_ERROR_RANGE: the source has not so many. */
gboolean        pmss_byte_source_read     (PmssByteSource *source, guint64 offset, guint8 *to,
    gsize length, GError **error);
/* The SHA-256 of all bytes, in hex; to be freed. NULL: an error, or cancelled. */
char           *pmss_byte_source_hash     (PmssByteSource *source, GCancellable *cancellable,
    GError **error);

G_END_DECLS
