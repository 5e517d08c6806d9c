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

static gboolean
add_row (PmssMediaList * list, PmssRows * rows, GError ** error)
{
  PmssMediaRow row = { 0 };
  gboolean ok = pmss_media_row_read (rows, &row, error);

  if (ok && pmss_media_row_is_wanted (list, &row))
    g_array_append_val (list->few, row);
  else
    pmss_media_row_clear (&row);
  return ok;
}

/* @rows: all that may be wanted; nullable */
static gboolean
add_rows (PmssMediaList * list, PmssRows * rows, gboolean * few,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  guint n = 0;

  *few = FALSE;
  while (rows != NULL && pmss_rows_next (rows, &local)) {
    if (++n > PMSS_FEW_MEDIA)
      return TRUE;
    if (!add_row (list, rows, error))
      return FALSE;
  }
  *few = rows != NULL && local == NULL;
  return pmss_rows_end (g_steal_pointer (&local), error);
}

/* --- words of one or two characters --- */

/* @ids: (out): of the media that have @word. @few: (out) FALSE: there are more. */
static gboolean
find_brief (PmssDatabase * database, const char *word, GHashTable * ids,
    gboolean * few, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT doc FROM medium_three WHERE term >= ?1"
      " AND term < ?1 || char (0x10ffff) LIMIT ?2", PMSS_TEXT (word),
      PMSS_INT (PMSS_MEDIA_ENTRIES));
  guint n = 0;

  while (pmss_rows_next (rows, &local)) {
    gint64 id = pmss_rows_int (rows, 0);

    n++;
    g_hash_table_add (ids, g_memdup2 (&id, sizeof (id)));
  }
  *few = n < PMSS_MEDIA_ENTRIES && g_hash_table_size (ids) <= PMSS_FEW_MEDIA;
  return pmss_rows_end (g_steal_pointer (&local), error);
}

static gboolean
add_medium (PmssDatabase * database, PmssMediaList * list, gint64 id,
    GError ** error)
{
  gboolean few;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      PMSS_MEDIA_FROM_LIVING "m.id = ?1", PMSS_INT (id));

  return add_rows (list, rows, &few, error);
}

static gboolean
add_brief (PmssDatabase * database, PmssMediaList * list, gboolean * few,
    GError ** error)
{
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_int64_hash,
      g_int64_equal, g_free, NULL);
  GHashTableIter iter;
  gpointer id;

  if (!find_brief (database, list->brief, ids, few, error))
    return FALSE;
  g_hash_table_iter_init (&iter, ids);
  while (*few && g_hash_table_iter_next (&iter, &id, NULL))
    if (!add_medium (database, list, *(const gint64 *) id, error))
      return FALSE;
  return TRUE;
}

/* --- the whole --- */

gboolean
pmss_media_few_find (PmssDatabase * database, PmssMediaList * list,
    gboolean * few, GError ** error)
{
  g_autoptr (PmssRows) rows = NULL;

  *few = FALSE;
  if (list->brief != NULL && !add_brief (database, list, few, error))
    return FALSE;
  if (*few)
    return TRUE;
  rows = query_few (database, list);
  return add_rows (list, rows, few, error);
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
