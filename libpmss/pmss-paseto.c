/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PASETO v4.public, the signature layer of the tokens.
 * https://github.com/paseto-standard/paseto-spec/blob/master/docs/01-Protocol-Versions/Version4.md */

#include "pmss-token.h"

#include <string.h>

#include <sodium.h>

#include "pmss-error.h"

#define HEADER "v4.public."
#define HEADER_LENGTH (sizeof (HEADER) - 1)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

G_STATIC_ASSERT (PMSS_TOKEN_PUBLIC_KEY_SIZE == crypto_sign_PUBLICKEYBYTES);
G_STATIC_ASSERT (PMSS_TOKEN_SECRET_KEY_SIZE == crypto_sign_SECRETKEYBYTES);

void
pmss_token_generate_keys (guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE],
    guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE])
{
  if (sodium_init () < 0)
    g_error ("libsodium does not start");
  crypto_sign_keypair (public_key, secret_key);
}

static void
append_length (GByteArray * to, guint64 length)
{
  length = GUINT64_TO_LE (length);
  g_byte_array_append (to, (const guint8 *) &length, sizeof (length));
}

static void
append_piece (GByteArray * to, const void *piece, gsize length)
{
  append_length (to, length);
  if (length > 0)
    g_byte_array_append (to, piece, length);
}

/* The specification's PAE: what the signature is over. */
static GByteArray *
encode_for_signature (const void *message, gsize length, const void *footer,
    gsize footer_length, const void *implicit, gsize implicit_length)
{
  GByteArray *encoded = g_byte_array_new ();

  append_length (encoded, 4);
  append_piece (encoded, HEADER, HEADER_LENGTH);
  append_piece (encoded, message, length);
  append_piece (encoded, footer, footer_length);
  append_piece (encoded, implicit, implicit_length);
  return encoded;
}

static void
append_base64 (GString * to, const void *data, gsize length)
{
  /* with its NUL */
  gsize size = sodium_base64_encoded_len (length, BASE64);
  g_autofree char *text = g_malloc (size);

  sodium_bin2base64 (text, size, data, length, BASE64);
  g_string_append (to, text);
}

/* libsodium 1.0.18 takes bytes above 127 for characters of the alphabet. */
static gboolean
is_base64 (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (text[i]) && text[i] != '-' && text[i] != '_')
      return FALSE;
  }
  return TRUE;
}

/* Strict: nothing but the alphabet, no padding, and the bits that are left
 * over in the last character are 0. */
static GByteArray *
decode_base64 (const char *text, gsize length)
{
  GByteArray *bytes;
  gsize decoded;

  if (!is_base64 (text, length))
    return NULL;
  bytes = g_byte_array_new ();
  g_byte_array_set_size (bytes, length / 4 * 3 + 3);
  if (sodium_base642bin (bytes->data, bytes->len, text, length, NULL, &decoded,
          NULL, BASE64) != 0) {
    g_byte_array_unref (bytes);
    return NULL;
  }
  g_byte_array_set_size (bytes, decoded);
  return bytes;
}

char *
pmss_paseto_sign (const guint8 secret_key[PMSS_TOKEN_SECRET_KEY_SIZE],
    const void *message, gsize length, const void *footer,
    gsize footer_length, const void *implicit, gsize implicit_length)
{
  g_autoptr (GByteArray) encoded = encode_for_signature (message, length,
      footer, footer_length, implicit, implicit_length);
  g_autoptr (GByteArray) body = g_byte_array_new ();
  guint8 signature[crypto_sign_BYTES];
  GString *token = g_string_new (HEADER);

  crypto_sign_detached (signature, NULL, encoded->data, encoded->len,
      secret_key);
  g_byte_array_append (body, message, length);
  g_byte_array_append (body, signature, sizeof (signature));
  append_base64 (token, body->data, body->len);
  if (footer_length > 0) {
    g_string_append_c (token, '.');
    append_base64 (token, footer, footer_length);
  }
  return g_string_free (token, FALSE);
}

static GBytes *
refuse (GError ** error, const char *why)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
      "The token is refused: %s", why);
  return NULL;
}

static gboolean
is_footer (const char *text, const void *footer, gsize footer_length)
{
  g_autoptr (GByteArray) bytes = NULL;

  if (text == NULL || *text == '\0')
    return text == NULL && footer_length == 0;
  bytes = decode_base64 (text, strlen (text));
  return bytes != NULL && bytes->len == footer_length
      && sodium_memcmp (bytes->data, footer, footer_length) == 0;
}

GBytes *
pmss_paseto_verify (const guint8 public_key[PMSS_TOKEN_PUBLIC_KEY_SIZE],
    const char *token, const void *footer, gsize footer_length,
    const void *implicit, gsize implicit_length, GError ** error)
{
  g_autoptr (GByteArray) body = NULL;
  g_autoptr (GByteArray) encoded = NULL;
  const char *text, *dot;
  gsize length;

  if (strnlen (token, PMSS_MAX_TOKEN + 1) > PMSS_MAX_TOKEN)
    return refuse (error, "it is too long");
  if (!g_str_has_prefix (token, HEADER))
    return refuse (error, "it is not of the kind v4.public");

  text = token + HEADER_LENGTH;
  dot = strchr (text, '.');
  length = dot != NULL ? (gsize) (dot - text) : strlen (text);
  if (!is_footer (dot != NULL ? dot + 1 : NULL, footer, footer_length))
    return refuse (error, "its footer is another one");
  body = decode_base64 (text, length);
  if (body == NULL || body->len < crypto_sign_BYTES)
    return refuse (error, "it is malformed");

  length = body->len - crypto_sign_BYTES;
  encoded = encode_for_signature (body->data, length, footer, footer_length,
      implicit, implicit_length);
  if (crypto_sign_verify_detached (body->data + length, encoded->data,
          encoded->len, public_key) != 0)
    return refuse (error, "its signature is wrong");
  return g_bytes_new (body->data, length);
}
