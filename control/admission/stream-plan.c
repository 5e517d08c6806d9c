/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which bytes a stream takes of which node, slot by slot. Any thread. */
#include "control/admission/stream-plan.h"

/* Bytes of a node for each byte of the file are a fraction of 2^16. */
#define FRACTION_BITS 16

typedef struct
{
  guint32 first, slots;
  guint64 before;               /* bytes of the file before it */
  guint64 bytes;
} Run;

struct _PmssStreamPlan
{
  gatomicrefcount references;
  PmssEnvelope *envelope;
  Run *runs;
  guint n_runs;
  guint32 slots;
  guint64 extent;
  guint k, m;
  guint32 *places;              /* k + m of each extent */
  guint n_extents;
  guint64 share;                /* of a byte, for each node, in 2^-16 */
  guint64 ahead;                /* bytes of the file */
  guint64 peak;                 /* bytes of a node in a slot */
  guint peak_parts;
};

static void
take_runs (PmssStreamPlan * plan)
{
  const GArray *runs = pmss_envelope_get_runs (plan->envelope);
  Run next = { 0 };

  plan->n_runs = runs->len;
  plan->runs = g_new (Run, MAX (runs->len, 1));
  for (guint i = 0; i < runs->len; i++) {
    const PmssEnvelopeRun *run = &g_array_index (runs, PmssEnvelopeRun, i);

    next.slots = run->slots;
    next.bytes = run->bytes;
    plan->runs[i] = next;
    next.first += run->slots;
    next.before += run->bytes;
  }
  plan->slots = next.first;
}

PmssStreamPlan *
pmss_stream_plan_ref (PmssStreamPlan * plan)
{
  g_atomic_ref_count_inc (&plan->references);
  return plan;
}

void
pmss_stream_plan_unref (PmssStreamPlan * plan)
{
  if (!g_atomic_ref_count_dec (&plan->references))
    return;
  pmss_envelope_free (plan->envelope);
  g_free (plan->runs);
  g_free (plan->places);
  g_free (plan);
}

guint32
pmss_stream_plan_get_slots (const PmssStreamPlan * plan)
{
  return plan->slots;
}

const PmssEnvelope *
pmss_stream_plan_get_envelope (const PmssStreamPlan * plan)
{
  return plan->envelope;
}

gsize
pmss_stream_plan_get_size (const PmssStreamPlan * plan)
{
  return sizeof *plan + plan->n_runs * (sizeof (Run) + sizeof (PmssEnvelopeRun))
      + sizeof (guint32) * (plan->k + plan->m) * (gsize) plan->n_extents;
}

/* Bytes of the file that a slot of the run brings, at most. */
static guint64
bytes_per_slot (const Run * run)
{
  return (run->bytes + run->slots - 1) / run->slots;
}

static guint64
of_each_node (const PmssStreamPlan * plan, guint64 bytes)
{
  return (bytes * plan->share >> FRACTION_BITS) + (bytes > 0);
}

guint64
pmss_stream_plan_get_peak (const PmssStreamPlan * plan, guint * parts)
{
  *parts = plan->peak_parts;
  return plan->peak;
}

static void
find_peak (PmssStreamPlan * plan)
{
  guint64 peak = 0;

  for (guint i = 0; i < plan->n_runs; i++)
    peak = MAX (peak, bytes_per_slot (&plan->runs[i]));
  plan->peak_parts = (guint) MIN (peak / plan->extent, G_MAXINT) + 2;
  /* each part is rounded up */
  plan->peak = of_each_node (plan, peak) + plan->peak_parts;
}

PmssStreamPlan *
pmss_stream_plan_new (const PmssEnvelope * envelope, guint64 extent, guint k,
    guint m, const guint32 * places, guint n_extents, double overhead)
{
  PmssStreamPlan *plan = g_new0 (PmssStreamPlan, 1);

  g_atomic_ref_count_init (&plan->references);
  plan->envelope = pmss_envelope_copy (envelope);
  plan->extent = MAX (extent, 1);
  plan->k = MAX (k, 1);
  plan->m = m;
  plan->places = g_memdup2 (places, sizeof (guint32) * (k + m) * n_extents);
  plan->n_extents = n_extents;
  plan->share = (guint64) (CLAMP (overhead, 1, 2) * (1 << FRACTION_BITS))
      / plan->k + 1;
  plan->ahead = pmss_envelope_get_ahead (envelope);
  take_runs (plan);
  find_peak (plan);
  return plan;
}

