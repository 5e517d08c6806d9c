/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a listener's certificate ends. */
#include <glib/gstdio.h>
#include <string.h>

#include "httpd/pmss-http-certificate.h"
#include "httpd/pmss-httpd.h"
#include "test-certificate.h"

#define END G_GINT64_CONSTANT (4733510400)      /* 2120-01-01 */

static gint64
get_end (const char *file)
{
  const PmssHttpdConfig config = {
    .listen = "127.0.0.1:0",.tls_certificate = file,.tls_key = file
  };
  static const PmssHttpdHandler handler = { NULL };
  g_autoptr (GError) error = NULL;
  PmssHttpd *httpd = pmss_httpd_start (&config, &handler, NULL, &error);
  gint64 end;

  g_assert_no_error (error);
  end = pmss_httpd_get_certificate_end (httpd);
  pmss_httpd_stop (httpd, 0);
  return end;
}

/* What is served, whatever becomes of the file. */
static void
test_served (void)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("pmss-certificate-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, TEST_CERTIFICATE, -1, NULL));
  g_assert_cmpint (get_end (path), ==, END);
  g_unlink (path);
}

static void
test_none (void)
{
  g_assert_cmpint (get_end (NULL), ==, 0);
}

static void
test_malformed (void)
{
  static const char *const texts[] = {
    "", "-----BEGIN CERTIFICATE-----\n", "nonsense",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_cmpint (pmss_http_certificate_get_end (texts[i],
            strlen (texts[i]), GNUTLS_X509_FMT_PEM), ==, 0);
  g_assert_cmpint (pmss_http_certificate_get_end (TEST_CERTIFICATE
          TEST_CERTIFICATE, strlen (TEST_CERTIFICATE TEST_CERTIFICATE),
          GNUTLS_X509_FMT_PEM), ==, END);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/httpd-certificate/served", test_served);
  g_test_add_func ("/httpd-certificate/none", test_none);
  g_test_add_func ("/httpd-certificate/malformed", test_malformed);
  return g_test_run ();
}
