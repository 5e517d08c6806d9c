/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "libpmss/format/pmss-layout-part.h"

G_BEGIN_DECLS

/* A published version's layout in parts, each of one moment and bounded. Any thread.
 *
 * A layout's generation is its version's (places) and the cluster's (addresses of nodes) together.
 * Both only grow, so that one number does for both. The changes after a generation are those with a
 * newer one, and perhaps a few more. */

/* Extents from number @first on, @count at most, and the nodes that they name.
 * PMSS_ERROR_NOT_FOUND: there is no such version. PMSS_ERROR_CONFLICT: not all of them are
 * there. */
PmssLayoutPart *pmss_layout_parts_load_page    (PmssCatalog *catalog, const PmssVersionId *id,
    guint32 first, guint count, GError **error);

/* The extents that changed after generation @since, oldest first, @count at most; and the present
 * addresses of @nodes (guint), which are all the layout's. Its generation is that of a layout with
 * these changes. Where there are @count of them there may be more. When the layout is older than
 * @since (a database that was put back): the first page. */
PmssLayoutPart *pmss_layout_parts_load_changes (PmssCatalog *catalog, const PmssVersionId *id,
    guint64 since, guint count, const GArray *nodes, GError **error);

/* The ids (guint) of the nodes that a page names, ascending, where it is the whole layout; else
 * NULL: pmss_catalog_list_version_nodes() has them. */
GArray         *pmss_layout_parts_list_nodes   (const PmssLayoutPart *part);

G_END_DECLS
