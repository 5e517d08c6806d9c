/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounds wrong logins. Any thread. */
#include "control/accounts/login-limit.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#define MAX_BUCKETS 10000
/* Stands for all names that find no room. Neither an address nor a user name can be empty. */
#define OVERFLOW_NAME ""

typedef struct
{
  double level;                 /* attempts that are left */
  gint64 when;                  /* @level was that then */
} Bucket;

typedef struct
{
  GHashTable *buckets;          /* name -> Bucket */
  double burst;
  double refill;                /* seconds for one attempt */
  gint64 swept;                 /* when full buckets were dropped last */
} Kind;

struct _PmssLoginLimit
{
  GMutex lock;                  /* protects all below */
  Kind address, user, pair;     /* of strangers */
  Kind known;                   /* pairs that logged in before */
  GHashTable *addresses;        /* user -> GQueue of char *: where that user logged in, the last one first */
};

static void
kind_init (Kind * kind, double burst, double refill)
{
  kind->buckets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  kind->burst = burst;
  kind->refill = refill;
  kind->swept = G_MININT64 / 2;
}

static void
free_queue (gpointer queue)
{
  g_queue_free_full (queue, g_free);
}

PmssLoginLimit *
pmss_login_limit_new (void)
{
  PmssLoginLimit *self = g_new0 (PmssLoginLimit, 1);

  g_mutex_init (&self->lock);
  kind_init (&self->address, PMSS_LOGIN_BURST_ADDRESS,
      PMSS_LOGIN_REFILL_ADDRESS);
  kind_init (&self->user, PMSS_LOGIN_BURST_USER, PMSS_LOGIN_REFILL_USER);
  kind_init (&self->pair, PMSS_LOGIN_BURST, PMSS_LOGIN_REFILL);
  kind_init (&self->known, PMSS_LOGIN_BURST, PMSS_LOGIN_REFILL);
  self->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_queue);
  return self;
}

