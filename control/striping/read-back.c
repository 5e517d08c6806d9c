/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares what is durable, on a thread of its own. */
#include "control/striping/striping-private.h"

struct _PmssReadBack
{
  PmssStriping *striping;
  GThread *thread;
  GCancellable *cancellable;    /* the run's, and end()'s */
  gulong handler;
  guint32 next;                 /* the thread's: the extent to look at next */

  GMutex lock;                  /* protects what follows; held over nothing */
  GCond changed;                /* `end` or `stopping` */
  guint32 end;                  /* extents before this one are durable */
  gboolean stopping;
  guint64 verified;
};

/* Extents before the result are durable; 0: told to stop. */
static guint32
get_end (PmssReadBack * self)
{
  guint32 end;

  g_mutex_lock (&self->lock);
  end = self->stopping ? 0 : self->end;
  g_mutex_unlock (&self->lock);
  return end;
}

/* FALSE: told to stop. */
static gboolean
wait_for_more (PmssReadBack * self)
{
  gboolean more;

  g_mutex_lock (&self->lock);
  while (!self->stopping && self->end <= self->next)
    g_cond_wait (&self->changed, &self->lock);
  more = !self->stopping;
  g_mutex_unlock (&self->lock);
  return more;
}

static gboolean
next_durable (PmssExtent * extent, gpointer user_data, GError ** error)
{
  PmssReadBack *self = user_data;

  return pmss_striping_find_unverified (self->striping, &self->next,
      get_end (self), extent, error);
}

static gboolean
note_compared (const PmssExtent * extent, const GError * reason,
    gpointer user_data, GError ** error)
{
  PmssReadBack *self = user_data;

  if (reason != NULL) {
    g_message ("%s: extent %u is looked at again later: %s",
        self->striping->name, extent->number, reason->message);
    return TRUE;
  }
  g_mutex_lock (&self->lock);
  self->verified += pmss_striping_get_payload (self->striping, extent->number);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static gpointer
run (gpointer user_data)
{
  static const PmssCompareFuncs funcs = { next_durable, note_compared };
  PmssReadBack *self = user_data;
  g_autoptr (GError) error = NULL;

  while (error == NULL && wait_for_more (self))
    pmss_striping_compare_extents (self->striping, &funcs, self,
        self->cancellable, &error);
  if (error != NULL)
    g_message ("%s: reading back goes on later: %s",
        self->striping->name, error->message);
  return NULL;
}

static void
on_run_cancelled (GCancellable * cancellable, gpointer own)
{
  g_cancellable_cancel (own);
}

static void
free_read_back (PmssReadBack * self)
{
  g_cancellable_disconnect (self->striping->cancellable, self->handler);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

PmssReadBack *
pmss_read_back_start (PmssStriping * striping, GError ** error)
{
  PmssReadBack *self;
  guint64 verified;

  if (!pmss_striping_count_verified (striping, &verified, error))
    return NULL;
  self = g_new0 (PmssReadBack, 1);
  self->striping = striping;
  self->verified = verified;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->handler =
      g_cancellable_connect (striping->cancellable,
      G_CALLBACK (on_run_cancelled), self->cancellable, NULL);
  self->thread = g_thread_try_new ("read-back", run, self, error);
  if (self->thread == NULL)
    g_clear_pointer (&self, free_read_back);
  return self;
}

void
pmss_read_back_allow (PmssReadBack * self, guint32 end)
{
  g_mutex_lock (&self->lock);
  self->end = end;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

guint64
pmss_read_back_get_verified (PmssReadBack * self)
{
  guint64 verified;

  g_mutex_lock (&self->lock);
  verified = self->verified;
  g_mutex_unlock (&self->lock);
  return verified;
}

void
pmss_read_back_end (PmssReadBack * self, gboolean finish)
{
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
  if (!finish)
    g_cancellable_cancel (self->cancellable);

  g_thread_join (self->thread);
  free_read_back (self);
}
