/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/shard-health/extent-health.h"

G_BEGIN_DECLS

#define PMSS_MAX_DAMAGED_RANGES 1000

/* Judges what can be read of a medium, as far as is known. Suspicions are counted, and not
 * believed. */
typedef struct
{
  PmssHealth state;             /* the worst of its extents */
  guint64 extents;
  guint64 by_state[PMSS_HEALTH_DAMAGED + 1];    /* of them */
  PmssDamage damage;            /* at most PMSS_MAX_DAMAGED_RANGES */
  guint64 bad_shards, suspected_shards;
  /* guint: ids of nodes that are down and have shards of it, ascending */
  GArray *nodes_down;
} PmssMediumHealth;

/* Of a ready version. Reads the catalog in pages: takes a while for a large medium. */
PmssMediumHealth *pmss_medium_health_new  (PmssControlContext *context,
    const PmssVersionId *version, GError **error);
void              pmss_medium_health_free (PmssMediumHealth *health);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssMediumHealth, pmss_medium_health_free)

G_END_DECLS
