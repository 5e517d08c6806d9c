/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which token a node is shown: what works is not given up for what was not tried. */
#include "libpmss/reader/pmss-pass.h"

static void
assert_shown (PmssPass * pass, guint newest, guint wanted)
{
  g_autofree char *text = g_strdup_printf ("token %u", newest);
  g_autofree char *wanted_text = g_strdup_printf ("token %u", wanted);
  guint number;

  g_assert_cmpstr (pmss_pass_choose (pass, text, newest, &number), ==,
      wanted_text);
  g_assert_cmpuint (number, ==, wanted);
}

static void
take (PmssPass * pass, guint number)
{
  g_autofree char *text = g_strdup_printf ("token %u", number);

  pmss_pass_note_taken (pass, number, text, number);
}

static void
test_newest_first (void)
{
  PmssPass pass = { 0 };

  assert_shown (&pass, 1, 1);
  take (&pass, 1);
  assert_shown (&pass, 2, 2);
  take (&pass, 2);
  assert_shown (&pass, 2, 2);
  pmss_pass_clear (&pass);
}

/* A node that refuses each new token keeps being shown what it took, however
 * often a new one comes. */
static void
test_back_to_taken (void)
{
  PmssPass pass = { 0 };

  take (&pass, 1);
  for (guint newest = 2; newest < 10; newest++) {
    assert_shown (&pass, newest, newest);
    g_assert_true (pmss_pass_note_refused (&pass, newest, newest));
    assert_shown (&pass, newest, 1);
    /* of several requests that were under way */
    g_assert_true (pmss_pass_note_refused (&pass, newest, newest));
    pmss_pass_note_taken (&pass, 1, "the newest", newest);
    assert_shown (&pass, newest, 1);
  }
  pmss_pass_clear (&pass);
}

static void
test_nothing_left (void)
{
  PmssPass pass = { 0 };

  /* never took any */
  g_assert_false (pmss_pass_note_refused (&pass, 1, 1));
  assert_shown (&pass, 1, 1);

  /* what it took has run out, too */
  take (&pass, 2);
  g_assert_true (pmss_pass_note_refused (&pass, 3, 3));
  assert_shown (&pass, 3, 2);
  g_assert_false (pmss_pass_note_refused (&pass, 2, 3));
  assert_shown (&pass, 3, 3);
  g_assert_false (pmss_pass_note_refused (&pass, 3, 3));

  /* the next one is tried */
  assert_shown (&pass, 4, 4);
  pmss_pass_clear (&pass);
}

/* Asked with the token before: the new one is here, and was not tried. */
static void
test_late_refusal (void)
{
  PmssPass pass = { 0 };

  take (&pass, 1);
  g_assert_true (pmss_pass_note_refused (&pass, 1, 2));
  assert_shown (&pass, 2, 2);
  g_assert_false (pmss_pass_note_refused (&pass, 2, 2));
  pmss_pass_clear (&pass);
}

/* A session that was ended: the node refuses the only token that it took. */
static void
test_ended (void)
{
  PmssPass pass = { 0 };

  take (&pass, 1);
  g_assert_false (pmss_pass_note_refused (&pass, 1, 1));
  assert_shown (&pass, 1, 1);
  pmss_pass_clear (&pass);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pass/newest-first", test_newest_first);
  g_test_add_func ("/pass/back-to-taken", test_back_to_taken);
  g_test_add_func ("/pass/nothing-left", test_nothing_left);
  g_test_add_func ("/pass/late-refusal", test_late_refusal);
  g_test_add_func ("/pass/ended", test_ended);
  return g_test_run ();
}
