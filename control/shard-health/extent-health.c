/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges what can be read of an extent. Pure. */
#include "control/shard-health/extent-health.h"

/* One unit of a row. */
typedef enum
{ UNIT_GOOD, UNIT_AWAY, UNIT_GONE } UnitState;

typedef struct
{
  const PmssExtentGeometry *geometry;
  const PmssShardHealth *shards;
  guint64 offset;
  PmssDamage *damage;
} Extent;

const char *
pmss_health_to_string (PmssHealth health)
{
  static const char *const names[] = {
    [PMSS_HEALTH_WHOLE] = "whole",
    [PMSS_HEALTH_DEGRADED] = "degraded",
    [PMSS_HEALTH_UNAVAILABLE] = "unavailable",
    [PMSS_HEALTH_DAMAGED] = "damaged",
  };

  return names[health];
}

static void
add_damage (PmssDamage * damage, guint64 offset, guint64 length)
{
  PmssByteRange range = { offset, length }, *last = damage->ranges->len > 0
      ? &g_array_index (damage->ranges, PmssByteRange, damage->ranges->len - 1)
      : NULL;

  damage->bytes += length;
  if (last != NULL && last->offset + last->length == offset)
    last->length += length;
  else if (damage->ranges->len < damage->max)
    g_array_append_val (damage->ranges, range);
}

static int
compare_rows (gconstpointer a, gconstpointer b)
{
  guint32 x = *(const guint32 *) a, y = *(const guint32 *) b;

  return x < y ? -1 : x > y;
}

/* A unit without a byte is known. */
static UnitState
judge_unit (const Extent * extent, guint32 row, guint index)
{
  const PmssShardHealth *shard = &extent->shards[index];

  if (pmss_extent_geometry_unit_length (extent->geometry, row, index) == 0)
    return UNIT_GOOD;
  if (shard->presence == PMSS_SHARD_LOST
      || (shard->bad_rows != NULL
          && g_array_binary_search ((GArray *) shard->bad_rows, &row,
              compare_rows, NULL)))
    return UNIT_GONE;
  return shard->presence == PMSS_SHARD_AWAY ? UNIT_AWAY : UNIT_GOOD;
}

static void
add_unit (const Extent * extent, guint32 row, guint index)
{
  const PmssExtentGeometry *geometry = extent->geometry;
  guint64 unit = (guint64) row * geometry->redundancy.k + index;

  add_damage (extent->damage, extent->offset + unit * geometry->unit,
      pmss_extent_geometry_unit_length (geometry, row, index));
}

/* With fewer than k units that can ever be had, the data units that are gone are lost; those that are there are not. */
static PmssHealth
judge_row (const Extent * extent, guint32 row)
{
  PmssRedundancy redundancy = extent->geometry->redundancy;
  guint count[] = {[UNIT_GOOD] = 0,[UNIT_AWAY] = 0,[UNIT_GONE] = 0 };
  UnitState units[PMSS_MAX_SHARDS];

  for (guint i = 0; i < (guint) redundancy.k + redundancy.m; i++) {
    units[i] = judge_unit (extent, row, i);
    count[units[i]]++;
  }
  if (count[UNIT_GOOD] >= redundancy.k)
    return PMSS_HEALTH_DEGRADED;
  if (count[UNIT_GOOD] + count[UNIT_AWAY] >= redundancy.k)
    return PMSS_HEALTH_UNAVAILABLE;
  for (guint i = 0; i < redundancy.k; i++)
    if (units[i] == UNIT_GONE)
      add_unit (extent, row, i);
  return PMSS_HEALTH_DAMAGED;
}

PmssHealth
pmss_extent_health_judge (const PmssExtentGeometry * geometry,
    const PmssShardHealth * shards, guint64 offset, PmssDamage * damage)
{
  const Extent extent = { geometry, shards, offset, damage };
  guint n = (guint) geometry->redundancy.k + geometry->redundancy.m, good = 0;
  guint32 rows = pmss_extent_geometry_rows (geometry);
  PmssHealth worst = PMSS_HEALTH_DEGRADED;

  for (guint i = 0; i < n; i++)
    if (shards[i].presence == PMSS_SHARD_PRESENT && shards[i].bad_rows == NULL)
      good++;
  if (good == n)
    return PMSS_HEALTH_WHOLE;
  if (good >= geometry->redundancy.k)
    return PMSS_HEALTH_DEGRADED;
  for (guint32 row = 0; row < rows; row++) {
    PmssHealth health = judge_row (&extent, row);

    worst = MAX (worst, health);
  }
  return worst;
}
