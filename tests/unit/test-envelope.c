/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast the bytes of a medium have to come. */
#include "control/admission/envelope.h"
#include "control/admission/taut-string.h"
#include "libpmss/pmss-error.h"

#define MANY 400

/* The line between two bends, times the slots between them. */
static gint64
scaled_at (const PmssKnot * from, const PmssKnot * to, guint x)
{
  return from->y * (gint64) (to->x - from->x)
      + (to->y - from->y) * (gint64) (x - from->x);
}

static void
check_between (GArray * knots, const gint64 * least, const gint64 * most,
    guint n)
{
  PmssKnot from = { 0, 0 };

  for (guint i = 0; i < knots->len; i++) {
    const PmssKnot *to = &g_array_index (knots, PmssKnot, i);
    gint64 width = to->x - from.x;

    g_assert_cmpuint (to->x, >, from.x);
    g_assert_cmpint (to->y, >=, from.y);
    for (guint x = from.x; x <= to->x; x++) {
      g_assert_cmpint (scaled_at (&from, to, x), >=, least[x] * width);
      g_assert_cmpint (scaled_at (&from, to, x), <=, most[x] * width);
    }
    from = *to;
  }
  g_assert_cmpuint (from.x, ==, n);
  g_assert_cmpint (from.y, ==, least[n]);
}

/* No line between the bounds is less steep where it is steepest: between some
 * two places so much has to come. */
static double
least_peak (const gint64 * least, const gint64 * most, guint n)
{
  double peak = 0;

  for (guint a = 0; a < n; a++)
    for (guint b = a + 1; b <= n; b++)
      peak = MAX (peak, (double) (least[b] - most[a]) / (b - a));
  return peak;
}

static double
peak_of (GArray * knots)
{
  PmssKnot from = { 0, 0 };
  double peak = 0;

  for (guint i = 0; i < knots->len; i++) {
    const PmssKnot *to = &g_array_index (knots, PmssKnot, i);

    peak = MAX (peak, (double) (to->y - from.y) / (to->x - from.x));
    from = *to;
  }
  return peak;
}

static void
make_bounds (GRand * rand, gint64 * least, gint64 * most, guint n)
{
  gint64 room = g_rand_int_range (rand, 0, 5000);

  least[0] = most[0] = 0;
  for (guint x = 1; x <= n; x++)
    least[x] = least[x - 1] + (g_rand_int_range (rand, 0, 4) == 0
        ? g_rand_int_range (rand, 0, 5000) : g_rand_int_range (rand, 0, 50));
  for (guint x = 1; x <= n; x++)
    most[x] = MIN (least[x] + room, least[n]);
}

static void
test_taut (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20);
  gint64 least[MANY + 1], most[MANY + 1];

  for (guint i = 0; i < 2000; i++) {
    guint n = (guint) g_rand_int_range (rand, 1, i % 20 == 0 ? MANY : 30);
    g_autoptr (GArray) knots = NULL;

    make_bounds (rand, least, most, n);
    knots = pmss_taut_string (least, most, n);
    check_between (knots, least, most, n);
    g_assert_cmpfloat_with_epsilon (peak_of (knots), least_peak (least, most,
            n), 1e-6);
  }
}

static PmssEnvelope *
smooth (const guint64 * demand, guint n, guint64 buffer)
{
  PmssEnvelope *envelope = pmss_envelope_smooth (demand, n, buffer);

  g_assert_nonnull (envelope);
  return envelope;
}

/* The first slot brings two: its own, and what the second one shows. */
static void
test_even (void)
{
  const guint64 demand[] = { 100, 100, 100, 100, 100 };
  g_autoptr (PmssEnvelope) envelope = smooth (demand, 5, 0);
  const GArray *runs = pmss_envelope_get_runs (envelope);

  g_assert_cmpuint (runs->len, ==, 3);
  g_assert_cmpuint (g_array_index (runs, PmssEnvelopeRun, 0).bytes, ==, 200);
  g_assert_cmpuint (g_array_index (runs, PmssEnvelopeRun, 1).slots, ==, 3);
  g_assert_cmpuint (g_array_index (runs, PmssEnvelopeRun, 1).bytes, ==, 300);
  g_assert_cmpuint (g_array_index (runs, PmssEnvelopeRun, 2).bytes, ==, 0);
  g_assert_cmpuint (pmss_envelope_get_bytes (envelope), ==, 500);
  g_assert_cmpuint (pmss_envelope_get_slots (envelope), ==, 5);
  g_assert_cmpuint (pmss_envelope_get_peak (envelope), ==, 800);
  g_assert_cmpuint (pmss_envelope_get_before (envelope, 2), ==, 300);
  g_assert_cmpuint (pmss_envelope_get_before (envelope, 99), ==, 500);
}

