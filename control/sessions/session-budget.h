/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssSessionBudget:
 *
 * How fast each user may open sessions: twice their cap at once, then a tenth of it each second,
 * one at least. In memory. Threads: any.
 */
typedef struct _PmssSessionBudget PmssSessionBudget;

PmssSessionBudget *pmss_session_budget_new  (void);
void               pmss_session_budget_free (PmssSessionBudget *budget);
/* Whether @user, who may have @cap sessions (0: any number), may open one; @now: monotonic, us. */
gboolean           pmss_session_budget_take (PmssSessionBudget *budget, const char *user,
    guint cap, gint64 now);
/* Forgets users whose budget is full again. */
void               pmss_session_budget_prune (PmssSessionBudget *budget, gint64 now);

G_END_DECLS
