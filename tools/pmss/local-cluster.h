/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"
#include "local-state.h"

G_BEGIN_DECLS

/* A whole cluster on loopback, for `pmss local`. Every function saves the cluster's state as it
 * goes. Every wait has a deadline. */

/* Starts the servers that are not running, and as many new storage servers as it takes to have
 * @nodes of them. When it fails, it ends the servers that it started. Of a cluster that was not
 * there before nothing stays. */
gboolean pmss_local_up         (PmssLocalCluster *cluster, guint nodes, GCancellable *cancellable,
    GError **error);
/* Starts one more. */
PmssLocalServer *pmss_local_add_node (PmssLocalCluster *cluster, GCancellable *cancellable,
    GError **error);
/* Ends a storage server in order (@kill: at once, as a crash would) and remembers that it shall
 * stay stopped. No error when it is stopped already. */
gboolean pmss_local_stop_node  (PmssLocalCluster *cluster, PmssLocalServer *node, gboolean kill,
    GError **error);
gboolean pmss_local_start_node (PmssLocalCluster *cluster, PmssLocalServer *node,
    GCancellable *cancellable, GError **error);
/* Ends everything. */
gboolean pmss_local_down       (PmssLocalCluster *cluster, GError **error);

/* "up", "stopped" (on purpose) or "down" (it should run, and does not). */
const char *pmss_local_server_get_state (const PmssLocalServer *server);

/* The object of `up --json` and `status --json`. */
JsonNode *pmss_local_to_json     (PmssLocalCluster *cluster);
void      pmss_local_print       (PmssLocalCluster *cluster);
/* Lines for a shell's eval. */
void      pmss_local_print_env   (PmssLocalCluster *cluster);

G_END_DECLS
