/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/format/pmss-shard.h"

G_BEGIN_DECLS

/* Judges what can be read of an extent, by its known shards. Nothing here does I/O. */

/* From good to bad: of several the worst is the larger. */
typedef enum
{
  PMSS_HEALTH_WHOLE,            /* every shard is there and good */
  PMSS_HEALTH_DEGRADED,         /* every byte can be read, some redundancy is gone */
  PMSS_HEALTH_UNAVAILABLE,      /* bytes cannot be read until nodes that are down are back */
  PMSS_HEALTH_DAMAGED,          /* bytes are lost */
} PmssHealth;
const char *pmss_health_to_string (PmssHealth health);

typedef enum
{
  PMSS_SHARD_PRESENT,
  PMSS_SHARD_AWAY,              /* its node is down, and may come back */
  PMSS_SHARD_LOST,
} PmssShardPresence;

typedef struct
{
  PmssShardPresence presence;
  /* (nullable) guint32, ascending: of a shard that is not lost; NULL: it is good. Even without a
   * row in it, it is not as it should be. */
  const GArray *bad_rows;
} PmssShardHealth;

typedef struct
{
  guint64 offset, length;
} PmssByteRange;

/* Bytes that are lost: neighbours are one range; beyond @max ranges only their sum is kept. */
typedef struct
{
  GArray *ranges;               /* of PmssByteRange, ascending */
  guint max;
  guint64 bytes;
} PmssDamage;

/* @shards: k+m. @offset: where the extent begins in its file. Its lost bytes are added to @damage.
 * Rows are judged one by one. A row is whole if k of its units can be read, even if the shards are
 * bad elsewhere. */
PmssHealth  pmss_extent_health_judge (const PmssExtentGeometry *geometry,
    const PmssShardHealth *shards, guint64 offset, PmssDamage *damage);

G_END_DECLS
