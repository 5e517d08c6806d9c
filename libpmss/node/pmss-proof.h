/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A storage server proves to control that it is reached at an address: docs/protocol.md section 8.
 * Pure; any thread. */

#define PMSS_PROOF_KEY_SIZE 32
/* 64 hex digits and a 0 */
#define PMSS_PROOF_STRLEN 65
/* 32 hex digits */
#define PMSS_NONCE_LENGTH 32

/* The terms of a proof. The strings are the caller's. */
typedef struct
{
  const char *cluster;
  guint node;
  const char *address;
  guint16 port;
  gboolean tls;
  const char *nonce;            /* that control made for this question */
} PmssProofTerms;

/* The key that both sides have: control keeps no more of a node's secret than this hash. */
void     pmss_proof_key   (const char *secret, guint8 key[PMSS_PROOF_KEY_SIZE]);
/* HMAC-SHA-256 of the terms, in hex. */
void     pmss_proof_write (const guint8 key[PMSS_PROOF_KEY_SIZE], const PmssProofTerms *terms,
    char proof[PMSS_PROOF_STRLEN]);
/* Whether @proof is that; in constant time. */
gboolean pmss_proof_check (const guint8 key[PMSS_PROOF_KEY_SIZE], const PmssProofTerms *terms,
    const char *proof);
/* A nonce, another one each time. Free with g_free(). */
char    *pmss_proof_new_nonce (void);

G_END_DECLS
