/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often control is told of the same shard. */
#include "libpmss/reader/pmss-reports.h"

#define SECOND G_TIME_SPAN_SECOND
#define START (1000 * SECOND)
/* more than are remembered */
#define MANY 5000

/* Control may have mended it, and it is lost again: it is told for as long as it
 * is so. */
static void
test_again (void)
{
  const PmssReport report = { 7, 1, -1, 3, PMSS_REPORT_MISSING };
  const PmssReport other = { 7, 1, -1, 3, PMSS_REPORT_UNREADABLE };
  PmssReports *reports = pmss_reports_new (NULL, NULL);

  g_assert_true (pmss_reports_note (reports, &report, START));
  g_assert_false (pmss_reports_note (reports, &report, START + 59 * SECOND));
  g_assert_true (pmss_reports_note (reports, &other, START + 59 * SECOND));
  g_assert_true (pmss_reports_note (reports, &report, START + 60 * SECOND));
  g_assert_false (pmss_reports_note (reports, &report, START + 61 * SECOND));
  pmss_reports_free (reports);
}

/* A reader that lives for days does not fall silent. */
static void
test_many (void)
{
  PmssReports *reports = pmss_reports_new (NULL, NULL);
  PmssReport report = { 0, 1, -1, 3, PMSS_REPORT_MISSING };
  guint told = 0;

  for (; report.extent < MANY; report.extent++)
    told += pmss_reports_note (reports, &report, START);
  g_assert_cmpuint (told, >, MANY / 2);
  g_assert_cmpuint (told, <, MANY);
  g_assert_true (pmss_reports_note (reports, &report, START + 60 * SECOND));
  pmss_reports_free (reports);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reports/again", test_again);
  g_test_add_func ("/reports/many", test_many);
  return g_test_run ();
}
