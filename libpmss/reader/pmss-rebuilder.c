/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-rebuilder.h"

struct _PmssRebuilder
{
  PmssErasure *erasure;
  PmssRebuilderFunc done;
  gpointer user_data;
  GAsyncQueue *jobs;            /* of PmssRowJob; the rebuilder itself: the end */
  GThread *thread;
};

/* In a rebuilder's thread: that rebuilder. */
static GPrivate own = G_PRIVATE_INIT (NULL);

static gpointer
run (gpointer user_data)
{
  PmssRebuilder *self = user_data;
  gpointer job;

  g_private_set (&own, self);
  while ((job = g_async_queue_pop (self->jobs)) != self) {
    pmss_row_job_run (job, self->erasure);
    self->done (job, self->user_data);
  }
  return NULL;
}

PmssRebuilder *
pmss_rebuilder_new (PmssErasure * erasure, PmssRebuilderFunc done,
    gpointer user_data)
{
  PmssRebuilder *self = g_new0 (PmssRebuilder, 1);

  self->erasure = pmss_erasure_ref (erasure);
  self->done = done;
  self->user_data = user_data;
  self->jobs = g_async_queue_new_full ((GDestroyNotify) pmss_row_job_free);
  self->thread = g_thread_new ("pmss-rebuild", run, self);
  return self;
}

void
pmss_rebuilder_free (PmssRebuilder * self)
{
  g_async_queue_push_front (self->jobs, self);
  g_thread_join (self->thread);
  g_async_queue_unref (self->jobs);
  pmss_erasure_unref (self->erasure);
  g_free (self);
}

gboolean
pmss_rebuilder_is_own_thread (void)
{
  return g_private_get (&own) != NULL;
}

void
pmss_rebuilder_push (PmssRebuilder * self, PmssRowJob * job, gboolean first)
{
  if (first)
    g_async_queue_push_front (self->jobs, job);
  else
    g_async_queue_push (self->jobs, job);
}
