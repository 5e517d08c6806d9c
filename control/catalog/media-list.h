/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/catalog/media-words.h"

G_BEGIN_DECLS

/* Lists of living media in any order, of one folder, by words. docs/protocol.md, Lists of media.
 *
 * Each page costs about the same, however many media there are. Where few media are in question
 * (of a folder, a prefix, a state, or those that have the words' characters), they are looked up
 * and sorted. Where there are more, the order's index is walked, and of so many rows at a time
 * those are taken that are wanted: then a page may be short although it is not the last.
 *
 * Threads: any; blocks. */

/* Media that are looked up one by one. */
#define PMSS_FEW_MEDIA 1000
/* Rows of one walk: some 8 ms of the database thread. */
#define PMSS_MEDIA_WALK 1500
/* Entries of the index of three characters that a word of one or two is looked for in. */
#define PMSS_MEDIA_ENTRIES 4000
/* Up to so many are counted. */
#define PMSS_MEDIA_COUNTED 10000
/* Folders of one page. */
#define PMSS_MAX_FOLDERS 1000

typedef enum { PMSS_SORT_NAME, PMSS_SORT_TITLE, PMSS_SORT_CREATED, PMSS_SORT_SIZE,
    PMSS_SORT_DURATION, PMSS_N_SORTS } PmssMediaSort;
/* "-size": @descending. FALSE: it is no order. */
gboolean pmss_media_sort_parse (const char *text, PmssMediaSort *sort, gboolean *descending);

typedef struct
{
  const char *prefix;           /* nullable */
  const char *folder;           /* (nullable) without the slash at its end; "": the top */
  const PmssMediaWords *words;  /* nullable */
  gboolean has_state;
  PmssMediumState state;
  PmssMediaSort sort;
  gboolean descending;
  const char *after;            /* (nullable) the `next` of the page before */
  guint limit;
} PmssMediaQuery;

typedef struct
{
  char *name;                   /* of the folder in its folder */
  gint64 media;                 /* below it, without subtitles; -1: not counted */
} PmssMediaFolder;

typedef struct
{
  GPtrArray *media;             /* of PmssMedium */
  char *next;                   /* (nullable) there may be more */
  gint64 total;                 /* -1: not known */
  GArray *folders;              /* (nullable) of PmssMediaFolder, by name; only with a folder */
} PmssMediaPage;
void           pmss_media_page_free (PmssMediaPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssMediaPage, pmss_media_page_free)

/* PMSS_ERROR_INVALID: `after` is none of that order. */
PmssMediaPage *pmss_media_list      (PmssCatalog *catalog, const PmssMediaQuery *query,
    GError **error);

/* Inside a function on the database thread. The folders that are directly in @folder ("": the
 * top). */
GArray        *pmss_media_folders_read (PmssDatabase *database, const char *folder,
    GError **error);

G_END_DECLS
