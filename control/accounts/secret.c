/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random secrets and their hashes. Any thread. */
#include "control/accounts/secret.h"

#include <sodium.h>
#include <string.h>

#define SECRET_SIZE 32
#define ID_SIZE 16

char *
pmss_secret_new (void)
{
  const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  guint8 random[SECRET_SIZE];
  gsize size = sodium_base64_encoded_len (sizeof (random), variant);
  char *text = g_malloc (size);

  randombytes_buf (random, sizeof (random));
  sodium_bin2base64 (text, size, random, sizeof (random), variant);
  sodium_memzero (random, sizeof (random));
  return text;
}

void
pmss_secret_hash (const char *secret, guint8 hash[PMSS_SECRET_HASH_SIZE])
{
  crypto_generichash (hash, PMSS_SECRET_HASH_SIZE, (const guint8 *) secret,
      strlen (secret), NULL, 0);
}

gboolean
pmss_secret_check (const char *secret, const guint8 hash[PMSS_SECRET_HASH_SIZE])
{
  guint8 own[PMSS_SECRET_HASH_SIZE];

  pmss_secret_hash (secret, own);
  return sodium_memcmp (own, hash, sizeof (own)) == 0;
}

char *
pmss_secret_new_id (void)
{
  guint8 random[ID_SIZE];
  char *text = g_malloc (ID_SIZE * 2 + 1);

  randombytes_buf (random, sizeof (random));
  sodium_bin2hex (text, ID_SIZE * 2 + 1, random, sizeof (random));
  return text;
}

gboolean
pmss_secret_is_id (const char *text)
{
  return strlen (text) == ID_SIZE * 2
      && strspn (text, "0123456789abcdef") == ID_SIZE * 2;
}
