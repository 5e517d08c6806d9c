/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "libpmss/client/pmss-client.h"

G_BEGIN_DECLS

/**
 * PmssReader:
 *
 * Reads one medium from its nodes in parallel. All readers of a client share its connections and
 * one I/O thread, which does all network work. A read that finds its unit in the cache never leaves
 * the caller's thread.
 *
 * Threads: any thread may call every function. At most one thread should read at a time: others are
 * served, but the read-ahead follows the last one. Signals are emitted in the I/O thread, with no
 * lock held. Their handlers must not wait, nor read from a reader of the same client: that thread
 * would wait for itself.
 *
 * Memory: cached and arriving units together take at most `cache-size` bytes. They take at least
 * two rows, and one for units that late nodes owe. Each read that waits while others are on their
 * way may take a row more. Units that the consumer still holds count no more once they have left
 * the cache. All readers of a client together take at most `max-memory`, but each at least two rows
 * and the parity of one. If that is not enough for all, it is shared out by pace. Readers that get
 * less than they would have alone have equally many seconds ahead. Readers of one version take
 * units from each other, and ask the nodes for each once; such a unit counts for each of them.
 */
#define PMSS_TYPE_READER (pmss_reader_get_type ())
G_DECLARE_FINAL_TYPE (PmssReader, pmss_reader, PMSS, READER, GObject)

/* @client: (transfer none): its I/O thread and connections are the reader's, too.
 *
 * Properties, set before open:
 *
 *  - "ticket" (string, %NULL): where a gateway reads for a viewer (docs/gateway.md), the id of the
 *    viewer's ticket. Sessions are opened by it
 *  - "session" (string, %NULL): id of the session to ask for first. Where another reader of the
 *    same user and medium holds it, that one is taken over
 *  - "bulk" (boolean, %FALSE): takes what is left over, and is promised no rate
 *  - "wait-for-admission" (uint64, ns, default 0: not at all, at most a day): how long the opening
 *    waits for a start, apart from `timeout`
 *  - "cache-size" (uint64, bytes, default 52 MiB)
 *  - "read-ahead" (uint64, bytes, default 48 MiB, at most cache-size less one row)
 *  - "read-ahead-time" (uint, seconds, default 10): a consumer that never has to wait gets no more
 *    ahead than it reads in this time, and 4 MiB. 0: no limit
 *  - "max-memory" (uint64, bytes, of all readers of the client together, 768 MiB at first). The
 *    reader that is opened last sets it for all. 0, the default: leaves it as it is
 *  - "max-connections" (uint, per node, default 2)
 *  - "max-extra" (uint, percent, default 5): the share of the units that may be asked for twice
 *  - "timeout" (uint, seconds without the wanted data until a read fails, default 15, 0: for ever)
 *  - "retries" (int, default 3, -1: for ever): how often control is asked again, and a node in
 *    trouble when no parity is left
 *  - "retry-backoff-factor" (double, s, default 0.0), "retry-backoff-max" (double, s, default 60.0)
 *
 * Signals:
 *
 *  - "node-lost" (guint node, const char *peer, GError *error): a node does not answer
 *  - "node-back" (guint node, const char *peer): it does again
 *  - "degraded" (guint missing, guint spare): how many nodes of this medium do not answer, and how
 *    many more may fail; only when it changes
 *  - "waiting" (gint64 start_in, gboolean granted, GError *refusal): the opening waits for a start,
 *    in @start_in ns, -1: not known. @granted: control keeps it, else it is likely then. @refusal:
 *    (nullable): why it cannot be now. Comes again with each of control's answers
 */
PmssReader *pmss_reader_new (PmssClient *client, const char *medium);

/* Gets session and layout. Where that failed it may be tried again: thread, login and connections
 * are kept. */
gboolean    pmss_reader_open        (PmssReader *reader, GCancellable *cancellable, GError **error);
void        pmss_reader_open_async  (PmssReader *reader, GCancellable *cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean    pmss_reader_open_finish (PmssReader *reader, GAsyncResult *result, GError **error);

/* 0 and NULL before it is open. A read then fails: with the reason why it could not be opened, or
 * G_IO_ERROR_NOT_INITIALIZED. The session is control's answer at the opening, and never changes. */
guint64     pmss_reader_get_size    (PmssReader *reader);
const PmssSession *pmss_reader_get_session (PmssReader *reader);

/* Whether it can be read: it is open, and its session goes on as far as it knows. */
gboolean    pmss_reader_is_good     (PmssReader *reader);
/* The token that nodes are shown now; NULL: it was never open. Free with g_free(). */
char       *pmss_reader_dup_token   (PmssReader *reader);
/* The caller has heard that the session has ended. The reader asks control at once. Where that is
 * so, reads fail from then on, those of cached bytes, too. */
void        pmss_reader_doubt_session (PmssReader *reader);

/* Up to @max bytes from @offset: at least one, never past the unit that holds @offset, shared with
 * the cache (not copied). At the end (@offset == size): an empty GBytes. PMSS_ERROR_RANGE beyond.
 * Blocks until the bytes are there, @cancellable is cancelled (returns at once) or `timeout` has
 * passed. */
GBytes     *pmss_reader_read        (PmssReader *reader, guint64 offset, gsize max,
    GCancellable *cancellable, GError **error);
void        pmss_reader_read_async  (PmssReader *reader, guint64 offset, gsize max,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
GBytes     *pmss_reader_read_finish (PmssReader *reader, GAsyncResult *result, GError **error);

/* The same without a wait; NULL: the bytes are not there. */
GBytes     *pmss_reader_try_read    (PmssReader *reader, guint64 offset, gsize max);

/* Cancels the requests in flight. The cache stays, and the next read starts again. Waiting reads
 * get their bytes first. */
void        pmss_reader_pause       (PmssReader *reader);
/* Ends everything and gives the session back. It waits for that four round trips to control, 300 ms
 * at least and 2 s at most. It waits for all requests to end, 6 s at most. Pending reads end with
 * G_IO_ERROR_CLOSED. Done by the last unref too. In a signal handler it returns at once.
 * Connections that are at rest stay with the client, for its other readers. */
void        pmss_reader_close       (PmssReader *reader);
/* The same without waiting. @callback: when nothing of the reader is under way any more; never an
 * error. */
void        pmss_reader_close_async (PmssReader *reader, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean    pmss_reader_close_finish (PmssReader *reader, GAsyncResult *result, GError **error);

/* a{sv}: bytes, units, requests, rebuilt, hedged, extra, late, errors, wasted (all t) and
 * cache-used (t). nodes is aa{sv}: each has node (u), peer (s), state (s), its counters, rate (t,
 * bit/s) and rtt (t, ns). */
GVariant   *pmss_reader_get_stats   (PmssReader *reader);

G_END_DECLS
