/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/format/pmss-shard.h"
#include "libpmss/reader/pmss-block.h"
#include "libpmss/reader/pmss-transport.h"

G_BEGIN_DECLS

/**
 * PmssStream:
 *
 * One range request for consecutive records of one shard. Reads each record
 * into a block of its own, verifies it, and hands it over as soon as it is
 * there.
 *
 * Lives on the reader's I/O thread, from new() until `done` has been called.
 *
 *   NEW ──send()──▶ SENDING ──head──▶ READING ──last record, end of body──▶ done (no error)
 *                      │                 │
 *                      └────── error, cancel() ──────▶ done (error)
 */
typedef struct _PmssStream PmssStream;

typedef struct
{
  PmssExtentGeometry geometry;
  guint index;                  /* of the shard */
  guint32 first_row;
  guint32 n_rows;               /* >= 1 */
} PmssStreamRange;

typedef struct
{
  /* @block: (transfer full): the verified record of @row. */
  void (*record) (PmssStream *stream, guint32 row, PmssBlock *block,
      gpointer user_data);
  /* The record of @row is bad; the next one may be good. */
  void (*damaged) (PmssStream *stream, guint32 row, const GError *error,
      gpointer user_data);
  /* The last call: no further records will come.
   * @error: (nullable): a PMSS_ERROR or G_IO_ERROR_CANCELLED. */
  void (*done) (PmssStream *stream, const GError *error, gpointer user_data);
} PmssStreamFuncs;

/* A request that is to be sent. @owner: free for the user. @now: on the loop's clock. */
PmssStream *pmss_stream_new (const PmssStreamRange *range, gpointer owner,
    gint64 now);
/* Of one that is never sent; others go by themselves. */
void pmss_stream_free (PmssStream *stream);
/* @base: "http://host:port" of the node. @authorization: the header's value.
 * @priority: in the loop, until its first record is there.
 * Never calls back from inside. */
void pmss_stream_send (PmssStream *stream, PmssTransport *transport,
    GUri *base, const char *authorization, gint priority, PmssBlockPool *pool,
    const PmssStreamFuncs *funcs, gpointer user_data);

/* If nothing has been read since @since, reads the bytes that are there, even if they are no whole
 * record, when the main loop turns. That tells whether the peer is silent or only slow. */
void pmss_stream_look (PmssStream *stream, gint64 since);

/* Ends it as soon as the main loop turns; `done` follows with @reason. */
void pmss_stream_cancel (PmssStream *stream, GQuark domain, int code,
    const char *reason);

const PmssStreamRange *pmss_stream_get_range (PmssStream *stream);
/* Row whose record is being received. */
guint32 pmss_stream_get_row (PmssStream *stream);
/* Bytes that have yet to come. */
guint64 pmss_stream_get_remaining (PmssStream *stream);
guint64 pmss_stream_get_received (PmssStream *stream);
/* On the loop's clock: of the request, of the answer's head (0: not yet),
 * and of the last bytes that were worth speaking of. */
gint64 pmss_stream_get_started (PmssStream *stream);
gint64 pmss_stream_get_answered (PmssStream *stream);
gint64 pmss_stream_get_progress (PmssStream *stream);
/* Since when the record is awaited that it is receiving: the one before it had
 * come, or the request was sent. */
gint64 pmss_stream_get_awaited_since (PmssStream *stream);
/* Which token it was asked with, for the user (pmss-pass.h). */
void pmss_stream_set_token (PmssStream *stream, guint number);
guint pmss_stream_get_token (PmssStream *stream);
gpointer pmss_stream_get_owner (PmssStream *stream);

G_END_DECLS
