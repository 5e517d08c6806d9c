/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "libpmss/pmss-token.h"

G_BEGIN_DECLS

/* The identity that this server got when it joined. DATA/node.json, mode 0600, replaced as a
 * whole. */
typedef struct
{
  guint id;
  char *secret;                 /* for heartbeats; "" when it stands alone */
  char *cluster;                /* 32 hex digits */
  guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
} PmssIdentity;

void          pmss_identity_free  (PmssIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssIdentity, pmss_identity_free)

/* NULL without error when there is none. */
PmssIdentity *pmss_identity_load  (const char *data, GError **error);
gboolean      pmss_identity_store (const PmssIdentity *identity, const char *data, GError **error);

/* "{id, secret, cluster, public_key}", as join answers and as the file has it; everything is
 * checked. */
PmssIdentity *pmss_identity_parse (JsonNode *json, GError **error);

/* 64 hex digits, perhaps white space behind them. */
gboolean      pmss_identity_parse_key (const char *text,
    guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE], GError **error);

G_END_DECLS
