/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/nodes/node-calls.h"
#include "libpmss/format/pmss-erasure.h"
#include "libpmss/format/pmss-shard.h"

G_BEGIN_DECLS

/* One extent under examination: verify-fetch.c (its shards), verify-judge.c (judges them); for the
 * jobs that read a whole medium. */

typedef enum
{
  PMSS_LOOK_NOWHERE,            /* the layout names no node */
  PMSS_LOOK_AWAY,               /* the node cannot be asked just now */
  PMSS_LOOK_MISSING,            /* the node does not have it */
  PMSS_LOOK_READ,
} PmssLook;

typedef struct
{
  PmssLook look;
  guint node;
  /* the node's bytes; zeros where it could not read. NULL unless read */
  GByteArray *bytes;
  gboolean unreadable;          /* not all of it: its disk failed */
  gboolean too_long;
  char *reason;                 /* (nullable) why it is away, or the first thing that was wrong */
  /* the judgement */
  gboolean bad;
  GArray *rows;                 /* guint32: the bad ones of a bad shard, ascending; perhaps none */
} PmssVerifyShard;

typedef struct
{
  PmssExtentGeometry geometry;
  guint n;
  PmssVerifyShard shards[PMSS_MAX_SHARDS];
  guint64 read;                 /* bytes */
  /* doubtful rows: their records differ without a majority, or a unit made from the others does not
   * have its checksum */
  guint32 contradictions;
} PmssVerifyExtent;

/* @nodes: by shard. */
void     pmss_verify_extent_init  (PmssVerifyExtent *extent, const PmssExtentGeometry *geometry,
    const guint *nodes);
void     pmss_verify_extent_clear (PmssVerifyExtent *extent);

/* Reads all shards that are to be had. FALSE: cancelled. */
gboolean pmss_verify_fetch (PmssVerifyExtent *extent, PmssNodeCalls *calls,
    GCancellable *cancellable, GError **error);

/* The next bytes of the payload; NULL: @length bytes of it cannot be had. */
typedef void (*PmssVerifyPayload) (const guint8 *bytes, gsize length, gpointer user_data);
/* Judges the shards that were read. @payload: called for all of the payload, in order. */
void     pmss_verify_judge (PmssVerifyExtent *extent, PmssErasure *erasure,
    PmssVerifyPayload payload, gpointer user_data);

G_END_DECLS
