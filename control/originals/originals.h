/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssOriginals:
 *
 * The kept files that media were made from: a row of the table original and a file in
 * data/originals each. No other object reads or writes either.
 *
 * Threads: any, and blocks.
 */

/* Makes the folder and removes the remains of a crash. pmss_originals_sweep() does the rest. */
PmssOriginals *pmss_originals_new  (const char *data, PmssDatabase *database, GError **error);
void           pmss_originals_free (PmssOriginals *originals);

/* At the start. @uploads still has the first names of files that were about to be kept. A file that
 * no row names goes if it is one of those; else it is set aside. */
gboolean       pmss_originals_sweep  (PmssOriginals *originals, const char *uploads,
    GError **error);
/* See pmss_data_files_expire(). */
gboolean       pmss_originals_expire (PmssOriginals *originals, guint grace, gint64 now, gint64 up);

/* Where a file that is made from shards, and may become the original @file, is to be made: in a
 * folder whose files count for nothing, and which a start empties. To be freed. */
char          *pmss_originals_begin  (PmssOriginals *originals, const char *file, GError **error);
/* Gives the file at @path the second name @file in the folder, durably. It counts for nothing until
 * pmss_originals_add(). */
gboolean       pmss_originals_link   (PmssOriginals *originals, const char *path, const char *file,
    GError **error);
/* Takes the second name back, where pmss_originals_add() came to nothing. A failure is logged. */
void           pmss_originals_unlink (PmssOriginals *originals, const char *file);
/* Parts of a larger transaction. @file, of @size bytes, is the original of @medium. */
gboolean       pmss_originals_add    (PmssOriginals *originals, gint64 medium, const char *file,
    guint64 size, GError **error);
/* Drops the row of @medium's original, if there is one; pmss_originals_delete_files() after the
 * commit deletes the file (a crash in between: the next start does). */
gboolean       pmss_originals_drop   (PmssOriginals *originals, gint64 medium, GError **error);
void           pmss_originals_delete_files (PmssOriginals *originals);

/* Where the original of @medium is; to be freed. @sha256: (out) (nullable): of the medium; to be
 * freed. PMSS_ERROR_NOT_FOUND: none was kept. */
char          *pmss_originals_find   (PmssOriginals *originals, gint64 medium, char **sha256,
    GError **error);

/* In a transaction, also without an object: calls @func for each row. @medium: its name. */
typedef void (*PmssOriginalFunc) (const char *file, const char *medium, guint64 size,
    gpointer user_data);
gboolean       pmss_originals_each   (PmssDatabase *database, PmssOriginalFunc func,
    gpointer user_data, GError **error);

G_END_DECLS
