/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "control/context.h"

G_BEGIN_DECLS

/* As pmss_revocations_add() (revocations.h), for the answer to a heartbeat: asks the database only where it has more than what the storage server knows, and waits
 * for it no longer than 100 ms. Where that is not enough the storage server is told with a later answer, and this one is not `complete`. Threads: any. */
void pmss_revocation_news_add (PmssDatabase *database, gint64 after, JsonBuilder *json);

G_END_DECLS
