/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/nodes/nodes.h"

G_BEGIN_DECLS

/* Which storage server a viewer is sent to. Threads: any. */

/* bit/s of a viewer of a medium whose rate is not known. */
#define PMSS_GATEWAY_USUAL_RATE (8 * 1000 * 1000)

/* A gateway as control knows it. */
typedef struct
{
  guint id;
  /* it has shards of the medium: what it reads of its own crosses no network */
  gboolean holds;
  guint64 limit;                /* bit/s that its link carries; 0: not known */
  guint64 sends;                /* bit/s, those of viewers included who were just sent there */
} PmssGatewayState;

/* Sorts @gateways (of #PmssGatewayState) for a viewer who takes @rate bit/s, the best one first.
 * Those come first whose link has room, and of them those that have shards of the medium; then
 * those that would use the least part of their link. Pure. */
void    pmss_gateways_sort   (GArray *gateways, guint64 rate);
/* The gateways of the moment, the best one first: of guint; empty: there is none. @holders: of
 * guint, ascending: nodes that have shards of the medium. @rate: bit/s that the viewer takes. */
GArray *pmss_gateways_choose (PmssNodes *nodes, const GArray *holders, guint64 rate);
/* Whether @node takes a token with the origin of a page. */
gboolean pmss_gateways_read_origins (PmssNodes *nodes, guint node);
/* The URL at which gateway @node answers for the medium called @name. NULL: it has gone. */
char   *pmss_gateways_url    (PmssNodes *nodes, guint node, const char *name, const char *token);

G_END_DECLS
