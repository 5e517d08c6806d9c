/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of tokens under a lock. Any thread. */
#include "control/accounts/known-tokens.h"

#include <string.h>

#define MAX_TOKENS 4096

typedef struct
{
  guint8 hash[PMSS_SECRET_HASH_SIZE];   /* first: the key */
  PmssUser *user;
  gint64 generation;
  gint64 expires;
  gint64 used, written;         /* seconds since 1970 */
} Entry;

struct _PmssKnownTokens
{
  GMutex lock;                  /* protects entries */
  GHashTable *entries;          /* Entry, its own key */
};

/* A hash is as good as random. */
static guint
hash_entry (gconstpointer entry)
{
  guint value;

  memcpy (&value, entry, sizeof value);
  return value;
}

static gboolean
equal_entries (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, PMSS_SECRET_HASH_SIZE) == 0;
}

static void
free_entry (gpointer data)
{
  Entry *entry = data;

  pmss_user_free (entry->user);
  g_free (entry);
}

static PmssUser *
copy_user (const PmssUser * user)
{
  PmssUser *copy = g_new (PmssUser, 1);

  *copy = *user;
  copy->name = g_strdup (user->name);
  return copy;
}

PmssKnownTokens *
pmss_known_tokens_new (void)
{
  PmssKnownTokens *self = g_new0 (PmssKnownTokens, 1);

  g_mutex_init (&self->lock);
  self->entries = g_hash_table_new_full (hash_entry, equal_entries, NULL,
      free_entry);
  return self;
}

void
pmss_known_tokens_free (PmssKnownTokens * self)
{
  g_hash_table_unref (self->entries);
  g_mutex_clear (&self->lock);
  g_free (self);
}

PmssUser *
pmss_known_tokens_find (PmssKnownTokens * self,
    const guint8 hash[PMSS_SECRET_HASH_SIZE], gint64 generation, gint64 now)
{
  PmssUser *user = NULL;
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, hash);
  if (entry != NULL && generation > 0 && entry->generation == generation
      && entry->expires > now) {
    entry->used = now;
    user = copy_user (entry->user);
  }
  g_mutex_unlock (&self->lock);
  return user;
}

void
pmss_known_tokens_add (PmssKnownTokens * self,
    const guint8 hash[PMSS_SECRET_HASH_SIZE], const PmssUser * user,
    gint64 generation, gint64 expires, gint64 now)
{
  Entry *entry = g_new0 (Entry, 1);

  memcpy (entry->hash, hash, sizeof entry->hash);
  entry->user = copy_user (user);
  entry->generation = generation;
  entry->expires = expires;
  entry->used = now;
  g_mutex_lock (&self->lock);
  /* those that are used come back by themselves */
  if (g_hash_table_size (self->entries) >= MAX_TOKENS)
    g_hash_table_remove_all (self->entries);
  g_hash_table_add (self->entries, entry);
  g_mutex_unlock (&self->lock);
}

gint64
pmss_known_tokens_get_used (PmssKnownTokens * self,
    const guint8 hash[PMSS_SECRET_HASH_SIZE])
{
  gint64 used = 0;
  const Entry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, hash);
  if (entry != NULL)
    used = entry->used;
  g_mutex_unlock (&self->lock);
  return used;
}

GArray *
pmss_known_tokens_take_uses (PmssKnownTokens * self)
{
  GArray *uses = g_array_new (FALSE, FALSE, sizeof (PmssTokenUse));
  GHashTableIter iter;
  gpointer key;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    Entry *entry = key;
    PmssTokenUse use = {.used = entry->used };

    if (entry->used == entry->written)
      continue;
    entry->written = entry->used;
    memcpy (use.hash, entry->hash, sizeof (use.hash));
    g_array_append_val (uses, use);
  }
  g_mutex_unlock (&self->lock);
  return uses;
}
