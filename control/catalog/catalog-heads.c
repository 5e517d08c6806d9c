/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/catalog/catalog-private.h"

/* The heads of versions: libpmss/pmss-head.h. */

typedef struct
{
  const PmssVersionId *version;
  const char *name;
  GBytes *head;
} HeadCall;

static gboolean
set_head (PmssDatabase * database, gpointer data, GError ** error)
{
  HeadCall *call = data;
  gsize length;
  gconstpointer bytes = g_bytes_get_data (call->head, &length);

  return pmss_database_exec (database, error,
      "INSERT OR REPLACE INTO head (version, head) VALUES (?1, ?2)",
      PMSS_VERSION_BLOB (call->version), PMSS_BLOB (bytes, length));
}

gboolean
pmss_catalog_set_head (PmssCatalog * self, const PmssVersionId * version,
    GBytes * head, GError ** error)
{
  HeadCall call = {.version = version,.head = head };

  return pmss_database_transact (self->database, set_head, &call, error);
}

static gboolean
get_head (PmssDatabase * database, gpointer data, GError ** error)
{
  HeadCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT head.head FROM medium JOIN version ON version.medium = medium.id"
      " JOIN head ON head.version = version.id WHERE medium.name = ?1"
      " AND medium.state = 'ready' AND version.state = 'ready'",
      PMSS_TEXT (call->name));
  gconstpointer bytes;
  gsize length;

  if (pmss_rows_next (rows, &local)) {
    bytes = pmss_rows_blob (rows, 0, &length);
    call->head = g_bytes_new (bytes, length);
    return TRUE;
  }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no such medium, or it has no head");
  return FALSE;
}

GBytes *
pmss_catalog_get_head (PmssCatalog * self, const char *name, GError ** error)
{
  HeadCall call = {.name = name };

  if (!pmss_database_transact (self->database, get_head, &call, error))
    return NULL;
  return call.head;
}
