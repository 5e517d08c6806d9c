/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each node would have to send if any one other failed. One thread at a
 * time. */
#include "control/admission/failure-reserve.h"

#include "control/admission/node-promises.h"

/* 2^3 slots of two seconds: 16 s */
#define SHORTEST 3
/* All of them together; with 128 nodes they last 16 s. */
#define MAX_CELLS (G_GUINT64_CONSTANT (1) << 24)
#define FEWEST_NODES 16

/* A node in one long slot. */
typedef struct
{
  guint64 load;
  guint64 worst;                /* of all that may fail, or more than that */
  guint32 failed;               /* of which that is */
  guint32 is_stale;             /* something was taken from it */
} Sum;

struct _PmssFailureReserve
{
  guint64 now;
  guint max_nodes;              /* a power of two */
  guint shift;                  /* 2^shift slots are a long one */
  guint64 *capacity;            /* of each node in a long slot */
  Sum *sums;                    /* of each node: a ring */
  guint64 *moved;               /* of each node a ring, in it of each failed one */
};

static guint
ring_length (const PmssFailureReserve * self)
{
  return PMSS_RING_SLOTS >> self->shift;
}

static gsize
place_of (const PmssFailureReserve * self, guint node, guint64 slot)
{
  guint length = ring_length (self);

  return (gsize) node *length + ((slot >> self->shift) & (length - 1));
}

static guint64 *
moved_at (const PmssFailureReserve * self, gsize place)
{
  return self->moved + place * self->max_nodes;
}

static guint
shift_for (guint64 nodes)
{
  guint shift = SHORTEST;

  while (nodes * nodes * (PMSS_RING_SLOTS >> shift) > MAX_CELLS)
    shift++;
  return shift;
}

static void
make_tables (PmssFailureReserve * self, guint max_nodes)
{
  gsize places;

  self->max_nodes = max_nodes;
  self->shift = shift_for (max_nodes);
  places = (gsize) max_nodes *ring_length (self);
  self->capacity = g_new (guint64, max_nodes);
  for (guint i = 0; i < max_nodes; i++)
    self->capacity[i] = G_MAXUINT64;
  self->sums = g_new0 (Sum, places);
  self->moved = g_new0 (guint64, places * max_nodes);
}

static void
free_tables (PmssFailureReserve * self)
{
  g_free (self->capacity);
  g_free (self->sums);
  g_free (self->moved);
}

PmssFailureReserve *
pmss_failure_reserve_new (guint64 now)
{
  PmssFailureReserve *self = g_new0 (PmssFailureReserve, 1);

  self->now = now;
  make_tables (self, FEWEST_NODES);
  return self;
}

void
pmss_failure_reserve_free (PmssFailureReserve * self)
{
  free_tables (self);
  g_free (self);
}

gsize
pmss_failure_reserve_get_size (const PmssFailureReserve * self)
{
  gsize places = (gsize) self->max_nodes * ring_length (self);

  return places * (sizeof (Sum) + self->max_nodes * sizeof (guint64))
      + self->max_nodes * sizeof (guint64);
}

/* One long slot of one node of @old is a part of one of @self. */
static void
take_over (PmssFailureReserve * self, const PmssFailureReserve * old,
    guint node, guint64 slot)
{
  gsize from = place_of (old, node, slot);
  gsize to = place_of (self, node, slot);

  self->sums[to].load += old->sums[from].load;
  self->sums[to].worst += old->sums[from].worst;
  self->sums[to].is_stale = TRUE;
  for (guint failed = 0; failed < old->max_nodes; failed++)
    moved_at (self, to)[failed] += moved_at (old, from)[failed];
}

gboolean
pmss_failure_reserve_grow (PmssFailureReserve * self, guint n_nodes)
{
  PmssFailureReserve old = *self;
  guint max_nodes = self->max_nodes;

  if (n_nodes > PMSS_FAILURE_MAX_NODES)
    return FALSE;
  while (max_nodes < n_nodes)
    max_nodes *= 2;
  if (max_nodes == self->max_nodes)
    return TRUE;
  make_tables (self, max_nodes);
  for (guint node = 0; node < old.max_nodes; node++) {
    if (old.capacity[node] != G_MAXUINT64)
      self->capacity[node] = old.capacity[node] << (self->shift - old.shift);
    for (guint i = 0; i < ring_length (&old); i++)
      take_over (self, &old, node, self->now + ((guint64) i << old.shift));
  }
  free_tables (&old);
  return TRUE;
}

void
pmss_failure_reserve_set_capacity (PmssFailureReserve * self, guint node,
    guint64 capacity)
{
  self->capacity[node] = capacity == G_MAXUINT64 ? capacity
      : capacity << self->shift;
}

static void
clear_slot (PmssFailureReserve * self, guint64 slot)
{
  for (guint node = 0; node < self->max_nodes; node++) {
    gsize place = place_of (self, node, slot);

    /* where nothing was moved, no page is touched */
    if (self->sums[place].worst > 0 || self->sums[place].is_stale)
      for (guint failed = 0; failed < self->max_nodes; failed++)
        moved_at (self, place)[failed] = 0;
    self->sums[place] = (Sum) {
    0};
  }
}

