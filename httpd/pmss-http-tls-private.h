/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gnutls/gnutls.h>

#include "pmss-http-tls.h"

/* A server's session on @fd; NULL: no memory. */
gnutls_session_t pmss_http_tls_begin (PmssHttpTls *tls, int fd);
