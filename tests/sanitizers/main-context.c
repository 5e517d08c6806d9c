/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "glib-tsan.h"

#include <poll.h>
#include <pthread.h>

static GMainContext *
or_default (GMainContext * context)
{
  return context != NULL ? context : g_main_context_default ();
}

static void
release_source (GSource * source)
{
  GMainContext *context = g_source_get_context (source);

  if (context != NULL)
    release (context);
}

/* --- Functions of sources, wrapped --- */

typedef struct
{
  GSourceFuncs funcs;           /* what GLib calls; first */
  const GSourceFuncs *real;
} Wrapper;

static Wrapper wrappers[128];
static guint n_wrappers;
static pthread_mutex_t wrappers_lock = PTHREAD_MUTEX_INITIALIZER;

static const GSourceFuncs *
enter (GSource * source)
{
  acquire (or_default (g_source_get_context (source)));
  return ((Wrapper *) source->source_funcs)->real;
}

/* GLib drops its reference to the source next, under the context's lock. */
static gboolean
leave (GSource * source, gboolean result)
{
  release (source);
  return result;
}

static gboolean
wrapped_prepare (GSource * source, gint * timeout)
{
  return leave (source, enter (source)->prepare (source, timeout));
}

static gboolean
wrapped_check (GSource * source)
{
  return leave (source, enter (source)->check (source));
}

static gboolean
wrapped_dispatch (GSource * source, GSourceFunc callback, gpointer data)
{
  GMainContext *context = or_default (g_source_get_context (source));
  gboolean more = enter (source)->dispatch (source, callback, data);

  /* the callback's data may be freed next, because another thread destroyed
   * the source meanwhile */
  acquire (context);
  return leave (source, more);
}

/* The last reference has gone, whosever it was. */
static void
wrapped_finalize (GSource * source)
{
  acquire (source);
  ((Wrapper *) source->source_funcs)->real->finalize (source);
}

static void
wrap_init (Wrapper * wrapper, const GSourceFuncs * real)
{
  wrapper->real = real;
  wrapper->funcs = *real;
  wrapper->funcs.dispatch = wrapped_dispatch;
  if (real->prepare != NULL)
    wrapper->funcs.prepare = wrapped_prepare;
  if (real->check != NULL)
    wrapper->funcs.check = wrapped_check;
  if (real->finalize != NULL)
    wrapper->funcs.finalize = wrapped_finalize;
}

/* Sources of the same kind share a wrapper, which lives as long as the
 * process. GLib knows its child watches and signals by their functions. */
static void
wrap (GSource * source)
{
  const GSourceFuncs *real = source->source_funcs;
  guint i;

  if (real == &g_child_watch_funcs || real == &g_unix_signal_funcs
      || real->dispatch == NULL || real->dispatch == wrapped_dispatch)
    return;
  pthread_mutex_lock (&wrappers_lock);
  for (i = 0; i < n_wrappers && wrappers[i].real != real; i++);
  if (i == n_wrappers && i < G_N_ELEMENTS (wrappers))
    wrap_init (&wrappers[n_wrappers++], real);
  pthread_mutex_unlock (&wrappers_lock);
  g_assert (i < G_N_ELEMENTS (wrappers));
  source->source_funcs = &wrappers[i].funcs;
}

/* --- Making sources ready --- */

guint
g_source_attach (GSource * source, GMainContext * context)
{
  if (__tsan_acquire)
    wrap (source);
  release (or_default (context));
  return REAL (g_source_attach) (source, context);
}

void
g_source_set_ready_time (GSource * source, gint64 ready_time)
{
  release_source (source);
  REAL (g_source_set_ready_time) (source, ready_time);
}

void
g_source_set_callback (GSource * source, GSourceFunc function, gpointer data,
    GDestroyNotify notify)
{
  release_source (source);
  REAL (g_source_set_callback) (source, function, data, notify);
}

