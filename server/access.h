/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-token.h"

G_BEGIN_DECLS

/**
 * PmssAccess:
 *
 * Who may do what here: verifies capability tokens, and remembers those that it has verified until they expire (a signature costs as much as a small answer).
 * Threads: any.
 */
typedef struct _PmssAccess PmssAccess;

PmssAccess *pmss_access_new   (void);
void        pmss_access_free  (PmssAccess *access);

/* Whose tokens count. Before this every check is refused with PMSS_ERROR_BUSY. Once only. */
void        pmss_access_set_trust (PmssAccess *access, const guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE], const char *cluster, guint node);

/* What a request wants. */
typedef struct {
  PmssTokenOps op;
  const PmssVersionId *version; /* NULL, as is @shard: it is about no one version */
  const char *shard;
} PmssWanted;

/* Whether @token (nullable) allows it. PMSS_ERROR_NOT_AUTHORIZED: no valid token; PMSS_ERROR_FORBIDDEN: a valid one that does not
 * cover this; PMSS_ERROR_MISDIRECTED: one that is for another node. */
gboolean    pmss_access_check (PmssAccess *access, const char *token, const PmssWanted *wanted, GError **error);

/* Refuses the tokens of @session (32 hex digits) until @until, seconds since 1970, when none is valid any more. */
void        pmss_access_revoke (PmssAccess *access, const char *session, gint64 until);

/* How often checks were refused. */
guint64     pmss_access_get_refusals (PmssAccess *access);

G_END_DECLS
