/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast each user may open sessions. Any thread. */

#include "control/sessions/session-budget.h"

#define BURST 2                 /* times the cap */
#define FILLED_AFTER (20 * G_USEC_PER_SEC)

struct _PmssSessionBudget
{
  GMutex lock;                  /* protects what follows */
  GHashTable *users;            /* name -> Bucket */
};

typedef struct
{
  double left;
  gint64 at;                    /* monotonic, us */
} Bucket;

PmssSessionBudget *
pmss_session_budget_new (void)
{
  PmssSessionBudget *self = g_new0 (PmssSessionBudget, 1);

  g_mutex_init (&self->lock);
  self->users = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
pmss_session_budget_free (PmssSessionBudget * self)
{
  g_hash_table_unref (self->users);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static Bucket *
get_bucket_locked (PmssSessionBudget * self, const char *user, guint cap,
    gint64 now)
{
  Bucket *bucket = g_hash_table_lookup (self->users, user);

  if (bucket == NULL) {
    bucket = g_new0 (Bucket, 1);
    bucket->left = (double) cap *BURST;
    bucket->at = now;
    g_hash_table_insert (self->users, g_strdup (user), bucket);
  }
  return bucket;
}

gboolean
pmss_session_budget_take (PmssSessionBudget * self, const char *user,
    guint cap, gint64 now)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker = NULL;
  double rate = MAX (cap / 10.0, 1.0) / G_USEC_PER_SEC;
  Bucket *bucket;

  if (cap == 0)
    return TRUE;
  locker = g_mutex_locker_new (&self->lock);
  bucket = get_bucket_locked (self, user, cap, now);
  bucket->left = MIN (bucket->left + (double) (now - bucket->at) * rate,
      (double) cap * BURST);
  bucket->at = now;
  if (bucket->left < 1)
    return FALSE;
  bucket->left--;
  return TRUE;
}

static gboolean
is_filled (gpointer user, gpointer bucket, gpointer now)
{
  return *(gint64 *) now - ((Bucket *) bucket)->at >= FILLED_AFTER;
}

void
pmss_session_budget_prune (PmssSessionBudget * self, gint64 now)
{
  g_mutex_lock (&self->lock);
  g_hash_table_foreach_remove (self->users, is_filled, &now);
  g_mutex_unlock (&self->lock);
}
