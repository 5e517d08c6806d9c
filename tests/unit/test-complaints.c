/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/monitor/complaints.h"

#define N 6
#define MS 1000000u

/* A viewer who reads from six nodes, which are all well. */
static void
all_well (PmssNodeMeasure nodes[N])
{
  for (guint i = 0; i < N; i++)
    nodes[i] = (PmssNodeMeasure) {
    .node = i + 1,.bytes = 100 << 18,.units = 100,.time = 10 * MS};
}

/* @expected: a digit for each node. */
static void
expect (const PmssNodeMeasure * nodes, guint n, const char *expected)
{
  gboolean complains[PMSS_MAX_MEASURED_NODES];
  g_autoptr (GString) found = g_string_new (NULL);
  guint number = pmss_complaints_judge (nodes, n, complains), count = 0;

  for (guint i = 0; i < n; i++) {
    g_string_append_c (found, complains[i] ? '1' : '0');
    count += complains[i];
  }
  g_assert_cmpstr (found->str, ==, expected);
  g_assert_cmpuint (number, ==, count);
}

static void
test_well (void)
{
  PmssNodeMeasure nodes[N];

  all_well (nodes);
  expect (nodes, 0, "");
  expect (nodes, N, "000000");
  /* 1 % is not more than 1 % */
  nodes[2].late = 1;
  expect (nodes, N, "000000");
}

static void
test_lacking (void)
{
  PmssNodeMeasure nodes[N];

  all_well (nodes);
  nodes[2].late = 2;
  expect (nodes, N, "001000");
  nodes[2].late = 0;
  nodes[4].rebuilt = 2;
  expect (nodes, N, "000010");
  /* it gave nothing at all, and others gave what it should have */
  nodes[4].units = nodes[4].bytes = 0;
  expect (nodes, N, "000010");
}

static void
test_slow (void)
{
  PmssNodeMeasure nodes[N];

  all_well (nodes);
  nodes[0].time = 30 * MS;
  expect (nodes, N, "000000");
  nodes[0].time = 31 * MS;
  expect (nodes, N, "100000");
  /* of so few units nothing is said */
  nodes[0].units = PMSS_COMPLAINT_LEAST_UNITS - 1;
  expect (nodes, N, "000000");
  /* from a cache and from a disk: nobody sees it */
  all_well (nodes);
  for (guint i = 1; i < N; i++)
    nodes[i].time = MS / 2;
  expect (nodes, N, "000000");
  /* a reader that does not tell it */
  nodes[0].time = 500 * MS;
  for (guint i = 1; i < N; i++)
    nodes[i].time = 0;
  expect (nodes, N, "000000");
}

/* The median is of the others: of two nodes the other one alone. */
static void
test_two (void)
{
  PmssNodeMeasure nodes[N];

  all_well (nodes);
  nodes[1].time = 100 * MS;
  expect (nodes, 2, "01");
  expect (nodes, 3, "010");
  nodes[2].time = 100 * MS;
  expect (nodes, 3, "000");
  expect (nodes, 5, "011" "00");
  expect (nodes, 1, "0");
}

static void
test_own_line (void)
{
  PmssNodeMeasure nodes[N];

  /* all take long alike */
  all_well (nodes);
  for (guint i = 0; i < N; i++)
    nodes[i].time = 900 * MS;
  expect (nodes, N, "000000");
  /* most are late: it is not they */
  all_well (nodes);
  for (guint i = 0; i < 4; i++)
    nodes[i].late = 50;
  expect (nodes, N, "000000");
  nodes[3].late = 0;
  expect (nodes, N, "111000");
  /* a medium of one node: whose fault it is cannot be told */
  expect (nodes, 1, "0");
}

static void
test_absurd (void)
{
  PmssNodeMeasure nodes[N];

  all_well (nodes);
  nodes[5] = (PmssNodeMeasure) {
  .node = 6,.bytes = G_MAXUINT64,.units = G_MAXUINT64,.rebuilt =
        G_MAXUINT64,.late = G_MAXUINT64,.time = G_MAXUINT64};
  expect (nodes, N, "000001");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/complaints/well", test_well);
  g_test_add_func ("/complaints/lacking", test_lacking);
  g_test_add_func ("/complaints/slow", test_slow);
  g_test_add_func ("/complaints/two", test_two);
  g_test_add_func ("/complaints/own-line", test_own_line);
  g_test_add_func ("/complaints/absurd", test_absurd);
  return g_test_run ();
}
