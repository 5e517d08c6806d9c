/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-stream.h"

#include "libpmss/format/pmss-erasure.h"
#include "libpmss/pmss-error.h"

/* Reads in a row before other sources get their turn: a fast peer must not
 * starve the rest of the loop. */
#define MAX_READS_PER_TURN 16
/* HTTP's status of an answer that is a range. */
#define PARTIAL_CONTENT 206
/* Records that are read at once if they are there. */
#define MAX_TOGETHER 4

/* Bytes that count as progress, as long as a record has not come: a peer that
 * trickles is as good as silent. */
#define PROGRESS (16 * 1024)

struct _PmssStream
{
  PmssStreamRange range;
  PmssBlockPool *pool;
  const PmssStreamFuncs *funcs;
  gpointer user_data;
  gpointer owner;

  PmssLoop *loop;
  PmssRequest *request;
  gboolean direct;              /* PmssHead.direct */
  gint priority;                /* of what it does in the loop */
  GError *cancel_reason;

  guint32 row;                  /* being received */
  PmssBlock *block;             /* its memory, */
  PmssBlock *next[MAX_TOGETHER - 1];    /* and that of those that follow on it */
  guint n_next;
  gsize filled;                 /* bytes from its beginning that are there */
  gsize record_size;

  guint64 first_byte;           /* of the shard file */
  guint64 length;
  guint64 received;
  gint64 started;
  gint64 answered;
  gint64 progress;
  gint64 awaited_since;         /* the record being received */
  gsize moved;                  /* bytes since then */
  guint token;
};

void
pmss_stream_free (PmssStream * stream)
{
  g_clear_pointer (&stream->block, pmss_block_unref);
  while (stream->n_next > 0)
    pmss_block_unref (stream->next[--stream->n_next]);
  g_clear_error (&stream->cancel_reason);
  g_free (stream);
}

/* Ends the stream; @error is NULL when all records have been received. */
static void
stream_finish (PmssStream * stream, GError * error)
{
  if (stream->cancel_reason != NULL) {
    g_clear_error (&error);
    error = g_steal_pointer (&stream->cancel_reason);
  }
  pmss_request_free (g_steal_pointer (&stream->request), error == NULL);
  stream->funcs->done (stream, error, stream->user_data);
  g_clear_error (&error);
  pmss_stream_free (stream);
}

static gboolean
stream_take_blocks (PmssStream * stream, GError ** error)
{
  guint32 end = stream->range.first_row + stream->range.n_rows;
  PmssBlock *blocks[MAX_TOGETHER];
  guint n = pmss_block_pool_take_adjacent (stream->pool, blocks,
      MIN (end - stream->row, MAX_TOGETHER));

  if (n == 0) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "there is no memory for what is to be received");
    return FALSE;
  }
  stream->block = blocks[0];
  /* the last one first: they are taken from the end */
  for (stream->n_next = 0; stream->n_next < n - 1; stream->n_next++)
    stream->next[stream->n_next] = blocks[n - 1 - stream->n_next];
  return TRUE;
}

static gboolean
stream_begin_record (PmssStream * stream, GError ** error)
{
  stream->record_size = PMSS_RECORD_HEADER_SIZE +
      pmss_extent_geometry_unit_length (&stream->range.geometry, stream->row,
      stream->range.index);
  if (stream->n_next == 0)
    return stream_take_blocks (stream, error);
  stream->block = stream->next[--stream->n_next];
  return TRUE;
}

static gboolean
stream_check_record (PmssStream * stream, GError ** error)
{
  PmssRecordHeader record;
  guint32 crc;

  if (!pmss_record_header_parse_expected (pmss_block_get_record (stream->block),
          &stream->range.geometry, stream->row, stream->range.index, &record,
          error))
    return FALSE;
  crc = pmss_crc32c (pmss_block_get_unit (stream->block), record.length);
  if (crc != record.crc[stream->range.index]) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "checksum of row %u is %08x, not %08x", stream->row, crc,
        record.crc[stream->range.index]);
    return FALSE;
  }
  return TRUE;
}

/* What was waited for is here: the rest takes its turn. */
static void
stream_be_ordinary (PmssStream * stream)
{
  stream->priority = G_PRIORITY_DEFAULT;
  pmss_request_set_priority (stream->request, stream->priority);
}

