/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-budget.h"

#define UNIT 100u

void
pmss_budget_init (PmssBudget * budget, guint percent)
{
  budget->percent = percent;
  budget->credit = percent > 0 ? PMSS_BUDGET_BURST * UNIT : 0;
}

guint
pmss_budget_get_units (const PmssBudget * budget)
{
  return budget->credit / UNIT;
}

void
pmss_budget_note (PmssBudget * budget, gboolean extra)
{
  if (extra)
    budget->credit -= MIN (budget->credit, UNIT);
  else
    budget->credit = MIN (budget->credit + budget->percent,
        PMSS_BUDGET_BURST * UNIT);
}
