/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <microhttpd.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/**
 * PmssHttpWorker:
 *
 * A libmicrohttpd with connections of its own, and the thread that runs it. The thread waits, and
 * libmicrohttpd never does. Where that waits by itself and exactly 128 sockets are ready, it waits
 * once more, with what they told in hand: up to 1.0.1 those 128 have no answer until another one
 * is ready.
 *
 * Threads: take() and wake() any, the others one.
 */
typedef struct _PmssHttpWorker PmssHttpWorker;

/* Of a connection that libmicrohttpd does not take, and whose descriptor it has closed. On the
 * worker's thread. */
typedef void (*PmssHttpRefused) (int fd, gpointer user_data);

/* Takes @daemon, which has no threads and leaves SIGPIPE to others: this thread blocks it. */
PmssHttpWorker *pmss_http_worker_start (struct MHD_Daemon *daemon, PmssHttpRefused refused,
    gpointer user_data, GError **error);
/* Whether it runs @daemon. */
gboolean        pmss_http_worker_runs  (const PmssHttpWorker *worker,
    const struct MHD_Daemon *daemon);
/* Looks at what other threads have done with its connections. libmicrohttpd would find that by
 * itself, but forgets up to 1.0.1 what it is told while it looks at its sockets. */
void            pmss_http_worker_wake  (PmssHttpWorker *worker);
/* Takes @fd. */
void            pmss_http_worker_take  (PmssHttpWorker *worker, int fd,
    const struct sockaddr *address, socklen_t length);
/* Joins the thread, and stops libmicrohttpd. */
void            pmss_http_worker_stop  (PmssHttpWorker *worker);

G_END_DECLS
