/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page of many media: along the index of the order. On the database thread. */
#include "control/catalog/media-list-private.h"

#include <string.h>

/* Rows that are equal to the last one by the order, and behind it by their id. */
#define TIES(key, before, direction) PMSS_MEDIA_FROM_LIVING key " = ?1 AND m.id " before \
  " ?2 ORDER BY m.id " direction " LIMIT ?3"
#define REST(key, before, direction) PMSS_MEDIA_FROM_LIVING key " " before " ?1" \
  " ORDER BY " key " " direction ", m.id " direction " LIMIT ?2"
#define BOTH(what, key) { what (key, ">", "ASC"), what (key, "<", "DESC") }

static const char *const ties[PMSS_N_SORTS][2] = {
  [PMSS_SORT_TITLE] = BOTH (TIES, "m.label"),
  [PMSS_SORT_CREATED] = BOTH (TIES, "m.created"),
  [PMSS_SORT_SIZE] = BOTH (TIES, "m.sort_size"),
  [PMSS_SORT_DURATION] = BOTH (TIES, "m.sort_duration"),
};

static const char *const rest[PMSS_N_SORTS][2] = {
  [PMSS_SORT_NAME] =
      {PMSS_MEDIA_FROM_LIVING "m.name > ?1 ORDER BY m.name LIMIT ?2",
      PMSS_MEDIA_FROM_LIVING "m.name < ?1 ORDER BY m.name DESC LIMIT ?2"},
  [PMSS_SORT_TITLE] = BOTH (REST, "m.label"),
  [PMSS_SORT_CREATED] = BOTH (REST, "m.created"),
  [PMSS_SORT_SIZE] = BOTH (REST, "m.sort_size"),
  [PMSS_SORT_DURATION] = BOTH (REST, "m.sort_duration"),
};

/* In a folder the order of names has an index of its own. */
static const char *const folder_rest[2] = {
  PMSS_MEDIA_FROM_LIVING
      "m.folder = ?3 AND m.name > ?1 ORDER BY m.name LIMIT ?2",
  PMSS_MEDIA_FROM_LIVING
      "m.folder = ?3 AND m.name < ?1 ORDER BY m.name DESC LIMIT ?2",
};

static gboolean
is_text (const PmssMediaList * list)
{
  return list->query->sort == PMSS_SORT_NAME
      || list->query->sort == PMSS_SORT_TITLE;
}

/* Where the walk begins. A blob is behind every text. */
static PmssValue
get_start (const PmssMediaList * list)
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
  gboolean begun;
  PmssMediaRow last;            /* that was looked at, once it has begun */
  gboolean stopped;             /* the page is full, or no rows are left to it */
} Walk;

/* In the order of names all that begin with the prefix are together. */
static gboolean
is_past_prefix (const PmssMediaList * list, const PmssMediaRow * row)
{
  const char *prefix = list->query->prefix;

  if (list->query->sort != PMSS_SORT_NAME || prefix == NULL
      || g_str_has_prefix (row->name, prefix))
    return FALSE;
  return list->query->descending ? strcmp (row->name, prefix) < 0
      : strcmp (row->name, prefix) > 0;
}

/* Takes what is in @row, if it was looked at. */
static gboolean
walk_row (PmssDatabase * database, PmssMediaList * list, Walk * walk,
    PmssMediaRow * row, GError ** error)
{
  gboolean wanted = pmss_media_row_is_wanted (list, row);

  if (is_past_prefix (list, row)) {
    walk->stopped = TRUE;
    return TRUE;
  }
  if (walk->left == 0
      || (wanted && list->page->media->len == list->query->limit)) {
    walk->stopped = TRUE;
    if (walk->begun)
      list->page->next = pmss_media_place_make (list, &walk->last);
    return TRUE;
  }
  walk->left--;
  walk->begun = TRUE;
  pmss_media_row_clear (&walk->last);
  walk->last = *row;
  memset (row, 0, sizeof (*row));
  return !wanted || pmss_media_list_take (list, database, &walk->last, error);
}

static gboolean
walk_rows (PmssDatabase * database, PmssMediaList * list, Walk * walk,
    PmssRows * rows, GError ** error)
{
  g_autoptr (GError) local = NULL;

  while (!walk->stopped && pmss_rows_next (rows, &local)) {
    PmssMediaRow row = { 0 };
    gboolean ok = pmss_media_row_read (rows, &row, error)
        && walk_row (database, list, walk, &row, error);

    pmss_media_row_clear (&row);
    if (!ok)
      return FALSE;
  }
  return pmss_rows_end (g_steal_pointer (&local), error);
}

static PmssRows *
query_rest (PmssDatabase * database, const PmssMediaList * list, guint limit)
{
  const PmssMediaQuery *query = list->query;
  gboolean by_name = query->sort == PMSS_SORT_NAME;

  if (by_name && list->folder != NULL)
    return pmss_database_query_values (database,
        folder_rest[query->descending], PMSS_VALUES (get_start (list),
            PMSS_INT (limit), PMSS_TEXT (list->folder)));
  if (by_name && query->prefix != NULL && !query->descending
      && (!list->has_after || strcmp (list->after_text, query->prefix) < 0))
    return pmss_database_query (database, PMSS_MEDIA_FROM_LIVING
        "m.name >= ?1 ORDER BY m.name LIMIT ?2", PMSS_TEXT (query->prefix),
        PMSS_INT (limit));
  if (by_name && query->prefix != NULL && query->descending && !list->has_after)
    return pmss_database_query (database, PMSS_MEDIA_FROM_LIVING
        "m.name < ?1 || char (0x10ffff) ORDER BY m.name DESC LIMIT ?2",
        PMSS_TEXT (query->prefix), PMSS_INT (limit));
  return pmss_database_query_values (database,
      rest[query->sort][query->descending], PMSS_VALUES (get_start (list),
          PMSS_INT (limit)));
}

static gboolean
walk_ties (PmssDatabase * database, PmssMediaList * list, Walk * walk,
    guint limit, GError ** error)
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

gboolean
pmss_media_walk_page (PmssDatabase * database, PmssMediaList * list,
    GError ** error)
{
  Walk walk = {.left = PMSS_MEDIA_WALK };
  const guint limit = PMSS_MEDIA_WALK + 1;
  gboolean ok = walk_ties (database, list, &walk, limit, error);

  if (ok && !walk.stopped) {
    g_autoptr (PmssRows) rows = query_rest (database, list, limit);

    ok = walk_rows (database, list, &walk, rows, error);
  }
  pmss_media_row_clear (&walk.last);
  return ok;
}
