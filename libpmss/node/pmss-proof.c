/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The proof of an address: what both ends compute. */

#include "pmss-proof.h"

#include <string.h>

#include <sodium.h>

#define PURPOSE "pmss address 1"

G_STATIC_ASSERT (PMSS_PROOF_KEY_SIZE == crypto_auth_hmacsha256_KEYBYTES);
G_STATIC_ASSERT (PMSS_PROOF_STRLEN == 2 * crypto_auth_hmacsha256_BYTES + 1);

void
pmss_proof_key (const char *secret, guint8 key[PMSS_PROOF_KEY_SIZE])
{
  crypto_generichash (key, PMSS_PROOF_KEY_SIZE, (const guint8 *) secret,
      strlen (secret), NULL, 0);
}

void
pmss_proof_write (const guint8 key[PMSS_PROOF_KEY_SIZE],
    const PmssProofTerms * terms, char proof[PMSS_PROOF_STRLEN])
{
  /* none of the parts has a line's end in it */
  g_autofree char *text = g_strdup_printf (PURPOSE "\n%s\n%u\n%s\n%u\n%s\n%s",
      terms->cluster, terms->node, terms->address, terms->port,
      terms->tls ? "tls" : "plain", terms->nonce);
  guint8 code[crypto_auth_hmacsha256_BYTES];

  crypto_auth_hmacsha256 (code, (const guint8 *) text, strlen (text), key);
  sodium_bin2hex (proof, PMSS_PROOF_STRLEN, code, sizeof (code));
}

gboolean
pmss_proof_check (const guint8 key[PMSS_PROOF_KEY_SIZE],
    const PmssProofTerms * terms, const char *proof)
{
  char expected[PMSS_PROOF_STRLEN];

  pmss_proof_write (key, terms, expected);
  return strlen (proof) == PMSS_PROOF_STRLEN - 1
      && sodium_memcmp (proof, expected, PMSS_PROOF_STRLEN - 1) == 0;
}

char *
pmss_proof_new_nonce (void)
{
  guint8 random[PMSS_NONCE_LENGTH / 2];
  char *text = g_malloc (PMSS_NONCE_LENGTH + 1);

  randombytes_buf (random, sizeof (random));
  sodium_bin2hex (text, PMSS_NONCE_LENGTH + 1, random, sizeof (random));
  return text;
}
