/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread that may wait for a disk that does not answer. */
#include "disk-watch.h"

#include "daemon/pmss-daemon.h"
#include "daemon/pmss-haste.h"

#define EACH G_USEC_PER_SEC

struct _PmssDiskWatch
{
  PmssStore *store;
  GThread *thread;

  GMutex lock;                  /* protects `stop`; not held over a system call */
  GCond cond;                   /* it has changed */
  gboolean stop;
};

/* FALSE: stop. */
static gboolean
wait_until (PmssDiskWatch * watch, gint64 until)
{
  gboolean stop;

  g_mutex_lock (&watch->lock);
  while (!watch->stop && g_cond_wait_until (&watch->cond, &watch->lock, until));
  stop = watch->stop;
  g_mutex_unlock (&watch->lock);
  return !stop;
}

static gpointer
run (gpointer data)
{
  PmssDiskWatch *watch = data;

  do
    pmss_store_look_at_disk (watch->store);
  while (wait_until (watch, g_get_monotonic_time () + pmss_haste (EACH)));
  return NULL;
}

PmssDiskWatch *
pmss_disk_watch_new (PmssStore * store)
{
  PmssDiskWatch *watch = g_new0 (PmssDiskWatch, 1);

  watch->store = store;
  g_mutex_init (&watch->lock);
  g_cond_init (&watch->cond);
  watch->thread = pmss_daemon_thread_new ("disk", run, watch);
  return watch;
}

void
pmss_disk_watch_free (PmssDiskWatch * watch)
{
  g_mutex_lock (&watch->lock);
  watch->stop = TRUE;
  g_cond_signal (&watch->cond);
  g_mutex_unlock (&watch->lock);
  g_thread_join (watch->thread);
  g_cond_clear (&watch->cond);
  g_mutex_clear (&watch->lock);
  g_free (watch);
}
