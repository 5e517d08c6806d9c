/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who of many readers may hold how much. `--seed` repeats a run. */
#include "libpmss/reader/pmss-memory.h"

#define MIB ((guint64) 1 << 20)
#define MANY 300
#define CASES 200
#define STEPS 300
#define MAX_SHARES 12

typedef struct
{
  PmssShare *share;
  guint64 least, most, held;
  guint told;
} Member;

static void
told (gpointer user_data)
{
  Member *member = user_data;

  member->told++;
}

static void
join (PmssMemory * memory, Member * member, guint64 least, guint64 most)
{
  *member = (Member) {
  .least = least,.most = most};
  member->share = pmss_memory_join (memory, least, most, told, member);
}

static void
hold (Member * member, guint64 bytes)
{
  member->held = bytes;
  pmss_share_hold (member->share, bytes);
}

/* It holds all that it may, as its reader would after a look. */
static void
follow (Member * member)
{
  hold (member, pmss_share_get (member->share));
}

/* One alone has all that it could ever hold, whatever it wants just now. */
static void
test_alone (void)
{
  PmssMemory *memory = pmss_memory_new (768 * MIB);
  Member one;

  join (memory, &one, 2 * MIB, 52 * MIB);
  g_assert_cmpuint (pmss_share_get (one.share), ==, 52 * MIB);
  pmss_share_want (one.share, 8 * MIB, MIB);
  g_assert_cmpuint (pmss_share_get (one.share), ==, 52 * MIB);
  pmss_memory_set_total (memory, 20 * MIB);
  g_assert_cmpuint (pmss_share_get (one.share), ==, 20 * MIB);
  pmss_memory_set_total (memory, MIB);
  g_assert_cmpuint (pmss_share_get (one.share), ==, 2 * MIB);
  pmss_share_leave (one.share);
  pmss_memory_free (memory);
}

/* Beyond their least, those who cannot have all have equally many seconds; who wants less has
 * it. */
static void
test_pace (void)
{
  PmssMemory *memory = pmss_memory_new (66 * MIB);
  Member slow, fast, content;

  join (memory, &slow, 2 * MIB, 52 * MIB);
  join (memory, &fast, 2 * MIB, 52 * MIB);
  join (memory, &content, 2 * MIB, 52 * MIB);
  pmss_share_want (slow.share, 52 * MIB, MIB);
  pmss_share_want (fast.share, 52 * MIB, 4 * MIB);
  pmss_share_want (content.share, 12 * MIB, 4 * MIB);
  follow (&content);
  g_assert_cmpuint (pmss_share_get (slow.share), ==, 12 * MIB);
  g_assert_cmpuint (pmss_share_get (fast.share), ==, 42 * MIB);
  g_assert_cmpuint (content.held, ==, 12 * MIB);
  pmss_share_leave (slow.share);
  pmss_share_leave (fast.share);
  pmss_share_leave (content.share);
  pmss_memory_free (memory);
}

/* Who copies takes nothing from players that they need. */
static void
test_copy (void)
{
  PmssMemory *memory = pmss_memory_new (100 * MIB);
  Member players[4], copy;

  for (guint i = 0; i < G_N_ELEMENTS (players); i++) {
    join (memory, &players[i], 2 * MIB, 52 * MIB);
    pmss_share_want (players[i].share, 14 * MIB, MIB);
  }
  join (memory, &copy, 2 * MIB, 52 * MIB);
  pmss_share_want (copy.share, 52 * MIB, 1000 * MIB);
  for (guint i = 0; i < G_N_ELEMENTS (players); i++)
    g_assert_cmpuint (pmss_share_get (players[i].share), >=, 9 * MIB);
  g_assert_cmpuint (pmss_share_get (copy.share), >=, 44 * MIB);
  for (guint i = 0; i < G_N_ELEMENTS (players); i++)
    pmss_share_leave (players[i].share);
  pmss_share_leave (copy.share);
  pmss_memory_free (memory);
}

/* What another one holds is had when it was given back, and it learns at once that it should be. */
static void
test_shrinks_and_grows (void)
{
  PmssMemory *memory = pmss_memory_new (60 * MIB);
  Member first, second;

  join (memory, &first, 2 * MIB, 52 * MIB);
  pmss_share_want (first.share, 52 * MIB, MIB);
  follow (&first);
  g_assert_cmpuint (first.held, ==, 52 * MIB);
  join (memory, &second, 2 * MIB, 52 * MIB);
  g_assert_cmpuint (first.told, ==, 0);
  pmss_share_want (second.share, 52 * MIB, MIB);
  g_assert_cmpuint (first.told, ==, 1);
  g_assert_cmpuint (pmss_share_get (second.share), ==, 8 * MIB);
  follow (&second);
  g_assert_cmpuint (pmss_share_get (first.share), ==, 30 * MIB);
  follow (&first);
  g_assert_cmpuint (pmss_share_get (second.share), ==, 30 * MIB);
  follow (&second);
  pmss_share_leave (first.share);
  g_assert_cmpuint (pmss_share_get (second.share), ==, 52 * MIB);
  g_assert_cmpuint (second.told, ==, 0);
  pmss_share_leave (second.share);
  pmss_memory_free (memory);
}

