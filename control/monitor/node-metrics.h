/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "daemon/pmss-metrics.h"

G_BEGIN_DECLS

/* Adds the nodes' figures to a page of metrics, with the label `node`, and the faults that last. A
 * figure that is not known has no line. From memory: it waits for nothing. Any thread. */
void pmss_node_metrics_add (PmssMetrics *metrics, PmssControlContext *context);

G_END_DECLS