/* A busy scene is sent for as long before it as the buffer is large. */
static void
test_busy_scene (void)
{
  guint64 demand[100];
  g_autoptr (PmssEnvelope) tight = NULL;
  g_autoptr (PmssEnvelope) ample = NULL;

  for (guint i = 0; i < 100; i++)
    demand[i] = i >= 50 && i < 55 ? 4000 : 1000;
  tight = smooth (demand, 100, 0);
  ample = smooth (demand, 100, 25000);
  g_assert_cmpuint (pmss_envelope_get_peak (tight), ==, 16000);
  g_assert_cmpuint (pmss_envelope_get_peak (ample), <, 8100);
  g_assert_cmpuint (pmss_envelope_get_bytes (ample), ==, 115000);
}

static void
test_estimate (void)
{
  g_autoptr (PmssEnvelope) film =
      pmss_envelope_estimate (1000000, G_GUINT64_CONSTANT (100000000000));
  g_autoptr (PmssEnvelope) archive = pmss_envelope_estimate (1000000, 0);
  g_autoptr (PmssEnvelope) instant = pmss_envelope_estimate (1000000, 1);
  g_autoptr (PmssEnvelope) years = pmss_envelope_estimate (1000000,
      G_MAXUINT64);

  g_assert_cmpint (pmss_envelope_get_kind (film), ==, PMSS_ENVELOPE_ESTIMATED);
  g_assert_cmpuint (pmss_envelope_get_peak (film), ==, 100000);
  g_assert_cmpuint (pmss_envelope_get_buffer (film), ==, 100000);
  g_assert_cmpint (pmss_envelope_get_kind (archive), ==, PMSS_ENVELOPE_BULK);
  g_assert_cmpuint (pmss_envelope_get_peak (archive), ==, 0);
  g_assert_cmpuint (pmss_envelope_get_slots (instant), ==, 1);
  g_assert_cmpuint (pmss_envelope_get_slots (years), <=,
      PMSS_ENVELOPE_MAX_SLOTS);
}

static void
check_packed (const PmssEnvelope * envelope)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) packed = pmss_envelope_pack (envelope);
  g_autoptr (PmssEnvelope) again = pmss_envelope_unpack (packed, &error);
  g_autoptr (GBytes) packed_again = NULL;

  g_assert_no_error (error);
  packed_again = pmss_envelope_pack (again);
  g_assert_true (g_bytes_equal (packed, packed_again));
  g_assert_cmpuint (pmss_envelope_get_bytes (again), ==,
      pmss_envelope_get_bytes (envelope));
}

/* Two hours that change every slot fit two kilobytes. */
static void
test_pack (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  g_autofree guint64 *demand = g_new (guint64, 3600);
  g_autoptr (PmssEnvelope) film = NULL;
  g_autoptr (PmssEnvelope) archive = pmss_envelope_estimate (1, 0);
  g_autoptr (GBytes) packed = NULL;
  guint64 size = 0;

  for (guint i = 0; i < 3600; i++)
    size += demand[i] = (guint64) g_rand_int_range (rand, 500000, 3000000);
  film = smooth (demand, 3600, pmss_envelope_buffer_for (size, 3600));
  packed = pmss_envelope_pack (film);
  g_test_message ("%u runs, %" G_GSIZE_FORMAT " bytes",
      pmss_envelope_get_runs (film)->len, g_bytes_get_size (packed));
  g_assert_cmpuint (g_bytes_get_size (packed), <, 2048);
  check_packed (film);
  check_packed (archive);
}

static void
test_refused (void)
{
  static const guint8 bad[][4] = {
    {2, 2, 0, 1}, {1, 3, 0, 1}, {1, 2, 0, 0x81}, {1, 0, 0, 1}, {1, 2, 0, 0},
  };
  const guint64 nothing[2] = { 0, 0 };
  const guint64 huge[2] = { G_MAXUINT64, G_MAXUINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = g_bytes_new_static (bad[i], sizeof bad[i]);

    g_assert_null (pmss_envelope_unpack (bytes, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  }
  g_assert_null (pmss_envelope_smooth (nothing, 0, 0));
  g_assert_null (pmss_envelope_smooth (nothing, 2, 0));
  g_assert_null (pmss_envelope_smooth (huge, 2, 0));
  g_assert_null (pmss_envelope_smooth (nothing, PMSS_ENVELOPE_MAX_SLOTS + 1,
          0));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/envelope/taut", test_taut);
  g_test_add_func ("/envelope/even", test_even);
  g_test_add_func ("/envelope/busy-scene", test_busy_scene);
  g_test_add_func ("/envelope/estimate", test_estimate);
  g_test_add_func ("/envelope/pack", test_pack);
  g_test_add_func ("/envelope/refused", test_refused);
  return g_test_run ();
}
