/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shards that are left alone for a while. Called under the reader's lock. */
#include "libpmss/reader/pmss-bad-shards.h"

#define FIRST_PAUSE (1 * G_TIME_SPAN_SECOND)
#define MAX_PAUSE (60 * G_TIME_SPAN_SECOND)
#define FIRST_URGENT (100 * G_TIME_SPAN_MILLISECOND)
#define MAX_URGENT (300 * G_TIME_SPAN_MILLISECOND)
#define MAX_SHIFT 16
/* The consumer has gone elsewhere. */
#define FORGET_AFTER (3600 * G_TIME_SPAN_SECOND)

typedef struct
{
  guint32 extent;
  guint tries;
  gboolean due;
  gint64 noted_at;              /* monotonic, */
  gint64 retry_at;              /* when it is asked for again, */
  gint64 urgent_retry_at;       /* and where somebody waits */
} BadShard;

struct _PmssBadShards
{
  GHashTable *table;            /* shard_key() -> BadShard */
  gint64 next, next_urgent;     /* no pause is over before */
};

static gpointer
shard_key (guint32 extent, guint index)
{
  return GSIZE_TO_POINTER (((gsize) extent << 5 | index) + 1);
}

static BadShard *
find (PmssBadShards * self, guint32 extent, guint index)
{
  return g_hash_table_lookup (self->table, shard_key (extent, index));
}

PmssBadShards *
pmss_bad_shards_new (void)
{
  PmssBadShards *self = g_new0 (PmssBadShards, 1);

  self->table = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->next = self->next_urgent = G_MAXINT64;
  return self;
}

void
pmss_bad_shards_free (PmssBadShards * self)
{
  g_hash_table_unref (self->table);
  g_free (self);
}

static gint64
get_pause (guint tries, gint64 first, gint64 most)
{
  return MIN (first << MIN (tries - 1, MAX_SHIFT), most);
}

static void
expect (PmssBadShards * self, const BadShard * shard)
{
  self->next = MIN (self->next, shard->retry_at);
  self->next_urgent = MIN (self->next_urgent, shard->urgent_retry_at);
}

void
pmss_bad_shards_note (PmssBadShards * self, guint32 extent, guint index,
    gint64 now)
{
  BadShard *shard = find (self, extent, index);

  /* Several requests were under way: they say the same once. */
  if (shard != NULL && !shard->due)
    return;
  if (shard == NULL) {
    shard = g_new0 (BadShard, 1);
    shard->extent = extent;
    g_hash_table_insert (self->table, shard_key (extent, index), shard);
  }
  shard->tries++;
  shard->due = FALSE;
  shard->noted_at = now;
  shard->retry_at = now + get_pause (shard->tries, FIRST_PAUSE, MAX_PAUSE);
  shard->urgent_retry_at =
      now + get_pause (shard->tries, FIRST_URGENT, MAX_URGENT);
  expect (self, shard);
}

gboolean
pmss_bad_shards_forget (PmssBadShards * self, guint32 extent, guint index,
    gint64 began)
{
  BadShard *shard = find (self, extent, index);

  return shard != NULL && began > shard->noted_at
      && g_hash_table_remove (self->table, shard_key (extent, index));
}

void
pmss_bad_shards_release (PmssBadShards * self, gint64 now, gboolean urgent)
{
  GHashTableIter iter;
  gpointer value;

  if (now < (urgent ? self->next_urgent : self->next))
    return;
  self->next = self->next_urgent = G_MAXINT64;
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    BadShard *shard = value;

    if (now - shard->noted_at >= FORGET_AFTER) {
      g_hash_table_iter_remove (&iter);
      continue;
    }
    if (shard->due)
      continue;
    shard->due = now >= (urgent ? shard->urgent_retry_at : shard->retry_at);
    if (!shard->due)
      expect (self, shard);
  }
}

void
pmss_bad_shards_hurry (PmssBadShards * self, guint32 extent)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    BadShard *shard = value;

    if (shard->extent != extent || shard->due)
      continue;
    shard->retry_at = shard->urgent_retry_at = 0;
    expect (self, shard);
  }
}

gboolean
pmss_bad_shards_is_bad (PmssBadShards * self, guint32 extent, guint index)
{
  BadShard *shard = find (self, extent, index);

  return shard != NULL && !shard->due;
}

guint
pmss_bad_shards_get_tries (PmssBadShards * self, guint32 extent, guint index)
{
  BadShard *shard = find (self, extent, index);

  return shard != NULL ? shard->tries : 0;
}

gint64
pmss_bad_shards_get_retry (PmssBadShards * self, guint32 extent, guint index)
{
  BadShard *shard = find (self, extent, index);

  return shard != NULL && !shard->due ? shard->urgent_retry_at : G_MAXINT64;
}