static void
stream_end_record (PmssStream * stream)
{
  g_autoptr (GError) error = NULL;
  guint32 row = stream->row;

  if (stream_check_record (stream, &error)) {
    stream->funcs->record (stream, row, g_steal_pointer (&stream->block),
        stream->user_data);
  } else {
    stream->funcs->damaged (stream, row, error, stream->user_data);
    g_clear_pointer (&stream->block, pmss_block_unref);
  }
  stream->filled -= stream->record_size;
  stream->row++;
  stream->awaited_since = stream->progress;
  if (stream->priority != G_PRIORITY_DEFAULT)
    stream_be_ordinary (stream);
}

static gboolean
stream_has_all (PmssStream * stream)
{
  return stream->row == stream->range.first_row + stream->range.n_rows;
}

static void
stream_note_progress (PmssStream * stream, gsize bytes)
{
  stream->filled += bytes;
  stream->received += bytes;
  stream->moved += bytes;
  if (stream->moved < PROGRESS && stream->filled < stream->record_size)
    return;
  stream->moved = 0;
  stream->progress = pmss_loop_now (stream->loop);
}

/* One read, into the record's block and those that follow on it. Returns FALSE
 * when there is nothing more to read for now or ever; then @error tells which.
 */
static gboolean
stream_read_some (PmssStream * stream, GError ** error)
{
  gssize n;
  guint8 *memory = pmss_block_get_record (stream->block) + stream->filled;
  gsize room = (1 + stream->n_next) * (PMSS_RECORD_HEADER_SIZE +
      stream->range.geometry.unit) - stream->filled;

  n = pmss_request_read (stream->request, memory, MIN (room,
          pmss_stream_get_remaining (stream)), error);
  if (n < 0)
    return FALSE;
  if (n == 0) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
        "the answer ended %" G_GUINT64_FORMAT " bytes early",
        pmss_stream_get_remaining (stream));
    return FALSE;
  }
  stream_note_progress (stream, n);
  return TRUE;
}

/* Until the rest of the record is there. */
static void
stream_wait (PmssStream * stream, gboolean more)
{
  pmss_request_wait (stream->request, stream->record_size - stream->filled,
      more);
}

static void
stream_failed (PmssStream * stream, GError * error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    g_error_free (error);
    stream_wait (stream, FALSE);
  } else {
    pmss_error_adopt (&error, NULL);
    stream_finish (stream, error);
  }
}

/* Reads what there is, until it is to be waited for more, or over. */
static void
stream_read (PmssStream * stream)
{
  guint reads;

  for (reads = 0; reads < MAX_READS_PER_TURN; reads++) {
    gboolean begun = stream->filled > 0;
    gboolean whole;
    GError *error = NULL;

    if (stream->cancel_reason != NULL) {
      stream_finish (stream, NULL);
      return;
    }
    if (!stream_read_some (stream, &error)) {
      stream_failed (stream, error);
      return;
    }
    whole = stream->filled >= stream->record_size;
    while (stream->filled >= stream->record_size) {
      stream_end_record (stream);
      if (stream_has_all (stream)) {
        stream_finish (stream, NULL);
        return;
      }
      if (!stream_begin_record (stream, &error)) {
        stream_finish (stream, error);
        return;
      }
    }
    if (whole && !begun)
      continue;
    /* Not a whole record at once: the socket has a few more packets by now, at
     * most. Only above TLS nobody knows. */
    if (stream->direct) {
      stream_wait (stream, FALSE);
      return;
    }
  }
  /* The turn is over, but of what TLS still holds no poll would tell. */
  stream_wait (stream, TRUE);
}

static void
request_readable (PmssRequest * request, gpointer stream)
{
  stream_read (stream);
}

/* The answer has to be exactly the range that was asked for. */
static gboolean
stream_check_head (PmssStream * stream, const PmssHead * head, GError ** error)
{
  if (head->status == PARTIAL_CONTENT) {
    if (head->has_range && head->first == stream->first_byte
        && head->last == stream->first_byte + stream->length - 1
        && head->has_length && head->length == stream->length)
      return TRUE;
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "the answer is not the range of bytes that was asked for");
  } else if (head->status >= 400) {
    g_set_error (error, PMSS_ERROR, pmss_error_from_status (head->status),
        "HTTP status %u %s", head->status, head->phrase);
  } else {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "HTTP status %u for a range request", head->status);
  }
  if (error != NULL)
    pmss_error_get_details (*error)->http_status = head->status;
  return FALSE;
}

