/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-stream.h"

#include <sys/socket.h>

#include "libpmss/format/pmss-erasure.h"
#include "libpmss/pmss-error.h"
#include "libpmss/client/pmss-exchange.h"
#include "libpmss/client/pmss-sending.h"

/* Reads in a row before other sources get their turn: a fast peer must not
 * starve the rest of the loop. */
#define MAX_READS_PER_TURN 16
/* Records that are read at once if they are there. */
#define MAX_TOGETHER 4
/* The kernel makes the receive buffer large enough for what is to be waited
 * for; larger units wake us more than once. */
#define MAX_LOW_WATER (PMSS_RECORD_HEADER_SIZE + PMSS_DEFAULT_UNIT)

/* Bytes that count as progress, as long as a record has not come: a peer that
 * trickles is as good as silent. */
#define PROGRESS (16 * 1024)
/* Answers of the kind "100 Continue" that one request may get. */
#define MAX_INFORMATIONAL 8

struct _PmssStream
{
  PmssStreamRange range;
  PmssBlockPool *pool;
  const PmssStreamFuncs *funcs;
  gpointer user_data;
  gpointer owner;

  PmssSockets *sockets;
  SoupMessage *message;
  PmssSending *sending;
  GInputStream *body;
  GSocket *socket;              /* under body; NULL: not known */
  gint low_water;               /* bytes that it waits for; 1 between answers */
  GSource *source;              /* body is readable */
  gint priority;                /* of what it does in the main loop */
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
  guint informational;
  guint token;
};

static void
stream_unwatch (PmssStream * stream)
{
  if (stream->source != NULL)
    g_source_destroy (stream->source);
  g_clear_pointer (&stream->source, g_source_unref);
}

static void
stream_free (PmssStream * stream)
{
  stream_unwatch (stream);
  g_clear_pointer (&stream->block, pmss_block_unref);
  while (stream->n_next > 0)
    pmss_block_unref (stream->next[--stream->n_next]);
  g_clear_object (&stream->body);
  g_clear_object (&stream->socket);
  g_signal_handlers_disconnect_by_data (stream->message, stream);
  g_clear_pointer (&stream->sending, pmss_sending_free);
  g_clear_object (&stream->message);
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
  if (error != NULL && stream->body != NULL) {
    /* What is left of the answer is not wanted: without the cancellation
     * libsoup might keep a connection that is in the middle of a body. */
    pmss_sending_cancel (stream->sending);
    g_input_stream_close (stream->body,
        pmss_sending_get_cancellable (stream->sending), NULL);
  }
  stream->funcs->done (stream, error, stream->user_data);
  g_clear_error (&error);
  stream_free (stream);
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
  if (stream->source != NULL)
    g_source_set_priority (stream->source, stream->priority);
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
  stream->progress = g_get_monotonic_time ();
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

  n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM
      (stream->body), memory, MIN (room, pmss_stream_get_remaining (stream)),
      NULL, error);
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

/* libsoup gives the connection back when it has seen the end of the body. */
static void
stream_read_end (PmssStream * stream)
{
  guint8 byte;
  g_autoptr (GError) error = NULL;
  gssize n;

  n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM
      (stream->body), &byte, 1, NULL, &error);
  if (n != 0)
    g_debug ("a body of %" G_GUINT64_FORMAT " bytes does not end: %s",
        stream->length, error != NULL ? error->message : "more bytes");
}

static void
stream_set_low_water (PmssStream * stream, gsize bytes)
{
  g_autoptr (GError) error = NULL;
  gint low_water = MIN (bytes, MAX_LOW_WATER);

  if (stream->socket == NULL || low_water == stream->low_water)
    return;
  stream->low_water = low_water;
  if (!g_socket_set_option (stream->socket, SOL_SOCKET, SO_RCVLOWAT, low_water,
          &error))
    g_debug ("SO_RCVLOWAT %d: %s", low_water, error->message);
}

static gboolean socket_readable (GSocket * socket, GIOCondition condition,
    gpointer stream);
static gboolean body_readable (GObject * body, gpointer user_data);

/* The socket itself, where we know it: libsoup's source for the body is one
 * upon one upon one, and GLib blocks each while it is dispatched, that is,
 * takes the descriptor out of the poll and back and wakes itself each time. */
