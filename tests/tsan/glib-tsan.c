/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tells ThreadSanitizer about GLib.
 *
 * Debian's GLib is not built with ThreadSanitizer, and its locks are futexes
 * of its own, so TSan sees neither that a GMutex was taken nor that a source
 * attached in one thread is dispatched in another, and reports races where
 * there are none. This library is preloaded into the tests of a TSan build.
 * Each of its functions stands before GLib's own of the same name and adds the
 * "happens before" that the real one gives.
 *
 * - Locks and once-initialisation: one edge a lock.
 * - Hand-over between threads (main context, thread pool, task, async queue,
 *   thread join by queue): coarse, one edge through `handover`, taken by poll(),
 *   which every main loop iteration calls, and by whatever pops. Coarse hides
 *   races between threads that also pass messages; locks are exact.
 * - The last unref happens after every other unref.
 *
 * In a process without TSan (a Python test that starts servers) it does
 * nothing but call on.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>

/* GLib's headers define some of these as macros. */
#define GLIB_DISABLE_DEPRECATION_WARNINGS
#include <gio/gio.h>

#undef g_once_init_enter
#undef g_once_init_leave

void __tsan_acquire (void *address) __attribute__((weak));
void __tsan_release (void *address) __attribute__((weak));

static char handover;

static void
acquire (gconstpointer address)
{
  if (__tsan_acquire)
    __tsan_acquire ((void *) address);
}

static void
release (gconstpointer address)
{
  if (__tsan_release)
    __tsan_release ((void *) address);
}

/* Looks up the real function once; threads that race here write the same. */
#define REAL(name) \
  ({ \
    static __typeof__ (&name) real; \
    __typeof__ (&name) found = __atomic_load_n (&real, __ATOMIC_RELAXED); \
    if (!found) { \
      found = (__typeof__ (&name)) dlsym (RTLD_NEXT, #name); \
      __atomic_store_n (&real, found, __ATOMIC_RELAXED); \
    } \
    found; \
  })

/* A function that takes, gives back or passes on, and returns nothing. */
#define TAKES(name, type) \
  void name (type *lock) { REAL (name) (lock); acquire (lock); }
#define GIVES(name, type) \
  void name (type *lock) { release (lock); REAL (name) (lock); }
#define TRIES(name, type) \
  gboolean name (type *lock) \
  { \
    gboolean taken = REAL (name) (lock); \
    if (taken) \
      acquire (lock); \
    return taken; \
  }
#define UNREFS(name, type) \
  void name (type object) \
  { \
    release (object); \
    acquire (object); \
    REAL (name) (object); \
  }

/* *INDENT-OFF* */
TAKES (g_mutex_lock, GMutex)
TRIES (g_mutex_trylock, GMutex)
GIVES (g_mutex_unlock, GMutex)
TAKES (g_rec_mutex_lock, GRecMutex)
TRIES (g_rec_mutex_trylock, GRecMutex)
GIVES (g_rec_mutex_unlock, GRecMutex)
TAKES (g_rw_lock_reader_lock, GRWLock)
TRIES (g_rw_lock_reader_trylock, GRWLock)
GIVES (g_rw_lock_reader_unlock, GRWLock)
TAKES (g_rw_lock_writer_lock, GRWLock)
TRIES (g_rw_lock_writer_trylock, GRWLock)
GIVES (g_rw_lock_writer_unlock, GRWLock)

UNREFS (g_object_unref, gpointer)
UNREFS (g_bytes_unref, GBytes *)
UNREFS (g_variant_unref, GVariant *)
UNREFS (g_hash_table_unref, GHashTable *)
UNREFS (g_ptr_array_unref, GPtrArray *)
UNREFS (g_source_unref, GSource *)
UNREFS (g_main_context_unref, GMainContext *)
UNREFS (g_main_loop_unref, GMainLoop *)
UNREFS (g_rc_box_release, gpointer)
UNREFS (g_atomic_rc_box_release, gpointer)
/* *INDENT-ON* */

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  release (mutex);
  REAL (g_cond_wait) (cond, mutex);
  acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end)
{
  gboolean signalled;

  release (mutex);
  signalled = REAL (g_cond_wait_until) (cond, mutex, end);
  acquire (mutex);
  return signalled;
}

gboolean (g_once_init_enter) (volatile void *location)
{
  gboolean first = REAL (g_once_init_enter) (location);

  acquire ((gconstpointer) location);
  return first;
}

void (g_once_init_leave) (volatile void *location, gsize result)
{
  release ((gconstpointer) location);
  REAL (g_once_init_leave) (location, result);
}

gpointer
g_once_impl (GOnce *once, GThreadFunc func, gpointer arg)
{
  gpointer result = REAL (g_once_impl) (once, func, arg);

  release (once);
  acquire (once);
  return result;
}

/* The main context. */

guint
g_source_attach (GSource *source, GMainContext *context)
{
  release (&handover);
  return REAL (g_source_attach) (source, context);
}

