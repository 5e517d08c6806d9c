/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From any schema that there ever was to the newest. */
#include "control/database/database-private.h"

#include <stdlib.h>
#include <string.h>

#include "libpmss/pmss-error.h"

static gboolean
read_user_version (PmssDatabase * self, int *version, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (self, "PRAGMA user_version");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *version = (int) pmss_rows_int (rows, 0);
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The bundled scripts "NNNN-what.sql" in their order. Their numbers have no gaps, so that the i-th one leads to version i + 1. */
static char **
list_migrations (const char *folder, GError ** error)
{
  char **names = g_resources_enumerate_children (folder,
      G_RESOURCE_LOOKUP_FLAGS_NONE, error);

  if (names == NULL)
    return NULL;
  qsort (names, g_strv_length (names), sizeof (char *), compare_names);
  for (guint i = 0; names[i] != NULL; i++)
    g_assert (g_ascii_strtoull (names[i], NULL, 10) == i + 1);
  return names;
}

static gboolean
apply_migration (PmssDatabase * self, const char *name, int version,
    GError ** error)
{
  g_autofree char *path = g_strconcat (self->kind->migrations, name, NULL);
  g_autofree char *mark = g_strdup_printf ("PRAGMA user_version = %d",
      version);
  g_autoptr (GBytes) script = g_resources_lookup_data (path,
      G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  g_autofree char *text = NULL;

  if (script == NULL)
    return FALSE;
  text = g_strndup (g_bytes_get_data (script, NULL), g_bytes_get_size (script));
  if (pmss_database_run_script (self, "BEGIN IMMEDIATE", error)
      && pmss_database_run_script (self, text, error)
      && pmss_database_run_script (self, mark, error)
      && pmss_database_run_script (self, "COMMIT", error))
    return TRUE;
  pmss_database_roll_back (self);
  g_prefix_error (error, "Migration %s: ", name);
  return FALSE;
}

gboolean
pmss_database_migrate (PmssDatabase * self, GError ** error)
{
  g_auto (GStrv) names = list_migrations (self->kind->migrations, error);
  int newest, version;

  if (names == NULL || !read_user_version (self, &version, error))
    return FALSE;
  newest = (int) g_strv_length (names);
  if (version > newest || version < 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "The database has schema %d, which a newer program has written; "
        "this one knows schemas up to %d. Use the newer program.",
        version, newest);
    return FALSE;
  }
  for (; version < newest; version++) {
    g_message ("Bringing the database to schema %d", version + 1);
    if (!apply_migration (self, names[version], version + 1, error))
      return FALSE;
  }
  self->schema_version = newest;
  return TRUE;
}
