/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How fast a consumer reads, and how far ahead it gets for that. The streams
 * are the test's own. */
#include "fake-stream.h"
#include "libpmss/format/pmss-striper.h"

#define SECOND G_TIME_SPAN_SECOND
/* so many us after the machine was started */
#define START (1000 * SECOND)

static void
test_unknown (void)
{
  PmssPace pace;

  pmss_pace_begin (&pace, 7, START);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, SECOND), ==, G_MAXUINT64);
  /* nothing was read */
  pmss_pace_measure (&pace, 7, START + SECOND, 0);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, SECOND), ==, G_MAXUINT64);
}

static void
test_measured (void)
{
  PmssPace pace;

  pmss_pace_begin (&pace, 7, START);
  pmss_pace_measure (&pace, 9, START + SECOND, 0);
  g_assert_cmpint (pace.row_time, ==, SECOND / 2);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, 10 * SECOND), ==, 20);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, 1), ==, 1);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, 0), ==, G_MAXUINT64);
}

/* What it was before counts no more. */
static void
test_changes (void)
{
  PmssPace pace;

  pmss_pace_begin (&pace, 0, START);
  pmss_pace_measure (&pace, 1, START + SECOND, 0);
  pmss_pace_measure (&pace, 11, START + 2 * SECOND, 0);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, SECOND), ==, 10);
  pmss_pace_measure (&pace, 12, START + 102 * SECOND, 0);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, 10 * SECOND), ==, 1);
}

/* Faster than the clock. */
static void
test_at_once (void)
{
  PmssPace pace;

  pmss_pace_begin (&pace, 0, START);
  pmss_pace_measure (&pace, 1000, START, 0);
  g_assert_cmpint (pace.row_time, ==, 1);
  g_assert_cmpuint (pmss_pace_get_rows (&pace, SECOND), ==, SECOND);
}

/* A player is ahead of the medium by what his buffers take, and no more, however
 * long he plays; who copies is soon ahead of that. */
static void
test_lead (void)
{
  PmssPace pace;

  pmss_pace_begin (&pace, 0, START);
  pmss_pace_measure (&pace, 4, START + 1, SECOND);
  g_assert_cmpint (pace.lead, ==, 4 * SECOND - 1);
  for (guint i = 1; i < 1000; i++) {
    pmss_pace_measure (&pace, 4 + i, START + i * SECOND, SECOND);
    g_assert_cmpint (pace.lead, <=, 4 * SECOND);
  }
  /* a pause is no credit for later */
  pmss_pace_measure (&pace, 1004, START + 9999 * SECOND, SECOND);
  g_assert_cmpint (pace.lead, ==, 0);
  pmss_pace_measure (&pace, 1104, START + 10000 * SECOND, SECOND);
  g_assert_cmpint (pace.lead, ==, 99 * SECOND);
  pmss_pace_measure (&pace, 1105, START + 10000 * SECOND, G_MAXINT64);
  g_assert_cmpint (pace.lead, >, 99 * SECOND);
}

/* --- How far ahead --- */

#define UNIT 4096u
#define ROWS 320
#define FIRST_ROWS 2
#define MOST_ROWS 16
#define ROWS_BEHIND 3
/* us, until the window must have grown */
#define GROWTH_DEADLINE (10 * SECOND)

typedef struct
{
  PmssLayout *layout;
  GBytes *shards[PMSS_MAX_SHARDS];
  PmssEngine *engine;
} Fixture;

static GBytes *
get_shard (guint32 extent, guint index, gpointer user_data)
{
  Fixture *f = user_data;

  return f->shards[index];
}

/* Long enough that the end does not come in sight. */
static void
make_medium (Fixture * f)
{
  const PmssRedundancy redundancy = { 1, 0 };
  const gint places[] = { 0 };
  PmssNode node = { 1, (char *) "127.0.0.1", 1, FALSE, NULL };
  g_autofree guint8 *bytes = g_malloc0 (ROWS * UNIT);
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (redundancy);
  PmssExtentGeometry geometry;
  PmssVersionId version;

  pmss_version_id_generate (&version);
  f->layout = pmss_layout_new (&version, ROWS * UNIT, redundancy, UNIT,
      ROWS * UNIT, NULL);
  pmss_layout_add_node (f->layout, &node);
  pmss_layout_set_extent (f->layout, 0, places);
  pmss_layout_get_geometry (f->layout, 0, &geometry);
  pmss_striper_run (erasure, &geometry, bytes, f->shards);
}

