/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands in for pmss-rebuilder.c: what takes its thread some time is done when that time has
 * passed. */
#include "libpmss/reader/pmss-rebuilder.h"

#include "sim-clock.h"

/* us that a job takes */
#define COST 200

struct _PmssRebuilder
{
  PmssErasure *erasure;
  PmssRebuilderFunc done;
  gpointer user_data;
  GQueue jobs;                  /* of PmssRowJob */
  SimEvent *event;              /* (nullable): the first is done */
};

PmssRebuilder *
pmss_rebuilder_new (PmssLoop * loop, PmssErasure * erasure,
    PmssRebuilderFunc done, gpointer user_data)
{
  PmssRebuilder *self = g_new0 (PmssRebuilder, 1);

  self->erasure = pmss_erasure_ref (erasure);
  self->done = done;
  self->user_data = user_data;
  g_queue_init (&self->jobs);
  return self;
}

void
pmss_rebuilder_free (PmssRebuilder * self)
{
  if (self->event != NULL)
    sim_clock_cancel (self->event);
  g_queue_clear_full (&self->jobs, (GDestroyNotify) pmss_row_job_free);
  pmss_erasure_unref (self->erasure);
  g_free (self);
}

gboolean
pmss_rebuilder_is_own_thread (void)
{
  return FALSE;
}

static void
do_job (gpointer user_data)
{
  PmssRebuilder *self = user_data;
  PmssRowJob *job = g_queue_pop_head (&self->jobs);

  self->event = self->jobs.length == 0 ? NULL
      : sim_clock_after (COST, do_job, self);
  pmss_row_job_run (job, self->erasure);
  self->done (job, self->user_data);
}

void
pmss_rebuilder_push (PmssRebuilder * self, PmssRowJob * job, gboolean first)
{
  if (first)
    g_queue_push_head (&self->jobs, job);
  else
    g_queue_push_tail (&self->jobs, job);
  if (self->event == NULL)
    self->event = sim_clock_after (COST, do_job, self);
}
