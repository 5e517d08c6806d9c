/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <microhttpd.h>

G_BEGIN_DECLS

/* The guard: refuses what libmicrohttpd lets through although it is no proper HTTP/1.1 request, or
 * one that we have no use for. It judges by what libmicrohttpd tells of a request, and never by its
 * memory. Nothing here keeps state or answers by itself. */

typedef struct {
  gboolean has_length;          /* Content-Length is there */
  guint64 length;
  gboolean expects_continue;
} PmssHttpHead;

/* Whether libmicrohttpd, set to be strict, refuses by itself all bytes of a head that it does not tell
 * of. It does from 1.0 on. */
gboolean pmss_http_guard_engine_is_strict (void);

/* Checks a complete head. @target: the raw request target, as libmicrohttpd had it before it cut it
 * up. @method, @version: what the access handler got.
 * Returns 0, or the status to refuse with (and close), with a text in @detail. */
guint pmss_http_guard_check_head   (struct MHD_Connection *connection, const char *target, const char *method, const char *version,
    PmssHttpHead *head, const char **detail);

/* "host[:port]" of RFC 9110, 7.2, with the characters that names and addresses are made of. */
gboolean pmss_http_guard_check_host (const char *host);

/* A target that is longer, or has more parameters, than any of ours. */
gboolean pmss_http_guard_is_too_long (const char *target);

/* One that is so long that libmicrohttpd may be short of memory for its parameters. Version 0.9.75
 * neither answers then nor goes on. */
gboolean pmss_http_guard_overwhelms_engine (const char *target);

/* RFC 3986 path and query of an origin-form target: only characters that may stand there, valid percent encoding,
 * no control character and only UTF-8 after decoding. */
gboolean pmss_http_guard_check_target (const char *target);

/* "a=b&c" to a table of decoded strings; FALSE when a name is there twice. "+" is a plus, as in RFC 3986. */
gboolean pmss_http_guard_parse_query  (const char *query, GHashTable **table);

G_END_DECLS
