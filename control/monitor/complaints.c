/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reader's counts say of the nodes that it reads from. Pure. */
#include "control/monitor/complaints.h"

/* Units of a node that came late, or that others had to make up for. */
static gboolean
is_lacking (const PmssNodeMeasure * node)
{
  double wanted = (double) node->units + (double) node->rebuilt;
  double lacking = (double) node->late + (double) node->rebuilt;

  return lacking > PMSS_COMPLAINT_SHARE * wanted;
}

/* Seconds; 0: too little is known. */
static double
get_time (const PmssNodeMeasure * node)
{
  if (node->units < PMSS_COMPLAINT_LEAST_UNITS)
    return 0;
  return (double) node->time / 1e9;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static GArray *
sort_times (const PmssNodeMeasure * nodes, guint n)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < n; i++) {
    double time = get_time (&nodes[i]);

    if (time > 0)
      g_array_append_val (times, time);
  }
  g_array_sort (times, compare_times);
  return times;
}

/* The element at @i of @times without the one whose value is @own. */
static double
get_other (const GArray * times, double own, guint i)
{
  double value = g_array_index (times, double, i);

  return value < own ? value : g_array_index (times, double, i + 1);
}

/* Of the others; 0: there are none. */
static double
find_median (const GArray * times, double own)
{
  guint n = times->len - 1;

  if (n == 0)
    return 0;
  return (get_other (times, own, (n - 1) / 2)
      + get_other (times, own, n / 2)) / 2;
}

static gboolean
is_slow (const PmssNodeMeasure * node, const GArray * times)
{
  double time = get_time (node), median;

  if (time <= PMSS_COMPLAINT_LEAST_TIME)
    return FALSE;
  median = find_median (times, time);
  return median > 0 && time > PMSS_COMPLAINT_TIMES * median;
}

guint
pmss_complaints_judge (const PmssNodeMeasure * nodes, guint n,
    gboolean * complains)
{
  g_autoptr (GArray) times = sort_times (nodes, n);
  guint number = 0;

  for (guint i = 0; i < n; i++) {
    complains[i] = is_lacking (&nodes[i]) || is_slow (&nodes[i], times);
    number += complains[i];
  }
  if (2 * number <= n)
    return number;
  for (guint i = 0; i < n; i++)
    complains[i] = FALSE;
  return 0;
}
