/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prometheus' text format: each family once, labels escaped, buckets that add up. */
#include "daemon/pmss-metrics.h"

static void
assert_text (PmssMetrics * metrics, const char *expected)
{
  g_autofree char *text = pmss_metrics_finish (metrics);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_single (void)
{
  PmssMetrics *metrics = pmss_metrics_new ("x_");

  pmss_metrics_single (metrics, "a_total", PMSS_METRIC_COUNTER, "All of it",
      G_MAXUINT64);
  pmss_metrics_single (metrics, "b", PMSS_METRIC_GAUGE, "", 0);
  assert_text (metrics, "# HELP x_a_total All of it\n"
      "# TYPE x_a_total counter\nx_a_total 18446744073709551615\n"
      "# HELP x_b \n# TYPE x_b gauge\nx_b 0\n");
}

static void
test_none (void)
{
  assert_text (pmss_metrics_new ("x_"), "");
}

/* One head however many values, also if there are none. */
static void
test_labels (void)
{
  PmssMetrics *metrics = pmss_metrics_new ("x_");

  pmss_metrics_family (metrics, "empty", PMSS_METRIC_GAUGE, "None");
  pmss_metrics_family (metrics, "a", PMSS_METRIC_GAUGE, "By state");
  pmss_metrics_add (metrics, "state", "up", 1);
  pmss_metrics_add (metrics, "state", "größer", 2);
  pmss_metrics_add_numbered (metrics, "node", 7, 3);
  assert_text (metrics, "# HELP x_empty None\n# TYPE x_empty gauge\n"
      "# HELP x_a By state\n# TYPE x_a gauge\nx_a{state=\"up\"} 1\n"
      "x_a{state=\"größer\"} 2\nx_a{node=\"7\"} 3\n");
}

static void
test_escapes (void)
{
  PmssMetrics *metrics = pmss_metrics_new ("x_");

  pmss_metrics_family (metrics, "a", PMSS_METRIC_GAUGE, "say \"a\\b\"\nnow");
  pmss_metrics_add (metrics, "zone", "\"}\n\\x 1", 1);
  assert_text (metrics, "# HELP x_a say \"a\\\\b\"\\nnow\n# TYPE x_a gauge\n"
      "x_a{zone=\"\\\"}\\n\\\\x 1\"} 1\n");
}

static void
test_real (void)
{
  PmssMetrics *metrics = pmss_metrics_new ("x_");

  pmss_metrics_family (metrics, "a", PMSS_METRIC_GAUGE, "Part");
  pmss_metrics_add_real (metrics, NULL, NULL, 0.25);
  assert_text (metrics, "# HELP x_a Part\n# TYPE x_a gauge\nx_a 0.2500\n");
}

static void
test_append (void)
{
  PmssMetrics *metrics = pmss_metrics_new ("x_"), *other =
      pmss_metrics_new ("x_");
  g_autofree char *text = NULL;

  pmss_metrics_single (other, "b", PMSS_METRIC_GAUGE, "B", 2);
  text = pmss_metrics_finish (other);
  pmss_metrics_single (metrics, "a", PMSS_METRIC_GAUGE, "A", 1);
  pmss_metrics_append (metrics, text);
  pmss_metrics_single (metrics, "c", PMSS_METRIC_GAUGE, "C", 3);
  assert_text (metrics, "# HELP x_a A\n# TYPE x_a gauge\nx_a 1\n"
      "# HELP x_b B\n# TYPE x_b gauge\nx_b 2\n"
      "# HELP x_c C\n# TYPE x_c gauge\nx_c 3\n");
}

static void
test_histogram (void)
{
  static const gint64 bounds[] = { 500, 1000000 };
  static const guint64 numbers[] = { 3, 0, 2 }, none[3] = { 0 };
  PmssMetrics *metrics = pmss_metrics_new ("x_");

  pmss_metrics_family (metrics, "s", PMSS_METRIC_HISTOGRAM, "How long");
  pmss_metrics_add_histogram (metrics, "piece", "a", bounds, 2, numbers,
      3000042);
  pmss_metrics_add_histogram (metrics, NULL, NULL, bounds, 2, none, 0);
  assert_text (metrics, "# HELP x_s How long\n# TYPE x_s histogram\n"
      "x_s_bucket{piece=\"a\",le=\"0.0005\"} 3\n"
      "x_s_bucket{piece=\"a\",le=\"1\"} 3\n"
      "x_s_bucket{piece=\"a\",le=\"+Inf\"} 5\n"
      "x_s_sum{piece=\"a\"} 3.000042\nx_s_count{piece=\"a\"} 5\n"
      "x_s_bucket{le=\"0.0005\"} 0\nx_s_bucket{le=\"1\"} 0\n"
      "x_s_bucket{le=\"+Inf\"} 0\nx_s_sum 0.000000\nx_s_count 0\n");
}

/* A family that comes twice, and a name that is none, are left out. */
static void
test_wrong_names (void)
{
  PmssMetrics *metrics = pmss_metrics_new ("x_");

  pmss_metrics_family (metrics, "a", PMSS_METRIC_GAUGE, "A");
  for (guint i = 0; i < 3; i++) {
    static const char *const names[] = { "a", "", "A b" };

    g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*name*");
    pmss_metrics_family (metrics, names[i], PMSS_METRIC_GAUGE, "A");
    g_test_assert_expected_messages ();
  }
  assert_text (metrics, "# HELP x_a A\n# TYPE x_a gauge\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/single", test_single);
  g_test_add_func ("/metrics/none", test_none);
  g_test_add_func ("/metrics/labels", test_labels);
  g_test_add_func ("/metrics/escapes", test_escapes);
  g_test_add_func ("/metrics/real", test_real);
  g_test_add_func ("/metrics/append", test_append);
  g_test_add_func ("/metrics/histogram", test_histogram);
  g_test_add_func ("/metrics/wrong-names", test_wrong_names);
  return g_test_run ();
}
