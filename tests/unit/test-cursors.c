/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a reader is read, how far ahead is asked for, and when a unit is needed. */
#include "libpmss/reader/pmss-cursors.h"

#define NOW (1000 * G_TIME_SPAN_SECOND)
#define MS G_TIME_SPAN_MILLISECOND
#define K 4
#define UNIT 65536u
#define ROWS 400
#define FIRST 4
#define MOST 64

static PmssCursors
make_cursors (guint64 peak)
{
  PmssCursors cursors = { 0, };
  const PmssRows rows = {.redundancy = {K, 2},.unit = UNIT,.n_rows = ROWS };

  pmss_cursors_init (&cursors, &rows, FIRST, MOST, 10 * G_TIME_SPAN_SECOND,
      peak);
  return cursors;
}

static PmssCursorsMove
read_row (PmssCursors * cursors, guint64 row, gboolean hit, gint64 now)
{
  const PmssCursorsRead read = {.row = row,.hit = hit,.now = now };

  return pmss_cursors_note_read (cursors, &read);
}

/* A copy's window doubles until it has all there is; what the cache has moves nothing. */
static void
test_copy (void)
{
  PmssCursors cursors = make_cursors (0);
  guint64 row = 0;

  g_assert_cmpint (read_row (&cursors, 0, FALSE, NOW), ==, PMSS_CURSORS_JUMPED);
  g_assert_cmpuint (pmss_cursors_get_window_end (&cursors, cursors.active), ==,
      FIRST);
  while (cursors.active->window < MOST) {
    row++;
    read_row (&cursors, row, TRUE, NOW + (gint64) row * MS);
    g_assert_cmpuint (row, <, ROWS / 2);
  }
  g_assert_cmpint (read_row (&cursors, row + 1, TRUE, NOW + 1000 * MS), ==,
      PMSS_CURSORS_ON);
  g_assert_cmpint (read_row (&cursors, 0, TRUE, NOW + 1000 * MS), ==,
      PMSS_CURSORS_BACK);
  g_assert_cmpuint (cursors.active->row, ==, row + 1);
  g_assert_cmpuint (pmss_cursors_count_rows (&cursors), ==, MOST);
}

/* Two places that are read by turns have the memory of one together, until one goes on alone. */
static void
test_turns (void)
{
  PmssCursors cursors = make_cursors (0);

  cursors.room = 8;
  read_row (&cursors, 0, FALSE, NOW);
  read_row (&cursors, 200, FALSE, NOW);
  g_assert_cmpint (read_row (&cursors, 1, FALSE, NOW), ==, PMSS_CURSORS_MOVED);
  g_assert_cmpuint (pmss_cursors_get_window (&cursors, cursors.active), ==, 4);
  for (guint64 row = 2; row < 12; row++)
    read_row (&cursors, row, FALSE, NOW);
  g_assert_cmpuint (pmss_cursors_get_window (&cursors, cursors.active), ==, 8);
}

/* Near nodes: the row that was jumped to comes first, alone. */
static void
test_landing (void)
{
  PmssCursors cursors = make_cursors (0);
  const PmssCursorsRead read = {.row = 100,.is_near = TRUE,.now = NOW };

  pmss_cursors_note_read (&cursors, &read);
  g_assert_cmpuint (pmss_cursors_get_asked_end (&cursors, cursors.active), ==,
      101);
  read_row (&cursors, 101, FALSE, NOW);
  g_assert_cmpuint (pmss_cursors_get_asked_end (&cursors, cursors.active), >,
      102);
  g_assert_false (pmss_cursors_ends_medium (&cursors, cursors.active));
  read_row (&cursors, ROWS - 1, FALSE, NOW);
  g_assert_true (pmss_cursors_ends_medium (&cursors, cursors.active));
}

/* At the medium's rate, from where it was entered; who waits needs it now. */
static void
test_deadline (void)
{
  /* a row lasts 100 ms */
  PmssCursors cursors = make_cursors (10 * 8 * (guint64) K * UNIT);
  PmssAwaited wait = {.row = 7 };
  PmssWaits waits = { G_QUEUE_INIT };

  g_assert_cmpint (cursors.played, ==, 100 * MS);
  g_assert_cmpint (pmss_cursors_get_deadline (&cursors, &waits, 5, 0), ==,
      G_MAXINT64);
  read_row (&cursors, 5, FALSE, NOW);
  g_assert_cmpint (pmss_cursors_get_deadline (&cursors, &waits, 4, 0), ==,
      G_MAXINT64);
  g_assert_cmpint (pmss_cursors_get_deadline (&cursors, &waits, 7, 2), ==,
      NOW + 250 * MS);
  /* parity is needed for any unit of its row */
  g_assert_cmpint (pmss_cursors_get_deadline (&cursors, &waits, 7, K), ==,
      NOW + 200 * MS);
  g_queue_push_tail (&waits.queue, &wait);
  g_assert_cmpint (pmss_cursors_get_deadline (&cursors, &waits, 7, 2), ==, 0);
  wait.over = TRUE;
  g_assert_cmpint (pmss_cursors_get_deadline (&cursors, &waits, 7, 2), >, 0);
  g_queue_clear (&waits.queue);
}

static void
count (guint64 row, guint index, gpointer user_data)
{
  *(guint64 *) user_data += 100 * row + index;
}

/* What is over, and what waits for the session, is no read. */
static void
test_waits (void)
{
  PmssWaits waits = { G_QUEUE_INIT };
  PmssAwaited open = {.for_open = TRUE,.deadline = NOW };
  PmssAwaited over = {.over = TRUE,.row = 1,.deadline = NOW - MS };
  PmssAwaited read = {.row = 2,.index = 3,.deadline = NOW + MS };
  guint64 sum = 0;

  g_assert_cmpint (pmss_waits_get_deadline (&waits), ==, G_MAXINT64);
  g_queue_push_tail (&waits.queue, &open);
  g_queue_push_tail (&waits.queue, &over);
  g_assert_false (pmss_waits_is_any_read (&waits));
  g_assert_false (pmss_waits_is_for (&waits, 0, -1));
  g_assert_false (pmss_waits_is_for (&waits, 1, -1));
  g_queue_push_tail (&waits.queue, &read);
  g_assert_true (pmss_waits_is_any_read (&waits));
  g_assert_true (pmss_waits_is_for (&waits, 2, -1));
  g_assert_true (pmss_waits_is_for (&waits, 2, 3));
  g_assert_false (pmss_waits_is_for (&waits, 2, 0));
  g_assert_cmpint (pmss_waits_get_deadline (&waits), ==, NOW);
  pmss_waits_foreach (&waits, count, &sum);
  g_assert_cmpuint (sum, ==, 203);
  g_queue_clear (&waits.queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cursors/copy", test_copy);
  g_test_add_func ("/cursors/turns", test_turns);
  g_test_add_func ("/cursors/landing", test_landing);
  g_test_add_func ("/cursors/deadline", test_deadline);
  g_test_add_func ("/cursors/waits", test_waits);
  return g_test_run ();
}
