/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people change of a medium. Any thread; runs on the database thread. */
#include "control/catalog/catalog-private.h"

typedef struct
{
  gint64 id;
  const char *title;
  gboolean keep;
} ChangeCall;

static gboolean
set_title (PmssDatabase * database, gpointer data, GError ** error)
{
  const ChangeCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE medium SET title = ?2, updated = unixepoch ()"
      " WHERE id = ?1 AND state = 'ready'", PMSS_INT (call->id),
      PMSS_TEXT (call->title))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The medium is not ready")
      && pmss_catalog_index_text (database, call->id, error);
}

gboolean
pmss_catalog_set_title (PmssCatalog * self, gint64 id, const char *title,
    GError ** error)
{
  ChangeCall call = {.id = id,.title = title };

  return pmss_database_transact (self->database, set_title, &call, error);
}

static gboolean
set_keep (PmssDatabase * database, gpointer data, GError ** error)
{
  const ChangeCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE medium SET keep_original = ?2, updated = unixepoch ()"
      " WHERE id = ?1 AND state = 'ready'", PMSS_INT (call->id),
      PMSS_INT (call->keep ? 1 : 0))
      && pmss_catalog_check_changed (database, error, PMSS_ERROR_CONFLICT,
      "The medium is not ready");
}

gboolean
pmss_catalog_set_keep_original (PmssCatalog * self, gint64 id, gboolean keep,
    GError ** error)
{
  ChangeCall call = {.id = id,.keep = keep };

  return pmss_database_transact (self->database, set_keep, &call, error);
}