void
g_source_destroy (GSource * source)
{
  release_source (source);
  REAL (g_source_destroy) (source);
}

gboolean
g_source_remove (guint id)
{
  release (g_main_context_default ());
  return REAL (g_source_remove) (id);
}

/* The following are GLib's own few lines, because in GLib they do not call the
 * function above. */

static guint
attach (GSource * source, int priority, GSourceFunc function, gpointer data,
    GDestroyNotify notify)
{
  guint id;

  g_source_set_priority (source, priority);
  g_source_set_callback (source, function, data, notify);
  id = g_source_attach (source, NULL);
  g_source_unref (source);
  return id;
}

guint
g_idle_add_full (gint priority, GSourceFunc function, gpointer data,
    GDestroyNotify notify)
{
  return attach (g_idle_source_new (), priority, function, data, notify);
}

guint
g_idle_add (GSourceFunc function, gpointer data)
{
  return g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, function, data, NULL);
}

guint
g_timeout_add_full (gint priority, guint interval, GSourceFunc function,
    gpointer data, GDestroyNotify notify)
{
  return attach (g_timeout_source_new (interval), priority, function, data,
      notify);
}

guint
g_timeout_add (guint interval, GSourceFunc function, gpointer data)
{
  return g_timeout_add_full (G_PRIORITY_DEFAULT, interval, function, data,
      NULL);
}

guint
g_timeout_add_seconds_full (gint priority, guint interval,
    GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  return attach (g_timeout_source_new_seconds (interval), priority, function,
      data, notify);
}

guint
g_timeout_add_seconds (guint interval, GSourceFunc function, gpointer data)
{
  return g_timeout_add_seconds_full (G_PRIORITY_DEFAULT, interval, function,
      data, NULL);
}

/* --- Calling in another context --- */

typedef struct
{
  GSourceFunc function;
  gpointer data;
  GDestroyNotify notify;
} Invocation;

static gboolean
invocation_call (gpointer data)
{
  Invocation *invocation = data;

  acquire (invocation);
  return invocation->function (invocation->data);
}

static void
invocation_free (gpointer data)
{
  Invocation *invocation = data;

  if (invocation->notify != NULL)
    invocation->notify (invocation->data);
  g_free (invocation);
}

void
g_main_context_invoke_full (GMainContext * context, gint priority,
    GSourceFunc function, gpointer data, GDestroyNotify notify)
{
  Invocation *invocation = g_new0 (Invocation, 1);

  invocation->function = function;
  invocation->data = data;
  invocation->notify = notify;
  release (invocation);
  REAL (g_main_context_invoke_full) (context, priority, invocation_call,
      invocation, invocation_free);
}

void
g_main_context_invoke (GMainContext * context, GSourceFunc function,
    gpointer data)
{
  g_main_context_invoke_full (context, G_PRIORITY_DEFAULT, function, data,
      NULL);
}

/* --- Iterating --- */

void
g_main_context_wakeup (GMainContext * context)
{
  release (or_default (context));
  REAL (g_main_context_wakeup) (context);
}

gboolean
g_main_context_iteration (GMainContext * context, gboolean may_block)
{
  gboolean dispatched = REAL (g_main_context_iteration) (context, may_block);

  acquire (or_default (context));
  return dispatched;
}

void
g_main_loop_quit (GMainLoop * loop)
{
  release (loop);
  REAL (g_main_loop_quit) (loop);
}

void
g_main_loop_run (GMainLoop * loop)
{
  REAL (g_main_loop_run) (loop);
  acquire (loop);
}

/* No edge: a signal that comes while GLib waits has to be handled at once,
 * and not after the wait, as TSan does in libraries that it leaves out. */
int
poll (struct pollfd *fds, nfds_t n, int timeout)
{
  return REAL (poll) (fds, n, timeout);
}

int
ppoll (struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t * mask)
{
  return REAL (ppoll) (fds, n, timeout, mask);
}
