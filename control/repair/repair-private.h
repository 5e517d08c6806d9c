/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog-health.h"
#include "control/jobs/jobs.h"
#include "control/nodes/node-calls.h"
#include "control/nodes/placer.h"
#include "control/repair/memory-budget.h"
#include "control/repair/repair.h"
#include "libpmss/format/pmss-erasure.h"
#include "libpmss/format/pmss-shard.h"

G_BEGIN_DECLS

/* Nodes, as repair sees them at one moment (repair-nodes.c). */

typedef enum
{
  PMSS_PLACE_UP,
  /* may come back: its shards cannot be had now, and are not rebuilt yet */
  PMSS_PLACE_AWAY,
  PMSS_PLACE_GONE,              /* its shards are rebuilt elsewhere */
} PmssPlaceState;

typedef struct
{
  GHashTable *states;           /* node id -> PmssPlaceState */
  /* fewer than half of them are up: most likely it is control's own network */
  gboolean many_down;
  gboolean asked;               /* an administrator has asked for a node's repair */
  guint64 gone_shards;          /* that the catalog has on nodes that are gone */
  guint64 bad_shards;
  guint mark;                   /* the same as long as nothing has changed that repair depends on */
  gatomicrefcount refs;
} PmssNodeView;

/* Does not change any more; any thread. */
PmssNodeView  *pmss_node_view_new   (PmssControlContext *context, GError **error);
PmssNodeView  *pmss_node_view_ref   (PmssNodeView *view);
void           pmss_node_view_unref (PmssNodeView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssNodeView, pmss_node_view_unref)
/* @node 0, or one that there is no more: gone. */
PmssPlaceState pmss_node_view_get   (const PmssNodeView *view, guint node);

/* Whether some node is gone of @now that was not in @before. Nodes that come, or go and may come
 * back, make no plan wrong. */
gboolean       pmss_node_view_has_new_gone (const PmssNodeView *before, const PmssNodeView *now);

/**
 * PmssRepairPace:
 *
 * Bounds work that others cause, such as flapping nodes and suspicious viewers: a few times at
 * once, and then once in a while. Decides only. {0} is a full one.
 */
typedef struct
{
  gint64 spent_until;           /* monotonic, us: when it is full again */
} PmssRepairPace;

#define PMSS_REPAIR_PACE_BURST 4
#define PMSS_REPAIR_PACE_EVERY (30 * (gint64) G_USEC_PER_SEC)

/* FALSE: not now. */
gboolean       pmss_repair_pace_take (PmssRepairPace *pace, gint64 now);
/* One that was taken is given back. */
void           pmss_repair_pace_give (PmssRepairPace *pace);

/* Extents that need something (repair-plan.c). */

/* A PmssExtentPlace as a key of hash tables. */
guint    pmss_repair_place_hash  (gconstpointer place);
gboolean pmss_repair_place_equal (gconstpointer a, gconstpointer b);

/**
 * PmssRepairPlan:
 *
 * The extents that need something, the most endangered first: those with the fewest usable shards
 * beyond k. Those of which nothing is known, but something is suspected by viewers' readers, come
 * behind all others. Bounded: of more than 10,000, and more than 256 suspected ones, the less
 * endangered are left out, to be found by another plan.
 */
typedef struct _PmssRepairPlan PmssRepairPlan;

/* @all: whether to look at all extents, for places without a node too, or only at those with bad or
 * suspected shards. All are looked at in any case when a node is gone.
 * @except: (nullable) set of #PmssExtentPlace. */
PmssRepairPlan *pmss_repair_plan_new  (PmssControlContext *context, const PmssNodeView *view,
    gboolean all, GHashTable *except, GCancellable *cancellable, GError **error);
void            pmss_repair_plan_free (PmssRepairPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssRepairPlan, pmss_repair_plan_free)
/* Bytes of the shards that are to be made or looked at, of those left out too. */
guint64         pmss_repair_plan_get_bytes (PmssRepairPlan *plan);
/* Whether there is something, and all of it is only suspected. */
gboolean        pmss_repair_plan_is_suspicion (PmssRepairPlan *plan);
/* FALSE: that was the last one. */
gboolean        pmss_repair_plan_next (PmssRepairPlan *plan, PmssExtentPlace *place);

