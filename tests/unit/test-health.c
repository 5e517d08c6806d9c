/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "control/shard-health/extent-health.h"

#define UNIT 4096
#define OFFSET (3 * 16 * UNIT)  /* where the extent begins in its file */

/* One extent and what is known of its shards. */
typedef struct
{
  PmssExtentGeometry geometry;
  PmssShardHealth shards[PMSS_MAX_SHARDS];
  PmssDamage damage;
} Case;

static void
case_init (Case * c, guint k, guint m, guint64 payload)
{
  *c = (Case) {
    .geometry = {
      .redundancy = {(guint8) k, (guint8) m},.unit = UNIT,.payload = payload
    }
  };
  c->damage.ranges = g_array_new (FALSE, FALSE, sizeof (PmssByteRange));
  c->damage.max = 1000;
}

static void
case_clear (Case * c)
{
  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    if (c->shards[i].bad_rows != NULL)
      g_array_unref ((GArray *) c->shards[i].bad_rows);
  g_array_unref (c->damage.ranges);
}

static void
set_rows (Case * c, guint shard, const guint32 * rows, guint n)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (guint32));

  if (n > 0)
    g_array_append_vals (list, rows, n);
  c->shards[shard].bad_rows = list;
}

#define SET_ROWS(c, shard, ...) \
  set_rows (c, shard, (const guint32[]) { __VA_ARGS__ }, \
      G_N_ELEMENTS (((const guint32[]) { __VA_ARGS__ })))

static PmssHealth
judge (Case * c)
{
  g_array_set_size (c->damage.ranges, 0);
  c->damage.bytes = 0;
  return pmss_extent_health_judge (&c->geometry, c->shards, OFFSET, &c->damage);
}

/* The ranges, each as "offset+length" from the extent's first byte. */
static void
assert_damage (const Case * c, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint64 bytes = 0;

  for (guint i = 0; i < c->damage.ranges->len; i++) {
    PmssByteRange *range = &g_array_index (c->damage.ranges, PmssByteRange, i);

    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
        i > 0 ? " " : "", range->offset - OFFSET, range->length);
    bytes += range->length;
  }
  g_assert_cmpstr (text->str, ==, expected);
  g_assert_cmpuint (bytes, ==, c->damage.bytes);
}

/* Whether each byte is there is asked in another way: by what can be rebuilt row by row, for every set of shards that are lost or away. */
static PmssHealth
expect (guint k, guint m, guint32 lost, guint32 away)
{
  guint n = k + m;
  guint good = n - (guint) __builtin_popcount (lost | away);
  guint later = n - (guint) __builtin_popcount (lost);

  if (later < k)
    return PMSS_HEALTH_DAMAGED;
  if (good < k)
    return PMSS_HEALTH_UNAVAILABLE;
  return (lost | away) != 0 ? PMSS_HEALTH_DEGRADED : PMSS_HEALTH_WHOLE;
}

static void
check_set (Case * c, guint32 lost, guint32 away)
{
  guint k = c->geometry.redundancy.k, m = c->geometry.redundancy.m;
  PmssHealth expected = expect (k, m, lost, away);
  guint64 bytes = 0;

  for (guint i = 0; i < k + m; i++) {
    c->shards[i].presence = (lost >> i & 1) ? PMSS_SHARD_LOST
        : (away >> i & 1) ? PMSS_SHARD_AWAY : PMSS_SHARD_PRESENT;
    if (i < k && (lost >> i & 1))
      bytes += c->geometry.payload / k;
  }
  g_assert_cmpint (judge (c), ==, expected);
  g_assert_cmpuint (c->damage.bytes, ==,
      expected == PMSS_HEALTH_DAMAGED ? bytes : 0);
}

static void
test_profiles (void)
{
  static const struct
  {
    guint k, m;
  } profiles[] = { {1, 0}, {6, 0}, {1, 1}, {2, 1}, {1, 2}, {4, 2}, {6, 2} };

  for (guint p = 0; p < G_N_ELEMENTS (profiles); p++) {
    guint n = profiles[p].k + profiles[p].m;
    Case c;

    case_init (&c, profiles[p].k, profiles[p].m,
        (guint64) profiles[p].k * 2 * UNIT);
    for (guint32 lost = 0; lost < 1u << n; lost++)
      for (guint32 away = 0; away < 1u << n; away++)
        if ((lost & away) == 0)
          check_set (&c, lost, away);
    case_clear (&c);
  }
}

