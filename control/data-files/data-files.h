/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib/gstdio.h>

#include "control/database/database.h"

G_BEGIN_DECLS

/**
 * PmssDataFiles:
 *
 * The files of one folder of the data folder, each of which a row of the catalog names. A row goes
 * before its file, with a note in the table file_deletion. A file that no row and no note names is
 * set aside (set-aside.h), never deleted: the catalog may be older than the file.
 *
 * Threads: any, and blocks; expire() on one at a time.
 */
typedef struct _PmssDataFiles PmssDataFiles;

/* A row's description of its file. */
typedef struct
{
  gboolean known;               /* there is a row */
  guint64 least, most;          /* bytes */
} PmssDataFile;

typedef struct
{
  /* In a transaction: fills in the description of the row that names the file @name. */
  gboolean (*find)     (PmssDatabase *database, const char *name, PmssDataFile *file,
    GError **error);
  /* Whether no byte is lost with the regular file @name, which no row names. */
  gboolean (*is_spare) (const char *name, const GStatBuf *st, gpointer user_data);
} PmssDataFilesFuncs;

/* Makes the folder @data/@name and deletes the files that were given up before a crash. Puts files
 * back that were set aside and that a row names. @name: "uploads". */
PmssDataFiles *pmss_data_files_new  (const char *data, const char *name, PmssDatabase *database,
    const PmssDataFilesFuncs *funcs, GError **error);
void           pmss_data_files_free (PmssDataFiles *files);

const char    *pmss_data_files_get_folder (PmssDataFiles *files);
/* To be freed. */
char          *pmss_data_files_get_path   (PmssDataFiles *files, const char *name);
/* At the start: deletes spare files and sets others without a row aside. Directories are left
 * alone. */
gboolean       pmss_data_files_sweep   (PmssDataFiles *files, gpointer user_data, GError **error);
/* In a transaction that drops the row of @name: notes that the file may go. */
gboolean       pmss_data_files_give_up (PmssDataFiles *files, const char *name, GError **error);
/* After such transactions have been committed: deletes the files. A file that cannot be deleted is
 * logged, and tried again with the next. */
void           pmss_data_files_delete  (PmssDataFiles *files);
/* Deletes files that were set aside more than @grace seconds before @now (seconds since 1970) and
 * that no row names; see pmss_set_aside_expire(). FALSE: something could not be deleted. */
gboolean       pmss_data_files_expire  (PmssDataFiles *files, guint grace, gint64 now, gint64 up);

G_END_DECLS
