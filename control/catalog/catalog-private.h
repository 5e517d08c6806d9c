/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/database/database.h"
#include "libpmss/pmss-error.h"

G_BEGIN_DECLS

/* Shared by the files catalog*.c alone. */
struct _PmssCatalog {
  PmssDatabase *database;
};

#define PMSS_VERSION_BLOB(id) PMSS_BLOB ((id)->bytes, sizeof ((id)->bytes))

/* TRUE if the last statement changed a row; else @code and @text. */
gboolean pmss_catalog_check_changed (PmssDatabase *database, GError **error, PmssError code, const char *text);
/* On the database thread. */
gboolean pmss_catalog_read_version  (PmssDatabase *database, const PmssVersionId *id, PmssVersion *version, GError **error);
/* @rows' column as a version id; PMSS_ERROR_CORRUPT. */
gboolean pmss_catalog_column_version (PmssRows *rows, guint column, PmssVersionId *id, GError **error);

G_END_DECLS
