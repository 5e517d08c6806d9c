/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "pmss-http-head.h"
#include "pmss-http-poller.h"
#include "pmss-http-tls.h"
#include "pmss-http-transport.h"

G_BEGIN_DECLS

/**
 * PmssHttpStream:
 *
 * A server's side of one HTTP/1.1 connection, as a #GIOStream that an HTTP engine reads requests
 * from (soup_server_accept_iostream()). Its streams are pollable (GPollableInputStream,
 * GPollableOutputStream) and never block: the blocking functions fail with
 * G_IO_ERROR_NOT_SUPPORTED.
 *
 * The input reads a head whole, checks it, and calls `head` or `refused`. The engine then gets the
 * canonical head (pmss_http_head_write()), and nothing more until pmss_http_stream_end_request().
 * To it no request has a body. A body goes past it: pmss_http_stream_await_body() and
 * pmss_http_stream_receive(). Only after end_request() does the stream look at the next head. Bytes
 * that a peer sends ahead wait in the kernel, or in the stream if they were read with a head.
 *
 *            head whole                end_request()
 *   HEAD ───────────────▶ REQUEST ──────────────────▶ HEAD
 *    │ refused             │ hang_up(); end_request() after the last request, or with part of the
 *    │                     │ body or of the canonical head unread
 *    ▼                     ▼
 *   ENDING: last words are written, then what still comes is thrown away until the peer closes or
 *   the watchdog cuts it. Reads of the engine give the end at once, and its writes fail with
 *   G_IO_ERROR_CLOSED. An engine that has nothing of a request reads one byte, "-", before the end.
 *   Last words may take long. An answer that goes on is written so, piece by piece, while the
 *   engine has forgotten the connection (take_over(), say(), end_words()).
 *
 * A write of the engine also "would block" after each 256 KiB of answers. Its source then fires at
 * once: other connections and the engine's own calls have their turn.
 *
 * An idle connection holds no buffer. TLS is GnuTLS on the socket itself: GTlsServerConnection
 * needs a thread for each handshake, which strangers could hold. The first reads do the handshake,
 * without blocking. A peer that goes without close_notify has gone.
 *
 * Belongs to the thread of its poller's context. All functions are called there, and all callbacks.
 * While it is lent, receive() is called on another thread.
 */
#define PMSS_TYPE_HTTP_STREAM (pmss_http_stream_get_type ())
G_DECLARE_FINAL_TYPE (PmssHttpStream, pmss_http_stream, PMSS, HTTP_STREAM, GIOStream)

/* `head` and `refused` are called from inside a read of the engine, the others from elsewhere, too.
 * They may call all functions of the stream but close it. */
typedef struct
{
  /* A head is whole and proper; the engine has seen nothing of it yet. Takes @head. The watchdog's
   * phase: WORK. */
  void (*head)    (PmssHttpStream *stream, PmssHttpHead *head, gpointer user_data);
  /* There is a head that is refused with @status: calls pmss_http_stream_hang_up() with an answer
   * (or with NULL). @to_head: to a HEAD: it has no body. The engine sees the end of its input and
   * no request. */
  void (*refused) (PmssHttpStream *stream, guint status, const char *detail, gboolean to_head,
      gpointer user_data);
  /* There is something of the body that was awaited, or its peer's end: once. Nullable: no body is
   * awaited. */
  void (*body)    (PmssHttpStream *stream, gpointer user_data);
  /* The descriptor is closed next: last call, exactly once. To leave the watchdog. */
  void (*closed)  (PmssHttpStream *stream, gpointer user_data);
  /* So many bytes of last words went out; @whole: all have, and no more come. */
  void (*said)    (PmssHttpStream *stream, gsize length, gboolean whole, gpointer user_data);
} PmssHttpStreamFuncs;

/* Takes @fd, a connected non-blocking socket. @tls: nullable; TLS with it. @funcs: lives as long as
 * the stream; each may be NULL but head and refused. NULL and error (PMSS_ERROR_FAILED; @fd is then
 * still the caller's, `closed` is not called): no memory. */
PmssHttpStream *pmss_http_stream_new (PmssHttpPoller *poller, int fd, PmssHttpTls *tls,
    const PmssHttpStreamFuncs *funcs, gpointer user_data, GError **error);

/* The engine has handed the whole answer over (the message is finished). If this was the last
 * request (!head->keep_alive, pmss_http_stream_set_last()) or part of its body is unread, the
 * stream ends as with hang_up (stream, NULL). Otherwise the next head may come. Call it before the
 * engine looks at its input again: from SoupServerMessage::finished. Does nothing without a
 * request, and while it is ENDING. */
void     pmss_http_stream_end_request (PmssHttpStream *stream);
/* This is the last request, even if its head says otherwise (the answer has Connection: close; the
 * server stops). */
void     pmss_http_stream_set_last    (PmssHttpStream *stream);
/* The stream passes nothing more on. @last_words (nullable): a whole answer that is written past
 * the engine. Then the peer gets the end (close_notify, FIN). Further bytes of it are thrown away,
 * up to PMSS_HTTP_STREAM_DISCARD_MAX. For refusals, and for answers to an unwanted body. To be
 * called while the engine has written nothing of its answer to this request. */
void     pmss_http_stream_hang_up     (PmssHttpStream *stream, GBytes *last_words);
/* The same, but more last words follow until pmss_http_stream_end_words(). While there are none,
 * what the peer sends is thrown away, and its end is the connection's. */
void     pmss_http_stream_take_over   (PmssHttpStream *stream, GBytes *words);
/* After take_over(). The caller bounds what waits: `said` tells what went out. */
void     pmss_http_stream_say         (PmssHttpStream *stream, GBytes *words);
/* The last of last words; nullable. */
void     pmss_http_stream_end_words   (PmssHttpStream *stream, GBytes *words);
/* The engine's next write waits for the one behind it, and both go out at once: a head of an answer
 * with its body, which has to follow. With TLS it does nothing. */
void     pmss_http_stream_hold_next   (PmssHttpStream *stream);

/* Has `body` called when there is something of the request's body. A peer that waits for leave to
 * send is given it first ("100 Continue"). */
void     pmss_http_stream_await_body  (PmssHttpStream *stream);
/* The number of bytes, at most @size; 0: the peer has ended, or the body is whole; PMSS_HTTP_AGAIN;
 * PMSS_HTTP_BROKEN. */
gssize   pmss_http_stream_receive     (PmssHttpStream *stream, gpointer bytes, gsize size);
/* Bytes of the body that were not received. */
guint64  pmss_http_stream_get_body_left (PmssHttpStream *stream);
/* Whether the whole body of the request came with its head, and is here. */
gboolean pmss_http_stream_has_body    (PmssHttpStream *stream);
/* Another thread receives of the body, until it is taken back. Meanwhile only receive() and
 * get_body_left() are called, there; and the engine may close, which has its effect then. */
void     pmss_http_stream_lend        (PmssHttpStream *stream);
void     pmss_http_stream_take_back   (PmssHttpStream *stream);
/* ENDING or closed. */
gboolean pmss_http_stream_is_ending   (PmssHttpStream *stream);

/* Bytes that a peer may send behind last words before it is cut. */
#define PMSS_HTTP_STREAM_DISCARD_MAX (64u * 1024 * 1024)

G_END_DECLS
