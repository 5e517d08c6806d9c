/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <microhttpd.h>

#include "pmss-http-rules.h"

G_BEGIN_DECLS

/* The guard. libmicrohttpd lets some requests through that are no proper HTTP/1.1, or that we have
 * no use for. The guard refuses them. It judges by libmicrohttpd's public interface, never by its
 * memory. Nothing here keeps state or answers by itself. The rules are those of
 * pmss-http-rules.h. */

/* Whether libmicrohttpd, set to be strict, refuses by itself all bytes of a head that it does not
 * tell of. It does from 1.0 on. */
gboolean pmss_http_guard_engine_is_strict (void);

/* Checks a complete head. @target: the raw request target, as libmicrohttpd had it before it cut it
 * up. @method, @version: as the access handler got them. Returns 0, or the status to refuse with
 * (and close), with a text in @detail. */
guint    pmss_http_guard_check_head   (struct MHD_Connection *connection, const char *target,
    const char *method, const char *version, PmssHttpFraming *framing, const char **detail);

/* A target that is so long that libmicrohttpd may be short of memory for its parameters. Version
 * 0.9.75 neither answers then nor goes on. */
gboolean pmss_http_guard_overwhelms_engine (const char *target);

G_END_DECLS