/* Who is still above its part takes nothing from who is not. */
static void
test_keeps_part (void)
{
  PmssMemory *memory = pmss_memory_new (90 * MIB);
  Member members[3];

  for (guint i = 0; i < 2; i++) {
    join (memory, &members[i], 2 * MIB, 90 * MIB);
    pmss_share_want (members[i].share, 90 * MIB, MIB);
  }
  hold (&members[0], 60 * MIB);
  hold (&members[1], 30 * MIB);
  join (memory, &members[2], 2 * MIB, 90 * MIB);
  pmss_share_want (members[2].share, 90 * MIB, MIB);
  g_assert_cmpuint (pmss_share_get (members[1].share), ==, 30 * MIB);
  g_assert_cmpuint (members[1].told, ==, 0);
  g_assert_cmpuint (members[0].told, ==, 2);
  g_assert_cmpuint (pmss_share_get (members[2].share), ==, 2 * MIB);
  for (guint i = 0; i < 3; i++)
    pmss_share_leave (members[i].share);
  pmss_memory_free (memory);
}

/* A wall of players: all have something ahead, and the sum is what it is to be. */
static void
test_wall (void)
{
  PmssMemory *memory = pmss_memory_new (PMSS_MEMORY_DEFAULT);
  g_autofree Member *members = g_new0 (Member, MANY);
  guint64 sum = 0;

  for (guint i = 0; i < MANY; i++) {
    join (memory, &members[i], 5 * MIB / 2, 52 * MIB);
    pmss_share_want (members[i].share, 14 * MIB, MIB);
    follow (&members[i]);
    for (guint j = 0; j < i; j++) {
      if (members[j].held > pmss_share_get (members[j].share))
        follow (&members[j]);
    }
  }
  for (guint i = 0; i < MANY; i++)
    sum += members[i].held;
  g_assert_cmpuint (sum, <=, PMSS_MEMORY_DEFAULT);
  sum = 0;
  for (guint i = 0; i < MANY; i++) {
    follow (&members[i]);
    sum += members[i].held;
  }
  g_assert_cmpuint (sum, <=, PMSS_MEMORY_DEFAULT);
  g_assert_cmpuint (sum, >=, PMSS_MEMORY_DEFAULT - MANY);
  for (guint i = 0; i < MANY; i++)
    pmss_share_leave (members[i].share);
  pmss_memory_free (memory);
}

/* --- Whatever they do --- */

static void
check (Member * members, guint64 total)
{
  guint64 sum = 0, least = 0;

  for (guint i = 0; i < MAX_SHARES; i++) {
    guint64 may;

    if (members[i].share == NULL)
      continue;
    may = pmss_share_get (members[i].share);
    g_assert_cmpuint (may, >=, MIN (members[i].least, members[i].most));
    g_assert_cmpuint (may, <=, members[i].most);
    sum += members[i].held;
    least += members[i].least;
  }
  g_assert_cmpuint (sum, <=, total + least);
}

/* Each takes what it may, one after the other: then the sum is in order. */
static void
settle (Member * members, guint64 total)
{
  guint64 sum = 0, least = 0;

  for (guint round = 0; round < 2; round++) {
    sum = least = 0;
    for (guint i = 0; i < MAX_SHARES; i++) {
      if (members[i].share == NULL)
        continue;
      follow (&members[i]);
      sum += members[i].held;
      least += members[i].least;
    }
  }
  g_assert_cmpuint (sum, <=, MAX (total, least));
}

static void
step (PmssMemory * memory, Member * member, guint64 total)
{
  if (member->share == NULL) {
    guint64 least = (guint64) g_test_rand_int_range (1, 1000);

    join (memory, member, least, least + g_test_rand_int_range (0, 10000));
  } else if (g_test_rand_int_range (0, 10) == 0) {
    pmss_share_leave (member->share);
    *member = (Member) {
    NULL};
  } else if (g_test_rand_int_range (0, 2) == 0) {
    pmss_share_want (member->share, g_test_rand_int_range (0, 20000),
        g_test_rand_int_range (0, 20) * MIB);
  } else {
    follow (member);
  }
}

static void
test_random (void)
{
  for (guint i = 0; i < CASES; i++) {
    guint64 total = (guint64) g_test_rand_int_range (1, 40000);
    PmssMemory *memory = pmss_memory_new (total);
    Member members[MAX_SHARES] = { {NULL}
    };

    for (guint j = 0; j < STEPS; j++) {
      step (memory, &members[g_test_rand_int_range (0, MAX_SHARES)], total);
      check (members, total);
    }
    settle (members, total);
    for (guint j = 0; j < MAX_SHARES; j++)
      g_clear_pointer (&members[j].share, pmss_share_leave);
    pmss_memory_free (memory);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/alone", test_alone);
  g_test_add_func ("/memory/pace", test_pace);
  g_test_add_func ("/memory/copy", test_copy);
  g_test_add_func ("/memory/shrinks-and-grows", test_shrinks_and_grows);
  g_test_add_func ("/memory/keeps-part", test_keeps_part);
  g_test_add_func ("/memory/wall", test_wall);
  g_test_add_func ("/memory/random", test_random);
  return g_test_run ();
}
