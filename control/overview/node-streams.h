/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/* How many streams read from each node: those whose layout names it. Blocks; any thread. Returns a
 * table of node id -> number (GUINT_TO_POINTER), without those that have none. */
GHashTable *pmss_node_streams_count (PmssControlContext *context, GError **error);

G_END_DECLS
