/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssMemoryBudget:
 *
 * Bounds the memory of several threads together. Claims are served in their order, so that a large
 * one does not wait for ever behind small ones. A claim that is larger than the whole budget has it
 * alone.
 */
typedef struct _PmssMemoryBudget PmssMemoryBudget;

PmssMemoryBudget *pmss_memory_budget_new  (guint64 bytes);
/* No claim may be open any more. */
void              pmss_memory_budget_free (PmssMemoryBudget *budget);
/* Waits until there is room, as long as that takes. A thread has one claim at a time. */
void              pmss_memory_budget_claim   (PmssMemoryBudget *budget, guint64 bytes);
/* Gives a claim back. */
void              pmss_memory_budget_release (PmssMemoryBudget *budget, guint64 bytes);

G_END_DECLS
