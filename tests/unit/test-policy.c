/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control-fixture.h"
#include "control/config.h"
#include "control/policies/policies.h"
#include "libpmss/pmss-error.h"

#define MIB (1024 * 1024)

static void
test_glob (void)
{
  static const struct
  {
    const char *glob, *text;
    gboolean like;
  } cases[] = {
    {"*", "", TRUE}, {"*", "films/a", TRUE}, {"", "", TRUE}, {"", "a", FALSE},
    {"films/*", "films/a/b.webm", TRUE}, {"films/*", "film/a", FALSE},
    {"films/*", "films/", TRUE}, {"*.webm", "a.webm.webm", TRUE},
    {"*.webm", "a.webm ", FALSE}, {"a*b*c", "aXbXbXc", TRUE},
    {"a*b*c", "aXcXb", FALSE}, {"?", "ü", TRUE}, {"?", "ab", FALSE},
    {"??", "영화", TRUE}, {"*화", "영화", TRUE}, {"a?c", "abc", TRUE},
    {"a?c", "ac", FALSE}, {"**", "x", TRUE}, {"*?*", "", FALSE},
    {"[a]", "a", FALSE},
  };
  g_autofree char *stars = g_strnfill (1024, '*'), *text = g_strnfill (1024,
      'a');
  g_autofree char *hard = g_malloc0 (1025);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s, %s", cases[i].glob, cases[i].text);
    g_assert_cmpint (pmss_policy_glob (cases[i].glob, cases[i].text), ==,
        cases[i].like);
  }
  g_assert_true (pmss_policy_glob (stars, text));
  /* what takes for ever where each star is tried with all others */
  for (guint i = 0; i < 1024; i += 2)
    memcpy (hard + i, "*a", 2);
  hard[1023] = 'b';
  g_assert_false (pmss_policy_glob (hard, text));
}

static void
test_types (void)
{
  g_assert_cmpstr (pmss_policy_guess_type ("a/b.WebM"), ==, "video/webm");
  g_assert_cmpstr (pmss_policy_guess_type ("a.mp4"), ==, "video/mp4");
  g_assert_null (pmss_policy_guess_type ("mp4"));
  g_assert_null (pmss_policy_guess_type ("a."));
  g_assert_null (pmss_policy_guess_type ("a.mp4x"));
}

static PmssPolicyChoice
choose (GPtrArray * policies, const char *name, const char *type, guint64 size)
{
  const PmssPolicySubject subject = { name, type, size };
  PmssPolicyChoice choice = {.redundancy = {4, 2},.unit = 262144,
  .extent = 16 * MIB
  };

  pmss_policy_choose (policies, &subject, &choice);
  return choice;
}

static PmssPolicy *
add (GPtrArray * policies, const char *name)
{
  PmssPolicy *policy = pmss_policy_new (name);

  g_ptr_array_add (policies, policy);
  return policy;
}

/* Value by value: the first that says something of it. */
static void
test_choice (void)
{
  g_autoptr (GPtrArray) policies =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_policy_free);
  g_auto (PmssPolicyChoice) none = choose (policies, "a", NULL, 5);
  g_auto (PmssPolicyChoice) film = { 0 }, song = { 0 }, big = { 0 };
  PmssPolicy *policy;

  g_assert_cmpint (none.redundancy.k, ==, 4);
  g_assert_null (none.why_redundancy);
  policy = add (policies, "big");
  policy->min_size = 100 * MIB;
  policy->extent = 64 * MIB;
  policy = add (policies, "video");
  policy->types = g_strdup ("Video/*");
  policy->redundancy = (PmssRedundancy) {
  2, 1};
  policy->extent = 32 * MIB;
  policy = add (policies, "all");
  policy->keep_original = 1;
  policy->redundancy = (PmssRedundancy) {
  1, 2};
  film = choose (policies, "x/a.webm", NULL, 5);
  g_assert_cmpint (film.redundancy.k, ==, 2);
  g_assert_cmpstr (film.why_redundancy, ==, "video");
  g_assert_cmpuint (film.extent, ==, 32 * MIB);
  g_assert_cmpuint (film.unit, ==, 262144);
  g_assert_null (film.why_unit);
  g_assert_true (film.keep_original);
  g_assert_cmpstr (film.why_keep_original, ==, "all");
  song = choose (policies, "x/a.webm", "audio/ogg; codecs=opus", 5);
  g_assert_cmpint (song.redundancy.k, ==, 1);
  big = choose (policies, "x", "video/mp4", 100 * MIB);
  g_assert_cmpuint (big.extent, ==, 64 * MIB);
  g_assert_cmpstr (big.why_extent, ==, "big");
  g_assert_cmpint (big.redundancy.k, ==, 2);
}

