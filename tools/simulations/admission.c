/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calendar of admission in a simulated day; tools/simulate runs it. */
#include <stdlib.h>
#include <string.h>

#include "sim-day.h"
#include "sim-decisions.h"
#include "sim-plot.h"

#define MEDIA 300

static int nodes = 6, hours = 24, seed = 1, streams = 10000, rounds = 7;
static int wait_seconds;
static double link_rate = 40, reserve = 0.1, load = 1.4;
static gboolean survive, bench;
static char *policies, *pictures;

static const GOptionEntry entries[] = {
  {"nodes", 0, 0, G_OPTION_ARG_INT, &nodes, "default 6", "N"},
  {"hours", 0, 0, G_OPTION_ARG_INT, &hours, "the last of a day; default 24",
      "H"},
  {"policy", 0, 0, G_OPTION_ARG_STRING, &policies,
      "of on,peak,bucket,average,measured,off; default all", "LIST"},
  {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "default 1", "S"},
  {"link", 0, 0, G_OPTION_ARG_DOUBLE, &link_rate,
      "of each node; default 40", "MBIT/S"},
  {"reserve", 0, 0, G_OPTION_ARG_DOUBLE, &reserve,
      "that is not given out, 0 to 1; default 0.1", "PART"},
  {"survive-failure", 0, 0, G_OPTION_ARG_NONE, &survive,
      "any one node may fail", NULL},
  {"wait", 0, 0, G_OPTION_ARG_INT, &wait_seconds,
      "that viewers wait for a start; default 0", "SECONDS"},
  {"load", 0, 0, G_OPTION_ARG_DOUBLE, &load,
      "asked for at the peak, of all capacity; default 1.4", "X"},
  {"svg", 0, 0, G_OPTION_ARG_FILENAME, &pictures,
      "also draw DIR/admission-day.svg", "DIR"},
  {"bench", 0, 0, G_OPTION_ARG_NONE, &bench,
      "measure decisions a second instead", NULL},
  {"streams", 0, 0, G_OPTION_ARG_INT, &streams,
      "that run meanwhile; default 10000", "N"},
  {"rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "default 7", "N"},
  {NULL, 0, 0, 0, NULL, NULL, NULL}
};

static gboolean
is_asked_for (SimPolicy policy)
{
  g_auto (GStrv) names = policies != NULL ? g_strsplit (policies, ",", 0)
      : NULL;

  return names == NULL
      || g_strv_contains ((const char *const *) names,
      sim_policy_to_string (policy));
}

static void
print_result (SimPolicy policy, const SimResult * result)
{
  g_print ("%-9s %8u %8u %8.1f %6u %7.1f %8u %9u %7.1f %8.1f\n",
      sim_policy_to_string (policy), result->admitted,
      result->offered - result->admitted,
      100.0 * (result->offered - result->admitted) / MAX (result->offered, 1),
      result->later, result->waited * PMSS_SLOT / MAX (result->later, 1),
      result->hurt, result->still * PMSS_SLOT, 100 * result->used,
      100 * result->busiest);
}

static int
draw (const SimResult * results)
{
  g_autofree char *path = g_build_filename (pictures, "admission-day.svg",
      NULL);
  g_autoptr (GError) error = NULL;

  if (sim_plot_write (path, results, 24 - MIN (hours, 24), &error))
    return 0;
  g_printerr ("%s\n", error->message);
  return 1;
}

/* 1: somebody stood still to whom `on' had promised that he would not. */
static int
simulate (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) seed);
  SimResult results[SIM_N_POLICIES] = { 0 };
  SimDay day = {.nodes = (guint) nodes,.slots = (guint) hours * 1800,
    .capacity = link_rate * 0.94e6 / 8 * PMSS_SLOT,.reserve = reserve,
    .survive_failure = survive,.wait = (guint) wait_seconds / PMSS_SLOT
  };
  int status = 0;

  day.media = sim_media_new (rand, MEDIA, day.nodes);
  sim_day_fill (&day, rand, load);
  g_print ("%u nodes of %g Mbit/s, %d hours, %u arrivals, seed %d; Erlang-B "
      "refuses %.1f %%\n", day.nodes, link_rate, hours, day.arrivals->len,
      seed, 100 * day.erlang_refused);
  g_print ("%-9s %8s %8s %8s %6s %7s %8s %9s %7s %8s\n", "policy", "let in",
      "refused", "%", "later", "by s", "stood", "for s", "used %", "busiest");
  for (guint i = 0; i < SIM_N_POLICIES; i++)
    if (is_asked_for (i)) {
      sim_day_run (&day, i, &results[i]);
      print_result (i, &results[i]);
      if (i == SIM_POLICY_ON && results[i].hurt > 0)
        status = 1;
    }
  if (pictures != NULL && draw (results) != 0)
    status = 1;
  for (guint i = 0; i < SIM_N_POLICIES; i++) {
    g_free (results[i].running);
    g_free (results[i].standing);
  }
  g_array_unref (day.arrivals);
  g_free (day.expected);
  g_ptr_array_unref (day.media);
  return status;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("%s\n", error->message);
    return 64;
  }
  if (nodes < SIM_K + SIM_M || nodes > 1000 || hours < 1 || hours > 240
      || streams < 1 || rounds < 1 || link_rate <= 0 || wait_seconds < 0
      || load <= 0) {
    g_printerr ("A number is out of range; there are 6 to 1000 nodes, and 1 "
        "to 240 hours.\n");
    return 64;
  }
  if (!bench)
    return simulate ();
  for (int i = 0; i < 2; i++) {
    const SimDecisions decisions = {.nodes = (guint) nodes,
      .streams = (guint) streams,.rounds = (guint) rounds,
      .seed = (guint32) seed,.survive_failure = i == 1
    };

    sim_decisions_run (&decisions);
  }
  return 0;
}
