/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"

G_BEGIN_DECLS

/* Checks the reports of storage servers and readers about shards, and writes them to the
 * catalog. */

/* Of a heartbeat, and of one of its shards. A body has at most 64 KiB. */
#define PMSS_API_MAX_BAD_SHARDS 32

/* The heartbeat's member "bad_shards", if any: array of #PmssBadShard that frees them. NULL and
 * PMSS_ERROR_INVALID. */
GPtrArray *pmss_api_get_bad_shards (JsonObject *body, guint node, GError **error);
/* All of them in one transaction. */
gboolean   pmss_api_add_bad_shards (PmssControlContext *context, GPtrArray *bad, GError **error);

G_END_DECLS
