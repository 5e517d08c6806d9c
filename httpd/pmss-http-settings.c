/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of a listener, looked at before anything is made of them. No state; any thread. */
#include <gnutls/gnutls.h>
#include <string.h>

#include "libpmss/pmss-error.h"
#include "pmss-http-listen.h"
#include "pmss-httpd.h"

static gboolean
read_pem (const char *setting, const char *path, gnutls_datum_t * pem,
    GError ** error)
{
  g_autoptr (GError) local = NULL;
  char *text;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &local)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID, "%s: %s", setting,
        local->message);
    return FALSE;
  }
  pem->data = (unsigned char *) text;
  pem->size = (unsigned) length;
  return TRUE;
}

/* As the handshake will use them. */
static gboolean
check_pair (const PmssHttpdConfig * config, GError ** error)
{
  gnutls_datum_t certificate = { 0 }, key = { 0 };
  gnutls_certificate_credentials_t credentials = NULL;
  gboolean ok = read_pem ("tls-certificate", config->tls_certificate,
      &certificate, error)
      && read_pem ("tls-key", config->tls_key, &key, error);
  int code = 0;

  if (ok) {
    code = gnutls_certificate_allocate_credentials (&credentials);
    if (code >= 0)
      code = gnutls_certificate_set_x509_key_mem (credentials, &certificate,
          &key, GNUTLS_X509_FMT_PEM);
    ok = code >= 0;
    if (!ok)
      g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
          "tls-certificate “%s” and tls-key “%s” are no certificate and its "
          "key in PEM: %s", config->tls_certificate, config->tls_key,
          gnutls_strerror (code));
  }
  if (credentials != NULL)
    gnutls_certificate_free_credentials (credentials);
  g_free (certificate.data);
  if (key.data != NULL)
    explicit_bzero (key.data, key.size);
  g_free (key.data);
  return ok;
}

gboolean
pmss_httpd_check_config (const PmssHttpdConfig * config, GError ** error)
{
  if (!pmss_http_listen_check (config->listen, error)) {
    g_prefix_error (error, "listen: ");
    return FALSE;
  }
  if ((config->tls_certificate == NULL) != (config->tls_key == NULL)) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "tls-certificate and tls-key go together");
    return FALSE;
  }
  return config->tls_certificate == NULL || check_pair (config, error);
}
