/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/sessions/measures.h"

G_BEGIN_DECLS

/**
 * pmss_complaints_judge:
 * @nodes: the nodes of one renewal, each once
 * @complains: (out): @n values
 *
 * Whether a reader that tells @nodes complains of each. It complains of a node that should have
 * given something and was late with more than 1 % of that, or did not give it. It complains of one
 * whose units took more than three times the median of the others', and more than
 * PMSS_COMPLAINT_LEAST_TIME. A reader that would complain of more than half of its nodes has a slow
 * line of its own: it complains of none. Pure; any values are allowed.
 *
 * Returns: how many it complains of
 */
guint pmss_complaints_judge (const PmssNodeMeasure *nodes, guint n, gboolean *complains);

#define PMSS_COMPLAINT_SHARE 0.01
#define PMSS_COMPLAINT_TIMES 3
/* Seconds. Near nodes differ by more than three times between a cache and a disk, and no viewer
 * sees it. */
#define PMSS_COMPLAINT_LEAST_TIME 0.02
/* Units of which a mean is taken. */
#define PMSS_COMPLAINT_LEAST_UNITS 4

G_END_DECLS
