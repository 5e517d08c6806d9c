/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "server/access.h"
#include "server/self.h"
#include "server/store.h"

G_BEGIN_DECLS

/**
 * PmssGateway:
 *
 * Plays media for viewers that speak plain HTTP (docs/gateway.md). It has one client, with one
 * cache and one budget of memory, and a reader for each viewer's ticket. Its thread "gateway" opens
 * readers, waits for their bytes, and lets go of those that nobody reads. Threads: any.
 */
typedef struct _PmssGateway PmssGateway;

/* What a gateway may have at a time. */
typedef struct
{
  guint plays;                  /* viewers' readers */
  guint connections;            /* to other storage servers */
  guint descriptors;            /* of those, and of shards on its own disk */
} PmssGatewayBounds;
/* In a process that may open @files. Pure. */
void         pmss_gateway_bounds_init (PmssGatewayBounds *bounds, guint64 files);

/* @control: URL of the control server; @ca_file: (nullable): authorities of its certificate and of
 * the storage servers'. @store, @self: this server's, whose shards are read from its disk. */
PmssGateway *pmss_gateway_new    (const char *control, const char *ca_file,
    const PmssGatewayBounds *bounds, PmssAccess *access, PmssStore *store, PmssSelf *self,
    GError **error);
/* This server has joined: @secret is its own. Before, nobody has a token for it. */
void         pmss_gateway_become (PmssGateway *gateway, const char *secret);
/* Sessions may have ended: @access knows which. */
void         pmss_gateway_hear   (PmssGateway *gateway);
/* No reader is opened any more; requests that wait for one are answered. Before the listener
 * stops. */
void         pmss_gateway_stop   (PmssGateway *gateway);
/* Gives all sessions back, which takes 2 s at most. After the listener has stopped. */
void         pmss_gateway_free   (PmssGateway *gateway);

typedef struct
{
  guint plays;                  /* readers that are there, */
  guint answers;                /* answers under way */
  guint64 bytes;                /* that were given out */
  guint64 own_bytes;            /* that were read from this server's disk */
  guint64 failed;               /* answers that were cut for want of their bytes */
} PmssGatewayStats;
void         pmss_gateway_get_stats (PmssGateway *gateway, PmssGatewayStats *stats);

G_END_DECLS
