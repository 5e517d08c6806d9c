/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

#include "pmss-client.h"

G_BEGIN_DECLS

/* Requests to control with bodies other than JSON (uploads), for the programs of this tree. They
 * use the client's sessions, token, TLS and proxies, as all others do. There are no redirects,
 * answers are bounded, and any thread may cancel. */

/* @path: from the root, encoded: "/api/v1/uploads". NULL and PMSS_ERROR_INVALID if it is malformed.
 * Use it once. */
SoupMessage *pmss_client_message_new  (PmssClient *client, const char *method, const char *path,
    GError **error);
/* Blocks. @idle: ms without progress after which the request fails. Returns the body of a 2xx;
 * other statuses are PMSS_ERRORs with the status in their details. */
GBytes      *pmss_client_message_send (PmssClient *client, SoupMessage *message, guint idle,
    GCancellable *cancellable, GError **error);

G_END_DECLS