static void
request_answered (PmssRequest * request, const PmssHead * head,
    const GError * why, gpointer user_data)
{
  PmssStream *stream = user_data;
  GError *error = NULL;

  if (head == NULL || stream->cancel_reason != NULL) {
    stream_finish (stream, why != NULL ? g_error_copy (why) : NULL);
    return;
  }
  stream->answered = stream->progress = pmss_loop_now (stream->loop);
  stream->direct = head->direct;
  if (stream_check_head (stream, head, &error)
      && stream_begin_record (stream, &error))
    stream_read (stream);
  else
    stream_finish (stream, error);
}

static void
stream_request (PmssStream * stream, PmssTransport * transport, GUri * base,
    const char *authorization)
{
  static const PmssRequestFuncs funcs = { request_answered, request_readable };
  char name[PMSS_SHARD_NAME_SIZE];
  g_autofree char *path = NULL;
  PmssRange range = {.base = base,.authorization = authorization,.first =
        stream->first_byte,.length = stream->length,.priority = stream->priority
  };

  pmss_shard_name_write (&stream->range.geometry.version,
      stream->range.geometry.extent, stream->range.index, name);
  range.path = path = g_strconcat ("/v1/shards/", name, NULL);
  stream->request = pmss_request_start (transport, &range, &funcs, stream);
}

PmssStream *
pmss_stream_new (const PmssStreamRange * range, gpointer owner, gint64 now)
{
  PmssStream *stream = g_new0 (PmssStream, 1);
  guint32 last = range->first_row + range->n_rows - 1;

  stream->range = *range;
  stream->owner = owner;
  stream->row = range->first_row;
  stream->first_byte =
      pmss_extent_geometry_record_offset (&range->geometry, range->first_row);
  stream->length = pmss_extent_geometry_record_offset (&range->geometry, last)
      + PMSS_RECORD_HEADER_SIZE
      + pmss_extent_geometry_unit_length (&range->geometry, last, range->index)
      - stream->first_byte;
  stream->started = stream->progress = stream->awaited_since = now;
  return stream;
}

void
pmss_stream_send (PmssStream * stream, PmssTransport * transport, GUri * base,
    const char *authorization, gint priority, PmssBlockPool * pool,
    const PmssStreamFuncs * funcs, gpointer user_data)
{
  stream->loop = transport->loop;
  stream->priority = priority;
  stream->pool = pool;
  stream->funcs = funcs;
  stream->user_data = user_data;
  stream_request (stream, transport, base, authorization);
}

void
pmss_stream_look (PmssStream * stream, gint64 since)
{
  if (stream->progress < since)
    pmss_request_set_low_water (stream->request, 1);
}

void
pmss_stream_cancel (PmssStream * stream, GQuark domain, int code,
    const char *reason)
{
  if (stream->cancel_reason != NULL)
    return;
  stream->cancel_reason = g_error_new_literal (domain, code, reason);
  /* What is called then finds the reason. */
  pmss_request_cancel (stream->request);
}

const PmssStreamRange *
pmss_stream_get_range (PmssStream * stream)
{
  return &stream->range;
}

guint32
pmss_stream_get_row (PmssStream * stream)
{
  return stream->row;
}

guint64
pmss_stream_get_remaining (PmssStream * stream)
{
  return stream->length - stream->received;
}

guint64
pmss_stream_get_received (PmssStream * stream)
{
  return stream->received;
}

gint64
pmss_stream_get_started (PmssStream * stream)
{
  return stream->started;
}

gint64
pmss_stream_get_answered (PmssStream * stream)
{
  return stream->answered;
}

gint64
pmss_stream_get_progress (PmssStream * stream)
{
  return stream->progress;
}

gint64
pmss_stream_get_awaited_since (PmssStream * stream)
{
  return stream->awaited_since;
}

void
pmss_stream_set_token (PmssStream * stream, guint number)
{
  stream->token = number;
}

guint
pmss_stream_get_token (PmssStream * stream)
{
  return stream->token;
}

gpointer
pmss_stream_get_owner (PmssStream * stream)
{
  return stream->owner;
}
