/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/**
 * PmssSoupPool:
 *
 * SoupSessions for an object that is called from many threads. libsoup 3.2 lets several threads
 * send over one session. But its timers then touch the connections of one thread from the context
 * of another. Here a session belongs to one main context and keeps that context's idle connections.
 * It keeps at most PMSS_SOUP_POOL_KEPT of them, however many requests there were at once: a request
 * that may not keep its connection says "Connection: close".
 * Private to libpmss.
 *
 * Threads: all functions may be called from any thread. The owner frees the pool when all sessions
 * have been given back.
 */
typedef struct _PmssSoupPool PmssSoupPool;

/* Connections that a session keeps between requests. A reader has one that its renewals use. */
#define PMSS_SOUP_POOL_KEPT 2

typedef SoupSession *(*PmssSoupPoolMake) (gpointer user_data);

PmssSoupPool *pmss_soup_pool_new   (PmssSoupPoolMake make, gpointer user_data);
void          pmss_soup_pool_free  (PmssSoupPool *pool);

/* The session of the calling thread's default main context, to be given back in that context when
 * the request is over. @keeps: (out): whether the request may keep its connection, provided that
 * it can use one that is kept. */
SoupSession  *pmss_soup_pool_take  (PmssSoupPool *pool, gboolean *keeps);
void          pmss_soup_pool_give  (PmssSoupPool *pool, SoupSession *session);

/* A context of its own for the blocking call that now begins, made the thread's default until
 * leave. */
GMainContext *pmss_soup_pool_enter (PmssSoupPool *pool);
void          pmss_soup_pool_leave (PmssSoupPool *pool, GMainContext *context);

G_END_DECLS