/* Where @slot of @run begins in the file. */
static guint64
begin_of (const Run * run, guint32 slot)
{
  return run->before + run->bytes * (slot - run->first) / run->slots;
}

guint32
pmss_stream_plan_find_slot (const PmssStreamPlan * plan, guint64 position)
{
  for (guint i = 0; i < plan->n_runs; i++) {
    const Run *run = &plan->runs[i];

    if (position < run->before + run->bytes)
      return run->first + (guint32) (((position - run->before + 1) * run->slots
              + run->bytes - 1) / run->bytes) - 1;
  }
  return plan->slots;
}

/* Walks */

void
pmss_plan_walk_init (PmssPlanWalk * walk, const PmssStreamPlan * plan,
    guint32 slot)
{
  guint low = 0, high = plan->n_runs;

  *walk = (PmssPlanWalk) {
  .plan = plan,.slot = slot};
  if (slot >= plan->slots) {
    walk->run = plan->n_runs;
    return;
  }
  while (high - low > 1) {
    guint middle = (low + high) / 2;

    if (plan->runs[middle].first <= slot)
      low = middle;
    else
      high = middle;
  }
  walk->run = low;
  walk->position = begin_of (&plan->runs[low], slot);
}

/* Slots of the run from the walk's on that end before @end, a place in the
 * file. */
static guint32
count_whole_slots (const PmssPlanWalk * walk, const Run * run, guint64 end)
{
  guint32 past = walk->slot - run->first;
  guint64 until;

  if (end >= run->before + run->bytes)
    return run->slots - past;
  until = ((end - run->before + 1) * run->slots - 1) / run->bytes;
  return until > past ? (guint32) until - past : 0;
}

/* What the client has room for counts for the whole slot. */
static guint64
part_ahead (const PmssStreamPlan * plan, const Run * run, guint64 bytes)
{
  guint64 all = bytes_per_slot (run);

  if (all <= plan->ahead)
    return bytes;
  return (guint64) ((double) bytes * plan->ahead / all);
}

static void
fill_part (const PmssStreamPlan * plan, const Run * run, guint64 extent,
    guint64 bytes, PmssPlanPart * part)
{
  part->nodes = plan->places + (plan->k + plan->m) * extent;
  part->n_nodes = plan->k;
  part->parity = part->nodes + plan->k;
  part->n_parity = plan->m;
  part->bytes = of_each_node (plan, bytes);
  part->ahead = part_ahead (plan, run, part->bytes);
}

static void
enter_slot (PmssPlanWalk * walk, const Run * run, guint32 slot)
{
  walk->slot = slot;
  if (slot == run->first + run->slots)
    walk->run++;
}

gboolean
pmss_plan_walk_next (PmssPlanWalk * walk, guint32 * slot, PmssPlanPart * part)
{
  const PmssStreamPlan *plan = walk->plan;

  while (walk->run < plan->n_runs) {
    const Run *run = &plan->runs[walk->run];
    guint64 extent = walk->position / plan->extent;
    guint64 end = (extent + 1) * plan->extent;
    guint64 begin = begin_of (run, walk->slot);
    guint64 slot_end;

    if (run->bytes == 0) {
      enter_slot (walk, run, run->first + run->slots);
      continue;
    }
    if (extent >= plan->n_extents)
      return FALSE;
    *slot = walk->slot;
    part->slots = walk->position == begin
        ? count_whole_slots (walk, run, end) : 0;
    if (part->slots > 0) {
      fill_part (plan, run, extent, bytes_per_slot (run), part);
      enter_slot (walk, run, walk->slot + part->slots);
      walk->position = begin_of (run, *slot + part->slots);
      return TRUE;
    }
    slot_end = begin_of (run, walk->slot + 1);
    end = MIN (end, slot_end);
    part->slots = 1;
    fill_part (plan, run, extent, end - walk->position, part);
    walk->position = end;
    if (end == slot_end)
      enter_slot (walk, run, walk->slot + 1);
    if (part->bytes > 0)
      return TRUE;
  }
  return FALSE;
}
