/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "pmss-http-rules.h"

G_BEGIN_DECLS

/* A request's head, read from its bytes by the grammar of RFC 9112 alone. Each line ends with CR
 * LF, no line is folded, and no space stands before a colon. The reader refuses all that it does
 * not understand. Pure: no I/O, no clock, no state but the caller's. It is for servers whose HTTP
 * engine gets a head of ours (pmss_http_head_write()), so that a request has one reading. */

/* Bytes of a whole head, with the empty line behind it. */
#define PMSS_HTTP_HEAD_MAX (32u * 1024)

typedef struct
{
  const char *name;             /* as it was sent */
  const char *value;            /* without the white space around it */
} PmssHttpField;

/* Read only. All strings live as long as it. Any thread may read it; one frees it. */
typedef struct
{
  const char *method;
  const char *target;           /* as it was sent: path and query */
  const char *path;             /* not decoded */
  GHashTable *parameters;       /* of the query, decoded; nullable */
  const PmssHttpField *fields;  /* in their order */
  guint n_fields;
  PmssHttpFraming framing;      /* has_length, length, expects_continue (pmss-http-rules.h) */
  /* of the version: 0 or 1; one of HTTP/1.0 must not get a chunked answer */
  guint minor;
  gboolean keep_alive;          /* FALSE: the connection ends behind the answer */
} PmssHttpHead;

/* Where the end of a head is looked for. Begin with zeros; the fields are the scan's own. */
typedef struct
{
  gsize seen;                   /* bytes that were looked at */
  gsize line;                   /* where the line begins that is not whole yet */
  guint lines;                  /* whole ones, without empty ones in front of a request */
} PmssHttpHeadScan;

/* Looks on in @bytes, which begins with the same bytes as the call before and has @size of them.
 * Returns 0, or the status to refuse with, as early as it can be told, with a text in @detail. With
 * 0, @head_size is the size of the whole head (with empty lines in front), or 0: it goes on. */
guint         pmss_http_head_scan  (PmssHttpHeadScan *scan, const char *bytes, gsize size,
    gsize *head_size, const char **detail);

/* Whether a request of method HEAD is, or begins, in @bytes. */
gboolean      pmss_http_head_is_head (const char *bytes, gsize size);
/* @bytes: a whole head and nothing else. Returns 0 and @head, or the status to refuse with, and
 * a text in @detail (static). */
guint         pmss_http_head_parse (const char *bytes, gsize size, PmssHttpHead **head,
    const char **detail);
void          pmss_http_head_free  (PmssHttpHead *head);

/* The value of the first field of that name, in any case; NULL: absent. */
const char   *pmss_http_head_get_field     (const PmssHttpHead *head, const char *name);
/* A query parameter, decoded; NULL: absent. */
const char   *pmss_http_head_get_parameter (const PmssHttpHead *head, const char *name);

/* Appends the head that an engine below gets instead. It has method, target and "Host: pmss" (the
 * engine only makes a URI of it). The last request of a connection has "Connection: close". No
 * other field is passed on: no hop-by-hop field, and nothing that an engine could read differently.
 * Content-Length is not: the body goes past the engine, to which there is none. Nor is Range: an
 * engine would cut an answer by itself. Handlers read @head. It is HTTP/1.1, whatever the request
 * was. */
void          pmss_http_head_write (const PmssHttpHead *head, GString *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssHttpHead, pmss_http_head_free)

G_END_DECLS
