/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-types.h"

static void
test_version_id (void)
{
  PmssVersionId a, b;
  char text[PMSS_VERSION_ID_STRLEN];

  pmss_version_id_generate (&a);
  pmss_version_id_generate (&b);
  g_assert_false (pmss_version_id_equal (&a, &b));

  pmss_version_id_to_string (&a, text);
  g_assert_cmpuint (strlen (text), ==, 32);
  g_assert_true (pmss_version_id_parse (text, &b));
  g_assert_true (pmss_version_id_equal (&a, &b));

  g_assert_true (pmss_version_id_parse ("000102030405060708090a0b0c0d0eff",
          &b));
  g_assert_cmpuint (b.bytes[10], ==, 10);
  g_assert_cmpuint (b.bytes[15], ==, 255);
}

static void
test_version_id_bad (void)
{
  static const char *const bad[] = {
    "", "0", "000102030405060708090a0b0c0d0ef",
    "000102030405060708090a0b0c0d0eff0", "000102030405060708090A0b0c0d0eff",
    "000102030405060708090a0b0c0d0ef ", " 00102030405060708090a0b0c0d0eff",
    "0x0102030405060708090a0b0c0d0eff", "000102030405060708090a0b0c0d0efg",
  };
  PmssVersionId id = { {7} };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (pmss_version_id_parse (bad[i], &id));
    g_assert_cmpuint (id.bytes[0], ==, 7);
  }
}

static void
test_redundancy (void)
{
  for (guint k = 0; k <= 18; k++) {
    for (guint m = 0; m <= 6; m++) {
      g_autofree char *text = g_strdup_printf ("%u+%u", k, m);
      g_autoptr (GError) error = NULL;
      PmssRedundancy redundancy;
      char again[8];

      if (k >= 1 && k <= 16 && m <= 4) {
        g_assert_true (pmss_redundancy_parse (text, &redundancy, &error));
        g_assert_no_error (error);
        g_assert_cmpuint (redundancy.k, ==, k);
        g_assert_cmpuint (redundancy.m, ==, m);
        pmss_redundancy_to_string (redundancy, again);
        g_assert_cmpstr (again, ==, text);
      } else {
        g_assert_false (pmss_redundancy_parse (text, &redundancy, &error));
        g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
      }
    }
  }
}

static void
test_redundancy_bad (void)
{
  static const char *const bad[] = {
    "", "4", "4+", "+2", "4+2 ", " 4+2", "04+2", "4+02", "4 + 2", "4-2",
    "4++2", "260+2", "4+258", "4294967300+2", "a+b", "4+2\n", "\xff+2",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    PmssRedundancy redundancy;

    g_assert_false (pmss_redundancy_parse (bad[i], &redundancy, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
}

static void
test_unit (void)
{
  g_assert_false (pmss_unit_check (0));
  g_assert_false (pmss_unit_check (2048));
  g_assert_true (pmss_unit_check (4096));
  g_assert_false (pmss_unit_check (4097));
  g_assert_false (pmss_unit_check (12288));
  g_assert_true (pmss_unit_check (PMSS_DEFAULT_UNIT));
  g_assert_true (pmss_unit_check (4194304));
  g_assert_false (pmss_unit_check (8388608));
  g_assert_false (pmss_unit_check (0x80000000u));
}

static void
test_names (void)
{
  g_autofree char *component = g_strnfill (255, 'x');
  g_autofree char *longest = g_strjoin ("/", component, component, component,
      component, NULL);
  const char *const good[] = {
    "a", "films/sintel.webm", "a b", "…", "%41", "\"'<>&?#", "a.", ".a",
    "...",
    "a/.../b", component, longest, " ", "~", "ünï/çødé",
  };

  g_assert_cmpuint (strlen (longest), ==, 1023);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;

    pmss_medium_name_check (good[i], &error);
    g_assert_no_error (error);
  }
}

static void
test_names_bad (void)
{
  g_autofree char *component = g_strnfill (256, 'x');
  g_autofree char *full = g_strnfill (255, 'x');
  g_autofree char *too_long = g_strjoin ("/", full, full, full, full, "x",
      NULL);
  const char *const bad[] = {
    "", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "./a",
    "a\nb", "a\tb", "\x01", "a\x7f", "a\xc2\x80", "a\xc2\x9f", "a\\b",
    "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", component, too_long,
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (pmss_medium_name_check (bad[i], &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
}

static void
test_hosts (void)
{
  static const char *const good[] = {
    "localhost", "a", "127.0.0.1", "::1", "2001:db8::1", "node-1.example.org",
    "node_1", "::ffff:192.0.2.1", "1a.example",
  };
  static const char *const bad[] = {
    "", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a/b", "a:1", "[::1]",
    "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.999", ":::", "fe80::1%eth0",
    "a@b", "ä.example", "a\nb", "x%00", "0x7f000001.1",
  };
  g_autofree char *label = g_strnfill (64, 'x');
  g_autofree char *long_name = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (pmss_host_check (good[i]));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (pmss_host_check (bad[i]));
  g_assert_false (pmss_host_check (label));
  label[63] = '\0';
  g_assert_true (pmss_host_check (label));
  long_name = g_strjoin (".", label, label, label, label, NULL);
  g_assert_false (pmss_host_check (long_name));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/types/version-id", test_version_id);
  g_test_add_func ("/types/version-id-bad", test_version_id_bad);
  g_test_add_func ("/types/redundancy", test_redundancy);
  g_test_add_func ("/types/redundancy-bad", test_redundancy_bad);
  g_test_add_func ("/types/unit", test_unit);
  g_test_add_func ("/types/names", test_names);
  g_test_add_func ("/types/names-bad", test_names_bad);
  g_test_add_func ("/types/hosts", test_hosts);
  return g_test_run ();
}
