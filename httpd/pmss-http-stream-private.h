/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pmss-http-stream.h"

G_BEGIN_DECLS

/* What a stream's files share: pmss-http-stream.c reads heads and passes them on,
 * pmss-http-stream-body.c receives bodies, pmss-http-stream-write.c writes answers,
 * pmss-http-stream-end.c ends it, pmss-http-stream-sides.c has the two streams that GIO and an
 * engine see. */

#define PMSS_HTTP_STREAM_READ_SIZE (16 * 1024)

typedef enum
{
  PMSS_HTTP_STREAM_HEAD,
  PMSS_HTTP_STREAM_REQUEST,
  PMSS_HTTP_STREAM_ENDING,
} PmssHttpStreamState;

struct _PmssHttpStream
{
  GIOStream parent;
  GInputStream *input;
  GOutputStream *output;
  PmssHttpTransport transport;
  PmssHttpWatch watch;
  const PmssHttpStreamFuncs *funcs;
  gpointer user_data;

  PmssHttpStreamState state;
  GByteArray *ahead;            /* was read and not passed on; nullable */
  PmssHttpHeadScan scan;
  GString *canonical;           /* the engine has not read all of it; nullable */
  gsize passed;                 /* bytes of it that the engine has read */
  guint64 body_left;
  gsize leave_left;             /* bytes of "100 Continue" that were not sent */
  gboolean lent;                /* to another thread, which receives the body */
  gboolean last;
  gboolean in_request;          /* the engine has some of a head, and was not done with it */
  gboolean nudged;
  gsize sent_in_turn;
  gboolean holds;               /* the next write waits for the one behind it */
  GByteArray *held;             /* such a write; nullable */

  GQueue words;                 /* of GBytes: last ones */
  gsize said;                   /* of the first of them */
  gboolean open;                /* more words follow */
  gboolean broken;              /* not all of them went out */
  gboolean told;                /* the end */
  gboolean drained;
  guint64 discarded;
  gboolean lingers;             /* holds a reference */
  gboolean left;                /* by the engine */
};

/* As the transport's functions, and the watch is told of what would block. */
gssize         pmss_http_stream_receive_now (PmssHttpStream *self, gpointer bytes, gsize size);
gssize         pmss_http_stream_send_now    (PmssHttpStream *self, gconstpointer bytes,
    gsize size);

/* The engine's read: a number of bytes, 0 for the end, PMSS_HTTP_AGAIN or PMSS_HTTP_BROKEN. */
gssize         pmss_http_stream_read      (PmssHttpStream *self, gpointer bytes, gsize size);
/* The engine's write, likewise. Needs a stream that is not ending. */
gssize         pmss_http_stream_write     (PmssHttpStream *self, gconstpointer bytes, gsize size);
/* Whether a read has something to give without the socket. */
gboolean       pmss_http_stream_is_ready  (PmssHttpStream *self);
/* What else a read waits for; 0: for pmss_http_stream_end_request(). */
GIOCondition   pmss_http_stream_get_read_condition (PmssHttpStream *self);

void           pmss_http_stream_drop_ahead (PmssHttpStream *self, gsize size);
/* A head was read: its body comes next. */
void           pmss_http_stream_begin_body (PmssHttpStream *self, const PmssHttpFraming *framing);
/* The watch's function, where a body is awaited. */
void           pmss_http_stream_on_body   (PmssHttpStream *self);
/* The same while it is ending. */
void           pmss_http_stream_go_on_ending (PmssHttpStream *self);
/* The descriptor, unless that has happened. */
void           pmss_http_stream_close_now (PmssHttpStream *self);

/* Not to be used once @stream is gone. */
GInputStream  *pmss_http_stream_new_input  (PmssHttpStream *stream);
GOutputStream *pmss_http_stream_new_output (PmssHttpStream *stream);

G_END_DECLS
