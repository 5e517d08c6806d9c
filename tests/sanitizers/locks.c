/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "glib-tsan.h"

#undef g_once_init_enter
#undef g_once_init_leave

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

/* *INDENT-OFF* */
TAKES (g_mutex_lock, GMutex)
TRIES (g_mutex_trylock, GMutex)
GIVES (g_mutex_unlock, GMutex)
TAKES (g_rec_mutex_lock, GRecMutex)
TRIES (g_rec_mutex_trylock, GRecMutex)
GIVES (g_rec_mutex_unlock, GRecMutex)
GIVES (g_rw_lock_writer_unlock, GRWLock)
TAKES (g_rw_lock_reader_lock, GRWLock)
TRIES (g_rw_lock_reader_trylock, GRWLock)
/* *INDENT-ON* */

/* Readers come before the next writer, but not before each other: they release
 * another address than the one they acquire, and writers acquire both. */
static gconstpointer
readers_of (GRWLock * lock)
{
  return (char *) lock + sizeof (gpointer);
}

void
g_rw_lock_writer_lock (GRWLock * lock)
{
  REAL (g_rw_lock_writer_lock) (lock);
  acquire (lock);
  acquire (readers_of (lock));
}

gboolean
g_rw_lock_writer_trylock (GRWLock * lock)
{
  gboolean taken = REAL (g_rw_lock_writer_trylock) (lock);

  if (taken) {
    acquire (lock);
    acquire (readers_of (lock));
  }
  return taken;
}

void
g_rw_lock_reader_unlock (GRWLock * lock)
{
  release (readers_of (lock));
  REAL (g_rw_lock_reader_unlock) (lock);
}

/* Whoever waits gives the lock back meanwhile; the edge is the lock's. */
void
g_cond_wait (GCond * cond, GMutex * mutex)
{
  release (mutex);
  REAL (g_cond_wait) (cond, mutex);
  acquire (mutex);
}

gboolean
g_cond_wait_until (GCond * cond, GMutex * mutex, gint64 end)
{
  gboolean signalled;

  release (mutex);
  signalled = REAL (g_cond_wait_until) (cond, mutex, end);
  acquire (mutex);
  return signalled;
}

gboolean
g_once_init_enter (volatile void *location)
{
  gboolean first = REAL (g_once_init_enter) (location);

  acquire ((gconstpointer) location);
  return first;
}

void
g_once_init_leave (volatile void *location, gsize result)
{
  release ((gconstpointer) location);
  REAL (g_once_init_leave) (location, result);
}

/* The function of a GOnce runs once: wrapped, for the edge after it. */
typedef struct
{
  GOnce *once;
  GThreadFunc func;
  gpointer arg;
} OnceCall;

static gpointer
once_call (gpointer data)
{
  OnceCall *call = data;
  gpointer result = call->func (call->arg);

  release (call->once);
  return result;
}

gpointer
g_once_impl (GOnce * once, GThreadFunc func, gpointer arg)
{
  OnceCall call = {.once = once,.func = func,.arg = arg };
  gpointer result = REAL (g_once_impl) (once, once_call, &call);

  acquire (once);
  return result;
}
