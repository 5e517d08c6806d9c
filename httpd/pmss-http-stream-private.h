/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pmss-http-stream.h"
#include "pmss-http-transport.h"

G_BEGIN_DECLS

/* What a stream's files share: pmss-http-stream.c reads and passes on, pmss-http-stream-end.c ends
 * it, pmss-http-stream-sides.c has the two streams that GIO and an engine see. */

#define PMSS_HTTP_STREAM_READ_SIZE (16 * 1024)
/* Of a body and of answers, until the engine has to let others have their turn. */
#define PMSS_HTTP_STREAM_TURN (256 * 1024)

typedef enum
{
  PMSS_HTTP_STREAM_HEAD,
  PMSS_HTTP_STREAM_BODY,
  PMSS_HTTP_STREAM_WAIT,
  PMSS_HTTP_STREAM_ENDING,
} PmssHttpStreamState;

struct _PmssHttpStream
{
  GIOStream parent;
  GInputStream *input;
  GOutputStream *output;
  PmssHttpTransport transport;
  const PmssHttpStreamFuncs *funcs;
  gpointer user_data;

  PmssHttpStreamState state;
  GByteArray *ahead;            /* was read and not passed on; nullable */
  PmssHttpHeadScan scan;
  GString *canonical;           /* the engine has not read all of it; nullable */
  gsize passed;                 /* bytes of it that the engine has read */
  guint64 body_left;
  gboolean last;
  gboolean in_request;          /* the engine has some of a head, and was not done with it */
  gboolean nudged;
  gsize got_in_turn;
  gsize sent_in_turn;

  GQueue words;                 /* of GBytes: last ones */
  gsize said;                   /* of the first of them */
  gboolean open;                /* more words follow */
  gboolean broken;              /* not all of them went out */
  gboolean told;                /* the end */
  gboolean drained;
  guint64 discarded;
  GSource *linger;              /* holds a reference */
  gboolean left;                /* by the engine */
};

/* The engine's read: a number of bytes, 0 for the end, PMSS_HTTP_AGAIN or PMSS_HTTP_BROKEN. */
gssize         pmss_http_stream_read      (PmssHttpStream *self, gpointer bytes, gsize size);
/* The engine's write, likewise. Needs a stream that is not ending. */
gssize         pmss_http_stream_write     (PmssHttpStream *self, gconstpointer bytes, gsize size);
/* Whether a read has something to give without the socket. */
gboolean       pmss_http_stream_is_ready  (PmssHttpStream *self);
/* What else a read waits for; 0: for pmss_http_stream_end_request(). */
GIOCondition   pmss_http_stream_get_read_condition (PmssHttpStream *self);

/* The descriptor, unless that has happened. */
void           pmss_http_stream_close_now (PmssHttpStream *self);

/* Not to be used once @stream is gone. */
GInputStream  *pmss_http_stream_new_input  (PmssHttpStream *stream);
GOutputStream *pmss_http_stream_new_output (PmssHttpStream *stream);

G_END_DECLS
