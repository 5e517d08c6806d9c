/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "pmss-client.h"

G_BEGIN_DECLS

/* Requests to control that are more than JSON both ways, for the programs of this tree: uploads.
 * They go the way of all others: the client's sessions, token, TLS and proxies, no redirects,
 * bounded answers, and a cancellation from any thread. */

/* @path: from the root, encoded: "/api/v1/uploads". NULL and PMSS_ERROR_INVALID if it is malformed.
 * Use it once. */
SoupMessage *pmss_client_message_new  (PmssClient *client, const char *method, const char *path,
    GError **error);
/* Blocks. @idle: ms without progress after which it is given up. Returns the body of a 2xx; other
 * statuses are PMSS_ERRORs with the status in their details. */
GBytes      *pmss_client_message_send (PmssClient *client, SoupMessage *message, guint idle,
    GCancellable *cancellable, GError **error);

G_END_DECLS
