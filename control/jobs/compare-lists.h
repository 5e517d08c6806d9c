/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/nodes/node-calls.h"

G_BEGIN_DECLS

/* A node's list of its shards against the catalog: the reconciler's larger half. Blocks; one thread. */

/* What nobody knows on one node, and since when control has seen it there; in memory, at most 100,000 names. */
typedef struct _PmssUnknown PmssUnknown;
PmssUnknown *pmss_unknown_new  (void);
void         pmss_unknown_free (PmssUnknown *unknown);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUnknown, pmss_unknown_free)
guint        pmss_unknown_get_count (PmssUnknown *unknown);
/* When the first of them is to go: monotonic, G_MAXINT64 if there are none. */
gint64       pmss_unknown_get_due   (PmssUnknown *unknown);

typedef struct {
  guint64 shards;               /* listed */
  guint64 missing;              /* that the catalog has on it, and it has not: noted as bad shards, at most 10,000 a time */
  guint64 orphans;              /* that nobody has known for the grace period: pending deletions from now on */
  guint64 held;                 /* the same, and they are so many that somebody has to confirm it: left alone */
} PmssCompared;

/* Whether a clean-up of @orphans of the @shards that a node holds is so large that the catalog, or whose list it is, may be what is wrong:
 * more than 16 and 5 %, or at least four and more than half. */
gboolean     pmss_cleanup_is_large (guint64 orphans, guint64 shards);

/* Brings @unknown up to date. @allowed: as many orphans may go, however large a part that is. On FALSE @unknown is as it was. */
gboolean     pmss_compare_lists (PmssControlContext *context, PmssNodeCalls *calls, guint node, PmssUnknown *unknown, guint64 allowed,
    PmssCompared *compared, GCancellable *cancellable, GError **error);

G_END_DECLS
