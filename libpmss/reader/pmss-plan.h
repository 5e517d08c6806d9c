/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-engine.h"

G_BEGIN_DECLS

/* Shared by pmss-plan.c, pmss-plan-row.c and pmss-plan-jump.c. I/O thread, lock held. */

/* One look at the window. */
typedef struct
{
  gint64 now;
  guint extra;                  /* units that may be asked for twice */
  guint64 left;                 /* first row of which a unit is left to a late node, or
                                 * to another reader, until it is urgent; G_MAXUINT64: none */
} PmssPlanPass;

PmssPlanPass pmss_plan_begin (PmssEngine *engine);
/* Marks the units of @row that are wanted, from data unit @first on. @urgent: late nodes are not
 * waited for. Takes extra requests from @pass. */
void pmss_plan_row (PmssEngine *engine, PmssRow *row, guint first,
    gboolean urgent, PmssPlanPass *pass);
/* Whether it is needed before the next look but one, so that others can just
 * give it in time. */
gboolean pmss_plan_is_due (PmssEngine *engine, guint64 row, guint index,
    gint64 now);
/* Ends requests that are of use neither in @cursor's window nor to a waiting read. It spares those
 * that are nearly through if the cache has room. */
void pmss_plan_cancel_unwanted (PmssEngine *engine, PmssCursor *cursor);

G_END_DECLS
