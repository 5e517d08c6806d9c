/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads of the pool, and what they wait for. */
#define _GNU_SOURCE             /* sem_clockwait() */
#include "pmss-http-pool.h"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

#define IDLE_SECONDS 15

/* A thread of the pool. */
typedef struct
{
  PmssHttpPool *pool;
  GThread *thread;
  sem_t wake;
  GList node;                   /* in `idle`, or in `ended` */
  gboolean is_idle;
  gpointer item;                /* that it is woken for; NULL: to end */
} Worker;

struct _PmssHttpPool
{
  char *name;
  guint max_threads;
  PmssHttpPoolFunc func;
  gpointer data;

  GMutex lock;                  /* protects the rest, and the workers' items */
  GQueue items;                 /* that wait for a thread */
  GQueue idle;                  /* of Worker: the last one to become so is the first */
  GQueue ended;                 /* of Worker, which are to be joined */
  guint n_threads;              /* that have not ended */
  gboolean stopping;
  GCond gone;                   /* n_threads is 0 */
};

static void
end_worker_locked (Worker * worker)
{
  PmssHttpPool *pool = worker->pool;

  g_queue_push_tail_link (&pool->ended, &worker->node);
  if (--pool->n_threads == 0)
    g_cond_signal (&pool->gone);
}

/* FALSE: for too long there was nothing to do. */
static gboolean
sleep_until_woken (Worker * worker)
{
  struct timespec until;
  int code;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_sec += IDLE_SECONDS;
  do
    code = sem_clockwait (&worker->wake, CLOCK_MONOTONIC, &until);
  while (code != 0 && errno == EINTR);
  return code == 0;
}

/* With the lock held, which it gives up meanwhile. NULL: it is to end. */
static gpointer
await_item_locked (Worker * worker)
{
  PmssHttpPool *pool = worker->pool;
  gboolean woken;

  worker->item = NULL;
  worker->is_idle = TRUE;
  g_queue_push_head_link (&pool->idle, &worker->node);
  g_mutex_unlock (&pool->lock);
  woken = sleep_until_woken (worker);
  g_mutex_lock (&pool->lock);
  if (worker->is_idle)
    g_queue_unlink (&pool->idle, &worker->node);
  else if (!woken)
    /* at this very moment */
    while (sem_wait (&worker->wake) != 0);
  worker->is_idle = FALSE;
  return worker->item;
}

/* NULL: it has ended. */
static gpointer
next_item (Worker * worker)
{
  PmssHttpPool *pool = worker->pool;
  gpointer item;

  g_mutex_lock (&pool->lock);
  item = g_queue_pop_head (&pool->items);
  if (item == NULL && !pool->stopping)
    item = await_item_locked (worker);
  if (item == NULL)
    end_worker_locked (worker);
  g_mutex_unlock (&pool->lock);
  return item;
}

static gpointer
run (gpointer data)
{
  Worker *worker = data;
  gpointer item;

  while ((item = next_item (worker)) != NULL)
    worker->pool->func (item, worker->pool->data);
  return NULL;
}

/* --- who has work --- */

static void
join_ended_locked (PmssHttpPool * pool)
{
  GList *node;

  while ((node = g_queue_pop_head_link (&pool->ended)) != NULL) {
    Worker *worker = node->data;

    g_thread_join (worker->thread);
    sem_destroy (&worker->wake);
    g_free (worker);
  }
}

/* It waits for the lock. Where there is no thread, items wait for others. */
static void
begin_worker_locked (PmssHttpPool * pool)
{
  Worker *worker = g_new0 (Worker, 1);

  join_ended_locked (pool);
  worker->pool = pool;
  worker->node.data = worker;
  sem_init (&worker->wake, FALSE, 0);
  worker->thread = g_thread_try_new (pool->name, run, worker, NULL);
  if (worker->thread) {
    pool->n_threads++;
    return;
  }
  sem_destroy (&worker->wake);
  g_free (worker);
}

static Worker *
wake_one_locked (PmssHttpPool * pool, gpointer item)
{
  GList *node = g_queue_pop_head_link (&pool->idle);
  Worker *worker = node != NULL ? node->data : NULL;

  if (worker == NULL)
    return NULL;
  worker->is_idle = FALSE;
  worker->item = item;
  return worker;
}

void
pmss_http_pool_push (PmssHttpPool * pool, gpointer item)
{
  Worker *worker;

  g_mutex_lock (&pool->lock);
  worker = wake_one_locked (pool, item);
  if (worker == NULL)
    g_queue_push_tail (&pool->items, item);
  if (worker == NULL && pool->n_threads < pool->max_threads)
    begin_worker_locked (pool);
  g_mutex_unlock (&pool->lock);
  if (worker != NULL)
    sem_post (&worker->wake);
}

gboolean
pmss_http_pool_is_behind (PmssHttpPool * pool)
{
  gboolean behind;

  g_mutex_lock (&pool->lock);
  behind = pool->items.length > 0;
  g_mutex_unlock (&pool->lock);
  return behind;
}

PmssHttpPool *
pmss_http_pool_new (const char *name, guint max_threads, PmssHttpPoolFunc func,
    gpointer data)
{
  PmssHttpPool *pool = g_new0 (PmssHttpPool, 1);

  pool->name = g_strdup (name);
  pool->max_threads = max_threads;
  pool->func = func;
  pool->data = data;
  g_mutex_init (&pool->lock);
  g_queue_init (&pool->items);
  g_queue_init (&pool->idle);
  g_queue_init (&pool->ended);
  g_cond_init (&pool->gone);
  return pool;
}

void
pmss_http_pool_free (PmssHttpPool * pool)
{
  Worker *worker;
  gpointer item;

  g_mutex_lock (&pool->lock);
  pool->stopping = TRUE;
  while ((worker = wake_one_locked (pool, NULL)) != NULL)
    sem_post (&worker->wake);
  while (pool->n_threads > 0)
    g_cond_wait (&pool->gone, &pool->lock);
  join_ended_locked (pool);
  g_mutex_unlock (&pool->lock);
  /* there was no thread for them */
  while ((item = g_queue_pop_head (&pool->items)) != NULL)
    pool->func (item, pool->data);
  g_mutex_clear (&pool->lock);
  g_cond_clear (&pool->gone);
  g_free (pool->name);
  g_free (pool);
}