/* One run of the job (repair-job.c), which its workers share. */
typedef struct
{
  PmssJobRun *run;
  PmssControlContext *context;
  GMutex originals_lock;        /* protects `originals`, and is held while one is checked */
  /* medium id -> char *: path of its original, which was checked; NULL: it has none that is good */
  GHashTable *originals;
  PmssMemoryBudget *memory;     /* for the shards of the extents at work */
  GMutex lock;                  /* protects all below; held for moments */
  /* as the nodes were last seen; changes under the plan's lock, too */
  PmssNodeView *view;
  /* grows with each change, and with each extent that is known to be impossible */
  guint64 changes;
  guint64 vain;                 /* extents of which something was told, and nothing was wrong */
} PmssRepairRun;

/* Counts @bytes that went over the network, and waits as the rate limit wants. */
gboolean pmss_repair_run_moved  (PmssRepairRun *self, guint64 bytes, GError **error);
/* A shard of @bytes is where it should be. */
gboolean pmss_repair_run_stored (PmssRepairRun *self, guint64 bytes, GError **error);
/* Something is not as it was when the plan was made. */
void     pmss_repair_run_changed (PmssRepairRun *self);
/* An extent was looked at because of a report, and nothing is wrong with it. */
void     pmss_repair_run_vain (PmssRepairRun *self);

/* A worker that makes one extent after the other, on a thread of its own. */
typedef struct
{
  PmssRepairRun *repair;
  PmssNodeCalls *calls;
  PmssPlacer *placer;           /* nullable until the first extent */
  PmssErasure *erasure;         /* (nullable) for `redundancy` */
  PmssRedundancy redundancy;
  PmssNodeView *view;           /* for the extent at hand */
} PmssRepairWorker;

/* One extent at work (repair-extent.c: its good shards and those to be made; repair-store.c:
 * storing the new ones). Sets of shards are bits by index. */
typedef struct
{
  PmssRepairRun *repair;
  PmssRepairWorker *worker;
  PmssVersion version;
  char *medium;                 /* its name */
  PmssExtent extent;            /* follows the changes */
  PmssExtentGeometry geometry;
  guint n;
  guint32 lost;                 /* they have no node, or one that is gone */
  guint32 up;                   /* they are on nodes that are up */
  guint32 told;                 /* of those: something bad is known, or was told, of them */
  guint32 trusted;              /* of those: the node itself says that it cannot read it */
  guint32 damaged;              /* of those: its bytes are said to be wrong */
  guint32 bad;                  /* looked at, and they are bad */
  /* the shards that were read; of the requested ones, those that did not come for reasons of the
   * node's */
  guint32 read, unheard;
  GByteArray *bytes[PMSS_MAX_SHARDS];   /* of the calls last run */
  GError *errors[PMSS_MAX_SHARDS];
} PmssRepairWork;

/* FALSE: an error that ends the run. @reason: set where something is left that cannot be done
 * now. */
gboolean pmss_repair_extent (PmssRepairWorker *self, const PmssExtentPlace *place, char **reason,
    GError **error);

/* Some shards have to go elsewhere. Where no node can take one, it is left out of work->lost before
 * anything is read for it, and @reason says why. */
gboolean pmss_repair_check_room (PmssRepairWork *work, char **reason, GError **error);
/* Puts shard @index where it belongs: to its own node, if that is up, or else to another one.
 * FALSE: an error that ends the run. @reason: as above. */
gboolean pmss_repair_store  (PmssRepairWork *work, guint index, GBytes *bytes, char **reason,
    GError **error);
/* Runs the calls that were queued with indices as tags; fills work->errors. */
gboolean pmss_repair_run_calls (PmssRepairWork *work, GError **error);
/* Whether @error (nullable) says nothing of the shard, only of its node. */
gboolean pmss_repair_is_trouble (const GError *error);

/* All shards of the extent from the kept original (repair-original.c), once its SHA-256 has been
 * found to be the medium's. PMSS_ERROR_NOT_FOUND: none was kept, or it has changed. */
gboolean pmss_repair_restore (PmssRepairWork *work, GBytes *shards[PMSS_MAX_SHARDS],
    GError **error);

/* How the run went, for the keeper and the metrics; any thread. */
void     pmss_repair_note_stored (PmssRepair *repair, guint64 bytes);
void     pmss_repair_note_failed (PmssRepair *repair);
/* All that viewers suspected of the extents of a run was true. */
void     pmss_repair_note_true  (PmssRepair *repair);
/* @view: (nullable) as it was when the run ended with something left that cannot be done now; NULL:
 * nothing is left. */
void     pmss_repair_note_end    (PmssRepair *repair, const PmssNodeView *view);
/* Whether all extents are to be looked at; once. */
gboolean pmss_repair_take_all    (PmssRepair *repair);

G_END_DECLS
