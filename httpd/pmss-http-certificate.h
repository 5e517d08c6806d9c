/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

/* When the first certificate in @data ends: seconds since 1970. 0: there is none. Any thread. */
gint64 pmss_http_certificate_get_end (const void *data, gsize length,
    gnutls_x509_crt_fmt_t format);

G_END_DECLS