void
pmss_failure_reserve_advance (PmssFailureReserve * self, guint64 now)
{
  guint64 slots = (now >> self->shift) - (self->now >> self->shift);

  for (guint64 i = 0; i < MIN (slots, ring_length (self)); i++)
    clear_slot (self, self->now + (i << self->shift));
  self->now = now;
}

/* Sums */

static void
find_worst (PmssFailureReserve * self, gsize place)
{
  const guint64 *moved = moved_at (self, place);
  Sum *sum = &self->sums[place];

  sum->worst = 0;
  for (guint failed = 0; failed < self->max_nodes; failed++)
    if (moved[failed] > sum->worst) {
      sum->worst = moved[failed];
      sum->failed = failed;
    }
  sum->is_stale = FALSE;
}

/* @worst may be more than it is, so it is looked up before it counts. */
static gboolean
has_room (PmssFailureReserve * self, guint node, gsize place, guint64 units)
{
  Sum *sum = &self->sums[place];
  guint64 capacity = self->capacity[node];

  if (sum->load + sum->worst + units <= capacity)
    return TRUE;
  if (sum->is_stale)
    find_worst (self, place);
  return sum->load + sum->worst + units <= capacity;
}

/* How many of the slots from @slot up to @end lie in its long slot. */
static guint
count_within (const PmssFailureReserve * self, guint64 slot, guint64 end)
{
  guint64 next = ((slot >> self->shift) + 1) << self->shift;

  return (guint) (MIN (next, end) - slot);
}

gboolean
pmss_failure_reserve_add (PmssFailureReserve * self,
    const PmssFailureLoad * load)
{
  guint64 end = load->slot + load->slots;
  gboolean fits = TRUE;
  guint n;

  for (guint64 slot = load->slot; slot < end; slot += n) {
    gsize place = place_of (self, load->node, slot);

    n = count_within (self, slot, end);
    self->sums[place].load += n * load->units;
    fits = has_room (self, load->node, place, 0) && fits;
  }
  return fits;
}

void
pmss_failure_reserve_take (PmssFailureReserve * self,
    const PmssFailureLoad * load)
{
  guint64 end = load->slot + load->slots;
  guint n;

  for (guint64 slot = load->slot; slot < end; slot += n) {
    n = count_within (self, slot, end);
    self->sums[place_of (self, load->node, slot)].load -= n * load->units;
  }
}

gboolean
pmss_failure_reserve_add_move (PmssFailureReserve * self, guint failed,
    const PmssFailureLoad * load)
{
  guint64 end = load->slot + load->slots;
  gboolean fits = TRUE;
  guint n;

  for (guint64 slot = load->slot; slot < end; slot += n) {
    gsize place = place_of (self, load->node, slot);
    guint64 *moved = &moved_at (self, place)[failed];
    Sum *sum = &self->sums[place];

    n = count_within (self, slot, end);
    *moved += n * load->units;
    if (*moved > sum->worst) {
      sum->worst = *moved;
      sum->failed = failed;
      sum->is_stale = FALSE;
    }
    fits = has_room (self, load->node, place, 0) && fits;
  }
  return fits;
}

void
pmss_failure_reserve_take_move (PmssFailureReserve * self, guint failed,
    const PmssFailureLoad * load)
{
  guint64 end = load->slot + load->slots;
  guint n;

  for (guint64 slot = load->slot; slot < end; slot += n) {
    gsize place = place_of (self, load->node, slot);

    n = count_within (self, slot, end);
    moved_at (self, place)[failed] -= n * load->units;
    if (self->sums[place].failed == failed)
      self->sums[place].is_stale = TRUE;
  }
}

gboolean
pmss_failure_reserve_is_idle (PmssFailureReserve * self,
    const PmssFailureLoad * load)
{
  guint64 end = load->slot + load->slots;
  guint64 most = load->units << self->shift;
  guint n;

  for (guint64 slot = load->slot; slot < end; slot += n) {
    n = count_within (self, slot, end);
    if (!has_room (self, load->node, place_of (self, load->node, slot), most))
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_failure_reserve_is_full (PmssFailureReserve * self,
    const PmssFailureLoad * load, guint * failed)
{
  gsize place = place_of (self, load->node, load->slot);
  gboolean is_full = !has_room (self, load->node, place, load->units);

  *failed = self->sums[place].worst > 0
      ? self->sums[place].failed : PMSS_FAILURE_NONE;
  return is_full;
}

guint64
pmss_failure_reserve_get_moved (const PmssFailureReserve * self,
    const guint * failed, guint n_failed, guint node, guint64 slot)
{
  gsize place = place_of (self, node, slot);
  guint64 units = 0;

  for (guint i = 0; i < n_failed; i++) {
    guint64 all = self->sums[place_of (self, failed[i], slot)].load;
    guint64 nowhere = 0;

    /* what would move to others that failed, too, is shared by the rest */
    for (guint other = 0; other < n_failed; other++)
      nowhere += moved_at (self, place_of (self, failed[other], slot))
          [failed[i]];
    units += nowhere < all
        ? moved_at (self, place)[failed[i]] / (double) (all - nowhere) * all
        : 0;
  }
  return (units >> self->shift) + (units > 0);
}