/* 10+4: too many sets for both, so that is every set of lost shards. */
static void
test_large_profile (void)
{
  Case c;

  case_init (&c, 10, 4, 10 * UNIT);
  for (guint32 lost = 0; lost < 1u << 14; lost++)
    check_set (&c, lost, 0);
  case_clear (&c);
}

/* Three shards of 2+1 are bad, each elsewhere: nothing is lost until two are in the same row. */
static void
test_rows (void)
{
  Case c;

  case_init (&c, 2, 1, 8 * UNIT);
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_WHOLE);
  SET_ROWS (&c, 0, 0);
  SET_ROWS (&c, 1, 1);
  SET_ROWS (&c, 2, 2);
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DEGRADED);
  assert_damage (&c, "");
  case_clear (&c);

  case_init (&c, 2, 1, 8 * UNIT);
  SET_ROWS (&c, 0, 1, 2);
  SET_ROWS (&c, 1, 0, 2);
  SET_ROWS (&c, 2, 1);
  /* row 1: unit 2 is gone and its parity, unit 3 is there; row 2: both are gone, parity is of no use */
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "8192+4096 16384+8192");
  case_clear (&c);
}

static void
test_rows_and_nodes (void)
{
  Case c;

  case_init (&c, 2, 1, 8 * UNIT);
  SET_ROWS (&c, 0, 1);
  c.shards[1].presence = PMSS_SHARD_AWAY;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_UNAVAILABLE);
  assert_damage (&c, "");
  /* what is bad on a node that is down is bad when it comes back */
  c.shards[2].presence = PMSS_SHARD_AWAY;
  SET_ROWS (&c, 2, 1, 3);
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "8192+4096");
  c.shards[1].presence = PMSS_SHARD_LOST;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "8192+8192 28672+4096");
  case_clear (&c);
}

/* Only its header is bad: it gives all it has. */
static void
test_no_rows (void)
{
  Case c;

  case_init (&c, 1, 0, UNIT);
  set_rows (&c, 0, NULL, 0);
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DEGRADED);
  assert_damage (&c, "");
  case_clear (&c);
}

static void
test_without_parity (void)
{
  Case c;

  case_init (&c, 2, 0, 8 * UNIT);
  SET_ROWS (&c, 1, 0, 1, 3);
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "4096+4096 12288+4096 28672+4096");
  c.shards[0].presence = PMSS_SHARD_AWAY;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "4096+4096 12288+4096 28672+4096");
  c.shards[0].presence = PMSS_SHARD_LOST;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "0+20480 24576+8192");
  case_clear (&c);
}

/* The last row of an extent has a unit and a byte; the units that it does not have are known to be nothing. */
static void
test_short (void)
{
  Case c;

  case_init (&c, 4, 2, 4 * UNIT + UNIT + 1);
  for (guint i = 2; i < 6; i++)
    c.shards[i].presence = PMSS_SHARD_LOST;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "8192+8192");
  c.shards[0].presence = PMSS_SHARD_AWAY;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "8192+8192");
  c.shards[1].presence = PMSS_SHARD_LOST;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "4096+12288 20480+1");
  c.shards[0].presence = PMSS_SHARD_LOST;
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  assert_damage (&c, "0+20481");
  case_clear (&c);
}

static void
test_many_ranges (void)
{
  Case c;
  guint32 rows[8];

  case_init (&c, 2, 0, 32 * UNIT);
  c.damage.max = 3;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    rows[i] = 2 * i;
  set_rows (&c, 0, rows, G_N_ELEMENTS (rows));
  g_assert_cmpint (judge (&c), ==, PMSS_HEALTH_DAMAGED);
  g_assert_cmpuint (c.damage.ranges->len, ==, 3);
  g_assert_cmpuint (c.damage.bytes, ==, 8 * UNIT);
  case_clear (&c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/health/profiles", test_profiles);
  g_test_add_func ("/health/large-profile", test_large_profile);
  g_test_add_func ("/health/rows", test_rows);
  g_test_add_func ("/health/rows-and-nodes", test_rows_and_nodes);
  g_test_add_func ("/health/no-rows", test_no_rows);
  g_test_add_func ("/health/without-parity", test_without_parity);
  g_test_add_func ("/health/short", test_short);
  g_test_add_func ("/health/many-ranges", test_many_ranges);
  return g_test_run ();
}
