/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "control/monitor/fault-words.h"
#include "control/monitor/faults.h"

#define S G_TIME_SPAN_SECOND
#define WALL 1796069041
#define DAY (24 * 3600)
#define GB 1e9

/* Node 3, that is well. */
typedef struct
{
  PmssFaults *faults;
  PmssFaultFacts facts;
  PmssNodeStats stats;
  GArray *changes;
  gint64 now;
} Case;

/* control/nodes/ has a function for that, which parses, too */
static void
make_unknown (PmssNodeStats * stats)
{
  double *figures = (double *) stats;

  memset (stats, 0, sizeof (*stats));
  for (gsize i = 0; i < G_STRUCT_OFFSET (PmssNodeStats, n_disks)
      / sizeof (double); i++)
    figures[i] = PMSS_UNKNOWN;
}

static void
case_init (Case * c)
{
  memset (c, 0, sizeof (*c));
  c->faults = pmss_faults_new ();
  c->changes = g_array_new (FALSE, FALSE, sizeof (PmssFaultChange));
  c->now = 1000 * S;
  pmss_fault_facts_clear (&c->facts);
  make_unknown (&c->stats);
  c->facts.node = 3;
  c->facts.stats = &c->stats;
}

static void
case_clear (Case * c)
{
  pmss_faults_free (c->faults);
  g_array_unref (c->changes);
}

/* A second passes @seconds times. @changes: "+disk low -overload " of that time. */
static void
pass (Case * c, guint seconds, const char *changes)
{
  static const char turns[] = { '+', '^', '-' };
  g_autoptr (GString) text = g_string_new (NULL);

  g_array_set_size (c->changes, 0);
  for (guint i = 0; i < seconds; i++) {
    c->now += S;
    pmss_faults_look (c->faults, &c->facts, c->now,
        WALL + c->now / S, c->changes);
  }
  for (guint i = 0; i < c->changes->len; i++) {
    const PmssFaultChange *change = &g_array_index (c->changes,
        PmssFaultChange, i);

    g_assert_cmpuint (change->fault.node, ==, c->facts.node);
    g_string_append_printf (text, "%c%s ", turns[change->turn],
        pmss_fault_get_action (change->fault.kind));
  }
  g_assert_cmpstr (text->str, ==, changes);
}

/* In words, of the last change. */
static void
expect_words (Case * c, const char *words)
{
  g_autofree char *found = pmss_fault_describe_turn (&g_array_index
      (c->changes, PmssFaultChange, c->changes->len - 1), c->now);

  g_assert_cmpstr (found, ==, words);
}

static void
expect_lasting (Case * c, guint n)
{
  g_autoptr (GArray) list = pmss_faults_list (c->faults);

  g_assert_cmpuint (list->len, ==, n);
}

static void
test_unknown (void)
{
  Case c;

  case_init (&c);
  pass (&c, 100, "");
  c.facts.stats = NULL;
  pass (&c, 100, "");
  c.facts.down = TRUE;
  pass (&c, 100, "");
  expect_lasting (&c, 0);
  case_clear (&c);
}

static void
test_room (void)
{
  Case c;

  case_init (&c);
  c.stats.used = 1000 * GB;
  c.stats.free = 90 * GB;
  pass (&c, 5, "");
  c.stats.free = 49 * GB;
  pass (&c, 1, "+disk low ");
  expect_words (&c,
      "its disk has 49.0\302\240GB (5 %) free for shards, less than "
      "10 % and 50 GB. Delete media, or add storage servers.");
  /* between the thresholds it lasts, and does not begin */
  c.stats.free = 59 * GB;
  pass (&c, 100, "");
  expect_lasting (&c, 1);
  /* a node that is down still has it */
  c.facts.down = TRUE;
  c.facts.stats = NULL;
  pass (&c, 100, "");
  expect_lasting (&c, 1);
  c.facts.down = FALSE;
  c.facts.stats = &c.stats;
  c.stats.free = 60 * GB;
  pass (&c, 1, "-disk low ");
  g_assert_true (g_str_has_prefix (pmss_fault_get_item (&g_array_index
              (c.changes, PmssFaultChange, 0).fault), "node-disk-low"));
  /* a small disk: by its share alone */
  c.stats.used = 10 * GB;
  c.stats.free = 2 * GB;
  pass (&c, 100, "");
  c.stats.free = GB;
  pass (&c, 1, "+disk low ");
  c.stats.used = 8 * GB;
  c.stats.free = 1.05 * GB;
  pass (&c, 5, "");
  c.stats.free = 1.2 * GB;
  pass (&c, 1, "-disk low ");
  /* neither room nor shards: it has not looked yet */
  c.stats.used = c.stats.free = 0;
  pass (&c, 200, "");
  case_clear (&c);
}

