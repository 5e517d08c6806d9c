/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units that readers of one version have in common. */
#include <string.h>

#include "libpmss/reader/pmss-cache.h"

#define UNIT 4096
#define THREADS 4
#define TURNS 20000
#define PLACES 8

typedef struct
{
  PmssCacheKey key;
  PmssCache *cache;
  PmssBlockPool *pool;
} Fixture;

static void
set_up (Fixture * f)
{
  memset (&f->key, 0, sizeof f->key);
  pmss_version_id_generate (&f->key.version);
  f->key.unit = 4096;
  f->key.redundancy.k = 2;
  f->cache = pmss_cache_new ();
  f->pool = pmss_block_pool_new (UNIT);
}

static void
tear_down (Fixture * f)
{
  pmss_cache_free (f->cache);
  pmss_block_pool_free (f->pool);
}

/* A unit is had as long as one reader holds it, whichever asked for it. */
static void
test_held (void)
{
  Fixture f;
  PmssCached *first, *second;
  PmssBlock *block, *taken;

  set_up (&f);
  first = pmss_cache_join (f.cache, &f.key);
  g_assert_false (pmss_cached_is_shared (first));
  second = pmss_cache_join (f.cache, &f.key);
  g_assert_true (first == second);
  g_assert_true (pmss_cached_is_shared (first));
  block = pmss_block_pool_take (f.pool);
  g_assert_null (pmss_cached_take (second, 7, 3));
  pmss_cached_add (first, 7, 3, block);
  g_assert_null (pmss_cached_take (second, 7, 2));
  g_assert_null (pmss_cached_take (second, 3, 7));
  taken = pmss_cached_take (second, 7, 3);
  g_assert_true (taken == block);
  pmss_cached_add (second, 7, 3, taken);
  pmss_cached_remove (first, 7, 3, block);
  pmss_block_unref (block);
  pmss_cached_leave (first);
  g_assert_false (pmss_cached_is_shared (second));
  taken = pmss_cached_take (second, 7, 3);
  g_assert_true (taken == block);
  pmss_block_unref (taken);
  pmss_cached_remove (second, 7, 3, taken);
  pmss_block_unref (taken);
  g_assert_null (pmss_cached_take (second, 7, 3));
  pmss_cached_leave (second);
  tear_down (&f);
}

/* Of two that came at once, one is had, until nobody has it any more. */
static void
test_twice (void)
{
  Fixture f;
  PmssCached *cached;
  PmssBlock *blocks[2];

  set_up (&f);
  cached = pmss_cache_join (f.cache, &f.key);
  g_assert_cmpuint (pmss_block_pool_take_adjacent (f.pool, blocks, 2), ==, 2);
  pmss_cached_add (cached, 0, 0, blocks[0]);
  pmss_cached_add (cached, 0, 0, blocks[1]);
  pmss_cached_remove (cached, 0, 0, blocks[1]);
  pmss_block_unref (blocks[1]);
  blocks[1] = pmss_cached_take (cached, 0, 0);
  g_assert_true (blocks[1] == blocks[0]);
  pmss_block_unref (blocks[1]);
  pmss_cached_remove (cached, 0, 0, blocks[0]);
  pmss_block_unref (blocks[0]);
  g_assert_null (pmss_cached_take (cached, 0, 0));
  pmss_cached_leave (cached);
  tear_down (&f);
}

/* Other versions have other units, and so have other cuts of one version. */
static void
test_versions (void)
{
  Fixture f;
  PmssCacheKey others[6];
  PmssCached *cached;
  PmssBlock *block;

  set_up (&f);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    others[i] = f.key;
  pmss_version_id_generate (&others[0].version);
  others[1].redundancy.k++;
  others[2].redundancy.m++;
  others[3].unit *= 2;
  others[4].extent_size++;
  others[5].size++;
  cached = pmss_cache_join (f.cache, &f.key);
  block = pmss_block_pool_take (f.pool);
  pmss_cached_add (cached, 0, 0, block);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    PmssCached *other = pmss_cache_join (f.cache, &others[i]);

    g_assert_false (pmss_cached_is_shared (cached));
    g_assert_null (pmss_cached_take (other, 0, 0));
    pmss_cached_leave (other);
  }
  pmss_cached_remove (cached, 0, 0, block);
  pmss_block_unref (block);
  pmss_cached_leave (cached);
  tear_down (&f);
}

static void
test_asked (void)
{
  Fixture f;
  PmssCached *cached;

  set_up (&f);
  cached = pmss_cache_join (f.cache, &f.key);
  pmss_cached_ask (cached, 1, 2);
  pmss_cached_ask (cached, 1, 2);
  g_assert_true (pmss_cached_is_asked (cached, 1, 2));
  g_assert_false (pmss_cached_is_asked (cached, 2, 1));
  g_assert_null (pmss_cached_take (cached, 1, 2));
  pmss_cached_unask (cached, 1, 2);
  g_assert_true (pmss_cached_is_asked (cached, 1, 2));
  pmss_cached_unask (cached, 1, 2);
  g_assert_false (pmss_cached_is_asked (cached, 1, 2));
  pmss_cached_leave (cached);
  tear_down (&f);
}

/* Takes what there is, or brings it; lets it go after a while. */
static gpointer
read_about (gpointer data)
{
  Fixture *f = data;
  PmssCached *cached = pmss_cache_join (f->cache, &f->key);
  PmssBlock *held[PLACES] = { NULL };

  for (guint i = 0; i < TURNS; i++) {
    guint place = g_random_int_range (0, PLACES);

    if (held[place] != NULL) {
      g_assert_cmpuint (pmss_block_get_unit (held[place])[0], ==, place);
      pmss_cached_remove (cached, place, 0, held[place]);
      g_clear_pointer (&held[place], pmss_block_unref);
      continue;
    }
    held[place] = pmss_cached_take (cached, place, 0);
    if (held[place] == NULL) {
      held[place] = pmss_block_pool_take (f->pool);
      pmss_block_get_unit (held[place])[0] = place;
    }
    pmss_cached_add (cached, place, 0, held[place]);
  }
  for (guint i = 0; i < PLACES; i++) {
    if (held[i] == NULL)
      continue;
    pmss_cached_remove (cached, i, 0, held[i]);
    pmss_block_unref (held[i]);
  }
  pmss_cached_leave (cached);
  return NULL;
}

static void
test_threads (void)
{
  Fixture f;
  GThread *threads[THREADS];

  set_up (&f);
  for (guint i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("reader", read_about, &f);
  for (guint i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cache/held", test_held);
  g_test_add_func ("/cache/twice", test_twice);
  g_test_add_func ("/cache/versions", test_versions);
  g_test_add_func ("/cache/asked", test_asked);
  g_test_add_func ("/cache/threads", test_threads);
  return g_test_run ();
}
