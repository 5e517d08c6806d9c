/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be told of a server's certificate. No state; any thread. */
#include "pmss-http-certificate.h"

gint64
pmss_http_certificate_get_end (const void *data, gsize length,
    gnutls_x509_crt_fmt_t format)
{
  const gnutls_datum_t datum = { (unsigned char *) data, (unsigned) length };
  gnutls_x509_crt_t certificate;
  gint64 end = 0;

  if (gnutls_x509_crt_init (&certificate) < 0)
    return 0;
  if (gnutls_x509_crt_import (certificate, &datum, format) >= 0)
    end = gnutls_x509_crt_get_expiration_time (certificate);
  gnutls_x509_crt_deinit (certificate);
  return MAX (end, 0);
}
