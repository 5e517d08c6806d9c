/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What media are called, in the index that searches use. On the database thread. */
#include "control/catalog/catalog-private.h"

/* @text: (out) NULL: no row */
static gboolean
read_text (PmssRows * rows, char **text, GError ** error)
{
  g_autoptr (GError) local = NULL;

  *text = NULL;
  if (pmss_rows_next (rows, &local))
    *text = g_strdup (pmss_rows_text (rows, 0));
  return pmss_rows_end (g_steal_pointer (&local), error);
}

static gboolean
read_wanted (PmssDatabase * database, gint64 id, char **text, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT name || char (10) || ifnull (title, '') || char (10)"
      " || char (10) FROM medium WHERE id = ?1 AND state <> 'deleting'",
      PMSS_INT (id));

  return read_text (rows, text, error);
}

static gboolean
read_indexed (PmssDatabase * database, gint64 id, char **text, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT text FROM medium_indexed WHERE medium = ?1", PMSS_INT (id));

  return read_text (rows, text, error);
}

/* An index without the texts has to be told which one it loses. */
static gboolean
take_out (PmssDatabase * database, gint64 id, const char *text, GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO medium_text (medium_text, rowid, text)"
      " VALUES ('delete', ?1, ?2)", PMSS_INT (id), PMSS_TEXT (text))
      && pmss_database_exec (database, error,
      "DELETE FROM medium_indexed WHERE medium = ?1", PMSS_INT (id));
}

static gboolean
put_in (PmssDatabase * database, gint64 id, const char *text, GError ** error)
{
  return pmss_database_exec (database, error,
      "INSERT INTO medium_text (rowid, text) VALUES (?1, ?2)", PMSS_INT (id),
      PMSS_TEXT (text))
      && pmss_database_exec (database, error,
      "INSERT INTO medium_indexed (medium, text) VALUES (?1, ?2)",
      PMSS_INT (id), PMSS_TEXT (text));
}

gboolean
pmss_catalog_index_text (PmssDatabase * database, gint64 id, GError ** error)
{
  g_autofree char *wanted = NULL, *indexed = NULL;

  if (!read_wanted (database, id, &wanted, error)
      || !read_indexed (database, id, &indexed, error))
    return FALSE;
  if (g_strcmp0 (wanted, indexed) == 0)
    return TRUE;
  return (indexed == NULL || take_out (database, id, indexed, error))
      && (wanted == NULL || put_in (database, id, wanted, error));
}
