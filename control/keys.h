/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/pmss-token.h"

G_BEGIN_DECLS

/**
 * PmssKeys:
 *
 * The cluster's id and the Ed25519 key that signs capability tokens, in the folder data/keys.
 * Immutable; any thread.
 */

/* @create: makes them when there are none (the folder is complete or absent: it is made under
 * another name and renamed). Keys that others can read or change are refused. */
PmssKeys     *pmss_keys_open  (const char *folder, gboolean create, GError **error);
void          pmss_keys_free  (PmssKeys *keys);

/* 32 hex digits */
const char   *pmss_keys_get_cluster (PmssKeys *keys);
/* PMSS_TOKEN_PUBLIC_KEY_SIZE bytes */
const guint8 *pmss_keys_get_public  (PmssKeys *keys);
/* Signs @claims for this cluster; claims->cluster is filled in here. */
char         *pmss_keys_mint        (PmssKeys *keys, PmssTokenClaims *claims);

#define PMSS_INTERNAL_TOKEN_LIFETIME 30 /* seconds */
/* For one request of control's own to @node: @ops on the shard called @shard, for
 * PMSS_INTERNAL_TOKEN_LIFETIME. Of no use to that node anywhere else. */
char         *pmss_keys_mint_for_shard (PmssKeys *keys, guint node, PmssTokenOps ops,
    const char *shard);
/* The same for the list of @node's shards. */
char         *pmss_keys_mint_for_list  (PmssKeys *keys, guint node);

G_END_DECLS
