/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "libpmss/format/pmss-layout.h"

G_BEGIN_DECLS

/**
 * PmssWriter:
 *
 * Stripes a stream on to nodes. It cuts the stream into extents, encodes them, stores every shard
 * on its node in parallel, and reports each durable extent.
 *
 * Threads: its calls block, and one worker thread at a time uses it. Inside its calls it runs a
 * main context of its own, which is the thread's default meanwhile, in the callbacks too. It starts
 * no thread. Between the calls nothing moves, and nodes cut a body that does not move for about 10
 * s. A caller that pauses for longer drops the writer, and goes on later with a new one from the
 * extent after the last durable one. Memory: at most three extents in flight, 3 x (1 + m/k) x
 * extent size, and one extent being filled. write() blocks beyond that.
 *
 * Failure: when a connection breaks, the writer sends the shard to the same node once more. When a
 * node does not take a shard, for any reason, it offers the shard to another node (`replace`). It
 * offers an extent to each node once, and to 2n nodes in all. An error of a callback, the end of
 * these tries, and cancellation end the writer: every later call fails with the same error.
 * Cancellation takes effect at once (G_IO_ERROR_CANCELLED). Other errors are PMSS_ERRORs. The last
 * unref gives up the requests in flight. Then shards of extents that were not reported durable may
 * or may not exist.
 */
#define PMSS_TYPE_WRITER (pmss_writer_get_type ())
G_DECLARE_FINAL_TYPE (PmssWriter, pmss_writer, PMSS, WRITER, GObject)

typedef struct
{
  /* Chooses n nodes for @extent and commits that choice: from here on the shards may exist. Called
   * in extent order, in the thread of write() or finish(). Fills @nodes with n nodes (shallow
   * copies; strings stay valid as long as the writer). */
  gboolean (*place)   (guint32 extent, PmssNode *nodes, gpointer user_data, GError **error);
  /* Node @failed did not take @shard of @extent (@reason says why): chooses and commits another one
   * that holds no shard of this extent. */
  gboolean (*replace) (guint32 extent, guint shard, const PmssNode *failed, const GError *reason,
    PmssNode *node, gpointer user_data, GError **error);
  /* A fresh capability token that allows writing @shard to @node, for the next request. Free with
   * g_free. */
  char *   (*token)   (const PmssNode *node, const char *shard, gpointer user_data);
  /* All n shards of @extent are durable. Called in extent order; returning FALSE ends the
   * writing. */
  gboolean (*durable) (guint32 extent, gpointer user_data, GError **error);
} PmssWriterFuncs;

/* @first_extent: the extent at which a resumed job goes on. The caller then writes from its first
 * byte.
 * @size: bytes of the whole version; writing more or finishing with less is PMSS_ERROR_INVALID and
 * takes nothing. Numbers out of limits: every call fails with PMSS_ERROR_INVALID. @funcs is copied;
 * the callbacks are called in the thread of write() and finish(), and must not use the writer. */
PmssWriter *pmss_writer_new    (const PmssVersionId *version, guint64 size,
    PmssRedundancy redundancy, guint32 unit, guint32 extent_size, guint32 first_extent,
    const PmssWriterFuncs *funcs, gpointer user_data);
/* Properties: "timeout" (uint, seconds without progress, default 15), "tls-database". */
gboolean    pmss_writer_write  (PmssWriter *writer, const void *data, gsize length,
    GCancellable *cancellable, GError **error);
/* Waits until everything is durable. */
gboolean    pmss_writer_finish (PmssWriter *writer, GCancellable *cancellable, GError **error);

G_END_DECLS
