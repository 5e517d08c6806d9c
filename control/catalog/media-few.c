/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page of few media: looked up and sorted. On the database thread. */
#include "control/catalog/media-list-private.h"

#include <string.h>

/* The narrowest filter first. NULL: there is none. */
static PmssRows *
query_few (PmssDatabase * database, const PmssMediaList * list)
{
  const PmssMediaQuery *query = list->query;

  if (list->trigrams != NULL)
    return pmss_database_query (database, "SELECT " PMSS_MEDIA_ROW_COLUMNS
        " FROM medium_text t CROSS JOIN medium m ON m.id = t.rowid"
        " WHERE t.medium_text MATCH ?1 LIMIT ?2", PMSS_TEXT (list->trigrams),
        PMSS_INT (PMSS_FEW_MEDIA + 1));
  if (list->folder != NULL)
    return pmss_database_query (database,
        PMSS_MEDIA_FROM_LIVING "m.folder = ?1 LIMIT ?2",
        PMSS_TEXT (list->folder), PMSS_INT (PMSS_FEW_MEDIA + 1));
  if (query->prefix != NULL && *query->prefix != '\0')
    return pmss_database_query (database, PMSS_MEDIA_FROM_LIVING "m.name >= ?1"
        " AND m.name < ?1 || char (0x10ffff) LIMIT ?2",
        PMSS_TEXT (query->prefix), PMSS_INT (PMSS_FEW_MEDIA + 1));
  if (query->has_state)
    return pmss_database_query (database, "SELECT " PMSS_MEDIA_ROW_COLUMNS
        " FROM medium m WHERE m.state = ?1 LIMIT ?2",
        PMSS_TEXT (pmss_medium_state_to_string (query->state)),
        PMSS_INT (PMSS_FEW_MEDIA + 1));
  return NULL;
}

gboolean
pmss_media_few_find (PmssDatabase * database, PmssMediaList * list,
    gboolean * few, GError ** error)
{
  g_autoptr (PmssRows) rows = query_few (database, list);
  g_autoptr (GError) local = NULL;
  guint n = 0;

  *few = FALSE;
  while (rows != NULL && pmss_rows_next (rows, &local)) {
    PmssMediaRow row = { 0 };

    if (++n > PMSS_FEW_MEDIA)
      return TRUE;
    if (!pmss_media_row_read (rows, &row, error)) {
      pmss_media_row_clear (&row);
      return FALSE;
    }
    if (pmss_media_row_is_wanted (list, &row))
      g_array_append_val (list->few, row);
    else
      pmss_media_row_clear (&row);
  }
  *few = rows != NULL && local == NULL;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_media_few_page (PmssDatabase * database, PmssMediaList * list,
    GError ** error)
{
  const PmssMediaRow *last = NULL;

  g_array_sort_with_data (list->few, pmss_media_row_compare, list);
  list->page->total = list->few->len;
  for (guint i = 0; i < list->few->len; i++) {
    const PmssMediaRow *row = &g_array_index (list->few, PmssMediaRow, i);

    if (!pmss_media_row_is_behind (list, row))
      continue;
    if (list->page->media->len == list->query->limit) {
      list->page->next = pmss_media_place_make (list, last);
      return TRUE;
    }
    if (!pmss_media_list_take (list, database, row, error))
      return FALSE;
    last = row;
  }
  return TRUE;
}
