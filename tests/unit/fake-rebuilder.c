/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-rebuilder.h"

struct _PmssRebuilder
{
  PmssErasure *erasure;
  PmssRebuilderFunc done;
  gpointer user_data;
  GQueue jobs;
};

/* the engine's at hand */
static PmssRebuilder *current;

PmssRebuilder *
pmss_rebuilder_new (PmssLoop * loop, PmssErasure * erasure,
    PmssRebuilderFunc done, gpointer user_data)
{
  PmssRebuilder *self = g_new0 (PmssRebuilder, 1);

  g_assert_null (current);
  self->erasure = pmss_erasure_ref (erasure);
  self->done = done;
  self->user_data = user_data;
  g_queue_init (&self->jobs);
  current = self;
  return self;
}

void
pmss_rebuilder_free (PmssRebuilder * self)
{
  g_queue_clear_full (&self->jobs, (GDestroyNotify) pmss_row_job_free);
  pmss_erasure_unref (self->erasure);
  g_free (self);
  current = NULL;
}

gboolean
pmss_rebuilder_is_own_thread (void)
{
  return FALSE;
}

void
pmss_rebuilder_push (PmssRebuilder * self, PmssRowJob * job, gboolean first)
{
  if (first)
    g_queue_push_head (&self->jobs, job);
  else
    g_queue_push_tail (&self->jobs, job);
}

gboolean
fake_rebuilder_go_on (void)
{
  PmssRowJob *job = current != NULL ? g_queue_pop_head (&current->jobs) : NULL;

  if (job == NULL)
    return FALSE;
  pmss_row_job_run (job, current->erasure);
  current->done (job, current->user_data);
  return TRUE;
}