static void
open_engine (Fixture * f, gint64 read_ahead_time, guint64 bitrate)
{
  static const PmssNewsFuncs funcs = { NULL };
  const PmssEngineSettings settings = {.max_connections = 2,
    .cache_size = (MOST_ROWS + ROWS_BEHIND) * UNIT,
    .read_ahead = MOST_ROWS * UNIT,.read_ahead_time = read_ahead_time
  };
  g_autoptr (PmssClient) client = pmss_client_new ("http://127.0.0.1:1", NULL);
  PmssSession *session = g_new0 (PmssSession, 1);

  session->id = g_strdup ("s");
  session->token = g_strdup ("t");
  session->lease = 60;
  session->avg_bitrate = bitrate;
  session->layout = pmss_layout_ref (f->layout);
  f->engine = pmss_engine_new (client, "m", &settings, &funcs, NULL, g_free);
  f->engine->state = PMSS_ENGINE_OPENING;
  pmss_engine_opened (f->engine, session);
  /* Units are so small here that the window would begin full. */
  f->engine->cursors.first_window = FIRST_ROWS;
}

static void
setup_film (Fixture * f, gint64 read_ahead_time, guint64 bitrate)
{
  fake_streams_init (get_shard, f);
  make_medium (f);
  open_engine (f, read_ahead_time, bitrate);
}

static void
setup (Fixture * f, gint64 read_ahead_time)
{
  setup_film (f, read_ahead_time, 0);
}

static void
teardown (Fixture * f)
{
  fake_streams_clear ();
  pmss_engine_free (f->engine);
  g_bytes_unref (f->shards[0]);
  pmss_layout_unref (f->layout);
}

/* Somebody reads @number. Whether it is there. */
static gboolean
read_row (Fixture * f, guint64 number)
{
  PmssEngine *engine = f->engine;
  PmssRow *row;
  gboolean hit;

  g_mutex_lock (&engine->lock);
  row = pmss_rows_get (&engine->rows, number);
  hit = row != NULL && row->slots[0].state == PMSS_UNIT_READY;
  pmss_engine_note_read (engine, number, 0, hit);
  pmss_engine_plan (engine);
  g_mutex_unlock (&engine->lock);
  return hit;
}

static void
receive_all (void)
{
  while (fake_streams.live->len > 0)
    fake_stream_go_on (fake_streams.live->pdata[0], FALSE);
}

/* Reads on until the window is full, or the deadline. @comes: all that was
 * asked for is there by then. */
static void
read_until_full (Fixture * f, gboolean comes)
{
  gint64 end = g_get_monotonic_time () + GROWTH_DEADLINE;
  guint64 row = 0;

  read_row (f, row);
  while (f->engine->cursors.active->window < MOST_ROWS
      && g_get_monotonic_time () < end) {
    if (comes)
      receive_all ();
    row = MIN (row + 1, f->engine->cursors.active->grow_at);
    read_row (f, row);
  }
  g_assert_cmpuint (f->engine->cursors.active->window, ==, MOST_ROWS);
}

/* Whoever never waits, and has enough ahead for the time, gets no more, nor
 * more memory. */
static void
test_player (void)
{
  gint64 end = g_get_monotonic_time () + GROWTH_DEADLINE;
  guint64 row = 1;
  Fixture f = { 0, };

  setup (&f, 1);
  read_row (&f, 0);             /* which he has to wait for */
  receive_all ();
  while (row < 4 * MOST_ROWS || (!f.engine->cursors.active->at_ease
          && g_get_monotonic_time () < end)) {
    g_assert_true (read_row (&f, row));
    receive_all ();
    g_assert_cmpuint (f.engine->cursors.active->window, <=, 2 * FIRST_ROWS);
    /* the file's last unit comes for nothing */
    g_assert_cmpuint (f.engine->rows.n_blocks, <=,
        2 * FIRST_ROWS + ROWS_BEHIND + 1);
    row = MIN (row + 1, 4 * MOST_ROWS);
  }
  g_assert_true (f.engine->cursors.active->at_ease);
  teardown (&f);
}

