/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/* Asking a control server that may be away for a while: restarted, or behind a proxy that says 502
 * or 503 meanwhile. */

/* Whether asking again may help after @error. Pure. */
gboolean  pmss_patience_is_passing (const GError *error);
/* FALSE when it was cancelled meanwhile. */
gboolean  pmss_patience_wait       (GCancellable *cancellable, int ms, GError **error);
/* GET, again and again for up to a minute while @error would be a passing one. Blocks. */
JsonNode *pmss_patience_get        (PmssClient *client, const char *path,
    GCancellable *cancellable, GError **error);

G_END_DECLS
