/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"
#include "control/catalog/catalog.h"

G_BEGIN_DECLS

/* Medium of docs/protocol.md, as a value. */
void pmss_api_add_medium (PmssJsonWriter *json, const PmssMedium *medium);
/* GET /api/v1/media */
void pmss_api_list_media (PmssApiCall *call);
/* The member "health" of one: null unless it is ready. */
gboolean pmss_api_add_health (PmssControlContext *context, PmssJsonWriter *json,
    const PmssMedium *medium, GError **error);

G_END_DECLS