static GSource *
stream_new_source (PmssStream * stream)
{
  GSource *source;

  if (stream->socket == NULL) {
    source = g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM
        (stream->body), NULL);
    g_source_set_callback (source, G_SOURCE_FUNC (body_readable), stream, NULL);
  } else {
    source = g_socket_create_source (stream->socket, G_IO_IN, NULL);
    g_source_set_callback (source, G_SOURCE_FUNC (socket_readable), stream,
        NULL);
    g_source_set_can_recurse (source, TRUE);
  }
  return source;
}

/* Until the rest of the record is there, with nothing left in libsoup of the
 * body's first bytes, which come with the head: a source for the body that is
 * made while there is says "ready" for ever, and never looks at the socket. */
static void
stream_wait (PmssStream * stream)
{
  stream_set_low_water (stream, stream->record_size - stream->filled);
  if (stream->source != NULL)
    return;
  stream->source = stream_new_source (stream);
  g_source_set_priority (stream->source, stream->priority);
  g_source_attach (stream->source, g_main_context_get_thread_default ());
}

static void
stream_failed (PmssStream * stream, GError * error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    g_error_free (error);
    stream_wait (stream);
  } else {
    pmss_error_adopt (&error, NULL);
    stream_finish (stream, error);
  }
}

static void
stream_succeeded (PmssStream * stream)
{
  stream_set_low_water (stream, 1);
  stream_read_end (stream);
  stream_finish (stream, NULL);
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
        stream_succeeded (stream);
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
    if (stream->socket != NULL) {
      stream_wait (stream);
      return;
    }
  }
  /* The turn is over, but of what TLS still holds no poll would tell. */
  stream_wait (stream);
  if (stream->socket == NULL)
    g_source_set_ready_time (stream->source, 0);
}

static gboolean
socket_readable (GSocket * socket, GIOCondition condition, gpointer stream)
{
  stream_read (stream);
  return G_SOURCE_CONTINUE;
}

static gboolean
body_readable (GObject * body, gpointer user_data)
{
  PmssStream *stream = user_data;

  g_source_set_ready_time (stream->source, -1);
  stream_read (stream);
  return G_SOURCE_CONTINUE;
}

/* The answer has to be exactly the range that was asked for. */
static gboolean
stream_check_head (PmssStream * stream, GError ** error)
{
  SoupMessageHeaders *headers =
      soup_message_get_response_headers (stream->message);
  guint status = soup_message_get_status (stream->message);
  goffset start, end, total;
  PmssErrorDetails *details;

  if (status == SOUP_STATUS_PARTIAL_CONTENT) {
    if (soup_message_headers_get_content_range (headers, &start, &end, &total)
        && (guint64) start == stream->first_byte
        && (guint64) end == stream->first_byte + stream->length - 1
        && soup_message_headers_get_encoding (headers) ==
        SOUP_ENCODING_CONTENT_LENGTH
        && (guint64) soup_message_headers_get_content_length (headers) ==
        stream->length)
      return TRUE;
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "the answer is not the range of bytes that was asked for");
  } else if (status >= 400) {
    g_set_error (error, PMSS_ERROR, pmss_error_from_status (status),
        "HTTP status %u %s", status, soup_status_get_phrase (status));
  } else {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "HTTP status %u for a range request", status);
  }
  if (error != NULL) {
    details = pmss_error_get_details (*error);
    details->http_status = status;
  }
  return FALSE;
}

static void
stream_answered (GObject * session, GAsyncResult * result, gpointer user_data)
{
  PmssStream *stream = user_data;
  GError *error = NULL;

  stream->body =
      soup_session_send_finish (SOUP_SESSION (session), result, &error);
  pmss_sending_answered (stream->sending);
  if (stream->body == NULL || stream->cancel_reason != NULL) {
    if (error != NULL)
      pmss_error_adopt (&error, NULL);
    stream_finish (stream, error);
    return;
  }
  stream->answered = stream->progress = g_get_monotonic_time ();
  if (!stream_check_head (stream, &error)) {
    stream_finish (stream, error);
    return;
  }
  stream->socket = pmss_sockets_find (stream->sockets, stream->message);
  stream->low_water = 1;
  if (stream_begin_record (stream, &error))
    stream_read (stream);
  else
    stream_finish (stream, error);
}