void
pmss_login_limit_free (PmssLoginLimit * self)
{
  g_hash_table_unref (self->address.buckets);
  g_hash_table_unref (self->user.buckets);
  g_hash_table_unref (self->pair.buckets);
  g_hash_table_unref (self->known.buckets);
  g_hash_table_unref (self->addresses);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
refill (const Kind * kind, Bucket * bucket, gint64 now)
{
  double passed = (double) (now - bucket->when) / G_USEC_PER_SEC;

  bucket->level = MIN (kind->burst, bucket->level + passed / kind->refill);
  bucket->when = now;
}

/* A full bucket says no more than no bucket. None fills up in less than a second, so it is not looked for more often. */
static void
drop_full (Kind * kind, gint64 now)
{
  GHashTableIter iter;
  gpointer value;

  if (now - kind->swept < G_USEC_PER_SEC)
    return;
  kind->swept = now;
  g_hash_table_iter_init (&iter, kind->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    refill (kind, value, now);
    if (((Bucket *) value)->level >= kind->burst)
      g_hash_table_iter_remove (&iter);
  }
}

static Bucket *
get_bucket (Kind * kind, const char *name, gint64 now)
{
  Bucket *bucket = g_hash_table_lookup (kind->buckets, name);

  if (bucket == NULL && g_hash_table_size (kind->buckets) >= MAX_BUCKETS) {
    drop_full (kind, now);
    if (g_hash_table_size (kind->buckets) >= MAX_BUCKETS) {
      name = OVERFLOW_NAME;
      bucket = g_hash_table_lookup (kind->buckets, name);
    }
  }
  if (bucket == NULL) {
    bucket = g_new (Bucket, 1);
    bucket->level = kind->burst;
    bucket->when = now;
    g_hash_table_insert (kind->buckets, g_strdup (name), bucket);
  }
  refill (kind, bucket, now);
  return bucket;
}

/* Whoever has one IPv6 address has its whole /64. */
static char *
address_name (const char *address)
{
  g_autoptr (GInetAddress) parsed = g_inet_address_new_from_string (address);
  guint8 bytes[16];
  g_autoptr (GInetAddress) network = NULL;

  if (parsed == NULL
      || g_inet_address_get_family (parsed) != G_SOCKET_FAMILY_IPV6)
    return g_strdup (address);
  memcpy (bytes, g_inet_address_to_bytes (parsed), sizeof (bytes));
  memset (bytes + 8, 0, 8);
  network = g_inet_address_new_from_bytes (bytes, G_SOCKET_FAMILY_IPV6);
  return g_inet_address_to_string (network);
}

static guint
seconds_until_one (const Kind * kind, const Bucket * bucket)
{
  double missing = MAX (0., 1. - bucket->level);

  return (guint) ceil (missing * kind->refill);
}

/* Addresses */

static GList *
find_address_locked (PmssLoginLimit * self, const char *user,
    const char *network)
{
  GQueue *queue = g_hash_table_lookup (self->addresses, user);

  return queue == NULL ? NULL : g_queue_find_custom (queue, network,
      (GCompareFunc) strcmp);
}

static void
know_address_locked (PmssLoginLimit * self, const char *user,
    const char *network)
{
  GQueue *queue = g_hash_table_lookup (self->addresses, user);
  GList *link = find_address_locked (self, user, network);

  if (queue == NULL) {
    queue = g_queue_new ();
    g_hash_table_insert (self->addresses, g_strdup (user), queue);
  }
  if (link != NULL)
    g_queue_unlink (queue, link);
  else
    link = g_list_prepend (NULL, g_strdup (network));
  g_queue_push_head_link (queue, link);
  if (g_queue_get_length (queue) > PMSS_LOGIN_KNOWN_ADDRESSES)
    g_free (g_queue_pop_tail (queue));
}

/* What one attempt takes from. */
typedef struct
{
  const Kind *kind;
  Bucket *bucket;
} Part;

#define MAX_PARTS 3

static guint
list_parts_locked (PmssLoginLimit * self, const char *network,
    const char *user, gint64 now, Part parts[MAX_PARTS])
{
  /* no address has a space in it */
  g_autofree char *pair = g_strconcat (network, " ", user, NULL);

  if (find_address_locked (self, user, network) != NULL) {
    parts[0] = (Part) {
    &self->known, get_bucket (&self->known, pair, now)};
    return 1;
  }
  parts[0] = (Part) {
  &self->pair, get_bucket (&self->pair, pair, now)};
  parts[1] = (Part) {
  &self->address, get_bucket (&self->address, network, now)};
  parts[2] = (Part) {
  &self->user, get_bucket (&self->user, user, now)};
  return 3;
}

gboolean
pmss_login_limit_take (PmssLoginLimit * self, const char *address,
    const char *user, gint64 now, guint * retry_after)
{
  g_autofree char *network = address_name (address);
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  Part parts[MAX_PARTS];
  guint n = list_parts_locked (self, network, user, now, parts);
  guint wait = 0;

  for (guint i = 0; i < n; i++)
    wait = MAX (wait, seconds_until_one (parts[i].kind, parts[i].bucket));
  if (wait > 0) {
    *retry_after = wait;
    return FALSE;
  }
  for (guint i = 0; i < n; i++)
    parts[i].bucket->level -= 1;
  return TRUE;
}

static void
give_back_locked (PmssLoginLimit * self, const char *network, const char *user,
    gint64 now)
{
  Part parts[MAX_PARTS];
  guint n = list_parts_locked (self, network, user, now, parts);

  for (guint i = 0; i < n; i++)
    parts[i].bucket->level += 1;
}

void
pmss_login_limit_give_back (PmssLoginLimit * self, const char *address,
    const char *user, gint64 now)
{
  g_autofree char *network = address_name (address);
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  give_back_locked (self, network, user, now);
}

gboolean
pmss_login_limit_knows (PmssLoginLimit * self, const char *address,
    const char *user)
{
  g_autofree char *network = address_name (address);
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return find_address_locked (self, user, network) != NULL;
}

void
pmss_login_limit_succeed (PmssLoginLimit * self, const char *address,
    const char *user, gint64 now)
{
  g_autofree char *network = address_name (address);
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  give_back_locked (self, network, user, now);
  know_address_locked (self, user, network);
}
