/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssMemoryBudget:
 *
 * How much several threads may have in memory together. Who comes first is first, so that a large
 * claim does not wait for ever behind small ones; one that is larger than the whole budget has it
 * alone.
 */
typedef struct _PmssMemoryBudget PmssMemoryBudget;

PmssMemoryBudget *pmss_memory_budget_new  (guint64 bytes);
/* Nobody has a claim any more. */
void              pmss_memory_budget_free (PmssMemoryBudget *budget);
/* Waits until there is room, as long as that takes. A thread has one claim at a time. */
void              pmss_memory_budget_claim   (PmssMemoryBudget *budget, guint64 bytes);
/* Gives back what was claimed. */
void              pmss_memory_budget_release (PmssMemoryBudget *budget, guint64 bytes);

G_END_DECLS
