/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-types.h"
#include "libpmss/reader/pmss-block.h"

G_BEGIN_DECLS

/**
 * PmssCache:
 *
 * Which units the readers of a PmssIo hold, so that two readers of one version ask the nodes for
 * each unit once. It holds no memory itself: a unit is in here as long as a reader has it in its
 * rows. Each reader has a reference of its own to the block.
 *
 * Only units whose checksum was right come in, each with the header of its record. Each reader of a
 * version had a session for it: control told it the version's id.
 *
 * Threads: any; its lock is taken last.
 */
typedef struct _PmssCache PmssCache;
/* All of one version; each reader of it has a reference. */
typedef struct _PmssCached PmssCached;

PmssCache *pmss_cache_new (void);
/* After all readers have left. */
void pmss_cache_free (PmssCache *cache);

/* What readers share units by. Control could give two of them one version's id for different cuts
 * of it, whose units do not fit each other. */
typedef struct
{
  PmssVersionId version;
  PmssRedundancy redundancy;
  guint32 unit;                 /* bytes, as the next two */
  guint64 extent_size;
  guint64 size;                 /* of the medium */
} PmssCacheKey;

/* A reader of @key comes. */
PmssCached *pmss_cache_join (PmssCache *cache, const PmssCacheKey *key);
/* It goes, and holds and awaits nothing any more. */
void pmss_cached_leave (PmssCached *cached);

/* Whether others read it, too. */
gboolean pmss_cached_is_shared (PmssCached *cached);
/* A reader holds @block as unit @index of @row, or does so no more. It has a reference
 * meanwhile. */
void pmss_cached_add (PmssCached *cached, guint64 row, guint index, PmssBlock *block);
void pmss_cached_remove (PmssCached *cached, guint64 row, guint index, PmssBlock *block);
/* Returns: (transfer full) (nullable): the unit that another reader holds */
PmssBlock *pmss_cached_take (PmssCached *cached, guint64 row, guint index);
/* A reader awaits that unit from a node, or does so no more. */
void pmss_cached_ask (PmssCached *cached, guint64 row, guint index);
void pmss_cached_unask (PmssCached *cached, guint64 row, guint index);
/* Whether any does. */
gboolean pmss_cached_is_asked (PmssCached *cached, guint64 row, guint index);

G_END_DECLS
