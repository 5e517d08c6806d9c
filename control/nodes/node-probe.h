/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/format/pmss-layout.h"

G_BEGIN_DECLS

/**
 * PmssNodeProbe:
 *
 * Looks for itself when a viewer's reader says that it cannot reach a node: asks the node's
 * /healthz, and tells #PmssNodes what came of it. A node that is not reached is asked every second
 * until it is, or until its heartbeats have stopped too. There is one question a node at a time,
 * and none within a second of the last: readers can ask for no more. Asks nodes for proofs of their
 * addresses, too. Has a thread of its own, on which all of it happens.
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
