/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* race good|bad WAY: two threads write to the same memory. In the good case
 * GLib orders them in the way named, in the bad case only time does. */

#include <gio/gio.h>
#include <string.h>

typedef struct
{
  gboolean good;
  int *shared;                  /* what is raced for */
  int done;                     /* atomic, relaxed: time, but no order */
  GMutex mutex;
  GCond cond;
  GRWLock rw_lock;
  GAsyncQueue *queue;
  GMainContext *context;
  GMainContext *other_context;
} Case;

/* Without an order that ThreadSanitizer could see. */
static void
say_done (Case * c)
{
  __atomic_store_n (&c->done, 1, __ATOMIC_RELAXED);
}

static void
wait_done (Case * c)
{
  while (!__atomic_load_n (&c->done, __ATOMIC_RELAXED))
    g_thread_yield ();
}

/* --- GMutex; bad: each thread has one of its own --- */

static gpointer
mutex_thread (gpointer data)
{
  static GMutex another;
  Case *c = data;
  GMutex *mutex = c->good ? &c->mutex : &another;

  g_mutex_lock (mutex);
  *c->shared += 1;
  g_mutex_unlock (mutex);
  say_done (c);
  return NULL;
}

static void
mutex_main (Case * c)
{
  wait_done (c);
  g_mutex_lock (&c->mutex);
  *c->shared += 1;
  g_mutex_unlock (&c->mutex);
}

/* --- GCond; bad: written after the lock was given back --- */

static gpointer
cond_thread (gpointer data)
{
  Case *c = data;

  g_mutex_lock (&c->mutex);
  if (c->good)
    *c->shared += 1;
  say_done (c);
  g_cond_signal (&c->cond);
  g_mutex_unlock (&c->mutex);
  if (!c->good)
    *c->shared += 1;
  return NULL;
}

static void
cond_main (Case * c)
{
  g_mutex_lock (&c->mutex);
  while (!c->done)
    g_cond_wait (&c->cond, &c->mutex);
  *c->shared += 1;
  g_mutex_unlock (&c->mutex);
}

/* --- GRWLock; bad: written under the lock for reading --- */

static gpointer
rw_lock_thread (gpointer data)
{
  Case *c = data;

  if (c->good) {
    g_rw_lock_writer_lock (&c->rw_lock);
    *c->shared += 1;
    g_rw_lock_writer_unlock (&c->rw_lock);
  } else {
    g_rw_lock_reader_lock (&c->rw_lock);
    *c->shared += 1;
    g_rw_lock_reader_unlock (&c->rw_lock);
  }
  say_done (c);
  return NULL;
}

static void
rw_lock_main (Case * c)
{
  wait_done (c);
  g_rw_lock_reader_lock (&c->rw_lock);
  g_assert_cmpint (*c->shared, ==, 1);
  g_rw_lock_reader_unlock (&c->rw_lock);
}

/* --- GAsyncQueue; bad: written after pushing --- */

static gpointer
queue_thread (gpointer data)
{
  Case *c = data;

  if (c->good)
    *c->shared += 1;
  g_async_queue_push (c->queue, c);
  if (!c->good)
    *c->shared += 1;
  return NULL;
}

static void
queue_main (Case * c)
{
  g_assert_true (g_async_queue_pop (c->queue) == c);
  *c->shared += 1;
}

/* --- GMainContext; bad: the source is attached to another one --- */

static gboolean
on_source (gpointer data)
{
  say_done (data);
  return G_SOURCE_REMOVE;
}

static gpointer
source_thread (gpointer data)
{
  Case *c = data;
  g_autoptr (GSource) source = g_idle_source_new ();

  *c->shared += 1;
  g_source_set_callback (source, on_source, c, NULL);
  g_source_attach (source, c->good ? c->context : c->other_context);
  if (!c->good)
    say_done (c);
  return NULL;
}

static void
source_main (Case * c)
{
  while (!__atomic_load_n (&c->done, __ATOMIC_RELAXED))
    g_main_context_iteration (c->context, FALSE);
  *c->shared += 1;
}

/* --- GThreadPool; bad: written after pushing --- */

static void
pool_item (gpointer item, gpointer data)
{
  Case *c = item;

  *c->shared += 1;
  say_done (c);
}

static gpointer
pool_thread (gpointer data)
{
  Case *c = data;
  GThreadPool *pool = g_thread_pool_new (pool_item, NULL, 1, TRUE, NULL);

  if (c->good)
    *c->shared += 1;
  g_thread_pool_push (pool, c, NULL);
  if (!c->good) {
    wait_done (c);
    *c->shared += 1;
  }
  g_thread_pool_free (pool, FALSE, TRUE);
  return NULL;
}

/* --- GObject; bad: the last writing comes after the reference went --- */

static void
object_gone (gpointer data)
{
  Case *c = data;

  *c->shared += 1;
}

static gpointer
object_thread (gpointer data)
{
  Case *c = data;
  GObject *object = g_async_queue_pop (c->queue);

  if (c->good)
    *c->shared += 1;
  g_object_unref (object);
  say_done (c);
  if (!c->good)
    *c->shared += 1;
  return NULL;
}

static void
object_main (Case * c)
{
  GObject *object = g_object_new (G_TYPE_OBJECT, NULL);

  g_object_set_data_full (object, "case", c, object_gone);
  g_async_queue_push (c->queue, g_object_ref (object));
  wait_done (c);
  g_object_unref (object);
}

/* --- g_free(); bad: of what another thread has written, unordered --- */

static gpointer
free_thread (gpointer data)
{
  Case *c = data;

  g_mutex_lock (&c->mutex);
  *c->shared += 1;
  say_done (c);
  g_mutex_unlock (&c->mutex);
  return NULL;
}

static void
free_main (Case * c)
{
  wait_done (c);
  if (c->good)
    g_mutex_lock (&c->mutex);
  g_clear_pointer (&c->shared, g_free);
  if (c->good)
    g_mutex_unlock (&c->mutex);
}

static const struct
{
  const char *name;
  GThreadFunc thread;
  void (*main) (Case * c);
} ways[] = {
  {"mutex", mutex_thread, mutex_main},
  {"cond", cond_thread, cond_main},
  {"rw-lock", rw_lock_thread, rw_lock_main},
  {"queue", queue_thread, queue_main},
  {"source", source_thread, source_main},
  {"pool", pool_thread, wait_done},
  {"object", object_thread, object_main},
  {"free", free_thread, free_main},
};

int
main (int argc, char **argv)
{
  Case c = { 0, };
  GThread *thread;

  g_assert_cmpint (argc, ==, 3);
  c.good = g_str_equal (argv[1], "good");
  c.shared = g_new0 (int, 1);
  c.queue = g_async_queue_new ();
  c.context = g_main_context_new ();
  c.other_context = g_main_context_new ();
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    if (g_str_equal (ways[i].name, argv[2])) {
      thread = g_thread_new ("race", ways[i].thread, &c);
      ways[i].main (&c);
      g_thread_join (thread);
      return 0;
    }
  g_assert_not_reached ();
}
