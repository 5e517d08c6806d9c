/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/api/router.h"
#include "control/catalog/catalog.h"

G_BEGIN_DECLS

/* Medium of docs/protocol.md, as a value. */
void pmss_api_add_medium (JsonBuilder *builder, const PmssMedium *medium);

G_END_DECLS
