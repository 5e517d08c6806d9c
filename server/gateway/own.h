/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-io.h"
#include "server/access.h"
#include "server/self.h"
#include "server/store.h"

G_BEGIN_DECLS

/* The transport of a gateway's readers: what this server stores itself comes from its disk, and
 * not over a connection to itself. All else goes through the reader's own transport. Tokens,
 * checksums and failures count as for other nodes. Threads: as PmssTransport; a few threads of its
 * own wait for the disk. */

typedef struct
{
  PmssStore *store;
  PmssAccess *access;
  PmssSelf *self;
  _Atomic guint64 bytes;        /* that came from the disk */
} PmssOwnShards;

/* For pmss_client_wrap_transport(), with a #PmssOwnShards that outlives the client. */
extern const PmssTransportWrap pmss_own_transport;

G_END_DECLS
