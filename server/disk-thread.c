/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that may wait for a disk that does not answer. */
#include "disk-thread.h"

#include "daemon/pmss-daemon.h"
#include "daemon/pmss-haste.h"

#define EACH G_USEC_PER_SEC

struct _PmssDiskThread
{
  PmssStore *store;
  PmssAccess *access;
  GThread *thread;

  GMutex lock;                  /* protects those below; not held over a system call */
  GCond cond;                   /* one of them has changed */
  gboolean woken, stop;
};

/* FALSE: stop. */
static gboolean
wait_for_turn (PmssDiskThread * self)
{
  gint64 until = g_get_monotonic_time () + pmss_haste (EACH);
  gboolean stop;

  g_mutex_lock (&self->lock);
  while (!self->stop && !self->woken
      && g_cond_wait_until (&self->cond, &self->lock, until));
  self->woken = FALSE;
  stop = self->stop;
  g_mutex_unlock (&self->lock);
  return !stop;
}

static void
take_turn (PmssDiskThread * self)
{
  pmss_store_begin_wait (self->store);
  pmss_store_look_at_disk (self->store);
  pmss_access_keep (self->access, g_get_monotonic_time ());
  pmss_store_end_wait (self->store);
}

static gpointer
run (gpointer data)
{
  PmssDiskThread *self = data;

  do
    take_turn (self);
  while (wait_for_turn (self));
  take_turn (self);
  return NULL;
}

PmssDiskThread *
pmss_disk_thread_new (PmssStore * store, PmssAccess * access)
{
  PmssDiskThread *self = g_new0 (PmssDiskThread, 1);

  self->store = store;
  self->access = access;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->thread = pmss_daemon_thread_new ("disk", run, self);
  return self;
}

void
pmss_disk_thread_wake (PmssDiskThread * self)
{
  g_mutex_lock (&self->lock);
  self->woken = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
pmss_disk_thread_free (PmssDiskThread * self)
{
  g_mutex_lock (&self->lock);
  self->stop = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}
