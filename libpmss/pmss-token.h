/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pmss-types.h"

G_BEGIN_DECLS

/* Capability tokens: docs/protocol.md section 4. PASETO v4.public, specification at
 * https://github.com/paseto-standard/paseto-spec */

#define PMSS_TOKEN_PUBLIC_KEY_SIZE 32
#define PMSS_TOKEN_SECRET_KEY_SIZE 64

typedef enum
{
  PMSS_TOKEN_READ = 1 << 0,
  PMSS_TOKEN_WRITE = 1 << 1,
  PMSS_TOKEN_DELETE = 1 << 2,
  PMSS_TOKEN_LIST = 1 << 3,
  PMSS_TOKEN_GATEWAY = 1 << 4,  /* play a medium through a gateway; the session is a ticket's id */
} PmssTokenOps;

/* The format of the claims that this library signs and reads. A heartbeat says which one a node
 * reads. */
#define PMSS_TOKEN_FORMAT 2
/* The same with the claim `org`, which a gateway's URL may have. */
#define PMSS_TOKEN_FORMAT_ORIGIN 3
/* Bytes of an origin: scheme, host and port. */
#define PMSS_MAX_ORIGIN 300

/* How far the signer's clock may be ahead of the verifier's, in seconds. */
#define PMSS_TOKEN_CLOCK_TOLERANCE 60
/* A cut revokes a user's tokens up to a time. If that time is further in the future than this, the
 * signer's clock was ahead, and the cut waits. Less than the tolerance, so that a token that is
 * signed after a cut is valid at once. Seconds. */
#define PMSS_TOKEN_CUT_AHEAD 30

/* Ids of nodes, both ends included. */
typedef struct
{
  guint first, last;
} PmssNodeRange;

/**
 * PmssTokenClaims:
 *
 * The claims of a token. Strings and array are owned.
 */
typedef struct
{
  gint64 issued;                /* seconds since 1970 */
  gint64 expires;               /* seconds since 1970 */
  char *cluster;
  PmssTokenOps ops;
  gboolean any_version;
  PmssVersionId version;        /* meaningless with any_version */
  char *medium;
  /* name of the one shard, of @version; "" or NULL: all of the version's */
  char *shard;
  /* of PmssNodeRange: ascending, no two touch; never empty in a token */
  GArray *nodes;
  char *user;
  char *session;
  guint64 rate;                 /* bit/s, 0: none */
  /* (nullable) "https://host:port" of the page that may read what the token opens; with
   * PMSS_TOKEN_GATEWAY alone */
  char *origin;
} PmssTokenClaims;

PmssTokenClaims *pmss_token_claims_new  (void);
void             pmss_token_claims_free (PmssTokenClaims *claims);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssTokenClaims, pmss_token_claims_free)
/* The nodes from @first to @last count, too. */
void             pmss_token_claims_add_nodes (PmssTokenClaims *claims, guint first, guint last);

void     pmss_token_generate_keys (guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE],
    guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE]);

/* The signature layer alone, which the published test vectors exercise. Footer and implicit
 * assertion are NULL, 0 in PMSS's own tokens. Any failure: PMSS_ERROR_NOT_AUTHORIZED. */
char    *pmss_paseto_sign   (const guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE],
    const void *message, gsize length,
    const void *footer, gsize footer_length, const void *implicit, gsize implicit_length);
GBytes  *pmss_paseto_verify (const guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE], const char *token,
    const void *footer, gsize footer_length, const void *implicit, gsize implicit_length,
    GError **error);

/* NULL if it would be longer than PMSS_MAX_TOKEN: name fewer ranges of nodes. */
char            *pmss_token_mint   (const PmssTokenClaims *claims,
    const guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE]);
/* Checks signature, form, and time against @now (seconds since 1970). pmss_token_covers() checks
 * the rest. Any failure: PMSS_ERROR_NOT_AUTHORIZED. */
PmssTokenClaims *pmss_token_verify (const char *token,
    const guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE],
    const char *cluster, gint64 now, GError **error);
/* Whether @claims allow @op at node @node on shard @shard of @version. Both NULL: an operation on
 * no one version, which needs any_version. PMSS_ERROR_MISDIRECTED: the token is for other nodes.
 * PMSS_ERROR_FORBIDDEN: it is for something else. */
gboolean         pmss_token_covers (const PmssTokenClaims *claims, PmssTokenOps op,
    const PmssVersionId *version, const char *shard, guint node, GError **error);

G_END_DECLS
