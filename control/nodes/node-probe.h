/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/format/pmss-layout.h"

G_BEGIN_DECLS

/**
 * PmssNodeProbe:
 *
 * Checks a node when a viewer's reader says that it cannot reach it. It asks the node's /healthz,
 * and tells #PmssNodes the result. It asks an unreachable node every second until it is reached, or
 * until its heartbeats have stopped too. It asks a node one question at a time, and none within a
 * second of the last: readers can cause no more. It also asks nodes for proofs of their addresses.
 * All of it happens on a thread of its own.
 */
PmssNodeProbe *pmss_node_probe_start (PmssControlContext *context);
/* Joins the thread. */
void           pmss_node_probe_stop  (PmssNodeProbe *probe);
/* Asks the server at @place whether it is node place->id, and tells pmss_nodes_note_proof().
 * Returns at once. Any thread. */
void           pmss_node_probe_prove (PmssNodeProbe *probe, const PmssNode *place);
/* The reader of @session cannot reach @node. Returns at once. Any thread. */
void           pmss_node_probe_ask   (PmssNodeProbe *probe, guint node, const char *session);

G_END_DECLS
