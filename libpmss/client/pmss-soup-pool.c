/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SoupSessions for an object that many threads call. Any thread. */

#include "pmss-soup-pool.h"

/* A session that nobody has used for so long goes when the next one is made, µs. */
#define KEEP (30 * G_USEC_PER_SEC)

typedef struct
{
  GMainContext *context;
  SoupSession *session;
  guint users;
  gint64 last_use;
} Entry;

struct _PmssSoupPool
{
  PmssSoupPoolMake make;
  gpointer user_data;
  GMutex lock;                  /* protects what follows */
  GPtrArray *entries;           /* of Entry; a few */
  GQueue contexts;              /* of GMainContext: free ones for blocking calls */
};

PmssSoupPool *
pmss_soup_pool_new (PmssSoupPoolMake make, gpointer user_data)
{
  PmssSoupPool *pool = g_new0 (PmssSoupPool, 1);

  pool->make = make;
  pool->user_data = user_data;
  g_mutex_init (&pool->lock);
  pool->entries = g_ptr_array_new ();
  g_queue_init (&pool->contexts);
  return pool;
}

static gboolean
drop_session (gpointer session)
{
  soup_session_abort (session);
  return G_SOURCE_REMOVE;
}

/* A session has to go where its sources run: here, if nobody runs its context, else in the thread that does. */
static void
entry_free (Entry * entry)
{
  if (g_main_context_acquire (entry->context)) {
    g_main_context_push_thread_default (entry->context);
    soup_session_abort (entry->session);
    g_clear_object (&entry->session);
    g_main_context_pop_thread_default (entry->context);
    g_main_context_release (entry->context);
  } else {
    g_main_context_invoke_full (entry->context, G_PRIORITY_DEFAULT,
        drop_session, g_steal_pointer (&entry->session), g_object_unref);
  }
  g_main_context_unref (entry->context);
  g_free (entry);
}

void
pmss_soup_pool_free (PmssSoupPool * pool)
{
  for (guint i = 0; i < pool->entries->len; i++)
    entry_free (g_ptr_array_index (pool->entries, i));
  g_ptr_array_unref (pool->entries);
  g_queue_clear_full (&pool->contexts, (GDestroyNotify) g_main_context_unref);
  g_mutex_clear (&pool->lock);
  g_free (pool);
}

static Entry *
find_entry (PmssSoupPool * pool, GMainContext * context)
{
  for (guint i = 0; i < pool->entries->len; i++) {
    Entry *entry = g_ptr_array_index (pool->entries, i);

    if (entry->context == context)
      return entry;
  }
  return NULL;
}

/* Takes out of the pool what belongs to contexts that are done, as far as that can be known. */
static GPtrArray *
steal_stale (PmssSoupPool * pool)
{
  GPtrArray *stale = g_ptr_array_new_with_free_func
      ((GDestroyNotify) entry_free);
  gint64 oldest = g_get_monotonic_time () - KEEP;

  for (guint i = pool->entries->len; i-- > 0;) {
    Entry *entry = g_ptr_array_index (pool->entries, i);

    if (entry->users == 0 && entry->last_use < oldest)
      g_ptr_array_add (stale, g_ptr_array_remove_index_fast (pool->entries, i));
  }
  return stale;
}

SoupSession *
pmss_soup_pool_take (PmssSoupPool * pool, gboolean * keeps)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GPtrArray) stale = NULL;
  SoupSession *session;
  Entry *entry;

  g_mutex_lock (&pool->lock);
  entry = find_entry (pool, context);
  if (entry == NULL) {
    stale = steal_stale (pool);
    entry = g_new0 (Entry, 1);
    entry->context = g_main_context_ref (context);
    entry->session = pool->make (pool->user_data);
    g_ptr_array_add (pool->entries, entry);
  }
  /* who keeps a connection was one of so many when it began, so that no more are ever kept */
  *keeps = entry->users < PMSS_SOUP_POOL_KEPT;
  entry->users++;
  session = entry->session;
  g_mutex_unlock (&pool->lock);
  return session;
}

void
pmss_soup_pool_give (PmssSoupPool * pool, SoupSession * session)
{
  g_mutex_lock (&pool->lock);
  for (guint i = 0; i < pool->entries->len; i++) {
    Entry *entry = g_ptr_array_index (pool->entries, i);

    if (entry->session == session) {
      entry->users--;
      entry->last_use = g_get_monotonic_time ();
    }
  }
  g_mutex_unlock (&pool->lock);
}

GMainContext *
pmss_soup_pool_enter (PmssSoupPool * pool)
{
  GMainContext *context;

  g_mutex_lock (&pool->lock);
  context = g_queue_pop_head (&pool->contexts);
  g_mutex_unlock (&pool->lock);
  if (context == NULL)
    context = g_main_context_new ();
  g_main_context_push_thread_default (context);
  return context;
}

/* The one that was used last goes out first: its connection is the freshest. */
void
pmss_soup_pool_leave (PmssSoupPool * pool, GMainContext * context)
{
  g_main_context_pop_thread_default (context);
  g_mutex_lock (&pool->lock);
  g_queue_push_head (&pool->contexts, context);
  g_mutex_unlock (&pool->lock);
}
