/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cookies and origins: what counts, and what only looks like it. */
#include "control/api/caller.h"

static void
test_cookies (void)
{
  static const struct
  {
    const char *field, *wanted;
  } cases[] = {
    {NULL, NULL}, {"", NULL}, {"pmss", NULL}, {"pmss=", ""}, {"pmss=a", "a"},
    {"x=1; pmss=a; y=2", "a"}, {"x=1;pmss=a;", "a"}, {" pmss=a=b ", "a=b"},
    {"PMSS=a", NULL}, {"__Host-pmss=a", NULL}, {"xpmss=a; pmssx=b", NULL},
    {"pmss=a; pmss=b", NULL}, {"pmss=a; pmss=a", NULL},
    {"x=\"; pmss=a\"", "a\""}, {"x=pmss=a", NULL}, {";;;", NULL},
    {"pmss=a,pmss=b", "a,pmss=b"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *found = pmss_cookie_find (cases[i].field, "pmss");

    g_test_message ("%s", cases[i].field);
    g_assert_cmpstr (found, ==, cases[i].wanted);
  }
}

static void
test_origins (void)
{
  static const struct
  {
    const char *origin, *public_url, *host;
    gboolean tls, ours;
  } cases[] = {
    {"http://a:8470", NULL, "a:8470", FALSE, TRUE},
    {"http://A:8470", NULL, "a:8470", FALSE, TRUE},
    {"http://a", NULL, "a", FALSE, TRUE},
    {"http://a", NULL, "a:80", FALSE, TRUE},
    {"https://a", NULL, "a:443", TRUE, TRUE},
    {"http://[::1]:8470", NULL, "[::1]:8470", FALSE, TRUE},
    {"https://media.example.org", "https://media.example.org", "127.0.0.1:8470",
        FALSE, TRUE},
    {"https://media.example.org:443", "https://media.example.org", "x", FALSE,
        TRUE},
    {"https://media.example.org", "https://media.example.org:443/", "x", FALSE,
        TRUE},
    /* another port, scheme, or host is another origin */
    {"http://a:8471", NULL, "a:8470", FALSE, FALSE},
    {"https://a:8470", NULL, "a:8470", FALSE, FALSE},
    {"http://a:8470", NULL, "a:8470", TRUE, FALSE},
    {"http://b:8470", NULL, "a:8470", FALSE, FALSE},
    {"http://a.b:8470", NULL, "a:8470", FALSE, FALSE},
    {"http://media.example.org", "https://media.example.org", "x", FALSE,
        FALSE},
    {"https://media.example.org.evil", "https://media.example.org", "x", FALSE,
        FALSE},
    /* none */
    {NULL, NULL, "a:8470", FALSE, FALSE},
    {"", NULL, "a:8470", FALSE, FALSE},
    {"null", NULL, "null", FALSE, FALSE},
    {"a:8470", NULL, "a:8470", FALSE, FALSE},
    {"pmss://a:8470", NULL, "a:8470", FALSE, FALSE},
    {"http://a:8470", NULL, NULL, FALSE, FALSE},
    {"http://", NULL, "", FALSE, FALSE},
    {"http://a:8470@evil", NULL, "a:8470", FALSE, FALSE},
    {"http://u@a:8470", NULL, "u@a:8470", FALSE, FALSE},
    {"http://a:8470, http://evil", NULL, "a:8470", FALSE, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s at %s", cases[i].origin, cases[i].host);
    g_assert_cmpint (pmss_origin_is_ours (cases[i].origin, cases[i].public_url,
            cases[i].host, cases[i].tls), ==, cases[i].ours);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/caller/cookies", test_cookies);
  g_test_add_func ("/caller/origins", test_origins);
  return g_test_run ();
}
