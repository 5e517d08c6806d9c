/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions of media. Any thread; runs on the database thread. */
#include "control/catalog/catalog-private.h"

#include <string.h>

#define VERSION_COLUMNS "id, medium, state, size, k, m, unit, extent"

static const char *const version_states[] = {
  [PMSS_VERSION_WRITING] = "writing",
  [PMSS_VERSION_READY] = "ready",
  [PMSS_VERSION_DELETING] = "deleting",
};

typedef struct
{
  const PmssVersionId *id;
  PmssVersion *version;
  gint64 medium;
  PmssVersionState state;
  GArray *list;
} VersionCall;

gboolean
pmss_version_get_geometry (const PmssVersion * version, guint32 number,
    PmssExtentGeometry * geometry)
{
  guint64 offset = (guint64) number * version->extent;

  if (offset >= version->size)
    return FALSE;
  *geometry = (PmssExtentGeometry) {
  .version = version->id,.extent = number,.redundancy =
        version->redundancy,.unit = version->unit,.payload =
        MIN (version->extent, version->size - offset),};
  return TRUE;
}

gboolean
pmss_catalog_column_version (PmssRows * rows, guint column, PmssVersionId * id,
    GError ** error)
{
  gsize length;
  const void *blob = pmss_rows_blob (rows, column, &length);

  if (length != sizeof (id->bytes)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "The catalog has a malformed version id");
    return FALSE;
  }
  memcpy (id->bytes, blob, length);
  return TRUE;
}

static gboolean
read_version_row (PmssRows * rows, PmssVersion * version, GError ** error)
{
  const char *state = pmss_rows_text (rows, 2);

  if (!pmss_catalog_column_version (rows, 0, &version->id, error))
    return FALSE;
  version->medium = pmss_rows_int (rows, 1);
  version->state = PMSS_VERSION_DELETING;
  for (guint i = 0; i < G_N_ELEMENTS (version_states); i++)
    if (g_strcmp0 (state, version_states[i]) == 0)
      version->state = i;
  version->size = (guint64) pmss_rows_int (rows, 3);
  version->redundancy.k = (guint8) pmss_rows_int (rows, 4);
  version->redundancy.m = (guint8) pmss_rows_int (rows, 5);
  version->unit = (guint32) pmss_rows_int (rows, 6);
  version->extent = (guint32) pmss_rows_int (rows, 7);
  return TRUE;
}

gboolean
pmss_catalog_read_version (PmssDatabase * database, const PmssVersionId * id,
    PmssVersion * version, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " VERSION_COLUMNS " FROM version WHERE id = ?1",
      PMSS_VERSION_BLOB (id));

  if (pmss_rows_next (rows, &local))
    return read_version_row (rows, version, error);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no such version");
  return FALSE;
}

/* Not for a medium that is being deleted: its deletion would not see this version. */
static gboolean
add_version (PmssDatabase * database, gpointer data, GError ** error)
{
  const PmssVersion *v = ((VersionCall *) data)->version;

  return pmss_database_exec (database, error,
      "INSERT INTO version (" VERSION_COLUMNS ", created)"
      " SELECT ?1, id, 'writing', ?3, ?4, ?5, ?6, ?7, unixepoch ()"
      " FROM medium WHERE id = ?2 AND state <> 'deleting'",
      PMSS_VERSION_BLOB (&v->id), PMSS_INT (v->medium), PMSS_INT (v->size),
      PMSS_INT (v->redundancy.k), PMSS_INT (v->redundancy.m),
      PMSS_INT (v->unit), PMSS_INT (v->extent))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The medium is being deleted");
}

gboolean
pmss_catalog_add_version (PmssCatalog * self, const PmssVersion * version,
    GError ** error)
{
  VersionCall call = {.version = (PmssVersion *) version };

  return pmss_database_transact (self->database, add_version, &call, error);
}

static gboolean
get_version (PmssDatabase * database, gpointer data, GError ** error)
{
  VersionCall *call = data;

  return pmss_catalog_read_version (database, call->id, call->version, error);
}

gboolean
pmss_catalog_get_version (PmssCatalog * self, const PmssVersionId * id,
    PmssVersion * version, GError ** error)
{
  VersionCall call = {.id = id,.version = version };

  return pmss_database_read (self->database, get_version, &call, error);
}

