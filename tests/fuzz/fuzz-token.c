/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "fuzz.h"
#include "libpmss/pmss-token.h"

#define CLUSTER "0123456789abcdef0123456789abcdef"
#define NOW 1769860800

static guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE];
static guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE];

/* Nobody but us has the key: no text may pass as a token. */
static void
as_token (const char *text)
{
  g_autoptr (PmssTokenClaims) claims = pmss_token_verify (text, public_key,
      CLUSTER, NOW, NULL);

  g_assert_null (claims);
}

/* What is behind the signature is read with the same care: whatever is
 * accepted survives being minted and verified. */
static void
as_claims (const uint8_t * data, size_t size)
{
  g_autofree char *token = pmss_paseto_sign (secret_key, data, size, NULL, 0,
      NULL, 0);
  g_autoptr (PmssTokenClaims) claims = pmss_token_verify (token, public_key,
      CLUSTER, NOW, NULL);
  g_autoptr (PmssTokenClaims) again = NULL;
  g_autofree char *minted = NULL;

  if (claims == NULL)
    return;
  minted = pmss_token_mint (claims, secret_key);
  /* escapes can make it longer than it was */
  if (minted == NULL)
    return;
  again = pmss_token_verify (minted, public_key, CLUSTER, NOW, NULL);
  g_assert_nonnull (again);
  g_assert_cmpstr (again->medium, ==, claims->medium);
  g_assert_cmpint (again->ops, ==, claims->ops);
  g_assert_cmpstr (again->shard, ==, claims->shard);
  g_assert_cmpstr (again->origin, ==, claims->origin);
  g_assert_cmpmem (again->nodes->data,
      again->nodes->len * sizeof (PmssNodeRange), claims->nodes->data,
      claims->nodes->len * sizeof (PmssNodeRange));
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  static gsize ready = 0;
  g_autofree char *text = g_strndup ((const char *) data, size);

  if (g_once_init_enter (&ready)) {
    pmss_token_generate_keys (public_key, secret_key);
    g_once_init_leave (&ready, 1);
  }
  as_token (text);
  as_claims (data, size);
  return 0;
}
