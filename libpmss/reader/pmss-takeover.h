/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-bad-shards.h"
#include "libpmss/reader/pmss-news.h"
#include "libpmss/reader/pmss-places.h"
#include "libpmss/reader/pmss-rows.h"

G_BEGIN_DECLS

/**
 * PmssTakeover:
 *
 * The parts of a reader that another layout changes. Nodes that the reader knows are the same links
 * as before, with what is under way and what is known of them. Others get links of their own, which
 * are asked for /healthz before they are asked for shards. Streams go on to their ends.
 *
 * Pure: no clock, no I/O. Threads: the I/O thread, under the reader's lock.
 */
typedef struct
{
  GPtrArray *links;             /* of PmssLink, by number; grows */
  PmssPlaces *places;
  PmssRows *rows;               /* whose layout is replaced */
  PmssBadShards *bad_shards;
  PmssNews *news;               /* links of which something is to be told stay */
} PmssTakeover;

/* Asks for shards where @layout, of the same geometry, says that they are. @now: us on the reader's
 * clock */
void pmss_takeover_run (const PmssTakeover *parts, PmssLayout *layout,
    gint64 now);

G_END_DECLS
