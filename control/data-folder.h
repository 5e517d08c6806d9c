/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * Data folder:
 *
 * Whether control may start on a folder. The catalog and the keys belong together. Neither is ever
 * made anew beside the remains of an earlier use: a disk that is not mounted, or a half-done
 * restore, looks like that.
 *
 *   empty ──begin──▶ first-start ──end──▶ in use
 *                       │    ▲
 *                       └────┘ killed
 *
 * The file "first-start" exists while the keys, the catalog and the first user are being made. Only
 * then missing ones are made. Used by main() before any other thread.
 */

/* The contents of the folder. */
typedef struct
{
  gboolean first_start;         /* the mark of a first start that was not finished */
  gboolean catalog;             /* catalog.db, not empty */
  gboolean log;                 /* catalog.db-wal, not empty */
  gboolean keys;                /* the folder keys */
  gboolean files;               /* anything in uploads or originals */
} PmssDataFolderState;

typedef enum
{
  PMSS_DATA_FOLDER_NEW,         /* nothing of a cluster is there */
  PMSS_DATA_FOLDER_UNFINISHED,  /* a first start was killed */
  PMSS_DATA_FOLDER_IN_USE,
  PMSS_DATA_FOLDER_NO_CATALOG,  /* refused */
  PMSS_DATA_FOLDER_NO_KEYS,     /* refused */
} PmssDataFolderUse;

/* Pure. */
PmssDataFolderUse pmss_data_folder_judge (const PmssDataFolderState *state);

/* Refuses a folder whose catalog or keys are missing beside the remains of an earlier use; @error
 * names the remedy. An empty folder is refused, too: there is nothing to restore. */
gboolean pmss_data_folder_check (const char *folder, GError **error);

/* Marks a first start, durably, where nothing is there. @first: it is one, or goes on. FALSE: the
 * folder is refused, and @error names the remedy. */
gboolean pmss_data_folder_begin (const char *folder, gboolean *first, GError **error);
/* All is made: the next start is no first one. */
gboolean pmss_data_folder_end   (const char *folder, GError **error);

G_END_DECLS