/* One who has to wait gets it all, however little would do at that pace. */
static void
test_drain (void)
{
  Fixture f = { 0, };

  setup (&f, 1);
  read_until_full (&f, FALSE);
  g_assert_false (f.engine->cursors.active->at_ease);
  teardown (&f);
}

/* One who copies has read much before the time is over: that is waited for no longer. */
static void
test_copy (void)
{
  Fixture f = { 0, };
  guint64 row = 0;

  setup (&f, 1);
  read_row (&f, row);
  while (f.engine->cursors.active->window == FIRST_ROWS)
    read_row (&f, ++row);
  while (f.engine->cursors.active->window < MOST_ROWS) {
    PmssCursor *cursor = f.engine->cursors.active;
    guint64 window = cursor->window, end = row + 2 * window;

    cursor->grow_after = G_MAXINT64;
    while (row + 1 < end) {
      read_row (&f, ++row);
      g_assert_cmpuint (cursor->window, ==, window);
    }
    read_row (&f, ++row);
    g_assert_cmpuint (cursor->window, ==, 2 * window);
  }
  teardown (&f);
}

/* One who has to wait for a film gets what he can play in the time, and not all
 * there is, until he is so far ahead that he is no player. */
static void
test_missed_film (void)
{
  const guint64 rows_in_time = 4;
  Fixture f = { 0, };
  guint64 row;

  setup_film (&f, 3600 * SECOND, rows_in_time * UNIT * 8 / 3600);
  for (row = 0; row < rows_in_time; row++) {
    read_row (&f, row);
    g_assert_cmpuint (f.engine->cursors.active->window, <=, rows_in_time + 1);
    f.engine->cursors.active->grow_after = 0;
  }
  g_assert_cmpuint (f.engine->cursors.active->window, >=, rows_in_time);
  for (; row < 4 * MOST_ROWS; row++) {
    read_row (&f, row);
    f.engine->cursors.active->grow_after = 0;
  }
  g_assert_cmpuint (f.engine->cursors.active->window, ==, MOST_ROWS);
  teardown (&f);
}

/* What it had to wait for once, it does not have ahead for ever; and nothing is
 * thrown away that was asked for. */
static void
test_shrinks (void)
{
  guint64 row, end = 0;
  Fixture f = { 0, };

  setup (&f, 1);
  read_until_full (&f, FALSE);
  do {
    receive_all ();
    read_row (&f, f.engine->cursors.active->row);
  } while (fake_streams.live->len > 0);
  for (row = f.engine->cursors.active->row + 1; row < 6 * MOST_ROWS; row++) {
    PmssCursor *cursor = f.engine->cursors.active;

    g_assert_true (read_row (&f, row));
    receive_all ();
    g_assert_cmpuint (cursor->row + cursor->window, >=, end);
    end = cursor->row + cursor->window;
    cursor->grow_after = 0;
  }
  g_assert_cmpuint (f.engine->cursors.active->window, ==, FIRST_ROWS);
  teardown (&f);
}

/* One who never waits but reads fast, too. */
static void
test_fast (gconstpointer seconds)
{
  Fixture f = { 0, };

  setup (&f, GPOINTER_TO_UINT (seconds) * SECOND);
  read_until_full (&f, TRUE);
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pace/unknown", test_unknown);
  g_test_add_func ("/pace/measured", test_measured);
  g_test_add_func ("/pace/changes", test_changes);
  g_test_add_func ("/pace/at-once", test_at_once);
  g_test_add_func ("/pace/lead", test_lead);
  g_test_add_func ("/pace/player", test_player);
  g_test_add_func ("/pace/missed-film", test_missed_film);
  g_test_add_func ("/pace/shrinks", test_shrinks);
  g_test_add_func ("/pace/drain", test_drain);
  g_test_add_func ("/pace/copy", test_copy);
  g_test_add_data_func ("/pace/fast", GUINT_TO_POINTER (3600), test_fast);
  g_test_add_data_func ("/pace/no-limit", GUINT_TO_POINTER (0), test_fast);
  return g_test_run ();
}
