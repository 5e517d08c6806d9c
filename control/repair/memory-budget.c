/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounds the memory of several threads together. Any thread. */
#include "control/repair/memory-budget.h"

struct _PmssMemoryBudget
{
  GMutex lock;                  /* protects all below */
  GCond changed;
  guint64 bytes;
  guint64 claimed;
  guint64 next;                 /* number of who comes next, */
  guint64 serving;              /* and of whose turn it is */
};

PmssMemoryBudget *
pmss_memory_budget_new (guint64 bytes)
{
  PmssMemoryBudget *self = g_new0 (PmssMemoryBudget, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->bytes = bytes;
  return self;
}

void
pmss_memory_budget_free (PmssMemoryBudget * self)
{
  g_assert (self->claimed == 0);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

static gboolean
fits (PmssMemoryBudget * self, guint64 bytes)
{
  return self->claimed == 0
      || (self->claimed <= self->bytes && bytes <= self->bytes - self->claimed);
}

void
pmss_memory_budget_claim (PmssMemoryBudget * self, guint64 bytes)
{
  guint64 number;

  g_mutex_lock (&self->lock);
  number = self->next++;
  while (self->serving != number || !fits (self, bytes))
    g_cond_wait (&self->changed, &self->lock);
  self->claimed += bytes;
  self->serving++;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
pmss_memory_budget_release (PmssMemoryBudget * self, guint64 bytes)
{
  g_mutex_lock (&self->lock);
  self->claimed -= bytes;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}
