/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-uri.h"

static void
test_parts (void)
{
  static const struct
  {
    const char *text;
    gboolean tls;
    const char *host;
    guint16 port;
    const char *user, *password;
    const char *name;
    const char *again, *control;
  } all[] = {
    {"pmss://host/a", FALSE, "host", 8470, NULL, NULL, "a",
        "pmss://host:8470/a", "http://host:8470"},
    {"pmsss://host:1/films/sintel.webm", TRUE, "host", 1, NULL, NULL,
          "films/sintel.webm", "pmsss://host:1/films/sintel.webm",
        "https://host:1"},
    {"PMSS://127.0.0.1:65535/a", FALSE, "127.0.0.1", 65535, NULL, NULL, "a",
        "pmss://127.0.0.1:65535/a", "http://127.0.0.1:65535"},
    {"pmss://[::1]:9/a", FALSE, "::1", 9, NULL, NULL, "a",
        "pmss://[::1]:9/a", "http://[::1]:9"},
    {"pmss://anna:p%40ss%3Aw@host/a", FALSE, "host", 8470, "anna", "p@ss:w",
        "a", "pmss://host:8470/a", "http://host:8470"},
    {"pmss://anna@host/a", FALSE, "host", 8470, "anna", NULL, "a",
        "pmss://host:8470/a", "http://host:8470"},
    {"pmss://@host/a", FALSE, "host", 8470, NULL, NULL, "a",
        "pmss://host:8470/a", "http://host:8470"},
    {"pmss://host/a%20b/c%3Fd%23e%25f", FALSE, "host", 8470, NULL, NULL,
          "a b/c?d#e%f", "pmss://host:8470/a%20b/c%3Fd%23e%25f",
        "http://host:8470"},
    {"pmss://host/a b/\"ü\"", FALSE, "host", 8470, NULL, NULL, "a b/\"ü\"",
        "pmss://host:8470/a%20b/%22%C3%BC%22", "http://host:8470"},
    {"pmss://Localhost.:8471/a", FALSE, "localhost", 8471, NULL, NULL, "a",
        "pmss://localhost:8471/a", "http://localhost:8471"},
    {"pmss://bücher.example/a", FALSE, "xn--bcher-kva.example", 8470, NULL,
          NULL, "a", "pmss://xn--bcher-kva.example:8470/a",
        "http://xn--bcher-kva.example:8470"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (PmssUri) uri = pmss_uri_parse (all[i].text, &error);
    g_autoptr (PmssUri) copy = NULL;
    g_autofree char *again = NULL, *control = NULL;

    g_test_message ("%s", all[i].text);
    g_assert_no_error (error);
    copy = pmss_uri_copy (uri);
    g_assert_cmpint (copy->tls, ==, all[i].tls);
    g_assert_cmpstr (copy->host, ==, all[i].host);
    g_assert_cmpuint (copy->port, ==, all[i].port);
    g_assert_cmpstr (copy->user, ==, all[i].user);
    g_assert_cmpstr (copy->password, ==, all[i].password);
    g_assert_cmpstr (copy->name, ==, all[i].name);
    again = pmss_uri_to_string (uri);
    g_assert_cmpstr (again, ==, all[i].again);
    control = pmss_uri_get_control_url (uri);
    g_assert_cmpstr (control, ==, all[i].control);
  }
}

static void
test_refuses (void)
{
  g_autofree char *filler = g_strnfill (6000, 'a');
  g_autofree char *long_uri = g_strconcat ("pmss://host/", filler, NULL);
  const char *const bad[] = {
    "", "pmss", "pmss:", "pmss:/", "pmss://", "pmss:///a", "pmss://host",
    "pmss://host/", "http://host/a", "pmssss://host/a", "//host/a", "host/a",
    "pmss:a", "pmss:/a", "pmss://host:0/a", "pmss://host:65536/a",
    "pmss://host:-1/a", "pmss://host:x/a", "pmss://host/a?b", "pmss://host/a?",
    "pmss://host/a#b", "pmss://host/a#", "pmss://host/../a",
    "pmss://host/a/../b", "pmss://host/%2e%2e/a", "pmss://host/a//b",
    "pmss://host/a/", "pmss://host//a", "pmss://host/a%2Fb",
    "pmss://host/a%2fb", "pmss://host/a%00b", "pmss://host/a%0Ab",
    "pmss://host/a\nb", "pmss://host/a%", "pmss://host/a%4", "pmss://host/a%zz",
    "pmss://host/a%ff", "pmss://host/a\xff", "pmss://host/a%5Cb",
    "pmss://ho st/a", "pmss://host%0a/a", "pmss://host%00/a", "pmss://[::1/a",
    "pmss://::1/a", "pmss://[x]/a", "pmss://1.2.3.999/a", "pmss://ho%2fst/a",
    "pmss://a%0ab@host/a", "pmss://a:b%0d@host/a", "pmss://-/a", long_uri,
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", bad[i]);
    g_assert_null (pmss_uri_parse (bad[i], &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
}

/* A password that is not encoded does not come back in an error. */
static void
test_secrets (void)
{
  const char *const bad[] = {
    "pmss://user:hush/hush@host/a", "pmss://user:hush#hush@host/a",
    "pmss://user:hush?hush@host/a", "pmss://user:1hush/@host/a",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (pmss_uri_parse (bad[i], &error));
    g_assert_null (strstr (error->message, "hush"));
  }
}

/* Every name comes back from its URI. */
static void
test_names (void)
{
  for (guint c = 1; c < 0x2100; c++) {
    char text[8] = { 0 };
    g_autofree char *name = NULL;
    g_autofree char *formatted = NULL;
    g_autoptr (PmssUri) uri = NULL;
    g_autoptr (PmssUri) again = NULL;
    g_autoptr (GError) error = NULL;

    if (c == '\\' || g_unichar_iscntrl (c))
      continue;
    g_unichar_to_utf8 (c, text);
    name = g_strdup_printf ("x%sy", text);
    uri = pmss_uri_new (TRUE, "host", 5, name);
    formatted = pmss_uri_to_string (uri);
    again = pmss_uri_parse (formatted, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (again->name, ==, name);
    g_assert_true (again->tls);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/uri/parts", test_parts);
  g_test_add_func ("/uri/refuses", test_refuses);
  g_test_add_func ("/uri/secrets", test_secrets);
  g_test_add_func ("/uri/names", test_names);
  return g_test_run ();
}
