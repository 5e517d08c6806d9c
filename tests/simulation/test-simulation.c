/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simulation itself, some seconds of it, and whether it finds what is planted. */
#include <glib.h>

#include "sim-clock.h"
#include "sim-flaws.h"
#include "sim-log.h"
#include "sim-medium.h"
#include "sim-random.h"
#include "sim-world.h"

/* --- The clock --- */

typedef struct
{
  GString *text;
  gchar what;
} Step;

static void
note (gpointer data)
{
  Step *step = data;

  g_string_append_printf (step->text, "%c@%" G_GINT64_FORMAT " ", step->what,
      sim_clock_since_begin ());
}

static gboolean
note_source (gpointer data)
{
  note (data);
  return G_SOURCE_REMOVE;
}

/* Events and sources take turns by time, then by the order in which they were asked for. */
static void
test_clock (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GSource) source = NULL;
  Step steps[] = { {text, 'a'}, {text, 'b'}, {text, 'c'}, {text, 's'} };
  SimEvent *cancelled;
  gint64 begin;

  sim_clock_begin ();
  sim_clock_adopt (context);
  begin = sim_clock_now ();
  sim_clock_after (5000, note, &steps[1]);
  cancelled = sim_clock_after (1, note, &steps[0]);
  sim_clock_after (5000, note, &steps[2]);
  sim_clock_after (1000, note, &steps[0]);
  sim_clock_cancel (cancelled);
  source = g_timeout_source_new (3);
  g_source_set_callback (source, note_source, &steps[3], NULL);
  g_source_attach (source, context);
  while (sim_clock_turn (context, begin + 9000));
  g_assert_cmpstr (text->str, ==, "a@1000 s@3000 b@5000 c@5000 ");
  g_assert_cmpint (sim_clock_since_begin (), ==, 9000);
  g_assert_cmpint (g_get_monotonic_time (), ==, sim_clock_now ());
  g_assert_cmpuint (sim_clock_get_wakeups (), ==, 1);
  sim_clock_end ();
  g_assert_cmpint (g_get_monotonic_time (), !=, begin + 9000);
}

static void
test_random (void)
{
  SimRandom a, b;
  guint n = 0;

  sim_random_init (&a, 7);
  sim_random_init (&b, 7);
  for (guint i = 0; i < 1000; i++) {
    gint64 spread = sim_random_spread (&a, 3, 1000);

    g_assert_cmpint (spread, >=, 3);
    g_assert_cmpint (spread, <=, 1000);
    g_assert_cmpint (spread, ==, sim_random_spread (&b, 3, 1000));
    n += spread < 30;
  }
  g_assert_cmpuint (n, >, 200);
}

/* What the nodes have is what storage servers would keep. */
static void
test_media (void)
{
  for (guint number = 0; number < sim_medium_count (); number++) {
    const SimMedium *medium = sim_medium_get (number);

    for (guint32 e = 0; e < medium->n_extents; e++)
      for (guint i = 0; i < medium->redundancy.k + medium->redundancy.m; i++) {
        char name[PMSS_SHARD_NAME_SIZE];
        gsize size;
        gconstpointer bytes = g_bytes_get_data (medium->shards[e][i], &size);
        g_autoptr (PmssShardChecker) checker = NULL;

        pmss_shard_name_write (&medium->version, e, i, name);
        checker = pmss_shard_checker_new (name);
        g_assert_true (pmss_shard_checker_feed (checker, bytes, size, NULL));
        g_assert_true (pmss_shard_checker_finish (checker, NULL));
      }
  }
}

/* --- Seeds --- */

static void
check_seed (guint64 seed)
{
  SimResult result;

  sim_world_run (seed, FALSE, &result);
  if (result.finding != NULL)
    g_test_message ("seed %" G_GUINT64_FORMAT ": %s (tests/simulation/run "
        "--seed %" G_GUINT64_FORMAT " --verbose)", seed, result.finding, seed);
  g_assert_null (result.finding);
  sim_result_clear (&result);
}

static void
test_seeds (gconstpointer data)
{
  for (guint seed = 1; seed <= GPOINTER_TO_UINT (data); seed++)
    check_seed (seed);
}

/* Each found a fault in the reader, which was mended. */
static const guint64 kept[] = {
  2989, 3718, 4086, 4138, 4482, 5050, 7305, 8414, 11317, 17605,
  64610, 65477, 100032, 107420
};

static void
test_kept (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    check_seed (kept[i]);
}

static void
test_replay (void)
{
  guint64 hash = 0;

  for (guint64 seed = 1; seed <= 20; seed++) {
    SimResult first, second, other;

    sim_world_run (seed, FALSE, &first);
    sim_world_run (seed + 1, FALSE, &other);
    sim_world_run (seed, FALSE, &second);
    g_assert_cmphex (first.hash, ==, second.hash);
    g_assert_cmphex (first.hash, !=, other.hash);
    g_assert_cmpint (first.simulated, ==, second.simulated);
    hash ^= first.hash;
    sim_result_clear (&first);
    sim_result_clear (&second);
    sim_result_clear (&other);
  }
  g_test_message ("hash of all: %016" G_GINT64_MODIFIER "x", hash);
}

/* --- Planted faults --- */

/* Seeds in which each has to be found. */
#define ENOUGH 1000

static void
test_flaw (gconstpointer data)
{
  SimFlaw flaw = GPOINTER_TO_UINT (data);
  gboolean found = FALSE;
  guint64 seed;

  sim_flaws_plant (flaw);
  for (seed = 1; seed <= ENOUGH && !found; seed++) {
    SimResult result;

    sim_world_run (seed, FALSE, &result);
    found = result.finding != NULL;
    if (found)
      g_test_message ("seed %" G_GUINT64_FORMAT ": %s", seed, result.finding);
    sim_result_clear (&result);
  }
  sim_flaws_plant (SIM_FLAW_NONE);
  g_assert_true (found);
}

static void
add_flaws (void)
{
  for (guint flaw = SIM_FLAW_NONE + 1; flaw < SIM_N_FLAWS; flaw++) {
    g_autofree char *path = g_strconcat ("/simulation/flaw/",
        sim_flaw_to_string (flaw), NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (flaw), test_flaw);
  }
}

static void
add_others (guint n_seeds)
{
  g_test_add_func ("/simulation/clock", test_clock);
  g_test_add_func ("/simulation/random", test_random);
  g_test_add_func ("/simulation/media", test_media);
  g_test_add_func ("/simulation/replay", test_replay);
  g_test_add_func ("/simulation/kept", test_kept);
  g_test_add_data_func ("/simulation/seeds", GUINT_TO_POINTER (n_seeds),
      test_seeds);
}

/* "flaws", or a number of seeds. */
int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sim_log_begin (FALSE);
  if (argc > 1 && g_str_equal (argv[1], "flaws"))
    add_flaws ();
  else
    add_others (argc > 1 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 100);
  return g_test_run ();
}
