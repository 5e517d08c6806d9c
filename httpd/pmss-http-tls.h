/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A server's certificate, key and priorities, for all connections of a listener. Any thread. */
typedef struct _PmssHttpTls PmssHttpTls;

/* PEM files. PMSS_ERROR_INVALID, beginning with "TLS: ". */
PmssHttpTls *pmss_http_tls_new   (const char *certificate, const char *key, GError **error);
/* When the certificate ends: seconds since 1970. */
gint64       pmss_http_tls_get_end (const PmssHttpTls *tls);
/* All streams with it have to be gone. */
void         pmss_http_tls_free  (PmssHttpTls *tls);

G_END_DECLS
