/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The rules that a request has to keep, whichever engine reads it (docs/security.md, "How requests
 * are framed"). Pure: parts of a head go in, a status to refuse with comes out. */

/* How a request's body is framed. */
typedef struct
{
  gboolean has_length;          /* Content-Length is there */
  guint64 length;
  gboolean expects_continue;
} PmssHttpFraming;

/* A head while its fields are gone through. Begin with zeros; the strings are the caller's, and
 * stay until pmss_http_rules_check(). */
typedef struct
{
  guint status;                 /* to refuse with; 0: none so far */
  const char *detail;
  guint64 seen;                 /* bits of the fields that may be there once */
  const char *transfer_encoding;
  const char *length;
  const char *expect;
  const char *range;
  const char *host;
} PmssHttpRules;

/* A method, a field's name. */
gboolean pmss_http_rules_is_token     (const char *text, gsize length);
/* For a request line; FALSE: refused. */
gboolean pmss_http_rules_check_version (PmssHttpRules *rules, const char *version);
/* One field; @value is nullable and ends with a NUL, as @name does: one inside is seen by the
 * lengths. FALSE: refused. */
gboolean pmss_http_rules_add_field    (PmssHttpRules *rules, const char *name, gsize name_length,
    const char *value, gsize value_length);
/* All that is left, once the fields are through: returns 0 and @framing, or the status. */
guint    pmss_http_rules_check        (PmssHttpRules *rules, const char *method, const char *target,
    PmssHttpFraming *framing);
/* Refuses, unless that has happened. Returns FALSE. */
gboolean pmss_http_rules_refuse       (PmssHttpRules *rules, guint status, const char *detail);

/* "host[:port]" of RFC 9110, 7.2, with the characters that names and addresses are made of. */
gboolean pmss_http_rules_check_host   (const char *host);

/* The longest target. RFC 9110, 4.1, wants 8,000 bytes at least. */
#define PMSS_HTTP_TARGET_MAX 8000
#define PMSS_HTTP_PARAMETERS_MAX 64

/* Whether @target has more bytes or parameters than @times the most that ours have. */
gboolean pmss_http_rules_is_too_long  (const char *target, guint times);

/* RFC 3986 path and query of an origin-form target: only allowed characters and valid percent
 * encoding. After decoding it is UTF-8 without control characters. */
gboolean pmss_http_rules_check_target (const char *target);

/* "a=b&c" to a table of decoded strings; FALSE when a name is there twice. "+" is a plus, as in
 * RFC 3986. */
gboolean pmss_http_rules_parse_query  (const char *query, GHashTable **table);

G_END_DECLS
