/* SPDX-License-Identifier: LGPL-2.1-or-later */
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
} Kind;

struct _PmssLoginLimit
{
  GMutex lock;                  /* protects both */
  Kind address, user;
};

static void
kind_init (Kind * kind, double burst, double refill)
{
  kind->buckets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  kind->burst = burst;
  kind->refill = refill;
}

PmssLoginLimit *
pmss_login_limit_new (void)
{
  PmssLoginLimit *self = g_new0 (PmssLoginLimit, 1);

  g_mutex_init (&self->lock);
  kind_init (&self->address, PMSS_LOGIN_BURST_ADDRESS,
      PMSS_LOGIN_REFILL_ADDRESS);
  kind_init (&self->user, PMSS_LOGIN_BURST_USER, PMSS_LOGIN_REFILL_USER);
  return self;
}

void
pmss_login_limit_free (PmssLoginLimit * self)
{
  g_hash_table_unref (self->address.buckets);
  g_hash_table_unref (self->user.buckets);
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

/* A full bucket says no more than no bucket. */
static void
drop_full (Kind * kind, gint64 now)
{
  GHashTableIter iter;
  gpointer value;

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

gboolean
pmss_login_limit_take (PmssLoginLimit * self, const char *address,
    const char *user, gint64 now, guint * retry_after)
{
  g_autofree char *network = address_name (address);
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = g_mutex_locker_new (&self->lock);
  Bucket *by_address = get_bucket (&self->address, network, now);
  Bucket *by_user = get_bucket (&self->user, user, now);

  if (by_address->level >= 1 && by_user->level >= 1) {
    by_address->level -= 1;
    by_user->level -= 1;
    return TRUE;
  }
  *retry_after = MAX (1, MAX (seconds_until_one (&self->address, by_address),
          seconds_until_one (&self->user, by_user)));
  return FALSE;
}

void
pmss_login_limit_give_back (PmssLoginLimit * self, const char *address,
    const char *user, gint64 now)
{
  g_autofree char *network = address_name (address);
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = g_mutex_locker_new (&self->lock);

  get_bucket (&self->address, network, now)->level += 1;
  get_bucket (&self->user, user, now)->level += 1;
}
