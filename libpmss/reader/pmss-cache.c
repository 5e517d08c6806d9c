/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units that readers of one version have in common. Any thread. */
#include "libpmss/reader/pmss-cache.h"

#include <string.h>

/* A unit's key is its row and its index in it. */
#define KEY_SHIFT 8
G_STATIC_ASSERT (PMSS_MAX_SHARDS <= 1 << KEY_SHIFT);

struct _PmssCache
{
  GMutex lock;                  /* protects everything of it */
  GHashTable *versions;         /* PmssCacheKey -> PmssCached */
};

struct _PmssCached
{
  PmssCache *cache;
  PmssCacheKey key;
  gint n_readers;               /* atomic; written with the lock held */
  GHashTable *units;            /* key -> Unit */
};

typedef struct
{
  guint64 key;
  PmssBlock *block;             /* (nullable); its holders have references */
  guint n_holders;              /* of this very block */
  guint n_asked;
} Unit;

static guint
hash_version (gconstpointer data)
{
  guint hash;

  /* random bits all of them */
  memcpy (&hash, ((const PmssCacheKey *) data)->version.bytes, sizeof hash);
  return hash;
}

static gboolean
equal_versions (gconstpointer a, gconstpointer b)
{
  const PmssCacheKey *one = a, *other = b;

  return pmss_version_id_equal (&one->version, &other->version)
      && one->redundancy.k == other->redundancy.k
      && one->redundancy.m == other->redundancy.m
      && one->unit == other->unit && one->extent_size == other->extent_size
      && one->size == other->size;
}

PmssCache *
pmss_cache_new (void)
{
  PmssCache *cache = g_new0 (PmssCache, 1);

  g_mutex_init (&cache->lock);
  cache->versions = g_hash_table_new (hash_version, equal_versions);
  return cache;
}

void
pmss_cache_free (PmssCache * cache)
{
  g_hash_table_unref (cache->versions);
  g_mutex_clear (&cache->lock);
  g_free (cache);
}

PmssCached *
pmss_cache_join (PmssCache * cache, const PmssCacheKey * key)
{
  PmssCached *cached;

  g_mutex_lock (&cache->lock);
  cached = g_hash_table_lookup (cache->versions, key);
  if (cached == NULL) {
    cached = g_new0 (PmssCached, 1);
    cached->cache = cache;
    cached->key = *key;
    cached->units = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
        g_free);
    g_hash_table_insert (cache->versions, &cached->key, cached);
  }
  g_atomic_int_inc (&cached->n_readers);
  g_mutex_unlock (&cache->lock);
  return cached;
}

void
pmss_cached_leave (PmssCached * cached)
{
  PmssCache *cache = cached->cache;

  g_mutex_lock (&cache->lock);
  if (g_atomic_int_dec_and_test (&cached->n_readers)) {
    g_hash_table_remove (cache->versions, &cached->key);
    g_hash_table_unref (cached->units);
    g_free (cached);
  }
  g_mutex_unlock (&cache->lock);
}

gboolean
pmss_cached_is_shared (PmssCached * cached)
{
  return g_atomic_int_get (&cached->n_readers) > 1;
}

/* Lock held. */
static Unit *
find (PmssCached * cached, guint64 row, guint index)
{
  guint64 key = row << KEY_SHIFT | index;

  return g_hash_table_lookup (cached->units, &key);
}

/* Lock held. */
static Unit *
ensure (PmssCached * cached, guint64 row, guint index)
{
  Unit *unit = find (cached, row, index);

  if (unit != NULL)
    return unit;
  unit = g_new0 (Unit, 1);
  unit->key = row << KEY_SHIFT | index;
  g_hash_table_insert (cached->units, &unit->key, unit);
  return unit;
}

/* Lock held. */
static void
drop_if_unused (PmssCached * cached, Unit * unit)
{
  if (unit->n_holders == 0 && unit->n_asked == 0)
    g_hash_table_remove (cached->units, &unit->key);
}

void
pmss_cached_add (PmssCached * cached, guint64 row, guint index,
    PmssBlock * block)
{
  Unit *unit;

  g_mutex_lock (&cached->cache->lock);
  unit = ensure (cached, row, index);
  if (unit->n_holders == 0)
    unit->block = block;
  /* two have asked for it: the later one keeps its own to itself */
  unit->n_holders += unit->block == block;
  g_mutex_unlock (&cached->cache->lock);
}

void
pmss_cached_remove (PmssCached * cached, guint64 row, guint index,
    PmssBlock * block)
{
  Unit *unit;

  g_mutex_lock (&cached->cache->lock);
  unit = find (cached, row, index);
  if (unit != NULL && unit->block == block) {
    if (--unit->n_holders == 0)
      unit->block = NULL;
    drop_if_unused (cached, unit);
  }
  g_mutex_unlock (&cached->cache->lock);
}

PmssBlock *
pmss_cached_take (PmssCached * cached, guint64 row, guint index)
{
  PmssBlock *block = NULL;
  Unit *unit;

  g_mutex_lock (&cached->cache->lock);
  unit = find (cached, row, index);
  if (unit != NULL && unit->block != NULL)
    block = pmss_block_ref (unit->block);
  g_mutex_unlock (&cached->cache->lock);
  return block;
}

void
pmss_cached_ask (PmssCached * cached, guint64 row, guint index)
{
  g_mutex_lock (&cached->cache->lock);
  ensure (cached, row, index)->n_asked++;
  g_mutex_unlock (&cached->cache->lock);
}

void
pmss_cached_unask (PmssCached * cached, guint64 row, guint index)
{
  Unit *unit;

  g_mutex_lock (&cached->cache->lock);
  unit = find (cached, row, index);
  unit->n_asked--;
  drop_if_unused (cached, unit);
  g_mutex_unlock (&cached->cache->lock);
}

gboolean
pmss_cached_is_asked (PmssCached * cached, guint64 row, guint index)
{
  gboolean is_asked;
  Unit *unit;

  g_mutex_lock (&cached->cache->lock);
  unit = find (cached, row, index);
  is_asked = unit != NULL && unit->n_asked > 0;
  g_mutex_unlock (&cached->cache->lock);
  return is_asked;
}
