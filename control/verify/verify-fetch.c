/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shards of one extent, read from their nodes. On the job's thread. */
#include "control/verify/verify-extent.h"

#include <string.h>

#include "libpmss/pmss-error.h"

#define MAX_TRIES 64            /* for one shard: then the rest of it counts as unreadable */

typedef struct
{
  PmssVerifyExtent *extent;
  struct
  {
    gboolean pending;
    gsize before;               /* bytes when it was last asked for */
    guint tries, strikes;       /* strikes: without a byte more, one after the other */
  } shards[PMSS_MAX_SHARDS];
} Fetch;

void
pmss_verify_extent_init (PmssVerifyExtent * extent,
    const PmssExtentGeometry * geometry, const guint * nodes)
{
  *extent = (PmssVerifyExtent) {
  .geometry = *geometry};
  extent->n = geometry->redundancy.k + geometry->redundancy.m;
  for (guint i = 0; i < extent->n; i++)
    extent->shards[i].node = nodes[i];
}

void
pmss_verify_extent_clear (PmssVerifyExtent * extent)
{
  for (guint i = 0; i < extent->n; i++) {
    PmssVerifyShard *shard = &extent->shards[i];

    g_clear_pointer (&shard->bytes, g_byte_array_unref);
    g_clear_pointer (&shard->rows, g_array_unref);
    g_clear_pointer (&shard->reason, g_free);
  }
}

/* Zeros for what is left of the record that cannot be had: no record is made of zeros. */
static void
leave_out_record (const PmssExtentGeometry * geometry, guint index,
    GByteArray * bytes)
{
  guint64 first = pmss_extent_geometry_record_offset (geometry, 0);
  guint64 stride = pmss_extent_geometry_record_offset (geometry, 1) - first;
  gsize from = bytes->len, to = first;

  if (from >= first) {
    guint32 row = (guint32) ((from - first) / stride);

    to = pmss_extent_geometry_record_offset (geometry, row)
        + PMSS_RECORD_HEADER_SIZE
        + pmss_extent_geometry_unit_length (geometry, row, index);
  }
  g_byte_array_set_size (bytes, to);
  memset (bytes->data + from, 0, to - from);
}

static void
end_shard (Fetch * fetch, guint index, PmssLook look, const GError * error)
{
  PmssVerifyShard *shard = &fetch->extent->shards[index];

  fetch->shards[index].pending = FALSE;
  shard->look = look;
  if (error != NULL && !shard->reason)
    shard->reason = g_strdup (error->message);
}

/* The node had begun to answer, and broke off: its disk, or its own end. */
static void
go_on_behind (Fetch * fetch, guint index, const GError * error)
{
  PmssVerifyShard *shard = &fetch->extent->shards[index];
  const PmssExtentGeometry *geometry = &fetch->extent->geometry;
  gboolean refused = g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FAILED);

  if (shard->bytes->len > fetch->shards[index].before)
    fetch->shards[index].strikes = 0;
  else
    fetch->shards[index].strikes++;
  /* What was under way when it broke off may be lost: asked for once more, it begins with what cannot be had. */
  if (fetch->shards[index].strikes >= (refused ? 1 : 2)) {
    fetch->shards[index].strikes = 0;
    shard->unreadable = TRUE;
    leave_out_record (geometry, index, shard->bytes);
    if (!shard->reason)
      shard->reason = g_strdup (error->message);
  }
  if (++fetch->shards[index].tries == MAX_TRIES)
    shard->unreadable = TRUE;
  if (fetch->shards[index].tries == MAX_TRIES
      || shard->bytes->len >= pmss_extent_geometry_shard_size (geometry, index))
    end_shard (fetch, index, PMSS_LOOK_READ, error);
}

static void
on_got (guint node, const char *name, guint tag, const GError * error,
    gpointer user_data)
{
  Fetch *fetch = user_data;
  PmssVerifyShard *shard = &fetch->extent->shards[tag];

  fetch->extent->read += shard->bytes->len - fetch->shards[tag].before;
  if (error == NULL) {
    end_shard (fetch, tag, PMSS_LOOK_READ, NULL);
  } else if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND)) {
    end_shard (fetch, tag, PMSS_LOOK_MISSING, error);
  } else if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_CORRUPT)) {
    shard->too_long = TRUE;
    end_shard (fetch, tag, PMSS_LOOK_READ, error);
  } else if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_FAILED)
      || (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
          && pmss_error_get_details (error)->http_status != 0)) {
    go_on_behind (fetch, tag, error);
  } else {
    end_shard (fetch, tag, PMSS_LOOK_AWAY, error);
  }
}

/* Whether there was any. */
static gboolean
ask_for_pending (Fetch * fetch, PmssNodeCalls * calls)
{
  PmssVerifyExtent *extent = fetch->extent;
  gboolean any = FALSE;

  for (guint i = 0; i < extent->n; i++) {
    char name[PMSS_SHARD_NAME_SIZE];

    if (!fetch->shards[i].pending)
      continue;
    pmss_shard_name_write (&extent->geometry.version, extent->geometry.extent,
        i, name);
    fetch->shards[i].before = extent->shards[i].bytes->len;
    pmss_node_calls_get (calls, extent->shards[i].node, name,
        extent->shards[i].bytes,
        pmss_extent_geometry_shard_size (&extent->geometry, i), i);
    any = TRUE;
  }
  return any;
}

gboolean
pmss_verify_fetch (PmssVerifyExtent * extent, PmssNodeCalls * calls,
    GCancellable * cancellable, GError ** error)
{
  Fetch fetch = {.extent = extent };

  for (guint i = 0; i < extent->n; i++) {
    if (extent->shards[i].node == 0)
      continue;
    extent->shards[i].bytes =
        g_byte_array_sized_new (pmss_extent_geometry_shard_size
        (&extent->geometry, i));
    fetch.shards[i].pending = TRUE;
  }
  while (ask_for_pending (&fetch, calls))
    if (!pmss_node_calls_run (calls, on_got, &fetch, cancellable, error))
      return FALSE;
  return TRUE;
}
