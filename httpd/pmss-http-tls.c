/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The listener's certificate and its TLS sessions. */
#include "pmss-http-tls-private.h"

#include "libpmss/pmss-error.h"
#include "pmss-http-certificate.h"
#include "pmss-httpd-private.h"

struct _PmssHttpTls
{
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priorities;
};

PmssHttpTls *
pmss_http_tls_new (const char *certificate, const char *key, GError ** error)
{
  PmssHttpTls *tls = g_new0 (PmssHttpTls, 1);
  int code = gnutls_certificate_allocate_credentials (&tls->credentials);

  if (code >= 0)
    code = gnutls_certificate_set_x509_key_file (tls->credentials, certificate,
        key, GNUTLS_X509_FMT_PEM);
  if (code >= 0)
    code =
        gnutls_priority_init (&tls->priorities, PMSS_HTTP_TLS_PRIORITIES, NULL);
  if (code >= 0)
    return tls;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "TLS: certificate “%s” and key “%s”: %s", certificate, key,
      gnutls_strerror (code));
  pmss_http_tls_free (tls);
  return NULL;
}

gint64
pmss_http_tls_get_end (const PmssHttpTls * tls)
{
  gnutls_datum_t first = { 0 };

  /* The server's own comes first, those of its issuers follow. */
  if (gnutls_certificate_get_crt_raw (tls->credentials, 0, 0, &first) < 0)
    return 0;
  return pmss_http_certificate_get_end (first.data, first.size,
      GNUTLS_X509_FMT_DER);
}

void
pmss_http_tls_free (PmssHttpTls * tls)
{
  if (tls->credentials)
    gnutls_certificate_free_credentials (tls->credentials);
  if (tls->priorities)
    gnutls_priority_deinit (tls->priorities);
  g_free (tls);
}

gnutls_session_t
pmss_http_tls_begin (PmssHttpTls * tls, int fd)
{
  gnutls_session_t session = NULL;

  if (gnutls_init (&session, GNUTLS_SERVER | GNUTLS_NONBLOCK
          | GNUTLS_NO_SIGNAL) < 0)
    return NULL;
  if (gnutls_priority_set (session, tls->priorities) < 0
      || gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE,
          tls->credentials) < 0) {
    gnutls_deinit (session);
    return NULL;
  }
  gnutls_transport_set_int (session, fd);
  return session;
}
