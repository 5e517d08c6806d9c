/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gnutls/gnutls.h>

#include "httpd/pmss-http-stream.h"

/* A stream on one end of a pair of sockets. The test is the peer on the other end, with or without
 * TLS, and the engine that reads and writes the stream. All in one thread: nothing waits but
 * await() and the functions that say so. */

typedef struct _StreamFixture StreamFixture;
struct _StreamFixture
{
  PmssHttpStream *stream;       /* NULL: let go */
  GInputStream *in;             /* the stream's */
  GOutputStream *out;
  int peer;                     /* -1: closed */
  int fd;                       /* the stream's own end */
  gnutls_session_t session;     /* the peer's; nullable: no TLS */
  gboolean in_bytes;            /* the peer's TLS sends each byte by itself, and the engine looks */

  PmssHttpPoller *poller;
  GString *told;                /* by the stream, "head GET /|body|closed" */
  guint closed;                 /* how often */
  GBytes *words;                /* what is answered to a refused head; nullable */
  gboolean hang_up_at_head;     /* in the callback */
  gboolean hang_up_at_body;

  PmssHttpTls *tls;             /* nullable */
  gnutls_certificate_credentials_t credentials;
};

/* @tls: GINT_TO_POINTER() of a boolean. Hands are shaken. */
StreamFixture *stream_fixture_new  (gconstpointer tls);
/* With @tls; nothing was sent. */
StreamFixture *stream_fixture_new_strange (void);
/* The engine closes the stream and the peer its end; closed was told once. */
void           stream_fixture_free (StreamFixture *f);
/* Lets the stream go, too. */
void           engine_close        (StreamFixture *f);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StreamFixture, stream_fixture_free)

/* Adds a test, without TLS and with it. */
void     stream_fixture_add (const char *name, GTestDataFunc func);

void     shake_hands (StreamFixture *f);
/* The main context does what can be done now; or waits until *@done. */
void     turn        (void);
void     await       (const gboolean *done);

/* All of it, at once. @size: -1: all of the string. */
void     peer_say    (StreamFixture *f, const char *bytes, gssize size);
/* As much as goes; returns how much. */
gsize    peer_try    (StreamFixture *f, const char *bytes, gsize size);
/* FIN, and with TLS close_notify before. */
void     peer_end    (StreamFixture *f);
void     peer_close  (StreamFixture *f);
/* What is there now is added to @text. Returns "" while the peer may hear more, "end", or "cut"
 * for an end that TLS was not told, and for a connection that was reset. */
const char *peer_hear_some (StreamFixture *f, GString *text);
/* What is there now, then "|end" or "|cut". */
void     assert_heard (StreamFixture *f, const char *wanted);

/* What the engine gets by reads of @size until they have to wait ("|wait"), the end ("|end"), or
 * an error ("|broken"). */
void     assert_read  (StreamFixture *f, gsize size, const char *wanted);
/* What is received of a body by calls of @size: until it is whole (""), or as above. */
void     assert_body  (StreamFixture *f, gsize size, const char *wanted);
/* The number of bytes; -1 and error. */
gssize   engine_read  (StreamFixture *f, char *bytes, gsize size, GError **error);
gssize   engine_write (StreamFixture *f, const char *bytes, gsize size, GError **error);
gboolean is_readable  (StreamFixture *f);
gboolean is_writable  (StreamFixture *f);
/* Since the last time. */
void     assert_told  (StreamFixture *f, const char *wanted);

#define HOST "Host: x\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"
#define PUT(target, length) \
  "PUT " target " HTTP/1.1\r\n" HOST "Content-Length: " #length "\r\n\r\n"
/* What the engine gets of them. */
#define CANONICAL_GET(target) "GET " target " HTTP/1.1\r\nHost: pmss\r\n\r\n"
#define CANONICAL_PUT(target) "PUT " target " HTTP/1.1\r\nHost: pmss\r\n\r\n"
