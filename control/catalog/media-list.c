/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of media. Any thread; runs on the database thread. */
#include "control/catalog/media-list-private.h"

#include <string.h>

static const char *const sorts[] = {
  [PMSS_SORT_NAME] = "name",
  [PMSS_SORT_TITLE] = "title",
  [PMSS_SORT_CREATED] = "created",
  [PMSS_SORT_SIZE] = "size",
  [PMSS_SORT_DURATION] = "duration",
};

gboolean
pmss_media_sort_parse (const char *text, PmssMediaSort * sort,
    gboolean * descending)
{
  *descending = *text == '-';
  for (guint i = 0; i < PMSS_N_SORTS; i++) {
    if (strcmp (text + *descending, sorts[i]) == 0) {
      *sort = i;
      return TRUE;
    }
  }
  return FALSE;
}

void
pmss_media_page_free (PmssMediaPage * page)
{
  g_ptr_array_unref (page->media);
  g_clear_pointer (&page->folders, g_array_unref);
  g_free (page->next);
  g_free (page);
}

gboolean
pmss_media_list_take (PmssMediaList * list, PmssDatabase * database,
    const PmssMediaRow * row, GError ** error)
{
  PmssMedium *medium = pmss_catalog_read_medium (database, row->id, error);

  if (medium == NULL)
    return FALSE;
  g_ptr_array_add (list->page->media, medium);
  return TRUE;
}

/* All that are alive: counted along by the database. */
static void
add_number (const char *state, gint64 number, gpointer total)
{
  if (strcmp (state, "deleting") != 0)
    *(gint64 *) total += number;
}

static gboolean
count_some (PmssDatabase * database, const char *folder, gint64 * total,
    GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*) FROM (SELECT 1 FROM medium m"
      " WHERE m.state <> 'deleting' AND m.folder = ?1 LIMIT ?2)",
      PMSS_TEXT (folder), PMSS_INT (PMSS_MEDIA_COUNTED + 1));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *total = pmss_rows_int (rows, 0);
  if (*total > PMSS_MEDIA_COUNTED)
    *total = -1;
  return TRUE;
}

static gboolean
count_many (PmssDatabase * database, PmssMediaList * list, GError ** error)
{
  const PmssMediaQuery *query = list->query;

  if (query->words != NULL || query->has_state || query->prefix != NULL)
    return TRUE;
  if (list->folder != NULL)
    return count_some (database, list->folder, &list->page->total, error);
  list->page->total = 0;
  pmss_database_each_tally (database, "medium", add_number, &list->page->total);
  return TRUE;
}

/* Names in order, all or those with a prefix: each row is wanted. */
static gboolean
is_plain (const PmssMediaQuery * query)
{
  return query->sort == PMSS_SORT_NAME && !query->descending
      && query->folder == NULL && query->words == NULL && !query->has_state;
}

static gboolean
page_plain (PmssMediaList * list, GError ** error)
{
  GPtrArray *media = pmss_catalog_list_media (list->catalog,
      list->query->prefix, list->query->after, list->query->limit,
      &list->page->next, error);

  if (media == NULL)
    return FALSE;
  g_ptr_array_unref (list->page->media);
  list->page->media = media;
  return TRUE;
}

static gboolean
read_page (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssMediaList *list = data;
  gboolean few;

  if (list->query->folder != NULL && !list->has_after) {
    list->page->folders = pmss_media_folders_read (database,
        list->query->folder, error);
    if (list->page->folders == NULL)
      return FALSE;
  }
  if (is_plain (list->query))
    return count_many (database, list, error) && page_plain (list, error);
  if (!pmss_media_few_find (database, list, &few, error))
    return FALSE;
  if (few)
    return pmss_media_few_page (database, list, error);
  return count_many (database, list, error)
      && pmss_media_walk_page (database, list, error);
}

static void
clear_list (PmssMediaList * list)
{
  g_free (list->folder);
  g_free (list->trigrams);
  g_free (list->after_text);
  g_array_unref (list->few);
  g_clear_pointer (&list->page, pmss_media_page_free);
}

PmssMediaPage *
pmss_media_list (PmssCatalog * catalog, const PmssMediaQuery * query,
    GError ** error)
{
  PmssMediaList list = {.catalog = catalog,.query = query };
  PmssMediaPage *page = NULL;

  list.page = g_new0 (PmssMediaPage, 1);
  list.page->total = -1;
  list.page->media =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_medium_free);
  list.few = g_array_new (FALSE, FALSE, sizeof (PmssMediaRow));
  g_array_set_clear_func (list.few, pmss_media_row_clear);
  if (query->folder != NULL)
    list.folder = *query->folder != '\0' ? g_strconcat (query->folder, "/",
        NULL) : g_strdup ("");
  if (query->words != NULL)
    list.trigrams = pmss_media_words_trigrams (query->words);
  if (query->words != NULL && list.trigrams == NULL)
    list.brief = pmss_media_words_brief (query->words);
  if (pmss_media_place_parse (&list, error)
      && pmss_database_read (catalog->database, read_page, &list, error))
    page = g_steal_pointer (&list.page);
  clear_list (&list);
  return page;
}
