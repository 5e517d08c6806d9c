/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * gst_pmss_stats_to_structure:
 * @stats: (nullable): what pmss_reader_get_stats() gave
 *
 * The same as a structure "pmss-stats": counters (guint64) in all and, in "nodes" (GST_TYPE_ARRAY
 * of structures "pmss-node-stats"), for each node.
 * Adds in all: "rate" (bit/s), the sum of the nodes' rates, and "rtt" (ns), the mean over the nodes
 * that have one.
 *
 * Returns: (transfer full): without @stats everything is 0 and there are no nodes
 */
GstStructure *gst_pmss_stats_to_structure (GVariant * stats);

G_END_DECLS
