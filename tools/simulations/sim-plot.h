/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-day.h"

G_BEGIN_DECLS

/* Two pictures, one above the other: viewers of each policy, and those that stand still. @results:
 * SIM_N_POLICIES, those without bins are left out. @hour: at which the day begins. */
gboolean sim_plot_write (const char *path, const SimResult *results, int hour, GError **error);

G_END_DECLS