static void
set_disk (Case * c, guint i, double latency, double busy)
{
  PmssDiskStats *disk = &c->stats.disks[i];

  c->stats.n_disks = MAX (c->stats.n_disks, i + 1);
  disk->latency = latency;
  disk->busy = busy;
  g_snprintf (disk->device, sizeof (disk->device), "sd%c", 'a' + i);
  g_strlcpy (disk->folder, "/srv", sizeof (disk->folder));
}

static void
test_disk_slow (void)
{
  Case c;

  case_init (&c);
  set_disk (&c, 0, 0.01, 0.99);
  set_disk (&c, 1, 0.2, 0.5);
  pass (&c, 100, "");
  set_disk (&c, 1, 0.2, 0.98);
  pass (&c, 10, "");
  pass (&c, 1, "+disk slow ");
  expect_words (&c, "its disk “sdb” takes 0.20 s for a request, more than "
      "0.1 s, and is busy 98 % of the time. Look at that disk's health, and at "
      "what else uses it.");
  set_disk (&c, 1, 0.06, 0.5);
  pass (&c, 100, "");
  set_disk (&c, 1, 0.04, 0.5);
  pass (&c, 30, "");
  pass (&c, 1, "-disk slow ");
  expect_words (&c, "over after 2 min: its disk “sdb” takes 0.20 s for a "
      "request, more than 0.1 s, and is busy 98 % of the time");
  case_clear (&c);
}

/* It is busy, and ends no request at all. */
static void
test_disk_stuck (void)
{
  Case c;

  case_init (&c);
  set_disk (&c, 0, PMSS_UNKNOWN, 0);
  pass (&c, 100, "");
  set_disk (&c, 0, PMSS_UNKNOWN, 1);
  pass (&c, 11, "+disk slow ");
  set_disk (&c, 0, PMSS_UNKNOWN, 0);
  pass (&c, 31, "-disk slow ");
  case_clear (&c);
}

static void
test_overload (void)
{
  Case c;

  case_init (&c);
  c.stats.cpu = 0.96;
  pass (&c, 30, "");
  pass (&c, 1, "+overload ");
  expect_words (&c, "its processors are busy by 96 %, more than 95 %. Look "
      "what else runs there, or add storage servers.");
  c.stats.memory = 97;
  c.stats.memory_total = 100;
  pass (&c, 31, "+overload ");
  c.stats.network_limit = 1e9;
  c.stats.net_in = 1;
  c.stats.net_out = 0.97e9 / 8;
  pass (&c, 31, "+overload ");
  expect_words (&c, "its network carries 97 % of its limit, more than 95 %. "
      "Add storage servers, or give it a faster link.");
  expect_lasting (&c, 3);
  c.stats.cpu = 0.92;
  c.stats.memory = 92;
  c.stats.net_out = 0.92e9 / 8;
  pass (&c, 100, "");
  c.stats.cpu = 0.5;
  c.stats.memory = 50;
  c.stats.net_out = 0;
  pass (&c, 31, "-overload -overload -overload ");
  /* no limit, no load */
  c.stats.network_limit = 0;
  c.stats.net_out = 1e12;
  pass (&c, 100, "");
  case_clear (&c);
}

/* A node that is down has no load; what it said last does not count on. */
static void
test_down (void)
{
  Case c;

  case_init (&c);
  c.stats.cpu = 1;
  pass (&c, 31, "+overload ");
  c.facts.stats = NULL;
  pass (&c, 100, "");
  c.facts.down = TRUE;
  pass (&c, 1, "-overload ");
  c.facts.down = FALSE;
  c.facts.stats = &c.stats;
  pass (&c, 30, "");
  pass (&c, 60, "+overload ");
  pmss_faults_prune (c.faults, c.now);
  expect_lasting (&c, 1);
  pmss_faults_prune (c.faults, c.now + 1);
  expect_lasting (&c, 0);
  case_clear (&c);
}