static gboolean
list_versions (PmssDatabase * database, gpointer data, GError ** error)
{
  VersionCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT " VERSION_COLUMNS " FROM version"
      " WHERE medium = ?1 AND state = ?2 ORDER BY created, id",
      PMSS_INT (call->medium), PMSS_TEXT (version_states[call->state]));
  PmssVersion version;

  while (pmss_rows_next (rows, &local)) {
    if (!read_version_row (rows, &version, error))
      return FALSE;
    g_array_append_val (call->list, version);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

GArray *
pmss_catalog_list_versions (PmssCatalog * self, gint64 medium,
    PmssVersionState state, GError ** error)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (PmssVersion));
  VersionCall call = {.medium = medium,.state = state,.list = list };

  if (!pmss_database_read (self->database, list_versions, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

guint64
pmss_catalog_count_extents (const PmssVersion * version)
{
  return version->size / version->extent + (version->size % version->extent !=
      0);
}

/* Whether the extents with at least @state are all that the version's size asks for. */
static gboolean
check_complete (PmssDatabase * database, const PmssVersion * version,
    PmssExtentState state, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT count(*) FROM extent WHERE version = ?1 AND state >= ?2",
      PMSS_VERSION_BLOB (&version->id), PMSS_INT (state));
  guint64 there;

  if (!pmss_rows_next (rows, error))
    return FALSE;
  there = (guint64) pmss_rows_int (rows, 0);
  if (there == pmss_catalog_count_extents (version))
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "The version has %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
      " extents", there, pmss_catalog_count_extents (version));
  return FALSE;
}

static gboolean
publish_version (PmssDatabase * database, gpointer data, GError ** error)
{
  const PmssVersionId *id = ((VersionCall *) data)->id;
  PmssVersion version;

  if (!pmss_catalog_read_version (database, id, &version, error)
      || !check_complete (database, &version, PMSS_EXTENT_VERIFIED, error))
    return FALSE;
  return pmss_database_exec (database, error,
      "UPDATE version SET state = 'deleting'"
      " WHERE medium = ?1 AND state = 'ready' AND id <> ?2",
      PMSS_INT (version.medium), PMSS_VERSION_BLOB (id))
      && pmss_database_exec (database, error,
      "UPDATE version SET state = 'ready' WHERE id = ?1 AND state = 'writing'",
      PMSS_VERSION_BLOB (id))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The version is not being written")
      && pmss_database_exec (database, error,
      "UPDATE medium SET state = 'ready', updated = unixepoch ()"
      " WHERE id = ?1 AND state IN ('ingesting', 'ready')",
      PMSS_INT (version.medium))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The medium is not being ingested");
}

gboolean
pmss_catalog_publish_version (PmssCatalog * self, const PmssVersionId * id,
    GError ** error)
{
  VersionCall call = {.id = id };

  return pmss_database_transact (self->database, publish_version, &call, error);
}

static gboolean
retire_version (PmssDatabase * database, gpointer data, GError ** error)
{
  VersionCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE version SET state = 'deleting' WHERE id = ?1",
      PMSS_VERSION_BLOB (call->id))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_NOT_FOUND,
      "There is no such version");
}

gboolean
pmss_catalog_retire_version (PmssCatalog * self, const PmssVersionId * id,
    GError ** error)
{
  VersionCall call = {.id = id };

  return pmss_database_transact (self->database, retire_version, &call, error);
}

/* Extents that are left make this fail: they refer to the version. */
static gboolean
remove_version (PmssDatabase * database, gpointer data, GError ** error)
{
  VersionCall *call = data;

  return pmss_database_exec (database, error,
      "DELETE FROM session WHERE version = ?1", PMSS_VERSION_BLOB (call->id))
      && pmss_database_exec (database, error,
      "DELETE FROM version WHERE id = ?1 AND state = 'deleting'",
      PMSS_VERSION_BLOB (call->id))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The version is not being deleted");
}

gboolean
pmss_catalog_remove_version (PmssCatalog * self, const PmssVersionId * id,
    GError ** error)
{
  VersionCall call = {.id = id };

  return pmss_database_transact (self->database, remove_version, &call, error);
}
