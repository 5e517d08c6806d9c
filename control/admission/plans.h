/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/stream-plan.h"
#include "control/catalog/catalog.h"

G_BEGIN_DECLS

/**
 * PmssPlans:
 *
 * The plans of versions, made of the catalog's rows and kept as long as the layout stays what it
 * is. Their memory is bounded: what was not asked for for the longest time is forgotten. Threads:
 * any.
 */
typedef struct _PmssPlans PmssPlans;

#define PMSS_PLANS_MOST (64 * 1024 * 1024)      /* bytes */

/* @peak: plans claim the highest rate of a medium all the time. @most: bytes that are kept. */
PmssPlans *pmss_plans_new  (PmssDatabase *database, PmssCatalog *catalog, gboolean peak,
    gsize most);
void       pmss_plans_free (PmssPlans *plans);
/* Whether the plan of that generation of @version is known; @plan: (out) a reference; NULL: the
 * medium is bulk, and none is owed to it. From memory; waits for nothing. */
gboolean   pmss_plans_find (PmssPlans *plans, const PmssVersionId *version, gint64 generation,
    PmssStreamPlan **plan);
/* Makes that of @version, which is one of @medium. Blocks; reads in pieces, between which the
 * database thread serves other callers. */
gboolean   pmss_plans_load (PmssPlans *plans, const PmssMedium *medium,
    const PmssVersionId *version, PmssStreamPlan **plan, GError **error);
/* Bytes that are kept. */
gsize      pmss_plans_get_size (PmssPlans *plans);

G_END_DECLS
