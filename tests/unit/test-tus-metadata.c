/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Upload-Metadata: base64 as RFC 4648 has it, one way to write each value. */
#include "control/api/tus-metadata.h"

#include "libpmss/pmss-error.h"

static void
test_good (void)
{
  static const struct
  {
    const char *text, *value;
  } cases[] = {
    {"name eA==", "x"}, {"name eHk=", "xy"}, {"name eHl6", "xyz"},
    {"name Z3LDvG4=", "grün"}, {"name", ""}, {"other eA==,name eHk=", "xy"},
    {"name fn5+Pz8/", "~~~???"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GHashTable) table = pmss_tus_metadata_parse (cases[i].text,
        &error);

    g_assert_no_error (error);
    g_assert_cmpstr (g_hash_table_lookup (table, "name"), ==, cases[i].value);
  }
}

static void
test_bad (void)
{
  static const char *const all[] = {
    "name x", "name eA", "name eA=", "name eA===", "name e=A=", "name eA==eA==",
    "name eHl6=", "name =", "name ====", "name eA= =", "name eH\tk=",
    /* the other alphabet; bits left over; NUL; not UTF-8 */
    "name fn5-Pz8_", "name eB==", "name eHl=", "name AA==", "name /w==",
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("“%s”", all[i]);
    g_assert_null (pmss_tus_metadata_parse (all[i], &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tus-metadata/good", test_good);
  g_test_add_func ("/tus-metadata/bad", test_bad);
  return g_test_run ();
}
