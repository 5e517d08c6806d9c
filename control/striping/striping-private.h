/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/nodes/node-calls.h"
#include "control/nodes/placer.h"
#include "control/striping/striping.h"
#include "libpmss/pmss-sha256.h"

G_BEGIN_DECLS

/* Shared by striping.c, striping-write.c, striping-verify.c, read-back.c and compare-extents.c. */

/* A thread that compares extents while later ones are striped: see pmss_read_back_start(). */
typedef struct _PmssReadBack PmssReadBack;

struct _PmssStriping
{
  PmssControlContext *context;
  PmssVersion version;
  char *name;
  PmssByteSource *source;
  PmssStripingFuncs funcs;
  gpointer user_data;
  GCancellable *cancellable;
  PmssPlacer *placer;
  PmssErasure *erasure;
  PmssNodeCalls *calls;         /* while there is a `read_back`: its thread's */
  /* of write() */
  PmssReadBack *read_back;
  PmssSha256 *sha256;
  guint64 hashed;               /* bytes in `sha256` */
};

/* The catalog's rows of the version's extents. */
guint64  pmss_striping_get_payload     (PmssStriping *striping, guint32 extent);
gboolean pmss_striping_count_verified  (PmssStriping *striping, guint64 *bytes, GError **error);
/* The first extent from *@next on and before @end that is not verified; *@next: where to look then.
 * FALSE: there is none, or an error. */
gboolean pmss_striping_find_unverified (PmssStriping *striping, guint32 *next, guint32 end,
    PmssExtent *extent, GError **error);
/* The shards of @extent as they have to be, from the source. */
gboolean pmss_striping_compute_extent  (PmssStriping *striping, guint32 extent,
    GBytes *shards[PMSS_MAX_SHARDS], GError **error);

typedef struct
{
  /* Says which durable extent to compare next. FALSE: none at present, or an error. */
  gboolean (*next)     (PmssExtent *extent, gpointer user_data, GError **error);
  /* @extent was compared: it is verified now, or @reason names the fault of a shard. FALSE and an
   * error ends the comparing. */
  gboolean (*compared) (const PmssExtent *extent, const GError *reason, gpointer user_data,
      GError **error);
} PmssCompareFuncs;

/* Asks the nodes for whole shards and compares them with the source, two extents at a time, until
 * `next` has no more. A bad shard is not an error here. On the thread that owns `calls`. */
gboolean pmss_striping_compare_extents (PmssStriping *striping, const PmssCompareFuncs *funcs,
    gpointer user_data, GCancellable *cancellable, GError **error);

/**
 * PmssReadBack:
 *
 * The work of verify() on durable extents, while the rest is striped: links carry both ways at
 * once, and there is more than one CPU. It does the good case only. It leaves shards that differ,
 * or cannot be read, to verify(), which meets them again and puts them right, or says why it
 * cannot.
 *
 * Threads: start to end are the striping's thread's; the work is done on a thread of its own.
 */
PmssReadBack *pmss_read_back_start        (PmssStriping *striping, GError **error);
/* Extents before @end are durable: only this object changes their rows. */
void          pmss_read_back_allow        (PmssReadBack *read_back, guint32 end);
/* Bytes of extents that are verified, of earlier runs too. */
guint64       pmss_read_back_get_verified (PmssReadBack *read_back);
/* Ends the thread, with the extents at hand (@finish) or at once. */
void          pmss_read_back_end          (PmssReadBack *read_back, gboolean finish);

G_END_DECLS
