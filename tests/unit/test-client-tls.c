/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>
#include <unistd.h>

#include "fake-peer.h"
#include "libpmss/client/pmss-client.h"
#include "libpmss/pmss-error.h"
#include "test-certificate.h"

/* LeakSanitizer crashes on the thread-local data of a module that was loaded at run time, which GLib's TLS is, in threads of GLib's pool.
 * Leaks are looked for under valgrind. */
int __lsan_is_turned_off (void);
int
__lsan_is_turned_off (void)
{
  return 1;
}

static void
answer (const FakeRequest * request, FakeAnswer * out, gpointer user_data)
{
  out->text = fake_peer_answer ("200 OK", "application/json", "{}");
}

static gboolean
accept_any (PmssClient * client, GTlsCertificate * certificate,
    GTlsCertificateFlags errors, gpointer user_data)
{
  ++*(guint *) user_data;
  return TRUE;
}

static gboolean
try_tls (const char *url, GTlsDatabase * database,
    GTlsCertificateFlags flags, guint * asked, GError ** error)
{
  g_autoptr (PmssClient) client = pmss_client_new (url, NULL);
  g_autoptr (JsonNode) json = NULL;

  g_object_set (client, "tls-database", database, "tls-validation-flags",
      flags, NULL);
  if (asked != NULL)
    g_signal_connect (client, "accept-certificate", G_CALLBACK (accept_any),
        asked);
  json = pmss_client_request (client, "GET", "/cluster", NULL, NULL, error);
  return json != NULL;
}

static void
test_tls (void)
{
  FakePeer *peer;
  g_autofree char *url = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate =
      g_tls_certificate_new_from_pem (TEST_CERTIFICATE, -1, &error);
  g_autofree char *path = g_build_filename (g_get_tmp_dir (),
      "pmss-test-client-XXXXXX", NULL);
  g_autoptr (GTlsDatabase) database = NULL;
  guint asked = 0;
  int fd = g_mkstemp (path);

  g_assert_no_error (error);
  close (fd);
  g_assert_true (g_file_set_contents (path, TEST_CERTIFICATE, -1, NULL));
  database = g_tls_file_database_new (path, &error);
  g_assert_no_error (error);

  peer = fake_peer_new (answer, NULL, certificate);
  url = g_strdup_printf ("https://127.0.0.1:%u", fake_peer_get_port (peer));
  g_assert_false (try_tls (url, NULL, G_TLS_CERTIFICATE_VALIDATE_ALL,
          NULL, &error));
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TLS);
  g_clear_error (&error);
  g_assert_true (try_tls (url, database, G_TLS_CERTIFICATE_VALIDATE_ALL,
          &asked, &error));
  g_assert_cmpuint (asked, ==, 0);
  g_assert_true (try_tls (url, NULL, G_TLS_CERTIFICATE_VALIDATE_ALL,
          &asked, &error));
  g_assert_cmpuint (asked, ==, 1);
  g_assert_true (try_tls (url, NULL, G_TLS_CERTIFICATE_NO_FLAGS, NULL, &error));
  g_assert_no_error (error);
  fake_peer_free (peer);
  unlink (path);
}

int
main (int argc, char **argv)
{
  alarm (600);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/tls", test_tls);
  return g_test_run ();
}
