/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "libpmss/pmss-token.h"

G_BEGIN_DECLS

/**
 * PmssKeys:
 *
 * The cluster's id and the Ed25519 key that signs capability tokens, in the folder data/keys. Immutable; any thread.
 */

/* Makes them when there are none (the folder is complete or absent: it is made under another name and renamed). */
PmssKeys     *pmss_keys_open  (const char *folder, GError **error);
void          pmss_keys_free  (PmssKeys *keys);

/* 32 hex digits */
const char   *pmss_keys_get_cluster (PmssKeys *keys);
/* PMSS_TOKEN_PUBLIC_KEY_SIZE bytes */
const guint8 *pmss_keys_get_public  (PmssKeys *keys);
/* Signs @claims for this cluster; claims->cluster is filled in here. */
char         *pmss_keys_mint        (PmssKeys *keys, PmssTokenClaims *claims);

#define PMSS_INTERNAL_TOKEN_LIFETIME 300        /* seconds */
/* For control's own work on the nodes: @ops on any version at any node, for PMSS_INTERNAL_TOKEN_LIFETIME. */
char         *pmss_keys_mint_internal (PmssKeys *keys, PmssTokenOps ops);

G_END_DECLS
