/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssNodeMetrics:
 *
 * The nodes' figures for Prometheus, with the label `node`, and the faults that last. A figure that
 * is not known has no line. From memory, and made once a second at most: it may be asked for as
 * often as anybody likes. It waits for nothing but another thread that makes it. Threads: any.
 */

PmssNodeMetrics *pmss_node_metrics_new  (PmssControlContext *context);
void             pmss_node_metrics_free (PmssNodeMetrics *metrics);
/* (transfer full) */
GRefString      *pmss_node_metrics_get  (PmssNodeMetrics *metrics);

G_END_DECLS
