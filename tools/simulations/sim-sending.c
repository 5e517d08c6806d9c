/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes that send as a fluid. One thread. */
#include "sim-sending.h"

/* No buffer reaches farther ahead. */
#define DEPTH 12
/* Slots over which a node's use is averaged: about 10 s. */
#define AVERAGED 5.0
#define ALMOST 1.0              /* byte */

/* A slot of the medium that is being sent; it lies in two extents at most. */
typedef struct
{
  guint extent[2];
  double all[2];                /* bytes of each node */
  double left[2][SIM_K];
} Chunk;

struct _SimViewer
{
  const SimMedium *medium;
  guint played, still;
  guint next;                   /* slot of the medium that has no chunk yet */
  Chunk chunks[DEPTH + 2];      /* a ring, by slot of the medium */
};

struct _SimSending
{
  guint n_nodes;
  double capacity;
  double *left, *wanted, *busy; /* by node id */
  GPtrArray *viewers;
};

SimSending *
sim_sending_new (guint n_nodes, double capacity)
{
  SimSending *self = g_new0 (SimSending, 1);

  self->n_nodes = n_nodes;
  self->capacity = capacity;
  self->left = g_new0 (double, n_nodes + 1);
  self->wanted = g_new0 (double, n_nodes + 1);
  self->busy = g_new0 (double, n_nodes + 1);
  self->viewers = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sim_sending_free (SimSending * self)
{
  g_free (self->left);
  g_free (self->wanted);
  g_free (self->busy);
  g_ptr_array_unref (self->viewers);
  g_free (self);
}

SimViewer *
sim_sending_add (SimSending * self, const SimMedium * medium)
{
  SimViewer *viewer = g_new0 (SimViewer, 1);

  viewer->medium = medium;
  g_ptr_array_add (self->viewers, viewer);
  return viewer;
}

void
sim_sending_remove (SimSending * self, SimViewer * viewer)
{
  g_ptr_array_remove_fast (self->viewers, viewer);
}

guint
sim_viewer_get_played (const SimViewer * viewer)
{
  return viewer->played;
}

guint
sim_viewer_get_still (const SimViewer * viewer)
{
  return viewer->still;
}

double
sim_sending_get_busy (const SimSending * self, guint node)
{
  return self->busy[node];
}

static Chunk *
chunk_at (SimViewer * viewer, guint slot)
{
  return &viewer->chunks[slot % (DEPTH + 2)];
}

static void
make_chunk (SimViewer * viewer, guint slot)
{
  const guint64 *before = viewer->medium->before;
  Chunk *chunk = chunk_at (viewer, slot);
  /* before it plays, it needs two */
  guint64 begin = before[slot > 1 ? slot : 0], end = before[slot + 1];
  guint64 border;

  chunk->extent[0] = (guint) (begin / SIM_EXTENT);
  chunk->extent[1] = MIN (chunk->extent[0] + 1, viewer->medium->extents - 1);
  border = CLAMP ((chunk->extent[0] + 1) * (guint64) SIM_EXTENT, begin, end);
  chunk->all[0] = (border - begin) * SIM_OVERHEAD / SIM_K;
  chunk->all[1] = (end - border) * SIM_OVERHEAD / SIM_K;
  for (guint i = 0; i < SIM_K; i++) {
    chunk->left[0][i] = chunk->all[0];
    chunk->left[1][i] = chunk->all[1];
  }
}

/* The part of a slot of the medium that the buffer has room for. What is due
 * at the end of this slot is the next one. */
static double
part_with_room (const SimViewer * viewer, guint slot)
{
  const guint64 *before = viewer->medium->before;
  guint64 end = before[viewer->played + 1] + viewer->medium->buffer;

  if (slot <= viewer->played + 1 || before[slot + 1] <= end)
    return 1;
  return before[slot] >= end ? 0
      : (double) (end - before[slot]) / (before[slot + 1] - before[slot]);
}

typedef void (*ShareFunc) (SimSending * self, guint32 node, double *left,
    double wanted);

static void
want (SimSending * self, guint32 node, double *left, double wanted)
{
  self->wanted[node] += wanted;
}

static void
take (SimSending * self, guint32 node, double *left, double wanted)
{
  double factor = self->wanted[node] > self->left[node]
      ? self->left[node] / self->wanted[node] : 1;

  *left -= wanted * factor;
}

/* What all viewers want of the slot that is due @ahead slots later. */
static void
each_share (SimSending * self, guint ahead, ShareFunc function)
{
  for (guint i = 0; i < self->viewers->len; i++) {
    SimViewer *viewer = g_ptr_array_index (self->viewers, i);
    guint slot = viewer->played + 1 + ahead;
    double keep;
    Chunk *chunk;

    if (slot >= viewer->medium->slots)
      continue;
    keep = 1 - part_with_room (viewer, slot);
    if (keep >= 1)
      continue;
    for (; viewer->next <= slot; viewer->next++)
      make_chunk (viewer, viewer->next);
    chunk = chunk_at (viewer, slot);
    for (guint j = 0; j < 2 * SIM_K; j++) {
      double *left = &chunk->left[j / SIM_K][j % SIM_K];
      double wanted = *left - chunk->all[j / SIM_K] * keep;

      if (wanted > 0)
        function (self, viewer->medium->places[(SIM_K + SIM_M)
                * chunk->extent[j / SIM_K] + j % SIM_K], left, wanted);
    }
  }
}

static void
share_out (SimSending * self, guint ahead)
{
  for (guint node = 0; node <= self->n_nodes; node++)
    self->wanted[node] = 0;
  each_share (self, ahead, want);
  each_share (self, ahead, take);
  for (guint node = 0; node <= self->n_nodes; node++)
    self->left[node] -= MIN (self->left[node], self->wanted[node]);
}

/* Its next slot is there, or it stands still. */
static void
play (SimViewer * viewer)
{
  guint slot = viewer->played + 1;
  double missing = 0;

  if (slot < viewer->medium->slots) {
    const Chunk *chunk = chunk_at (viewer, slot);

    for (guint j = 0; j < 2 * SIM_K; j++)
      missing = MAX (missing, chunk->left[j / SIM_K][j % SIM_K]);
  }
  if (missing > ALMOST)
    viewer->still++;
  else
    viewer->played++;
}

double
sim_sending_step (SimSending * self)
{
  double sent = 0;

  for (guint node = 1; node <= self->n_nodes; node++)
    self->left[node] = self->capacity;
  for (guint ahead = 0; ahead < DEPTH; ahead++)
    share_out (self, ahead);
  for (guint i = 0; i < self->viewers->len; i++)
    play (g_ptr_array_index (self->viewers, i));
  for (guint node = 1; node <= self->n_nodes; node++) {
    double used = self->capacity - self->left[node];

    sent += used;
    self->busy[node] += (used / self->capacity - self->busy[node]) / AVERAGED;
  }
  return sent;
}
