/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tells ThreadSanitizer about GLib.
 *
 * Debian's GLib is not built with ThreadSanitizer and its locks are futexes of
 * its own, so TSan sees neither that a GMutex was taken nor that a source
 * attached in one thread is dispatched in another, and reports races where
 * there are none. This library is preloaded into the tests of a TSan build.
 * Each of its functions stands before GLib's own of the same name and adds the
 * "happens before" that the real one gives, no more:
 *
 * - locks.c: GMutex, GRecMutex, GRWLock, GCond, once.
 * - references.c: dropping a reference comes before freeing; first use of a
 *   class; GWeakRef, GCancellable; g_free() of our code counts as an access.
 * - main-context.c: what went before a source was made ready comes before the
 *   dispatch of sources of that context. An edge a context, which is what its
 *   lock gives.
 * - threads.c: GThreadPool, an edge an item; GAsyncQueue, an edge a queue.
 * - sockets.c: what is sent comes before what is done with it.
 *
 * GLib calls its own functions directly, not through this library: so only the
 * edges of calls between libraries are seen, and what the libraries do among
 * themselves is left out by tests/suppressions/tsan.supp.
 *
 * In a process without TSan (Python that starts servers) all only call on.
 */

#pragma once

#define _GNU_SOURCE
#include <dlfcn.h>

/* GLib's headers define some of these as macros. */
#define GLIB_DISABLE_DEPRECATION_WARNINGS
#include <gio/gio.h>

void __tsan_acquire (void *address) __attribute__((weak));
void __tsan_release (void *address) __attribute__((weak));
void AnnotateIgnoreWritesBegin (const char *, int) __attribute__((weak));
void AnnotateIgnoreWritesEnd (const char *, int) __attribute__((weak));

/* Numbers made pointers are no addresses: a fundamental GType, for one. */
#define IS_ADDRESS(pointer) ((gsize) (pointer) >= 4096)

/* What this thread does from now on comes after what others released. */
static inline void
acquire (gconstpointer address)
{
  if (__tsan_acquire && IS_ADDRESS (address))
    __tsan_acquire ((void *) address);
}

/* What this thread has done comes before what those do who acquire later. */
static inline void
release (gconstpointer address)
{
  if (__tsan_release && IS_ADDRESS (address))
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
