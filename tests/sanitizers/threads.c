/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "glib-tsan.h"

/* A pool's function, wrapped. It lives as long as the process. */
typedef struct
{
  GFunc function;
  gpointer data;
} PoolCall;

static void
pool_call (gpointer item, gpointer data)
{
  PoolCall *call = data;

  acquire (item);
  call->function (item, call->data);
  release (call);
}

static PoolCall *
pool_call_new (GFunc function, gpointer data)
{
  PoolCall *call = g_new0 (PoolCall, 1);

  call->function = function;
  call->data = data;
  return call;
}

GThreadPool *
g_thread_pool_new (GFunc function, gpointer data, gint max_threads,
    gboolean exclusive, GError ** error)
{
  return REAL (g_thread_pool_new) (pool_call, pool_call_new (function, data),
      max_threads, exclusive, error);
}

GThreadPool *
g_thread_pool_new_full (GFunc function, gpointer data,
    GDestroyNotify free_item, gint max_threads, gboolean exclusive,
    GError ** error)
{
  return REAL (g_thread_pool_new_full) (pool_call,
      pool_call_new (function, data), free_item, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool * pool, gpointer item, GError ** error)
{
  release (item);
  return REAL (g_thread_pool_push) (pool, item, error);
}

void
g_thread_pool_free (GThreadPool * pool, gboolean immediate, gboolean wait)
{
  gpointer call = pool->user_data;

  REAL (g_thread_pool_free) (pool, immediate, wait);
  if (wait)
    acquire (call);
}

#define PUSHES(name) \
  void name (GAsyncQueue *queue, gpointer item) \
  { \
    release (queue); \
    REAL (name) (queue, item); \
  }
#define POPS(name) \
  gpointer name (GAsyncQueue *queue) \
  { \
    gpointer item = REAL (name) (queue); \
    acquire (queue); \
    return item; \
  }

/* *INDENT-OFF* */
PUSHES (g_async_queue_push)
PUSHES (g_async_queue_push_front)
POPS (g_async_queue_pop)
POPS (g_async_queue_try_pop)
/* *INDENT-ON* */

gpointer
g_async_queue_timeout_pop (GAsyncQueue * queue, guint64 timeout)
{
  gpointer item = REAL (g_async_queue_timeout_pop) (queue, timeout);

  acquire (queue);
  return item;
}

/* Dropping a queue, as any other reference. */
void
g_async_queue_unref (GAsyncQueue * queue)
{
  release (queue);
  acquire (queue);
  REAL (g_async_queue_unref) (queue);
}
