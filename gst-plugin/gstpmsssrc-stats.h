/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * gst_pmss_stats_to_structure:
 * @stats: (nullable): the result of pmss_reader_get_stats()
 *
 * Converts @stats to a structure "pmss-stats". It has the counters (guint64) of all nodes together.
 * "nodes" (GST_TYPE_ARRAY of structures "pmss-node-stats") has those of each node. Two fields are
 * added: "rate" (bit/s) is the sum of the nodes' rates, and "rtt" (ns) the mean over the nodes that
 * have one.
 *
 * Returns: (transfer full): without @stats everything is 0 and there are no nodes
 */
GstStructure *gst_pmss_stats_to_structure (GVariant * stats);

G_END_DECLS
