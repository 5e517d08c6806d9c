/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The series, and where each comes from. */
#include "control/monitor/series.h"

#include <string.h>

/* A number is for ever: a file that is two years old is read by it. */
static void
test_numbers (void)
{
  gboolean taken[PMSS_MAX_COLUMNS] = { FALSE };
  guint with_max = 0;

  for (guint i = 0; i < PMSS_N_SERIES; i++) {
    const PmssSeriesInfo *info = pmss_series_get_info (i);
    PmssSeries series;

    g_assert_nonnull (info->name);
    g_assert_cmpuint (2 * info->number + 1, <, PMSS_MAX_COLUMNS);
    g_assert_false (taken[info->number]);
    taken[info->number] = TRUE;
    g_assert_true (info->of_node == (i < PMSS_N_NODE_SERIES));
    g_assert_true (pmss_series_parse (info->name, &series));
    g_assert_cmpuint (series, ==, i);
    with_max += info->has_max;
  }
  g_assert_cmpuint (with_max, ==, 6);
  g_assert_cmpuint (pmss_series_get_info (PMSS_SERIES_NET_OUT)->number, ==, 12);
  g_assert_cmpuint (pmss_series_get_info (PMSS_SERIES_STREAMS)->number, ==, 27);
}

static void
test_unknown (void)
{
  PmssSeries series;

  g_assert_false (pmss_series_parse ("", &series));
  g_assert_false (pmss_series_parse ("CPU", &series));
  g_assert_true (pmss_series_is_of (PMSS_SERIES_SENT, PMSS_CLUSTER_NODE));
  g_assert_true (pmss_series_is_of (PMSS_SERIES_SENT, 7));
  g_assert_false (pmss_series_is_of (PMSS_SERIES_CPU, PMSS_CLUSTER_NODE));
  g_assert_false (pmss_series_is_of (PMSS_SERIES_USERS, 7));
}

static void
set_disk (PmssDiskStats * disk, double total, double free, double busy,
    double latency)
{
  disk->total = total;
  disk->free = free;
  disk->busy = busy;
  disk->latency = latency;
}

static void
test_node (void)
{
  const PmssViewerFigures viewers = { 3, 4, 5, 6, 7 };
  double values[PMSS_N_NODE_SERIES];
  PmssNodeStats stats;

  pmss_node_stats_clear (&stats);
  pmss_series_of_node (&stats, values);
  for (guint i = 0; i < PMSS_N_NODE_SERIES; i++)
    g_assert_true (isnan (values[i]));

  stats.used = 10;
  stats.free = 20;
  stats.scrub_rate = 8;
  pmss_series_of_node (&stats, values);
  pmss_series_add_viewers (&viewers, values);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_USED], ==, 10);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_FREE], ==, 20);
  g_assert_cmpfloat (values[PMSS_SERIES_SCRUB], ==, 8);
  g_assert_cmpfloat (values[PMSS_SERIES_VIEWERS], ==, 3);
  g_assert_cmpfloat (values[PMSS_SERIES_VIEWER_TIME], ==, 7);

  /* all disks' room, the worst one's slowness */
  stats.n_disks = 2;
  set_disk (&stats.disks[0], 100, 40, 0.2, PMSS_UNKNOWN);
  set_disk (&stats.disks[1], 200, 50, PMSS_UNKNOWN, 0.5);
  pmss_series_of_node (&stats, values);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_USED], ==, 210);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_FREE], ==, 90);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_BUSY], ==, 0.2);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_LATENCY], ==, 0.5);
  g_assert_true (isnan (values[PMSS_SERIES_VIEWERS]));

  stats.n_interfaces = 3;
  stats.interfaces[0].errors = 1;
  stats.interfaces[1].errors = PMSS_UNKNOWN;
  stats.interfaces[2].errors = 2;
  pmss_series_of_node (&stats, values);
  g_assert_cmpfloat (values[PMSS_SERIES_NET_ERRORS], ==, 3);
}

/* Two folders on one disk have its room once. */
static void
test_shared_disk (void)
{
  double values[PMSS_N_NODE_SERIES];
  PmssNodeStats stats;

  pmss_node_stats_clear (&stats);
  stats.n_disks = 2;
  for (guint i = 0; i < 2; i++) {
    set_disk (&stats.disks[i], 100, 40, 0, 0);
    strcpy (stats.disks[i].device, "8:1");
  }
  pmss_series_of_node (&stats, values);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_USED], ==, 60);
  g_assert_cmpfloat (values[PMSS_SERIES_DISK_FREE], ==, 40);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/series/numbers", test_numbers);
  g_test_add_func ("/series/unknown", test_unknown);
  g_test_add_func ("/series/node", test_node);
  g_test_add_func ("/series/shared-disk", test_shared_disk);
  return g_test_run ();
}
