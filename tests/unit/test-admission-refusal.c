/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/admission/admission.h"
#include "libpmss/pmss-error.h"

#define S G_GINT64_CONSTANT (1000000000)

static void
test_spread (void)
{
  for (guint i = 0; i < 1000; i++) {
    guint seconds = pmss_refusal_spread (100 * S, i);

    g_assert_cmpuint (seconds, >=, 100);
    g_assert_cmpuint (seconds, <, 160);
    g_assert_cmpuint (seconds, !=, pmss_refusal_spread (100 * S, i + 1));
    g_assert_cmpuint (pmss_refusal_spread (0, i), !=,
        pmss_refusal_spread (0, i + 1));
    g_assert_cmpuint (pmss_refusal_spread (0, i), >=, 1);
  }
  g_assert_cmpuint (pmss_refusal_spread (-1, 0), ==, PMSS_RETRY_USUAL);
  g_assert_cmpuint (pmss_refusal_spread (S + 1, 0), ==, 2);
  g_assert_cmpuint (pmss_refusal_spread (G_MAXINT64, G_MAXUINT), <=,
      PMSS_RETRY_MOST + 60);
}

static void
test_text (void)
{
  PmssRefusal refusal = {
    .node = 3,.resource = PMSS_RESOURCE_NETWORK,.start_in = 12 * S,
    .retry_after = 14
  };
  g_autofree char *known = pmss_refusal_to_text (&refusal, "a.mkv");
  g_autofree char *unknown = NULL;

  g_assert_nonnull (strstr (known, "network of node 3"));
  g_assert_nonnull (strstr (known, "“a.mkv”"));
  g_assert_nonnull (strstr (known, "in 12 s"));
  g_assert_nonnull (strstr (known, "again in 14 s"));
  refusal.start_in = -1;
  refusal.resource = PMSS_RESOURCE_NONE;
  unknown = pmss_refusal_to_text (&refusal, "a.mkv");
  g_assert_nonnull (strstr (unknown, "capacity of node 3"));
  g_assert_null (strstr (unknown, "likely"));
}

static void
test_settings (void)
{
  static const char *const bad[] = {
    "", "-0.1", "0.95", "1", "nan", "inf", "0.1x", " 0.1", "+0.1", "1e9", "10%",
  };
  PmssAdmissionPolicy policy = PMSS_ADMISSION_ON;
  double reserve = -1;

  g_assert_true (pmss_admission_policy_parse ("peak", &policy, NULL));
  g_assert_cmpint (policy, ==, PMSS_ADMISSION_PEAK);
  g_assert_true (pmss_admission_policy_parse ("off", &policy, NULL));
  g_assert_cmpint (policy, ==, PMSS_ADMISSION_OFF);
  g_assert_true (pmss_admission_reserve_parse ("0", &reserve, NULL));
  g_assert_cmpfloat (reserve, ==, 0);
  g_assert_true (pmss_admission_reserve_parse ("0.9", &reserve, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (pmss_admission_reserve_parse (bad[i], &reserve, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_false (pmss_admission_policy_parse (bad[i], &policy, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/admission-refusal/spread", test_spread);
  g_test_add_func ("/admission-refusal/text", test_text);
  g_test_add_func ("/admission-refusal/settings", test_settings);
  return g_test_run ();
}
