/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/envelope.h"
#include "control/catalog/catalog.h"

G_BEGIN_DECLS

/* How fast the bytes of a medium have to come, in the catalog: the part of PmssCatalog in the table
 * `demand`. */

/* Writes medium->envelope (nullable: nothing is written). Part of a transaction. */
gboolean      pmss_catalog_write_demand (PmssDatabase *database, const PmssMedium *medium,
    GError **error);
/* What was measured; where nothing was, an estimate by size and duration. NULL: an error. */
PmssEnvelope *pmss_catalog_get_demand   (PmssCatalog *catalog, const PmssMedium *medium,
    GError **error);

G_END_DECLS
