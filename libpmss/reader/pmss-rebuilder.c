/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-rebuilder.h"

struct _PmssRebuilder
{
  PmssErasure *erasure;
  PmssRebuilderFunc done;
  gpointer user_data;
  GAsyncQueue *jobs;            /* of PmssRowJob; the rebuilder itself: the end */
  GThread *thread;              /* NULL: the system gives none for now */
  gboolean told;                /* and that was said */
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

/* Where the system gives no thread the pushing one, which has a main context, rebuilds in its turns; each job tries for a thread again. */
static void
start (PmssRebuilder * self)
{
  g_autoptr (GError) error = NULL;

  if (self->thread != NULL)
    return;
  self->thread = g_thread_try_new ("pmss-rebuild", run, self, &error);
  if (self->thread == NULL && !self->told)
    g_warning ("No thread to rebuild what is lost, which will be slower: %s",
        error->message);
  self->told = self->thread == NULL;
}

static gboolean
work_here (gpointer user_data)
{
  PmssRebuilder *self = user_data;
  PmssRowJob *job = g_async_queue_try_pop (self->jobs);

  if (job == NULL)
    return G_SOURCE_REMOVE;
  pmss_row_job_run (job, self->erasure);
  self->done (job, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
attach_work (PmssRebuilder * self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, work_here, self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
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
  start (self);
  return self;
}

void
pmss_rebuilder_free (PmssRebuilder * self)
{
  if (self->thread != NULL) {
    g_async_queue_push_front (self->jobs, self);
    g_thread_join (self->thread);
  }
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
  start (self);
  if (first)
    g_async_queue_push_front (self->jobs, job);
  else
    g_async_queue_push (self->jobs, job);
  if (self->thread == NULL)
    attach_work (self);
}
