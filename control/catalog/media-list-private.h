/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog-private.h"
#include "control/catalog/media-list.h"

G_BEGIN_DECLS

/* Shared by media-list.c (a page of the list), media-row.c (rows, and places in an order),
 * media-few.c (few media, sorted here) and media-walk.c (many, along the index of the order). On
 * the database thread. */

/* What a row has to say before it is known to be wanted. */
typedef struct
{
  gint64 id;
  char *name, *title, *label, *folder;
  PmssMediumState state;
  gint64 created, size, duration;
} PmssMediaRow;

typedef struct
{
  PmssCatalog *catalog;
  const PmssMediaQuery *query;
  char *folder;                 /* (nullable) with the slash at its end */
  char *trigrams;               /* nullable */
  const char *brief;            /* (nullable) in place of them */
  /* behind which row the page begins */
  gboolean has_after;
  gint64 after_id, after_number;
  char *after_text;
  GArray *few;                  /* of PmssMediaRow */
  PmssMediaPage *page;
} PmssMediaList;

#define PMSS_MEDIA_ROW_COLUMNS "m.id, m.name, m.title, m.state, m.label," \
  " m.folder, m.created, m.sort_size, m.sort_duration"
#define PMSS_MEDIA_FROM_LIVING "SELECT " PMSS_MEDIA_ROW_COLUMNS \
  " FROM medium m WHERE m.state <> 'deleting' AND "

gboolean pmss_media_row_read      (PmssRows *rows, PmssMediaRow *row, GError **error);
void     pmss_media_row_clear     (gpointer row);
gboolean pmss_media_row_is_wanted (const PmssMediaList *list, const PmssMediaRow *row);
/* Behind the place at which the page begins. */
gboolean pmss_media_row_is_behind (const PmssMediaList *list, const PmssMediaRow *row);
/* By the order of the list, then by id. A GCompareDataFunc. */
gint     pmss_media_row_compare   (gconstpointer a, gconstpointer b, gpointer list);

/* Places in an order, as `next` and `after` have them: "ID.KEY", or a name. */
char    *pmss_media_place_make    (const PmssMediaList *list, const PmssMediaRow *row);
gboolean pmss_media_place_parse   (PmssMediaList *list, GError **error);

/* Adds the medium of @row to the page. */
gboolean pmss_media_list_take     (PmssMediaList *list, PmssDatabase *database,
    const PmssMediaRow *row, GError **error);

/* @few: (out): all that may be wanted is in list->few. */
gboolean pmss_media_few_find      (PmssDatabase *database, PmssMediaList *list, gboolean *few,
    GError **error);
gboolean pmss_media_few_page      (PmssDatabase *database, PmssMediaList *list, GError **error);
gboolean pmss_media_walk_page     (PmssDatabase *database, PmssMediaList *list, GError **error);

G_END_DECLS
