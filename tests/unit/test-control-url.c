/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "libpmss/client/pmss-control-url.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-types.h"

static void
test_good (void)
{
  static const struct
  {
    const char *text, *url, *peer;
    gboolean local;
  } all[] = {
    {"host", "http://host:8470", "host:8470", FALSE},
    {"host:1", "http://host:1", "host:1", FALSE},
    {"Host.Example.", "http://host.example:8470", "host.example:8470", FALSE},
    {"http://host", "http://host:80", "host:80", FALSE},
    {"https://host", "https://host:443", "host:443", FALSE},
    {"HTTPS://HOST:8470/", "https://host:8470", "host:8470", FALSE},
    {"pmss://host", "http://host:8470", "host:8470", FALSE},
    {"pmsss://host/", "https://host:8470", "host:8470", FALSE},
    {"http://bücher.example:1", "http://xn--bcher-kva.example:1",
        "xn--bcher-kva.example:1", FALSE},
    {"http://b%C3%BCcher.example:1", "http://xn--bcher-kva.example:1",
        "xn--bcher-kva.example:1", FALSE},
    {"http://localhost.:8470", "http://localhost:8470", "localhost:8470",
        TRUE},
    {"a.localhost:1", "http://a.localhost:1", "a.localhost:1", TRUE},
    {"notlocalhost", "http://notlocalhost:8470", "notlocalhost:8470", FALSE},
    {"127.9.9.9", "http://127.9.9.9:8470", "127.9.9.9:8470", TRUE},
    {"0.0.0.0:1", "http://0.0.0.0:1", "0.0.0.0:1", TRUE},
    {"192.0.2.1:1", "http://192.0.2.1:1", "192.0.2.1:1", FALSE},
    {"::1", "http://[::1]:8470", "[::1]:8470", TRUE},
    {"[::1]", "http://[::1]:8470", "[::1]:8470", TRUE},
    {"[2001:DB8::1]:1", "http://[2001:db8::1]:1", "[2001:db8::1]:1", FALSE},
    {"http://[::ffff:127.0.0.1]:1", "http://[::ffff:127.0.0.1]:1",
        "[::ffff:127.0.0.1]:1", TRUE},
    {"http://[::ffff:192.0.2.1]:1", "http://[::ffff:192.0.2.1]:1",
        "[::ffff:192.0.2.1]:1", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (PmssControlUrl) url = pmss_control_url_parse (all[i].text,
        &error);
    g_autoptr (PmssControlUrl) again = NULL;
    g_autofree char *text = NULL, *peer = NULL, *same = NULL;

    g_test_message ("%s", all[i].text);
    g_assert_no_error (error);
    text = pmss_control_url_to_string (url);
    g_assert_cmpstr (text, ==, all[i].url);
    peer = pmss_control_url_get_peer (url);
    g_assert_cmpstr (peer, ==, all[i].peer);
    g_assert_cmpint (pmss_control_url_is_local (url), ==, all[i].local);
    /* what the rest of the library wants of a host */
    g_assert_true (pmss_host_check (url->host));
    again = pmss_control_url_parse (text, &error);
    g_assert_no_error (error);
    same = pmss_control_url_to_string (again);
    g_assert_cmpstr (same, ==, text);
  }
}

static void
test_bad (void)
{
  g_autofree char *filler = g_strnfill (5000, 'a');
  const char *const all[] = {
    "", ".", "..", "http://", "http:///", "://host", "ftp://host", "host:0",
    "host:65536", "host:-1", "host:x", "http://host:8470/api", "host/films/a",
    "host//", "http://host?x", "http://host/?", "http://host#x",
    "http://ann:secret@host", "ann:secret@host", "http://ann@host",
    "http://@host", "ho st", "http://a..b", "http://host..", "http://-x",
    "http://1.2.3", "http://1.2.3.999", "http://127.1", "http://[::1",
    "http://::1", "http://[x]", "http://[fe80::1%25eth0]:1", "fe80::1%eth0",
    "http://ho%2fst", "http://ho%00st", "http://host\n", "http://h\xff",
    filler,
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", all[i]);
    g_assert_null (pmss_control_url_parse (all[i], &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
    g_assert_null (strstr (error->message, "secret"));
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/control-url/good", test_good);
  g_test_add_func ("/control-url/bad", test_bad);
  return g_test_run ();
}
