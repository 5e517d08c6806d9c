/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/nodes/nodes.h"

G_BEGIN_DECLS

/* Which storage server a viewer is sent to. Threads: any. */

/* The gateways of the moment, the best one first: of guint; empty: there is none. @holders: of
 * guint, ascending: nodes that have shards of the medium. */
GArray *pmss_gateways_choose (PmssNodes *nodes, const GArray *holders);
/* Whether @node takes a token with the origin of a page. */
gboolean pmss_gateways_read_origins (PmssNodes *nodes, guint node);
/* The URL at which gateway @node answers for the medium called @name. NULL: it has gone. */
char   *pmss_gateways_url    (PmssNodes *nodes, guint node, const char *name, const char *token);

G_END_DECLS
