/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places for the hashing of passwords. On any thread. */
#include "control/accounts/password-places.h"

struct _PmssPasswordPlaces
{
  guint places, max_waiting;

  GMutex lock;                  /* protects all below */
  GCond freed;                  /* `in` has become less */
  guint in[PMSS_N_PASSWORD_CLASSES];
  guint waiting[PMSS_N_PASSWORD_CLASSES];
};

PmssPasswordPlaces *
pmss_password_places_new (guint places, guint waiting)
{
  PmssPasswordPlaces *self = g_new0 (PmssPasswordPlaces, 1);

  g_return_val_if_fail (places >= 2, NULL);
  self->places = places;
  self->max_waiting = waiting;
  g_mutex_init (&self->lock);
  g_cond_init (&self->freed);
  return self;
}

void
pmss_password_places_free (PmssPasswordPlaces * self)
{
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->freed);
  g_free (self);
}

static gboolean
is_free_locked (const PmssPasswordPlaces * self, PmssPasswordClass class)
{
  guint strangers = self->in[PMSS_PASSWORD_STRANGER];

  return strangers + self->in[PMSS_PASSWORD_KNOWN] < self->places
      && (class == PMSS_PASSWORD_KNOWN || strangers + 1 < self->places);
}

static gboolean
wait_locked (PmssPasswordPlaces * self, PmssPasswordClass class,
    gint64 deadline)
{
  gboolean in_time = TRUE;

  self->waiting[class]++;
  while (in_time && !is_free_locked (self, class))
    in_time = g_cond_wait_until (&self->freed, &self->lock, deadline);
  self->waiting[class]--;
  return is_free_locked (self, class);
}

gboolean
pmss_password_places_enter (PmssPasswordPlaces * self, PmssPasswordClass class,
    gint64 deadline)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  if (!is_free_locked (self, class)
      && (self->waiting[class] >= self->max_waiting
          || !wait_locked (self, class, deadline)))
    return FALSE;
  self->in[class]++;
  return TRUE;
}

void
pmss_password_places_leave (PmssPasswordPlaces * self, PmssPasswordClass class)
{
  g_mutex_lock (&self->lock);
  self->in[class]--;
  /* of those that wait not each may have the place */
  g_cond_broadcast (&self->freed);
  g_mutex_unlock (&self->lock);
}

guint
pmss_password_places_count_waiting (PmssPasswordPlaces * self,
    PmssPasswordClass class)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return self->waiting[class];
}
