/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/pmss-json-writer.h"

G_BEGIN_DECLS

/* Adds "complete", "revoked" and "revocations" (docs/protocol.md) to the object that @json is in,
 * for the answer to a heartbeat. Asks the database only where it has news for the storage server,
 * and waits for it no longer than 100 ms. Where that is not enough the news come with a later
 * answer, and this one is not `complete`. Threads: any. */
void pmss_revocation_news_add (PmssDatabase *database, gint64 after, PmssJsonWriter *json);

G_END_DECLS
