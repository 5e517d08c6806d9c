/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/envelope.h"

G_BEGIN_DECLS

/**
 * PmssStreamPlan:
 *
 * Which bytes a stream of one version takes of which node, slot by slot: an envelope, and where the
 * extents lie. Reference counted, does not change. Knows no clock. Threads: any.
 */
typedef struct _PmssStreamPlan PmssStreamPlan;

/* Some slots of a stream: in each of them the same bytes of each of some nodes. */
typedef struct
{
  guint32 slots;                /* how many, >= 1; 1 where a slot spans extents */
  guint n_nodes;
  const guint32 *nodes;         /* ids of the data shards' nodes; 0: that shard is lost */
  const guint32 *parity;        /* of the parity shards', @n_parity of them */
  guint n_parity;
  guint64 bytes;                /* of each of @nodes in a slot, headers of records included */
  guint64 ahead;                /* of them, the client has room for so many one slot earlier */
} PmssPlanPart;

/* @extent: bytes of an extent. @places: for each of @n_extents extents k + m node ids, the data
 * shards' first; is copied. @overhead: bytes on the wire for each byte of the file, 1..2: headers
 * of records, TCP/IP. */
PmssStreamPlan *pmss_stream_plan_new   (const PmssEnvelope *envelope, guint64 extent, guint k,
    guint m, const guint32 *places, guint n_extents, double overhead);
PmssStreamPlan *pmss_stream_plan_ref   (PmssStreamPlan *plan);
void            pmss_stream_plan_unref (PmssStreamPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssStreamPlan, pmss_stream_plan_unref)

guint32         pmss_stream_plan_get_slots (const PmssStreamPlan *plan);
const PmssEnvelope *pmss_stream_plan_get_envelope (const PmssStreamPlan *plan);
/* Bytes of memory that it takes. */
gsize           pmss_stream_plan_get_size  (const PmssStreamPlan *plan);
/* The most bytes that a slot takes of one node. @parts: (out) that a slot has at most. */
guint64         pmss_stream_plan_get_peak  (const PmssStreamPlan *plan, guint *parts);
/* The slot of the plan in which byte @position of the file comes. */
guint32         pmss_stream_plan_find_slot (const PmssStreamPlan *plan, guint64 position);

/* Walks over slots; the fields are private. */
typedef struct
{
  const PmssStreamPlan *plan;
  guint32 slot;                 /* of the plan */
  guint run;                    /* that @slot is in */
  guint64 position;             /* of the next byte in the file */
} PmssPlanWalk;
void            pmss_plan_walk_init (PmssPlanWalk *walk, const PmssStreamPlan *plan, guint32 slot);
/* The next part; several of one slot, where it spans extents. @slot: (out) of the plan, the first
 * of the part. Slots that bring nothing are left out. FALSE: the plan is over. */
gboolean        pmss_plan_walk_next (PmssPlanWalk *walk, guint32 *slot, PmssPlanPart *part);

G_END_DECLS