void
g_source_set_ready_time (GSource *source, gint64 ready_time)
{
  release (&handover);
  REAL (g_source_set_ready_time) (source, ready_time);
}

void
g_source_destroy (GSource *source)
{
  release (&handover);
  REAL (g_source_destroy) (source);
}

guint
g_idle_add_full (gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  release (&handover);
  return REAL (g_idle_add_full) (priority, function, data, notify);
}

guint
g_idle_add (GSourceFunc function, gpointer data)
{
  release (&handover);
  return REAL (g_idle_add) (function, data);
}

void
g_main_context_invoke (GMainContext *context, GSourceFunc function, gpointer data)
{
  release (&handover);
  REAL (g_main_context_invoke) (context, function, data);
}

void
g_main_context_invoke_full (GMainContext *context, gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  release (&handover);
  REAL (g_main_context_invoke_full) (context, priority, function, data, notify);
}

void
g_main_context_wakeup (GMainContext *context)
{
  release (&handover);
  REAL (g_main_context_wakeup) (context);
}

void
g_main_loop_quit (GMainLoop *loop)
{
  release (&handover);
  REAL (g_main_loop_quit) (loop);
}

void
g_main_loop_run (GMainLoop *loop)
{
  acquire (&handover);
  REAL (g_main_loop_run) (loop);
  acquire (&handover);
}

void
g_cancellable_cancel (GCancellable *cancellable)
{
  release (&handover);
  if (cancellable)
    release (cancellable);
  REAL (g_cancellable_cancel) (cancellable);
}

gboolean
g_cancellable_is_cancelled (GCancellable *cancellable)
{
  gboolean cancelled = REAL (g_cancellable_is_cancelled) (cancellable);

  if (cancelled)
    acquire (cancellable);
  return cancelled;
}

int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  int ready = REAL (poll) (fds, n, timeout);

  acquire (&handover);
  return ready;
}

int
ppoll (struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
  int ready = REAL (ppoll) (fds, n, timeout, mask);

  acquire (&handover);
  return ready;
}

/* Tasks, pools, queues. */

#define RETURNS(name, type) \
  void name (GTask *task, type value) \
  { \
    release (&handover); \
    REAL (name) (task, value); \
  }

/* *INDENT-OFF* */
RETURNS (g_task_return_boolean, gboolean)
RETURNS (g_task_return_int, gssize)
RETURNS (g_task_return_error, GError *)
/* *INDENT-ON* */

void
g_task_return_pointer (GTask *task, gpointer value, GDestroyNotify destroy)
{
  release (&handover);
  REAL (g_task_return_pointer) (task, value, destroy);
}

/* A task's thread function is called by GLib's own pool: it is wrapped, so
 * that what went before is seen by it. */
typedef struct {
  GTaskThreadFunc function;
  GDestroyNotify destroy;
  gpointer data;
} TaskCall;

static GQuark
task_call_quark (void)
{
  return g_quark_from_static_string ("glib-tsan-task-call");
}

static void
task_call (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  TaskCall *call;

  acquire (&handover);
  call = g_object_get_qdata (G_OBJECT (task), task_call_quark ());
  call->function (task, source, data, cancellable);
  release (&handover);
}

static void
task_wrap (GTask *task, GTaskThreadFunc function)
{
  TaskCall *call = g_new0 (TaskCall, 1);

  call->function = function;
  g_object_set_qdata_full (G_OBJECT (task), task_call_quark (), call, g_free);
  release (&handover);
}

void
g_task_run_in_thread (GTask *task, GTaskThreadFunc function)
{
  task_wrap (task, function);
  REAL (g_task_run_in_thread) (task, task_call);
}

void
g_task_run_in_thread_sync (GTask *task, GTaskThreadFunc function)
{
  task_wrap (task, function);
  REAL (g_task_run_in_thread_sync) (task, task_call);
  acquire (&handover);
}

typedef struct {
  GFunc function;
  gpointer data;
} PoolCall;

static void
pool_call (gpointer item, gpointer data)
{
  PoolCall *call = data;

  acquire (&handover);
  call->function (item, call->data);
  release (&handover);
}

GThreadPool *
g_thread_pool_new (GFunc function, gpointer data, gint max_threads, gboolean exclusive, GError **error)
{
  PoolCall *call = g_new0 (PoolCall, 1);

  call->function = function;
  call->data = data;
  release (&handover);
  return REAL (g_thread_pool_new) (pool_call, call, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer item, GError **error)
{
  release (&handover);
  return REAL (g_thread_pool_push) (pool, item, error);
}

void
g_thread_pool_free (GThreadPool *pool, gboolean immediate, gboolean wait)
{
  REAL (g_thread_pool_free) (pool, immediate, wait);
  acquire (&handover);
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
g_async_queue_timeout_pop (GAsyncQueue *queue, guint64 timeout)
{
  gpointer item = REAL (g_async_queue_timeout_pop) (queue, timeout);

  acquire (queue);
  return item;
}