static void
test_viewers (void)
{
  Case c;

  case_init (&c);
  c.facts.viewers = 4;
  c.facts.complaints = 3;
  pass (&c, 10, "");
  c.facts.slow = TRUE;
  pass (&c, 1, "+node slow ");
  expect_words (&c, "it is slow for viewers: 3 of 4 who read from it complain. "
      "Look at its disk, and at the network between it and the viewers.");
  c.facts.complaints = 4;
  pass (&c, 1, "");
  c.facts.slow = FALSE;
  pass (&c, 1, "-node slow ");
  expect_words (&c, "over after 2 s: it is slow for viewers: 4 of 4 who read "
      "from it complain");
  case_clear (&c);
}

static void
test_shards (void)
{
  Case c;

  case_init (&c);
  c.facts.bad_shards = 100;
  pass (&c, 10, "");
  c.facts.bad_shards = 102;
  pass (&c, 10, "");
  c.facts.bad_shards = 103;
  pass (&c, 1, "+checksum failures ");
  c.facts.bad_shards = 0;
  pass (&c, 3590, "");
  pass (&c, 20, "-checksum failures ");
  case_clear (&c);
}

static void
test_clock (void)
{
  Case c;

  case_init (&c);
  c.facts.skew = 2;
  pass (&c, 100, "");
  c.facts.skew = -3;
  pass (&c, 10, "");
  pass (&c, 1, "+clock skew ");
  expect_words (&c, "its clock is 3 s behind that of control, more than 2 s. "
      "Compare both clocks with the time, and let NTP keep them.");
  c.facts.skew = 1;
  pass (&c, 100, "");
  c.facts.skew = 0;
  pass (&c, 1, "-clock skew ");
  case_clear (&c);
}

static void
test_certificate (void)
{
  Case c;

  case_init (&c);
  c.facts.node = 0;
  c.facts.stats = NULL;
  c.facts.certificate = WALL + c.now / S + 22 * DAY;
  pass (&c, 10, "");
  c.facts.certificate -= 2 * DAY;
  pass (&c, 10, "+certificate ends ");
  g_assert_cmpstr (pmss_fault_get_item (&g_array_index (c.changes,
              PmssFaultChange, 0).fault), ==, "certificate");
  c.facts.certificate -= 12 * DAY;
  pass (&c, 10, "");
  c.facts.certificate -= 2 * DAY;
  pass (&c, 10, "^certificate ends ");
  c.facts.certificate -= 5.5 * DAY;
  pass (&c, 10, "^certificate ends ");
  expect_lasting (&c, 1);
  /* it has ended, and nobody is told each second */
  c.facts.certificate -= 2 * DAY;
  pass (&c, 10, "");
  c.facts.certificate += 300 * DAY;
  pass (&c, 10, "-certificate ends ");
  case_clear (&c);
}

/* Figures that no machine has, should any come through. */
static void
test_absurd (void)
{
  static const double absurd[] = { -1, -1e300, 1e300, INFINITY, -INFINITY };
  Case c;

  for (guint i = 0; i < G_N_ELEMENTS (absurd); i++) {
    double *figures;

    case_init (&c);
    figures = (double *) &c.stats;
    for (gsize j = 0; j < G_STRUCT_OFFSET (PmssNodeStats, n_disks)
        / sizeof (double); j++)
      figures[j] = absurd[i];
    set_disk (&c, 0, absurd[i], absurd[i]);
    c.facts.skew = c.facts.bad_shards = c.facts.certificate = absurd[i];
    g_array_set_size (c.changes, 0);
    for (guint j = 0; j < 100; j++)
      pmss_faults_look (c.faults, &c.facts, c.now += S, WALL, c.changes);
    g_assert_cmpuint (c.changes->len, <=, PMSS_N_FAULTS);
    for (guint j = 0; j < c.changes->len; j++) {
      g_autofree char *words = pmss_fault_describe_turn (&g_array_index
          (c.changes, PmssFaultChange, j), c.now);

      g_assert_nonnull (words);
      g_assert_cmpuint (strlen (words), <, 1000);
    }
    case_clear (&c);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/faults/unknown", test_unknown);
  g_test_add_func ("/faults/room", test_room);
  g_test_add_func ("/faults/disk-slow", test_disk_slow);
  g_test_add_func ("/faults/disk-stuck", test_disk_stuck);
  g_test_add_func ("/faults/overload", test_overload);
  g_test_add_func ("/faults/down", test_down);
  g_test_add_func ("/faults/viewers", test_viewers);
  g_test_add_func ("/faults/shards", test_shards);
  g_test_add_func ("/faults/clock", test_clock);
  g_test_add_func ("/faults/certificate", test_certificate);
  g_test_add_func ("/faults/absurd", test_absurd);
  return g_test_run ();
}
