/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs seeds, one after the other. tests/simulation/run is what people type. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim-flaws.h"
#include "sim-log.h"
#include "sim-world.h"

/* as in sysexits.h */
#define EX_USAGE 64
#define PROGRESS 1000

static gint64 seed = -1;
static gint64 seeds = 0;
static gint64 from = 1;
static gboolean verbose;
static char *flaw;

static const GOptionEntry entries[] = {
  {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Run this seed alone", "N"},
  {"seeds", 0, 0, G_OPTION_ARG_INT64, &seeds, "Run so many seeds", "N"},
  {"from", 0, 0, G_OPTION_ARG_INT64, &from, "Begin with this one", "S"},
  {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Print the log", NULL},
  {"flaw", 0, 0, G_OPTION_ARG_STRING, &flaw,
      "Plant this fault in the reader", "NAME"},
  {NULL}
};

typedef struct
{
  guint64 seeds, failed;
  gint64 simulated, longest;
  guint64 longest_seed;
} Sum;

static void
run_seed (guint64 number, Sum * sum)
{
  SimResult result;

  sim_world_run (number, verbose, &result);
  sum->seeds++;
  sum->simulated += result.simulated;
  if (result.longest > sum->longest) {
    sum->longest = result.longest;
    sum->longest_seed = number;
  }
  if (result.finding != NULL) {
    sum->failed++;
    printf ("seed %" G_GUINT64_FORMAT ": %s\n", number, result.finding);
  }
  if (verbose)
    printf ("seed %" G_GUINT64_FORMAT ": log %016" G_GINT64_MODIFIER "x, %"
        G_GUINT64_FORMAT " bytes\n", number, result.hash, result.bytes);
  fflush (stdout);
  sim_result_clear (&result);
}

/* Speeds are of the processor's time: other processes slow nothing down. */
static void
print_sum (const Sum * sum)
{
  double took = clock () / (double) CLOCKS_PER_SEC;
  double simulated = sum->simulated / (double) G_USEC_PER_SEC;

  printf ("%" G_GUINT64_FORMAT " seeds, %" G_GUINT64_FORMAT " failed; %.0f s "
      "simulated in %.2f s of the processor: %.0f times real time, %.0f seeds "
      "an hour; longest wait %.3f s (seed %" G_GUINT64_FORMAT ")\n", sum->seeds,
      sum->failed, simulated, took, simulated / MAX (took, 0.001),
      sum->seeds * 3600 / MAX (took, 0.001),
      sum->longest / (double) G_USEC_PER_SEC, sum->longest_seed);
}

static gboolean
parse (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  SimFlaw planted;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    fprintf (stderr, "%s\n", error->message);
    return FALSE;
  }
  planted = flaw != NULL ? sim_flaw_from_string (flaw) : SIM_FLAW_NONE;
  if (planted == SIM_N_FLAWS || (seed < 0 && seeds <= 0)) {
    fprintf (stderr, "give --seed N or --seeds N; --flaw is one of");
    for (guint i = 0; i < SIM_N_FLAWS; i++)
      fprintf (stderr, " %s", sim_flaw_to_string (i));
    fputc ('\n', stderr);
    return FALSE;
  }
  sim_flaws_plant (planted);
  return TRUE;
}

int
main (int argc, char **argv)
{
  Sum sum = { 0 };

  if (!parse (argc, argv))
    return EX_USAGE;
  sim_log_begin (verbose);
  if (seed >= 0)
    run_seed ((guint64) seed, &sum);
  for (gint64 i = 0; i < seeds && seed < 0; i++)
    run_seed ((guint64) (from + i), &sum);
  print_sum (&sum);
  return sum.failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