static void
expect_invalid (PmssPolicy * policy)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pmss_policy_check (policy, &error));
  assert_pmss_error (error, INVALID);
}

static void
test_check (void)
{
  g_autoptr (PmssPolicy) policy = pmss_policy_new ("p");
  g_autoptr (PmssPolicy) bad = pmss_policy_new ("a/b");

  expect_invalid (policy);
  bad->keep_original = 0;
  expect_invalid (bad);
  policy->keep_original = 0;
  g_assert_true (pmss_policy_check (policy, NULL));
  policy->unit = 5000;
  expect_invalid (policy);
  policy->unit = 0;
  policy->extent = PMSS_MAX_EXTENT + 1;
  expect_invalid (policy);
  policy->extent = 0;
  policy->min_size = 2;
  policy->max_size = 1;
  expect_invalid (policy);
  policy->max_size = 2;
  policy->names = g_strdup ("");
  expect_invalid (policy);
}

/* As rows: their order, the one of the same name, and their number. */
static void
test_rows (void)
{
  ControlFixture f;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) list = NULL;

  control_fixture_init (&f);
  for (guint i = 0; i < PMSS_MAX_POLICIES; i++) {
    g_autofree char *name = g_strdup_printf ("p%u", i);
    g_autoptr (PmssPolicy) policy = pmss_policy_new (name);

    policy->order = -1;
    policy->unit = 4096;
    g_assert_true (pmss_policies_set (f.database, policy, &error));
    g_assert_cmpint (policy->order, ==, i + 1);
  }
  for (guint i = 0; i < 2; i++) {
    g_autoptr (PmssPolicy) policy = pmss_policy_new (i == 0 ? "p7" : "new");

    policy->order = i == 0 ? 0 : -1;
    policy->redundancy = (PmssRedundancy) {
    4, 2};
    g_assert_cmpint (pmss_policies_set (f.database, policy, &error), ==,
        i == 0);
  }
  assert_pmss_error (error, CONFLICT);
  g_clear_error (&error);
  list = pmss_policies_list (f.database, &error);
  g_assert_cmpuint (list->len, ==, PMSS_MAX_POLICIES);
  g_assert_cmpstr (((PmssPolicy *) list->pdata[0])->name, ==, "p7");
  g_assert_cmpint (((PmssPolicy *) list->pdata[0])->redundancy.m, ==, 2);
  g_assert_cmpint (((PmssPolicy *) list->pdata[0])->unit, ==, 0);
  g_assert_cmpint (((PmssPolicy *) list->pdata[0])->keep_original, ==, -1);
  g_assert_true (pmss_policies_remove (f.database, "p7", NULL));
  g_assert_false (pmss_policies_remove (f.database, "p7", &error));
  assert_pmss_error (error, NOT_FOUND);
  control_fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/policy/glob", test_glob);
  g_test_add_func ("/policy/types", test_types);
  g_test_add_func ("/policy/choice", test_choice);
  g_test_add_func ("/policy/check", test_check);
  g_test_add_func ("/policy/rows", test_rows);
  return g_test_run ();
}
