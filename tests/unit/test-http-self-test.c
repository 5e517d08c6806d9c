/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine that is linked is one that we know; one that is not is found. */
#include "httpd/pmss-http-self-test.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/pmss-error.h"

static void
test_known (void)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++) {
    g_assert_true (pmss_httpd_self_test (&error));
    g_assert_no_error (error);
  }
}

/* What we expect stands for what another engine would do. */
static void
test_unknown (void)
{
#define LAST "Host: x\r\nConnection: close\r\n\r\n"
  static const char body[] = "PUT /a HTTP/1.1\r\nContent-Length: 3\r\n" LAST
      "abc";
  static const char bad[] = "PUT /a HTTP/1.1\r\nContent-Length : 3\r\n" LAST;
  static const char endless[] = "GET /a HTTP/1.1\r\nHo";
  const PmssHttpTestCase cases[] = {
    {"a body", body, sizeof body - 1, "PUT /a;"},
    {"a body", body, sizeof body - 1, "PUT /a 2;"},
    {"a body", body, sizeof body - 1, "PUT /a 3;GET /b;"},
    {"a space", bad, sizeof bad - 1, "PUT /a;"},
    {"half a head", endless, sizeof endless - 1, "GET /a;"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (pmss_http_self_test_run (&cases[i], 1, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
    g_assert_nonnull (strstr (error->message, cases[i].what));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-self-test/known", test_known);
  g_test_add_func ("/http-self-test/unknown", test_unknown);
  return g_test_run ();
}
