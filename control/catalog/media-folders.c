/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders, which are parts of names. On the database thread. */
#include <string.h>

#include "control/catalog/catalog-private.h"
#include "control/catalog/media-list.h"

/* Media that are counted for one page of folders, and for one of them. */
#define MAX_COUNTED 20000
#define MAX_EACH 5000

static void
clear_folder (gpointer data)
{
  g_free (((PmssMediaFolder *) data)->name);
}

/* The first folder from @from on that lies in @inside; NULL: there is none, or @error. */
static char *
find_folder (PmssDatabase * database, const char *inside, const char *from,
    GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT m.folder FROM medium m WHERE m.state <> 'deleting'"
      " AND m.folder > ?1 ORDER BY m.folder LIMIT 1", PMSS_TEXT (from));

  if (!pmss_rows_next (rows, error)
      || !g_str_has_prefix (pmss_rows_text (rows, 0), inside))
    return NULL;
  return g_strdup (pmss_rows_text (rows, 0));
}

/* @seen: names from @from to @to, at most @most; @number: those of them that are no subtitles, which
 * belong to a medium beside them. */
static gboolean
count_below (PmssDatabase * database, const char *from, const char *to,
    gint64 most, gint64 * seen, gint64 * number, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*), count(*) FILTER (WHERE name NOT LIKE '%.srt'"
      " AND name NOT LIKE '%.vtt') FROM (SELECT m.name FROM medium m"
      " WHERE m.state <> 'deleting' AND m.name >= ?1 AND m.name < ?2"
      " LIMIT ?3)", PMSS_TEXT (from), PMSS_TEXT (to), PMSS_INT (most));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *seen = pmss_rows_int (rows, 0);
  *number = pmss_rows_int (rows, 1);
  return TRUE;
}

/* @path: "films/"; the first name behind all in it begins with "films0", as a slash is before a 0. */
static char *
behind (const char *path)
{
  char *end = g_strdup (path);

  end[strlen (end) - 1] = '/' + 1;
  return end;
}

static gboolean
add_folder (PmssDatabase * database, GArray * list, const char *path,
    gsize skip, gint64 * left, GError ** error)
{
  PmssMediaFolder folder = {.media = -1 };
  g_autofree char *end = behind (path);
  gint64 most = MIN (*left, MAX_EACH) + 1, seen;

  if (!count_below (database, path, end, most, &seen, &folder.media, error))
    return FALSE;
  *left -= MIN (*left, seen);
  if (seen == most)
    folder.media = -1;
  folder.name = g_strndup (path + skip, strlen (path) - skip - 1);
  g_array_append_val (list, folder);
  return TRUE;
}

/* From one folder to the next, past all that is deeper in it. */
GArray *
pmss_media_folders_read (PmssDatabase * database, const char *folder,
    GError ** error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE,
      sizeof (PmssMediaFolder));
  g_autofree char *inside = *folder != '\0' ? g_strconcat (folder, "/", NULL)
      : g_strdup ("");
  g_autofree char *at = g_strdup (inside);
  gsize skip = strlen (inside);
  gint64 left = MAX_COUNTED;
  g_autoptr (GError) local = NULL;

  g_array_set_clear_func (list, clear_folder);
  while (list->len < PMSS_MAX_FOLDERS) {
    g_autofree char *found = find_folder (database, inside, at, &local);
    g_autofree char *path = NULL;

    if (found == NULL)
      break;
    path = g_strndup (found, (gsize) (strchr (found + skip, '/') - found) + 1);
    if (!add_folder (database, list, path, skip, &left, &local))
      break;
    g_free (at);
    at = behind (path);
  }
  if (local == NULL)
    return g_steal_pointer (&list);
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}
