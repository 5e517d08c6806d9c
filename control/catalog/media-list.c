/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of media. Any thread; runs on the database thread. */
#include "control/catalog/media-list.h"

#include <string.h>

#include "control/catalog/catalog-private.h"

/* What a row has to say before it is known to be wanted. */
typedef struct
{
  gint64 id;
  char *name, *title, *label, *folder;
  PmssMediumState state;
  gint64 created, size, duration;
} Row;

typedef struct
{
  PmssCatalog *catalog;
  const PmssMediaQuery *query;
  char *folder;                 /* (nullable) with the slash at its end */
  char *trigrams;               /* nullable */
  /* behind which row the page begins */
  gboolean has_after;
  gint64 after_id, after_number;
  char *after_text;
  GArray *few;                  /* of Row */
  PmssMediaPage *page;
} List;

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

static void
clear_row (gpointer data)
{
  Row *row = data;

  g_free (row->name);
  g_free (row->title);
  g_free (row->label);
  g_free (row->folder);
}

/* --- rows --- */

#define ROW_COLUMNS "m.id, m.name, m.title, m.state, m.label, m.folder," \
  " m.created, m.sort_size, m.sort_duration"
#define FROM_LIVING "SELECT " ROW_COLUMNS " FROM medium m" \
  " WHERE m.state <> 'deleting' AND "

static gboolean
read_row (PmssRows * rows, Row * row, GError ** error)
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

static gboolean
is_wanted (const List * list, const Row * row)
{
  const PmssMediaQuery *query = list->query;

  return (query->prefix == NULL || g_str_has_prefix (row->name, query->prefix))
      && (list->folder == NULL || strcmp (row->folder, list->folder) == 0)
      && (!query->has_state || row->state == query->state)
      && (query->words == NULL || pmss_media_words_match (query->words,
          row->name, row->title));
}

static gint64
get_number (const List * list, const Row * row)
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
get_text (const List * list, const Row * row)
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

/* --- places in an order: "ID.KEY" --- */

static char *
make_place (const List * list, const Row * row)
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

static gboolean
parse_place (List * list, GError ** error)
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

static gboolean
is_behind (const List * list, const Row * row)
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

/* --- a page --- */

static gboolean
take (List * list, PmssDatabase * database, const Row * row, GError ** error)
{
  PmssMedium *medium = pmss_catalog_read_medium (database, row->id, error);

  if (medium == NULL)
    return FALSE;
  g_ptr_array_add (list->page->media, medium);
  return TRUE;
}

/* --- few media: sorted here --- */

static gint
compare_rows (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const List *list = user_data;
  gint order = compare_keys (get_text (list, a), get_number (list, a),
      ((const Row *) a)->id, get_text (list, b), get_number (list, b),
      ((const Row *) b)->id);

  return list->query->descending ? -order : order;
}

/* The narrowest filter first. NULL: there is none. */
static PmssRows *
query_few (PmssDatabase * database, const List * list)
{
  const PmssMediaQuery *query = list->query;

  if (list->trigrams != NULL)
    return pmss_database_query (database, "SELECT " ROW_COLUMNS
        " FROM medium_text t CROSS JOIN medium m ON m.id = t.rowid"
        " WHERE t.medium_text MATCH ?1 LIMIT ?2", PMSS_TEXT (list->trigrams),
        PMSS_INT (PMSS_FEW_MEDIA + 1));
  if (list->folder != NULL)
    return pmss_database_query (database, FROM_LIVING "m.folder = ?1 LIMIT ?2",
        PMSS_TEXT (list->folder), PMSS_INT (PMSS_FEW_MEDIA + 1));
  if (query->prefix != NULL && *query->prefix != '\0')
    return pmss_database_query (database, FROM_LIVING "m.name >= ?1"
        " AND m.name < ?1 || char (0x10ffff) LIMIT ?2",
        PMSS_TEXT (query->prefix), PMSS_INT (PMSS_FEW_MEDIA + 1));
  if (query->has_state)
    return pmss_database_query (database, "SELECT " ROW_COLUMNS
        " FROM medium m WHERE m.state = ?1 LIMIT ?2",
        PMSS_TEXT (pmss_medium_state_to_string (query->state)),
        PMSS_INT (PMSS_FEW_MEDIA + 1));
  return NULL;
}

