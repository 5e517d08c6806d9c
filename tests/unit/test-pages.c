/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a browser accepts, which tags match, and what a page may do. */
#include "control/nodes/nodes.h"
#include "control/web/page-policy.h"
#include "control/web/pages.h"

static void
test_accepts (void)
{
  static const struct
  {
    const char *accept;
    gboolean gzip;
  } cases[] = {
    {NULL, FALSE}, {"", FALSE}, {"gzip", TRUE}, {"GZIP", TRUE},
    {"br, gzip", TRUE}, {"br,gzip;q=0.5", TRUE}, {"gzip;q=0", FALSE},
    {"gzip; q=0.0", FALSE}, {"gzipx", FALSE}, {"xgzip", FALSE},
    {"identity", FALSE}, {"*", FALSE}, {",,;,", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].accept);
    g_assert_cmpint (pmss_page_accepts (cases[i].accept, "gzip"), ==,
        cases[i].gzip);
  }
}

static void
test_etags (void)
{
  static const struct
  {
    const char *field;
    gboolean matches;
  } cases[] = {
    {NULL, FALSE}, {"", FALSE}, {"\"a\"", TRUE}, {"W/\"a\"", TRUE},
    {"\"b\", \"a\"", TRUE}, {"*", TRUE}, {"a", FALSE}, {"\"ab\"", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].field);
    g_assert_cmpint (pmss_page_etag_matches (cases[i].field, "\"a\""), ==,
        cases[i].matches);
  }
}

static char *
policy_of (const char *address, gboolean tls)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  PmssNodeInfo info = {.node = {.id = 1,.address = (char *) address,.port =
          8471,.tls = tls}
  };

  g_ptr_array_add (nodes, &info);
  return pmss_page_policy (nodes);
}

static void
test_policy (void)
{
  g_autofree char *none = pmss_page_policy (NULL);
  g_autofree char *plain = policy_of ("192.0.2.1", FALSE);
  g_autofree char *tls = policy_of ("a.example.org", TRUE);
  g_autofree char *ipv6 = policy_of ("2001:db8::1", FALSE);
  g_autofree char *hostile = policy_of ("a; script-src *", FALSE);

  g_assert_true (g_str_has_prefix (none, "default-src 'none'; "));
  g_assert_nonnull (strstr (none, "; connect-src 'self'; "));
  g_assert_nonnull (strstr (none, "require-trusted-types-for 'script'"));
  g_assert_nonnull (strstr (plain,
          "connect-src 'self' http://192.0.2.1:8471;"));
  g_assert_nonnull (strstr (plain,
          "media-src 'self' blob: http://192.0.2.1:8471;"));
  g_assert_nonnull (strstr (tls, " https://a.example.org:8471;"));
  g_assert_nonnull (strstr (ipv6, " http://*:8471;"));
  g_assert_cmpstr (hostile, ==, none);
}

static void
test_missing (void)
{
  static const char *const names[] = {
    "", "none", "../control/openapi.json", "assets/none.js", "index.html.gz",
    "assets/"
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_auto (PmssPage) page = { 0 };

    g_assert_false (pmss_page_find (names[i], "gzip", &page));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pages/accepts", test_accepts);
  g_test_add_func ("/pages/etags", test_etags);
  g_test_add_func ("/pages/policy", test_policy);
  g_test_add_func ("/pages/missing", test_missing);
  return g_test_run ();
}
