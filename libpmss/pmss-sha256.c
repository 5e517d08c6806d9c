/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 by GnuTLS. One thread at a time. */

#include "pmss-sha256.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define SIZE 32

struct _PmssSha256
{
  gnutls_hash_hd_t handle;
};

/* There is no way on without memory, or with a GnuTLS whose self-test failed. */
static void
check (int code)
{
  if (code < 0)
    g_error ("SHA-256: %s", gnutls_strerror (code));
}

PmssSha256 *
pmss_sha256_new (void)
{
  PmssSha256 *self = g_new0 (PmssSha256, 1);

  check (gnutls_hash_init (&self->handle, GNUTLS_DIG_SHA256));
  return self;
}

void
pmss_sha256_update (PmssSha256 * self, const void *data, gsize length)
{
  check (gnutls_hash (self->handle, data, length));
}

char *
pmss_sha256_finish (PmssSha256 * self)
{
  guint8 digest[SIZE];
  GString *text = g_string_sized_new (2 * SIZE + 1);

  gnutls_hash_output (self->handle, digest);
  for (guint i = 0; i < SIZE; i++)
    g_string_append_printf (text, "%02x", digest[i]);
  pmss_sha256_free (self);
  return g_string_free (text, FALSE);
}

void
pmss_sha256_free (PmssSha256 * self)
{
  gnutls_hash_deinit (self->handle, NULL);
  g_free (self);
}
