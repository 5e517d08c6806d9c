/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pool that handlers run on. */
#include "httpd/pmss-http-pool.h"

#define THREADS 4

typedef struct
{
  PmssHttpPool *pool;
  GMutex lock;
  GCond changed;
  guint done;
  guint running;
  guint most;                   /* of them at once */
  guint held;                   /* items that wait for `release` */
  gboolean release;
  GThread *last;
} Fixture;

/* What an item has a thread do. */
enum
{ PASS = 1, HOLD };

static void
hold_locked (Fixture * f)
{
  f->held++;
  g_cond_broadcast (&f->changed);
  while (!f->release)
    g_cond_wait (&f->changed, &f->lock);
  f->held--;
}

static void
work (gpointer item, gpointer data)
{
  Fixture *f = data;

  g_mutex_lock (&f->lock);
  f->running++;
  f->most = MAX (f->most, f->running);
  if (GPOINTER_TO_UINT (item) == HOLD)
    hold_locked (f);
  f->running--;
  f->done++;
  f->last = g_thread_self ();
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static Fixture *
fixture_new (void)
{
  Fixture *f = g_new0 (Fixture, 1);

  g_mutex_init (&f->lock);
  g_cond_init (&f->changed);
  f->pool = pmss_http_pool_new ("test", THREADS, work, f);
  return f;
}

static void
fixture_free (Fixture * f)
{
  g_clear_pointer (&f->pool, pmss_http_pool_free);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->changed);
  g_free (f);
}

/* *INDENT-OFF* */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)
/* *INDENT-ON* */

static void
push (Fixture * f, guint item)
{
  pmss_http_pool_push (f->pool, GUINT_TO_POINTER (item));
}

static void
await (Fixture * f, const guint * figure, guint wanted)
{
  g_mutex_lock (&f->lock);
  while (*figure != wanted)
    g_cond_wait (&f->changed, &f->lock);
  g_mutex_unlock (&f->lock);
}

static void
release (Fixture * f)
{
  g_mutex_lock (&f->lock);
  f->release = TRUE;
  g_cond_broadcast (&f->changed);
  g_mutex_unlock (&f->lock);
}

static void
test_all_done (void)
{
  g_autoptr (Fixture) f = fixture_new ();

  for (guint i = 0; i < 10000; i++)
    push (f, PASS);
  g_clear_pointer (&f->pool, pmss_http_pool_free);
  g_assert_cmpuint (f->done, ==, 10000);
  g_assert_cmpuint (f->most, <=, THREADS);
}

/* No more than there are threads, and the rest waits. */
static void
test_bound (void)
{
  g_autoptr (Fixture) f = fixture_new ();

  for (guint i = 0; i < THREADS; i++)
    push (f, HOLD);
  await (f, &f->held, THREADS);
  g_assert_false (pmss_http_pool_is_behind (f->pool));
  push (f, PASS);
  g_assert_true (pmss_http_pool_is_behind (f->pool));
  release (f);
  await (f, &f->done, THREADS + 1);
  g_assert_false (pmss_http_pool_is_behind (f->pool));
  g_assert_cmpuint (f->most, ==, THREADS);
}

/* One after the other is for one thread, however many there are. On a busy
 * machine it may not be idle again yet. */
static void
test_last_one_first (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  GThread *last = NULL;
  guint in_a_row = 0;

  for (guint i = 0; i < THREADS; i++)
    push (f, HOLD);
  await (f, &f->held, THREADS);
  release (f);
  await (f, &f->done, THREADS);
  for (guint i = 1; in_a_row < 10; i++) {
    g_usleep (1000);
    push (f, PASS);
    await (f, &f->done, THREADS + i);
    in_a_row = f->last == last ? in_a_row + 1 : 0;
    last = f->last;
  }
}

static gpointer
push_many (gpointer data)
{
  for (guint i = 0; i < 5000; i++)
    push (data, PASS);
  return NULL;
}

static void
test_many_pushers (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  GThread *pushers[3];

  for (guint i = 0; i < G_N_ELEMENTS (pushers); i++)
    pushers[i] = g_thread_new ("pusher", push_many, f);
  for (guint i = 0; i < G_N_ELEMENTS (pushers); i++)
    g_thread_join (pushers[i]);
  await (f, &f->done, 5000 * G_N_ELEMENTS (pushers));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-pool/all-done", test_all_done);
  g_test_add_func ("/http-pool/bound", test_bound);
  g_test_add_func ("/http-pool/last-one-first", test_last_one_first);
  g_test_add_func ("/http-pool/many-pushers", test_many_pushers);
  return g_test_run ();
}
