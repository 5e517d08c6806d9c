/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-stream.h"

#include <string.h>

#include "libpmss/pmss-error.h"

struct _PmssStream
{
  PmssStreamRange range;
  PmssBlockPool *pool;
  const PmssStreamFuncs *funcs;
  gpointer user_data;
  gpointer owner;
  gint priority;
  gint64 started;
  guint32 row;                  /* that comes next */
  GError *cancelled;
};

FakeStreams fake_streams;

void
fake_streams_init (FakeStreamsShardFunc shard, gpointer user_data)
{
  fake_streams = (FakeStreams) {
  .live = g_ptr_array_new (),.shard = shard,.user_data = user_data};
}

void
fake_streams_clear (void)
{
  while (fake_streams.live->len > 0)
    fake_stream_end (fake_streams.live->pdata[0], g_error_new (G_IO_ERROR,
            G_IO_ERROR_CANCELLED, "end"));
  g_clear_pointer (&fake_streams.live, g_ptr_array_unref);
}

gint
fake_stream_get_priority (PmssStream * stream)
{
  return stream->priority;
}

gboolean
fake_stream_brings (PmssStream * stream, guint32 extent, guint index,
    guint32 row)
{
  return stream->cancelled == NULL && stream->range.geometry.extent == extent
      && stream->range.index == index && row >= stream->row
      && row < stream->range.first_row + stream->range.n_rows;
}

PmssStream *
pmss_stream_new (const PmssStreamRange * range, gpointer owner, gint64 now)
{
  PmssStream *stream = g_new0 (PmssStream, 1);

  if (fake_streams.asked != NULL)
    fake_streams.asked (range, fake_streams.user_data);
  stream->range = *range;
  stream->owner = owner;
  stream->started = now;
  stream->row = range->first_row;
  return stream;
}

void
pmss_stream_send (PmssStream * stream, PmssTransport * transport, GUri * base,
    const char *authorization, gint priority, PmssBlockPool * pool,
    const PmssStreamFuncs * funcs, gpointer user_data)
{
  stream->priority = priority;
  stream->pool = pool;
  stream->funcs = funcs;
  stream->user_data = user_data;
  g_ptr_array_add (fake_streams.live, stream);
}

void
pmss_stream_look (PmssStream * stream, gint64 since)
{
}

void
pmss_stream_cancel (PmssStream * stream, GQuark domain, int code,
    const char *reason)
{
  if (stream->cancelled == NULL)
    stream->cancelled = g_error_new_literal (domain, code, reason);
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
  return (stream->range.first_row + stream->range.n_rows - stream->row) *
      (guint64) stream->range.geometry.unit;
}

guint64
pmss_stream_get_received (PmssStream * stream)
{
  return (stream->row - stream->range.first_row) *
      (guint64) stream->range.geometry.unit;
}

gint64
pmss_stream_get_started (PmssStream * stream)
{
  return stream->started;
}

gint64
pmss_stream_get_answered (PmssStream * stream)
{
  return stream->started + 1;
}

gint64
pmss_stream_get_progress (PmssStream * stream)
{
  return stream->started + 2;
}

gint64
pmss_stream_get_awaited_since (PmssStream * stream)
{
  return 3;
}

void
pmss_stream_set_token (PmssStream * stream, guint number)
{
}

guint
pmss_stream_get_token (PmssStream * stream)
{
  return 0;
}

gpointer
pmss_stream_get_owner (PmssStream * stream)
{
  return stream->owner;
}

/* Takes @error. */
void
fake_stream_end (PmssStream * stream, GError * error)
{
  g_ptr_array_remove_fast (fake_streams.live, stream);
  stream->funcs->done (stream, error, stream->user_data);
  g_clear_error (&error);
  g_clear_error (&stream->cancelled);
  g_free (stream);
}

static GError *
new_not_found (void)
{
  GError *error = g_error_new (PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
      "no such shard");

  pmss_error_get_details (error)->http_status = 404;
  return error;
}

static PmssBlock *
new_record (PmssStream * stream, GBytes * shard)
{
  PmssBlock *block = pmss_block_pool_take (stream->pool);
  const PmssExtentGeometry *geometry = &stream->range.geometry;
  gsize length = PMSS_RECORD_HEADER_SIZE +
      pmss_extent_geometry_unit_length (geometry, stream->row,
      stream->range.index);
  gsize offset = pmss_extent_geometry_record_offset (geometry, stream->row);

  g_assert_cmpuint (offset + length, <=, g_bytes_get_size (shard));
  memcpy (pmss_block_get_record (block),
      (const guint8 *) g_bytes_get_data (shard, NULL) + offset, length);
  return block;
}

/* The next record comes, or the end if none is left. */
void
fake_stream_go_on (PmssStream * stream, gboolean damaged)
{
  const PmssStreamRange *range = &stream->range;
  guint32 row = stream->row;

  if (stream->cancelled != NULL) {
    fake_stream_end (stream, g_error_copy (stream->cancelled));
    return;
  }
  if (damaged) {
    g_autoptr (GError) error =
        g_error_new (PMSS_ERROR, PMSS_ERROR_CORRUPT, "damaged");

    stream->funcs->damaged (stream, row, error, stream->user_data);
  } else {
    GBytes *shard = fake_streams.shard (range->geometry.extent, range->index,
        fake_streams.user_data);

    if (shard == NULL) {
      fake_stream_end (stream, new_not_found ());
      return;
    }
    stream->funcs->record (stream, row, new_record (stream, shard),
        stream->user_data);
  }
  stream->row++;
  if (stream->row == range->first_row + range->n_rows)
    fake_stream_end (stream, NULL);
}

gboolean
fake_stream_is_cancelled (PmssStream * stream)
{
  return stream->cancelled != NULL;
}
