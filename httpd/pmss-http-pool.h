/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssHttpPool:
 *
 * A bounded pool of threads. It hands an item to the thread that was busy last: that one has its
 * stack and its memory at hand. Each thread is woken by a semaphore of its own, and for nothing but
 * an item. GThreadPool wakes them in turn, and they meet at the lock of its queue.
 *
 * Makes its threads when there is work, and lets them go after 15 s without. Where the system gives
 * no thread, items wait for those that there are. Owns the threads. Any thread may push.
 */
typedef struct _PmssHttpPool PmssHttpPool;
typedef void (*PmssHttpPoolFunc) (gpointer item, gpointer data);

PmssHttpPool *pmss_http_pool_new  (const char *name, guint max_threads, PmssHttpPoolFunc func,
    gpointer data);
/* All that was pushed is done first. */
void          pmss_http_pool_free (PmssHttpPool *pool);
void          pmss_http_pool_push (PmssHttpPool *pool, gpointer item);
/* Whether items wait for a thread. */
gboolean      pmss_http_pool_is_behind (PmssHttpPool *pool);

G_END_DECLS
