/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element and a control server behind TLS. */
#include <glib/gstdio.h>
#include <string.h>

#include "pmsssrc-fixture.h"

#include "test-certificate.h"

/* As in test-client-tls.c: LeakSanitizer crashes on GLib's TLS module. */
int __lsan_is_turned_off (void);
int
__lsan_is_turned_off (void)
{
  return 1;
}

static FakeControl *
tls_control_new (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) certificate =
      g_tls_certificate_new_from_pem (TEST_CERTIFICATE, -1, &error);

  g_assert_no_error (error);
  return fake_control_new_tls (certificate);
}

/* What comes of a server whose certificate nobody knows: the TLS error, or, if
 * it is let through, the server's own 404. */
static void
expect_tls (GstResourceError code, const char *property, const char *value,
    gpointer handler, const char *says)
{
  g_autoptr (FakeControl) control = tls_control_new ();
  g_autofree char *location = g_strdup_printf ("pmsss://127.0.0.1:%u/a",
      fake_control_get_port (control));
  GstElement *source;
  GstElement *pipeline = source_pipeline_new (location, &source);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstStructure) details = NULL;

  fake_control_set_status (control, 404);
  g_object_set (source, "retries", 0, NULL);
  if (property != NULL)
    gst_util_set_object_arg (G_OBJECT (source), property, value);
  if (handler)
    g_signal_connect (source, "accept-certificate", G_CALLBACK (handler), NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_assert_cmpuint (source_count_errors (pipeline, &error, &details), ==, 1);
  g_assert_error (error, GST_RESOURCE_ERROR, (gint) code);
  if (says != NULL)
    g_assert_nonnull (strstr (error->message, says));
  source_pipeline_end (pipeline);
}

static gboolean
on_certificate_yes (GstElement * source, GTlsCertificate * certificate,
    GTlsCertificateFlags errors, gpointer data)
{
  g_assert_true (G_IS_TLS_CERTIFICATE (certificate));
  g_assert_cmpint (errors & G_TLS_CERTIFICATE_UNKNOWN_CA, !=, 0);
  return TRUE;
}

static gboolean
on_certificate_no (GstElement * source, GTlsCertificate * certificate,
    GTlsCertificateFlags errors, gpointer data)
{
  return FALSE;
}

static void
test_tls (void)
{
  const char *flags = "tls-validation-flags";

  expect_tls (GST_RESOURCE_ERROR_OPEN_READ, NULL, NULL, NULL, NULL);
  expect_tls (GST_RESOURCE_ERROR_OPEN_READ, NULL, NULL, on_certificate_no,
      NULL);
  expect_tls (GST_RESOURCE_ERROR_NOT_FOUND, NULL, NULL, on_certificate_yes,
      NULL);
  expect_tls (GST_RESOURCE_ERROR_NOT_FOUND, flags, "no-flags", NULL, NULL);
}

/* The property goes before the environment; a file that is none is named. */
static void
test_ca_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("pmsssrc-tls-XXXXXX", &error);
  g_autofree char *good = g_build_filename (folder, "good.pem", NULL);
  g_autofree char *none = g_build_filename (folder, "none.pem", NULL);

  g_file_set_contents (good, TEST_CERTIFICATE, -1, &error);
  g_assert_no_error (error);
  expect_tls (GST_RESOURCE_ERROR_NOT_FOUND, "tls-ca-file", good, NULL, NULL);
  expect_tls (GST_RESOURCE_ERROR_OPEN_READ, "tls-ca-file", none, NULL, none);
  g_setenv ("PMSS_CA_FILE", none, TRUE);
  expect_tls (GST_RESOURCE_ERROR_NOT_FOUND, "tls-ca-file", good, NULL, NULL);
  expect_tls (GST_RESOURCE_ERROR_OPEN_READ, NULL, NULL, NULL, none);
  g_setenv ("PMSS_CA_FILE", good, TRUE);
  expect_tls (GST_RESOURCE_ERROR_NOT_FOUND, NULL, NULL, NULL, NULL);
  expect_tls (GST_RESOURCE_ERROR_OPEN_READ, "tls-ca-file", none, NULL, none);
  g_unsetenv ("PMSS_CA_FILE");
  g_remove (good);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  pmsssrc_test_init (&argc, &argv);

  g_test_add_func ("/pmsssrc/tls", test_tls);
  g_test_add_func ("/pmsssrc/tls/ca-file", test_ca_file);
  return g_test_run ();
}