/* @few: (out): all that may be wanted is in `few`. */
static gboolean
find_few (PmssDatabase * database, List * list, gboolean * few, GError ** error)
{
  g_autoptr (PmssRows) rows = query_few (database, list);
  g_autoptr (GError) local = NULL;
  guint n = 0;

  *few = FALSE;
  while (rows != NULL && pmss_rows_next (rows, &local)) {
    Row row = { 0 };

    if (++n > PMSS_FEW_MEDIA)
      return TRUE;
    if (!read_row (rows, &row, error)) {
      clear_row (&row);
      return FALSE;
    }
    if (is_wanted (list, &row))
      g_array_append_val (list->few, row);
    else
      clear_row (&row);
  }
  *few = rows != NULL && local == NULL;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
page_few (PmssDatabase * database, List * list, GError ** error)
{
  const Row *last = NULL;

  g_array_sort_with_data (list->few, compare_rows, list);
  list->page->total = list->few->len;
  for (guint i = 0; i < list->few->len; i++) {
    const Row *row = &g_array_index (list->few, Row, i);

    if (!is_behind (list, row))
      continue;
    if (list->page->media->len == list->query->limit) {
      list->page->next = make_place (list, last);
      return TRUE;
    }
    if (!take (list, database, row, error))
      return FALSE;
    last = row;
  }
  return TRUE;
}

/* --- many: the order's index --- */

/* Rows that are equal to the last one by the order, and behind it by their id. */
#define TIES(key, before, direction) FROM_LIVING key " = ?1 AND m.id " before \
  " ?2 ORDER BY m.id " direction " LIMIT ?3"
#define REST(key, before, direction) FROM_LIVING key " " before " ?1" \
  " ORDER BY " key " " direction ", m.id " direction " LIMIT ?2"
#define BOTH(what, key) { what (key, ">", "ASC"), what (key, "<", "DESC") }

static const char *const ties[PMSS_N_SORTS][2] = {
  [PMSS_SORT_TITLE] = BOTH (TIES, "m.label"),
  [PMSS_SORT_CREATED] = BOTH (TIES, "m.created"),
  [PMSS_SORT_SIZE] = BOTH (TIES, "m.sort_size"),
  [PMSS_SORT_DURATION] = BOTH (TIES, "m.sort_duration"),
};

static const char *const rest[PMSS_N_SORTS][2] = {
  [PMSS_SORT_NAME] = {FROM_LIVING "m.name > ?1 ORDER BY m.name LIMIT ?2",
      FROM_LIVING "m.name < ?1 ORDER BY m.name DESC LIMIT ?2"},
  [PMSS_SORT_TITLE] = BOTH (REST, "m.label"),
  [PMSS_SORT_CREATED] = BOTH (REST, "m.created"),
  [PMSS_SORT_SIZE] = BOTH (REST, "m.sort_size"),
  [PMSS_SORT_DURATION] = BOTH (REST, "m.sort_duration"),
};

/* In a folder the order of names has an index of its own. */
static const char *const folder_rest[2] = {
  FROM_LIVING "m.folder = ?3 AND m.name > ?1 ORDER BY m.name LIMIT ?2",
  FROM_LIVING "m.folder = ?3 AND m.name < ?1 ORDER BY m.name DESC LIMIT ?2",
};

static gboolean
is_text (const List * list)
{
  return list->query->sort == PMSS_SORT_NAME
      || list->query->sort == PMSS_SORT_TITLE;
}

/* Where the walk begins. A blob is behind every text. */
static PmssValue
get_start (const List * list)
{
  gboolean descending = list->query->descending;

  if (list->has_after)
    return is_text (list) ? PMSS_TEXT (list->after_text)
        : PMSS_INT (list->after_number);
  if (is_text (list))
    return descending ? PMSS_BLOB (NULL, 0) : PMSS_TEXT ("");
  return PMSS_INT (descending ? G_MAXINT64 : -2);
}

typedef struct
{
  guint left;                   /* rows */
  char *place;                  /* of the last row that was looked at; nullable */
  gboolean stopped;             /* the page is full, or no rows are left to it */
} Walk;

/* In the order of names all that begin with the prefix are together. */
static gboolean
is_past_prefix (const List * list, const Row * row)
{
  const char *prefix = list->query->prefix;

  if (list->query->sort != PMSS_SORT_NAME || prefix == NULL
      || g_str_has_prefix (row->name, prefix))
    return FALSE;
  return list->query->descending ? strcmp (row->name, prefix) < 0
      : strcmp (row->name, prefix) > 0;
}

static gboolean
walk_row (PmssDatabase * database, List * list, Walk * walk, const Row * row,
    GError ** error)
{
  gboolean wanted = is_wanted (list, row);

  if (is_past_prefix (list, row)) {
    walk->stopped = TRUE;
    return TRUE;
  }
  if (walk->left == 0
      || (wanted && list->page->media->len == list->query->limit)) {
    walk->stopped = TRUE;
    list->page->next = g_strdup (walk->place);
    return TRUE;
  }
  walk->left--;
  g_free (walk->place);
  walk->place = make_place (list, row);
  return !wanted || take (list, database, row, error);
}

static gboolean
walk_rows (PmssDatabase * database, List * list, Walk * walk, PmssRows * rows,
    GError ** error)
{
  g_autoptr (GError) local = NULL;

  while (!walk->stopped && pmss_rows_next (rows, &local)) {
    Row row = { 0 };
    gboolean ok = read_row (rows, &row, error)
        && walk_row (database, list, walk, &row, error);

    clear_row (&row);
    if (!ok)
      return FALSE;
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static PmssRows *
query_rest (PmssDatabase * database, const List * list, guint limit)
{
  const PmssMediaQuery *query = list->query;
  gboolean by_name = query->sort == PMSS_SORT_NAME;

  if (by_name && list->folder != NULL)
    return pmss_database_query_values (database,
        folder_rest[query->descending], PMSS_VALUES (get_start (list),
            PMSS_INT (limit), PMSS_TEXT (list->folder)));
  if (by_name && query->prefix != NULL && !query->descending
      && (!list->has_after || strcmp (list->after_text, query->prefix) < 0))
    return pmss_database_query (database, FROM_LIVING
        "m.name >= ?1 ORDER BY m.name LIMIT ?2", PMSS_TEXT (query->prefix),
        PMSS_INT (limit));
  if (by_name && query->prefix != NULL && query->descending && !list->has_after)
    return pmss_database_query (database, FROM_LIVING
        "m.name < ?1 || char (0x10ffff) ORDER BY m.name DESC LIMIT ?2",
        PMSS_TEXT (query->prefix), PMSS_INT (limit));
  return pmss_database_query_values (database,
      rest[query->sort][query->descending], PMSS_VALUES (get_start (list),
          PMSS_INT (limit)));
}

static gboolean
walk_ties (PmssDatabase * database, List * list, Walk * walk, guint limit,
    GError ** error)
{
  const char *sql = ties[list->query->sort][list->query->descending];
  g_autoptr (PmssRows) rows = NULL;

  if (!list->has_after || sql == NULL)
    return TRUE;
  rows = pmss_database_query_values (database, sql,
      PMSS_VALUES (get_start (list), PMSS_INT (list->after_id),
          PMSS_INT (limit)));
  return walk_rows (database, list, walk, rows, error);
}

static gboolean
page_many (PmssDatabase * database, List * list, GError ** error)
{
  Walk walk = {.left = PMSS_MEDIA_WALK };
  const guint limit = PMSS_MEDIA_WALK + 1;
  gboolean ok = walk_ties (database, list, &walk, limit, error);

  if (ok && !walk.stopped) {
    g_autoptr (PmssRows) rows = query_rest (database, list, limit);

    ok = walk_rows (database, list, &walk, rows, error);
  }
  g_free (walk.place);
  return ok;
}

/* --- the whole --- */

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
count_many (PmssDatabase * database, List * list, GError ** error)
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
page_plain (List * list, GError ** error)
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
  List *list = data;
  gboolean few;

  if (list->query->folder != NULL && !list->has_after) {
    list->page->folders = pmss_media_folders_read (database,
        list->query->folder, error);
    if (list->page->folders == NULL)
      return FALSE;
  }
  if (is_plain (list->query))
    return count_many (database, list, error) && page_plain (list, error);
  if (!find_few (database, list, &few, error))
    return FALSE;
  if (few)
    return page_few (database, list, error);
  return count_many (database, list, error)
      && page_many (database, list, error);
}

static void
clear_list (List * list)
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
  List list = {.catalog = catalog,.query = query };
  PmssMediaPage *page = NULL;

  list.page = g_new0 (PmssMediaPage, 1);
  list.page->total = -1;
  list.page->media =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_medium_free);
  list.few = g_array_new (FALSE, FALSE, sizeof (Row));
  g_array_set_clear_func (list.few, clear_row);
  if (query->folder != NULL)
    list.folder = *query->folder != '\0' ? g_strconcat (query->folder, "/",
        NULL) : g_strdup ("");
  if (query->words != NULL)
    list.trigrams = pmss_media_words_trigrams (query->words);
  if (parse_place (&list, error)
      && pmss_database_read (catalog->database, read_page, &list, error))
    page = g_steal_pointer (&list.page);
  clear_list (&list);
  return page;
}