/* libsoup would collect the body of a 421 by itself, however long. */
static void
stream_got_headers (SoupMessage * message, PmssStream * stream)
{
  if (soup_message_get_status (message) == SOUP_STATUS_MISDIRECTED_REQUEST)
    pmss_stream_cancel (stream, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "says that it is another server (HTTP status 421)");
}

static void
stream_got_informational (SoupMessage * message, PmssStream * stream)
{
  if (++stream->informational > MAX_INFORMATIONAL)
    pmss_stream_cancel (stream, PMSS_ERROR, PMSS_ERROR_PROTOCOL,
        "keeps sending interim answers");
}

static SoupMessage *
stream_new_message (PmssStream * stream, GUri * base, const char *authorization)
{
  char name[PMSS_SHARD_NAME_SIZE];
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GUri) uri = NULL;
  SoupMessage *message;
  SoupMessageHeaders *headers;

  pmss_shard_name_write (&stream->range.geometry.version,
      stream->range.geometry.extent, stream->range.index, name);
  path = g_strconcat ("/v1/shards/", name, NULL);
  uri = g_uri_build (G_URI_FLAGS_NONE, g_uri_get_scheme (base), NULL,
      g_uri_get_host (base), g_uri_get_port (base), path, NULL, NULL);
  text = g_uri_to_string (uri);
  message = pmss_exchange_message_new (SOUP_METHOD_GET, text, NULL);
  g_signal_connect (message, "got-headers", G_CALLBACK (stream_got_headers),
      stream);
  g_signal_connect (message, "got-informational",
      G_CALLBACK (stream_got_informational), stream);
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Authorization", authorization);
  soup_message_headers_set_range (headers, stream->first_byte,
      stream->first_byte + stream->length - 1);
  return message;
}

PmssStream *
pmss_stream_start (SoupSession * session, PmssSockets * sockets, GUri * base,
    const char *authorization, const PmssStreamRange * range,
    gint priority, PmssBlockPool * pool, const PmssStreamFuncs * funcs,
    gpointer user_data)
{
  PmssStream *stream = g_new0 (PmssStream, 1);
  guint32 last = range->first_row + range->n_rows - 1;

  stream->sockets = sockets;
  stream->range = *range;
  stream->pool = pool;
  stream->funcs = funcs;
  stream->user_data = user_data;
  stream->row = range->first_row;
  stream->first_byte =
      pmss_extent_geometry_record_offset (&range->geometry, range->first_row);
  stream->length = pmss_extent_geometry_record_offset (&range->geometry, last)
      + PMSS_RECORD_HEADER_SIZE
      + pmss_extent_geometry_unit_length (&range->geometry, last, range->index)
      - stream->first_byte;
  stream->started = stream->progress = g_get_monotonic_time ();
  stream->awaited_since = stream->started;
  stream->priority = priority;
  stream->message = stream_new_message (stream, base, authorization);
  stream->sending = pmss_sending_new (stream->message, NULL);
  if (priority < G_PRIORITY_DEFAULT)
    soup_message_set_priority (stream->message, SOUP_MESSAGE_PRIORITY_HIGH);
  soup_session_send_async (session, stream->message, stream->priority,
      pmss_sending_get_cancellable (stream->sending), stream_answered, stream);
  return stream;
}

void
pmss_stream_look (PmssStream * stream, gint64 since)
{
  if (stream->progress < since)
    stream_set_low_water (stream, 1);
}

void
pmss_stream_cancel (PmssStream * stream, GQuark domain, int code,
    const char *reason)
{
  if (stream->cancel_reason != NULL)
    return;
  stream->cancel_reason = g_error_new_literal (domain, code, reason);
  /* Wakes the pending send or the readable source; both find the reason. */
  if (stream->source != NULL)
    g_source_set_ready_time (stream->source, 0);
  else
    pmss_sending_cancel (stream->sending);
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

void
pmss_stream_set_owner (PmssStream * stream, gpointer owner)
{
  stream->owner = owner;
}

gpointer
pmss_stream_get_owner (PmssStream * stream)
{
  return stream->owner;
}
