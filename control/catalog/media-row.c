/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of lists of media, and places in their orders. On the database thread. */
#include "control/catalog/media-list-private.h"

#include <string.h>

void
pmss_media_row_clear (gpointer data)
{
  PmssMediaRow *row = data;

  g_free (row->name);
  g_free (row->title);
  g_free (row->label);
  g_free (row->folder);
}

gboolean
pmss_media_row_read (PmssRows * rows, PmssMediaRow * row, GError ** error)
{
  row->id = pmss_rows_int (rows, 0);
  row->name = g_strdup (pmss_rows_text (rows, 1));
  row->title = g_strdup (pmss_rows_text (rows, 2));
  row->label = g_strdup (pmss_rows_text (rows, 4));
  row->folder = g_strdup (pmss_rows_text (rows, 5));
  row->created = pmss_rows_int (rows, 6);
  row->size = pmss_rows_int (rows, 7);
  row->duration = pmss_rows_int (rows, 8);
  return pmss_catalog_parse_medium_state (pmss_rows_text (rows, 3),
      &row->state, error);
}

gboolean
pmss_media_row_is_wanted (const PmssMediaList * list, const PmssMediaRow * row)
{
  const PmssMediaQuery *query = list->query;

  return (query->prefix == NULL || g_str_has_prefix (row->name, query->prefix))
      && (list->folder == NULL || strcmp (row->folder, list->folder) == 0)
      && (!query->has_state || row->state == query->state)
      && (query->words == NULL || pmss_media_words_match (query->words,
          row->name, row->title));
}

static gint64
get_number (const PmssMediaList * list, const PmssMediaRow * row)
{
  switch (list->query->sort) {
    case PMSS_SORT_CREATED:
      return row->created;
    case PMSS_SORT_SIZE:
      return row->size;
    case PMSS_SORT_DURATION:
      return row->duration;
    default:
      return 0;
  }
}

static const char *
get_text (const PmssMediaList * list, const PmssMediaRow * row)
{
  switch (list->query->sort) {
    case PMSS_SORT_NAME:
      return row->name;
    case PMSS_SORT_TITLE:
      return row->label;
    default:
      return "";
  }
}

/* --- places in an order --- */

char *
pmss_media_place_make (const PmssMediaList * list, const PmssMediaRow * row)
{
  switch (list->query->sort) {
    case PMSS_SORT_NAME:
      return g_strdup (row->name);
    case PMSS_SORT_TITLE:
      return g_strdup_printf ("%" G_GINT64_FORMAT ".%s", row->id, row->label);
    default:
      return g_strdup_printf ("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT,
          row->id, get_number (list, row));
  }
}

static gboolean
invalid_place (GError ** error)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "after: has to be the next of the page before, in the same order");
  return FALSE;
}

gboolean
pmss_media_place_parse (PmssMediaList * list, GError ** error)
{
  const char *after = list->query->after;
  g_auto (GStrv) parts = NULL;

  if (after == NULL || *after == '\0')
    return TRUE;
  list->has_after = TRUE;
  if (list->query->sort == PMSS_SORT_NAME) {
    list->after_text = g_strdup (after);
    return TRUE;
  }
  parts = g_strsplit (after, ".", 2);
  if (g_strv_length (parts) != 2
      || !g_ascii_string_to_signed (parts[0], 10, 0, G_MAXINT64,
          &list->after_id, NULL))
    return invalid_place (error);
  if (list->query->sort == PMSS_SORT_TITLE) {
    list->after_text = g_strdup (parts[1]);
    return TRUE;
  }
  return g_ascii_string_to_signed (parts[1], 10, -1, G_MAXINT64,
      &list->after_number, NULL) || invalid_place (error);
}

/* By the order, then by id; the same for both directions. */
static gint
compare_keys (const char *text, gint64 number, gint64 id, const char *to_text,
    gint64 to_number, gint64 to_id)
{
  gint order = strcmp (text, to_text);

  if (order != 0)
    return order;
  if (number != to_number)
    return number < to_number ? -1 : 1;
  return id < to_id ? -1 : id > to_id;
}

gboolean
pmss_media_row_is_behind (const PmssMediaList * list, const PmssMediaRow * row)
{
  gint order;

  if (!list->has_after)
    return TRUE;
  order = compare_keys (get_text (list, row), get_number (list, row),
      list->query->sort == PMSS_SORT_NAME ? 0 : row->id,
      list->after_text != NULL ? list->after_text : "", list->after_number,
      list->after_id);
  return list->query->descending ? order < 0 : order > 0;
}

gint
pmss_media_row_compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const PmssMediaList *list = user_data;
  gint order = compare_keys (get_text (list, a), get_number (list, a),
      ((const PmssMediaRow *) a)->id, get_text (list, b), get_number (list, b),
      ((const PmssMediaRow *) b)->id);

  return list->query->descending ? -order : order;
}
