/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A listening, non-blocking socket for "host:port" ("127.0.0.1:8470", "[::]:8470", "localhost:0";
 * "[::]" takes IPv4 as well).
 * @port: the port that it got. -1 and error: PMSS_ERROR_INVALID for a malformed address, else
 * PMSS_ERROR_FAILED that names the obstacle. */
int      pmss_http_listen (const char *address, guint16 *port, GError **error);
/* Whether @address has the form of an address, of this or another machine. PMSS_ERROR_INVALID. */
gboolean pmss_http_listen_check (const char *address, GError **error);

G_END_DECLS
