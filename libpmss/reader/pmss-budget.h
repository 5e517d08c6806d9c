/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssBudget:
 *
 * Bounds how many units may be asked for twice: a token bucket. Each unit that is asked for once
 * adds `percent` hundredths of a unit, each extra one takes a whole unit. It begins full, and never
 * holds more than %PMSS_BUDGET_BURST units. So the units that one node owes when it falls silent
 * can be asked of others at once. Over time the share is no more than `percent`.
 *
 * Not locked: the I/O thread's, under the reader's lock.
 */
typedef struct
{
  guint percent;
  guint64 credit;               /* hundredths of a unit */
} PmssBudget;

#define PMSS_BUDGET_BURST 32

/* @percent: 0: nothing is asked twice, 100: any unit may be. */
void pmss_budget_init (PmssBudget *budget, guint percent);
/* Units that may be asked for twice now. */
guint pmss_budget_get_units (const PmssBudget *budget);
/* A unit is asked for. */
void pmss_budget_note (PmssBudget *budget, gboolean extra);

G_END_DECLS
