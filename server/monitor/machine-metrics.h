/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/pmss-metrics.h"
#include "machine.h"

G_BEGIN_DECLS

/* The machine's counters as of now, under the names of node_exporter where it has them. What is not
 * known is left out. Does not wait for a disk. Threads: any. */
void pmss_machine_add_metrics (const PmssMachine *machine, PmssMetrics *metrics);

G_END_DECLS
