/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/accounts.h"
#include "control/events/event.h"
#include "httpd/pmss-httpd.h"

G_BEGIN_DECLS

/**
 * PmssStreams:
 *
 * Those who hear of events live, as server-sent events: docs/protocol.md, Streams. A stream is an
 * answer that goes on, and holds no thread. The last events are remembered for those who come back.
 * Owned by #PmssEvents. Threads: any. Made at the start; its streams end before it.
 */
typedef struct _PmssStreams PmssStreams;
typedef struct _PmssStream PmssStream;

/* Events that are remembered. */
#define PMSS_STREAM_MEMORY 1024
/* Bytes that may wait for a client; one that is slower is cut. A whole memory fits. */
#define PMSS_STREAM_MAX_PENDING (1024 * 1024)
/* s, after which a client that hears nothing is told the present number. */
#define PMSS_STREAM_QUIET 30

PmssStreams *pmss_streams_new  (PmssAccounts *accounts, PmssDatabase *database);
void         pmss_streams_free (PmssStreams *streams);

/* Among the topics of a stream: what the cluster has to do, each second. It is no event, and only
 * administrators and operators may have it. */
#define PMSS_STREAM_LOAD (1u << PMSS_N_TOPICS)

/* @user hears of what it may see of @topics (bits), by @login, as long as that is good.
 * @nodes: (nullable) (transfer full) of guint: the storage servers of PMSS_STREAM_LOAD.
 * @last_id: (nullable) the last one that the client has heard. The user data of @feed may be
 * anything. pmss_streams_leave() takes the result, when the feed is over. */
PmssStream  *pmss_streams_join  (PmssStreams *streams, PmssHttpFeed *feed, const PmssUser *user,
    const char *login, guint topics, GArray *nodes, const char *last_id);
void         pmss_streams_leave (PmssStream *stream);

/* Tells those who may see it. */
void         pmss_streams_tell  (PmssStreams *streams, const PmssEvent *event);
/* The JSON of PMSS_STREAM_LOAD. @nodes: nullable. Called with no lock held. */
typedef GBytes *(*PmssLoadFunc) (const GArray *nodes, gpointer user_data);
/* Tells those who have that topic; it is not remembered, and has no number. */
void         pmss_streams_tell_load (PmssStreams *streams, PmssLoadFunc func, gpointer user_data);
/* Ends streams whose login has ended or whose user has another role, and tells quiet ones the
 * present number. Once a second; @now: monotonic. */
void         pmss_streams_tick  (PmssStreams *streams, gint64 now);
guint        pmss_streams_count (PmssStreams *streams);

G_END_DECLS
