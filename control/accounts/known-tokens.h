/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/accounts.h"
#include "control/accounts/secret.h"

G_BEGIN_DECLS

/**
 * PmssKnownTokens:
 *
 * Whose the tokens are that were asked for last, so that a request need not wait for the database
 * thread to tell. An entry counts while the rights are of the same generation: each commit that
 * changes a user or takes a token away begins the next one, before it is answered. Owns a table of
 * bounded size. Any thread; waits for nothing.
 */
typedef struct _PmssKnownTokens PmssKnownTokens;

PmssKnownTokens *pmss_known_tokens_new  (void);
void             pmss_known_tokens_free (PmssKnownTokens *tokens);

/* NULL: the database knows. @generation: of now; 0: not known, nothing counts. @now: s */
PmssUser        *pmss_known_tokens_find (PmssKnownTokens *tokens,
    const guint8 hash[PMSS_SECRET_HASH_SIZE], gint64 generation, gint64 now);
/* @generation: as it was before the database was asked. @expires, @now: s */
void             pmss_known_tokens_add  (PmssKnownTokens *tokens,
    const guint8 hash[PMSS_SECRET_HASH_SIZE], const PmssUser *user, gint64 generation,
    gint64 expires, gint64 now);

typedef struct
{
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  gint64 used;                  /* seconds since 1970 */
} PmssTokenUse;
/* When the token was last found; 0: not known. */
gint64           pmss_known_tokens_get_used  (PmssKnownTokens *tokens,
    const guint8 hash[PMSS_SECRET_HASH_SIZE]);
/* Array of #PmssTokenUse: of those that were found since the last call. */
GArray          *pmss_known_tokens_take_uses (PmssKnownTokens *tokens);

G_END_DECLS
