/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/policies/policy.h"

G_BEGIN_DECLS

/* The policies of the cluster: rows of the table policy. Any thread; blocks. */

#define PMSS_MAX_POLICIES 200

/* In their order: array of #PmssPolicy that frees them. */
GPtrArray *pmss_policies_list   (PmssDatabase *database, GError **error);
/* Makes it, or puts it in the place of the one with its name. An order of -1: that one's, or behind
 * all others. @policy gets the order. PMSS_ERROR_INVALID: pmss_policy_check(). PMSS_ERROR_CONFLICT:
 * there are PMSS_MAX_POLICIES. */
gboolean   pmss_policies_set    (PmssDatabase *database, PmssPolicy *policy, GError **error);
/* PMSS_ERROR_NOT_FOUND */
gboolean   pmss_policies_remove (PmssDatabase *database, const char *name, GError **error);

/* What they and the settings say of a file. @choice is cleared by the caller in any case. */
gboolean   pmss_policies_choose (const PmssControlContext *context,
    const PmssPolicySubject *subject, PmssPolicyChoice *choice, GError **error);

G_END_DECLS
