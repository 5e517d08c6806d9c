/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reader asks for first when somebody jumps. The streams are the
 * test's own. */
#include "fake-rebuilder.h"
#include "fake-stream.h"
#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"
#include "libpmss/reader/pmss-wait.h"

#define UNIT 4096u
#define K 4
#define N 6
#define ROWS 40
#define WINDOW 4
#define PLACE 20

typedef struct
{
  PmssLayout *layout;
  GBytes *shards[PMSS_MAX_SHARDS];
  PmssEngine *engine;
  GBytes *read;                 /* what the jump brought */
  guint n_read;                 /* reads that have ended */
  guint n_asked;                /* units that were asked for */
} Fixture;

static GBytes *
get_shard (guint32 extent, guint index, gpointer user_data)
{
  Fixture *f = user_data;

  return f->shards[index];
}

/* One extent on six nodes. */
static void
make_medium (Fixture * f)
{
  const PmssRedundancy redundancy = { K, N - K };
  const gint places[PMSS_MAX_SHARDS] = { 0, 1, 2, 3, 4, 5 };
  gsize size = ROWS * K * UNIT;
  g_autofree guint8 *bytes = g_malloc0 (size);
  g_autoptr (PmssErasure) erasure = pmss_erasure_new (redundancy);
  PmssExtentGeometry geometry;
  PmssVersionId version;

  pmss_version_id_generate (&version);
  f->layout = pmss_layout_new (&version, size, redundancy, UNIT, size, NULL);
  for (guint i = 0; i < N; i++) {
    PmssNode node = { i + 1, (char *) "127.0.0.1", 1 + i, FALSE, NULL };

    pmss_layout_add_node (f->layout, &node);
  }
  pmss_layout_set_extent (f->layout, 0, places);
  pmss_layout_get_geometry (f->layout, 0, &geometry);
  pmss_striper_run (erasure, &geometry, bytes, f->shards);
}

static void
open_engine (Fixture * f)
{
  static const PmssNewsFuncs funcs = { NULL };
  const PmssEngineSettings settings = {.max_connections = 2,
    .cache_size = ROWS * K * UNIT,.read_ahead = WINDOW * K * UNIT,
  };
  g_autoptr (PmssClient) client = pmss_client_new ("http://127.0.0.1:1", NULL);
  PmssSession *session = g_new0 (PmssSession, 1);

  session->id = g_strdup ("s");
  session->token = g_strdup ("t");
  session->lease = 60;
  session->layout = pmss_layout_ref (f->layout);
  f->engine = pmss_engine_new (client, "m", &settings, &funcs, NULL, g_free);
  f->engine->state = PMSS_ENGINE_OPENING;
  pmss_engine_opened (f->engine, session);
}

static void
plan (Fixture * f)
{
  g_mutex_lock (&f->engine->lock);
  pmss_engine_plan (f->engine);
  g_mutex_unlock (&f->engine->lock);
  while (fake_rebuilder_go_on ());
}

static void
receive_all (void)
{
  while (fake_streams.live->len > 0)
    fake_stream_go_on (fake_streams.live->pdata[0], FALSE);
}

static void
read_ended (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Fixture *f = user_data;
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&f->read, g_bytes_unref);
  f->read = g_task_propagate_pointer (G_TASK (result), &error);
  g_assert_no_error (error);
  f->n_read++;
}

static void
begin_read (Fixture * f, guint64 row, guint index)
{
  g_clear_pointer (&f->read, g_bytes_unref);
  pmss_wait_read_task (f->engine, (row * K + index) * UNIT, UNIT,
      g_task_new (NULL, NULL, read_ended, f));
  plan (f);
}

static void
end_read (Fixture * f)
{
  while (f->read == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* The beginning has been read, so that the nodes are known. */
static void
setup (Fixture * f)
{
  fake_streams_init (get_shard, f);
  make_medium (f);
  open_engine (f);
  begin_read (f, 0, 0);
  receive_all ();
  end_read (f);
}

static void
teardown (Fixture * f)
{
  fake_streams_clear ();
  pmss_engine_free (f->engine);
  for (guint i = 0; i < N; i++)
    g_bytes_unref (f->shards[i]);
  pmss_layout_unref (f->layout);
  g_bytes_unref (f->read);
}

static const PmssStreamRange *
get_range (guint i)
{
  return pmss_stream_get_range (fake_streams.live->pdata[i]);
}

/* The row that somebody waits for is asked for alone, and in it the unit itself
 * goes before those behind it; when it is there, the rest is. */
static void
test_near (void)
{
  Fixture f = { 0, };

  setup (&f);
  begin_read (&f, PLACE, 2);
  g_assert_cmpuint (fake_streams.live->len, ==, K);
  for (guint i = 0; i < K; i++) {
    g_assert_cmpuint (get_range (i)->first_row, ==, PLACE);
    g_assert_cmpuint (get_range (i)->n_rows, ==, 1);
    g_assert_cmpint (fake_stream_get_priority (fake_streams.live->pdata[i]), ==,
        G_PRIORITY_HIGH + (gint) ((get_range (i)->index + N - 2) % N));
  }
  receive_all ();
  end_read (&f);
  plan (&f);
  g_assert_cmpuint (fake_streams.live->len, ==, K);
  for (guint i = 0; i < K; i++) {
    g_assert_cmpuint (get_range (i)->first_row, ==, PLACE + 1);
    g_assert_cmpuint (get_range (i)->n_rows, ==, WINDOW - 1);
    g_assert_cmpint (fake_stream_get_priority (fake_streams.live->pdata[i]), ==,
        G_PRIORITY_DEFAULT);
  }
  teardown (&f);
}

/* A round trip is dear: all are asked for at once. */
static void
test_far (void)
{
  Fixture f = { 0, };

  setup (&f);
  for (guint i = 0; i < N; i++)
    ((PmssLink *) f.engine->links.all->pdata[i])->least_rtt =
        40 * G_TIME_SPAN_MILLISECOND;
  begin_read (&f, PLACE, 2);
  g_assert_cmpuint (fake_streams.live->len, ==, K);
  for (guint i = 0; i < K; i++) {
    g_assert_cmpuint (get_range (i)->first_row, ==, PLACE);
    g_assert_cmpuint (get_range (i)->n_rows, ==, WINDOW);
  }
  receive_all ();
  end_read (&f);
  teardown (&f);
}

/* Who reads at several places at once gets all of it, whichever was asked for
 * last, and before or behind it. */
static void
read_together (Fixture * f, const guint64 * units, guint n_units)
{
  f->n_read = 0;
  for (guint i = 0; i < n_units; i++)
    pmss_wait_read_task (f->engine, units[i] * UNIT, UNIT,
        g_task_new (NULL, NULL, read_ended, f));
  for (guint i = 0; i < 10; i++) {
    plan (f);
    receive_all ();
    while (g_main_context_iteration (NULL, FALSE));
  }
  g_assert_cmpuint (f->n_read, ==, n_units);
}

static void
test_together (void)
{
  const guint64 places[] = { PLACE * K, 7 * K + 1, (PLACE + 10) * K };
  const guint64 in_a_row[] = { 12 * K + 3, 13 * K, 14 * K + 1, 15 * K };
  Fixture f = { 0, };

  setup (&f);
  read_together (&f, places, G_N_ELEMENTS (places));
  read_together (&f, in_a_row, G_N_ELEMENTS (in_a_row));
  teardown (&f);
}

/* A node that was restarted refuses new connections, and of those before it
 * knows nothing: where nothing may be asked for twice, what they owe is taken
 * from them as from a node that is late. */
static void
test_lost (void)
{
  g_autoptr (GError) error = g_error_new (PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
      "refused");
  Fixture f = { 0, };
  PmssLink *link;

  setup (&f);
  link = f.engine->links.all->pdata[0];
  begin_read (&f, PLACE, 0);
  g_assert_cmpuint (link->streams->len, ==, 1);
  g_mutex_lock (&f.engine->lock);
  pmss_engine_link_failed (f.engine, link, g_get_monotonic_time (), error);
  pmss_engine_plan (f.engine);
  g_assert_true (pmss_rows_get (&f.engine->rows, PLACE)->denied);
  pmss_engine_check_late (f.engine, g_get_monotonic_time ());
  g_assert_true (fake_stream_is_cancelled (link->streams->pdata[0]));
  g_assert_cmpint (link->state, ==, PMSS_LINK_LOST);
  g_mutex_unlock (&f.engine->lock);
  for (guint i = 0; i < 3; i++) {
    receive_all ();
    plan (&f);
  }
  end_read (&f);
  teardown (&f);
}

/* Of the medium's last row nothing is asked for that would be of no use. */
static void
test_no_tail (void)
{
  Fixture f = { 0, };
  PmssRow *row;

  setup (&f);
  row = pmss_rows_get (&f.engine->rows, ROWS - 1);
  for (guint i = 0; i < N; i++)
    pmss_rows_set_empty (&f.engine->rows, row, i,
        i < K - 1 ? PMSS_UNIT_NONE : PMSS_UNIT_BAD);
  receive_all ();
  f.engine->plan.tail_asked = FALSE;
  plan (&f);
  for (guint i = 0; i < fake_streams.live->len; i++)
    g_assert_cmpuint (get_range (i)->first_row, !=, ROWS - 1);
  g_assert_cmpint (row->stuck_since, !=, 0);
  teardown (&f);
}

/* --- Two places by turns, with less memory than both windows take --- */

#define TURN 2
/* more than there is memory for; each place is within it from the other */
#define WANTED_WINDOW 20

static void
count_units (const PmssStreamRange * range, gpointer user_data)
{
  Fixture *f = user_data;

  f->n_asked += range->n_rows;
}

/* Reads on for some rows. Of the first units of these it returns how many had to be waited for. */
static guint
read_turn (Fixture * f, guint64 * row)
{
  guint waits = 0;

  for (guint i = 0; i < TURN; i++, (*row)++) {
    PmssRow *there = pmss_rows_get (&f->engine->rows, *row);

    waits += there == NULL || there->slots[0].state != PMSS_UNIT_READY;
    begin_read (f, *row, 0);
    receive_all ();
    end_read (f);
    plan (f);
    receive_all ();
  }
  return waits;
}

/* A demuxer reads two tracks by turns. Each place has its own part of the memory: after its first
 * row none has to be waited for, and none is asked for twice. */
static void
test_turns (void)
{
  Fixture f = { 0, };
  guint64 first = 2, second = first + WANTED_WINDOW - 4;
  guint waits = 0;

  setup (&f);
  /* two rows ahead of each of them, and one behind */
  pmss_memory_set_total (pmss_io_get_memory (f.engine->io),
      (4 * K + K) * (PMSS_RECORD_HEADER_SIZE + UNIT));
  f.engine->cursors.first_window = f.engine->cursors.max_window = WANTED_WINDOW;
  f.engine->blocks_behind = f.engine->max_blocks / 5;
  read_turn (&f, &first);
  read_turn (&f, &second);
  read_turn (&f, &first);
  read_turn (&f, &second);
  fake_streams.asked = count_units;
  f.n_asked = 0;
  for (guint i = 0; i < 5; i++)
    waits += read_turn (&f, &first) + read_turn (&f, &second);
  g_assert_cmpuint (waits, ==, 0);
  g_assert_cmpuint (f.n_asked, ==, 2 * 5 * TURN * K);
  /* one of them alone has all of it again */
  g_assert_cmpuint (pmss_cursors_get_window (&f.engine->cursors,
          f.engine->cursors.active), ==, 2);
  for (guint i = 0; i < 4; i++)
    read_turn (&f, &second);
  g_assert_cmpuint (pmss_cursors_get_window (&f.engine->cursors,
          f.engine->cursors.active), ==, 4);
  teardown (&f);
}

/* GTask calls back at once in a dispatch of its own context that is later than
 * the task: the callback may then do all that takes the lock. */
static void
read_ended_unlocked (GObject * source, GAsyncResult * result,
    gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_true (g_mutex_trylock (&f->engine->lock));
  g_mutex_unlock (&f->engine->lock);
  pmss_engine_close (f->engine);
  g_clear_pointer (&f->read, g_bytes_unref);
  f->read = g_task_propagate_pointer (G_TASK (result), NULL);
  f->n_read++;
}

static gboolean
on_receive (gpointer f)
{
  receive_all ();
  g_assert_cmpuint (((Fixture *) f)->n_read, ==, 1);
  return G_SOURCE_REMOVE;
}

static gboolean
on_close (gpointer f)
{
  pmss_engine_close (((Fixture *) f)->engine);
  g_assert_cmpuint (((Fixture *) f)->n_read, ==, 1);
  return G_SOURCE_REMOVE;
}

static void
call_back_in (GSourceFunc func)
{
  Fixture f = { 0, };

  setup (&f);
  f.n_read = 0;
  pmss_wait_read_task (f.engine, PLACE * K * UNIT, UNIT,
      g_task_new (NULL, NULL, read_ended_unlocked, &f));
  plan (&f);
  g_usleep (1000);
  g_idle_add (func, &f);
  while (f.n_read == 0)
    g_main_context_iteration (NULL, TRUE);
  receive_all ();
  teardown (&f);
}

static void
test_called_back (void)
{
  call_back_in (on_receive);
  call_back_in (on_close);
}

/* What is left to a late node is asked of others as soon as it is urgent: the
 * reader is looked at again then, and not when the next request is worth it. */
static void
test_left (void)
{
  const guint window = 32;
  Fixture f = { 0, };
  PmssLink *link;

  setup (&f);
  for (guint i = 0; i < N; i++)
    ((PmssLink *) f.engine->links.all->pdata[i])->least_rtt =
        40 * G_TIME_SPAN_MILLISECOND;
  f.engine->cursors.first_window = f.engine->cursors.max_window = window;
  link = f.engine->links.all->pdata[1];
  link->state = PMSS_LINK_LATE;
  link->retry_at = G_MAXINT64;
  begin_read (&f, WINDOW + 2, 0);
  g_assert_cmpuint (f.engine->cursors.active->window, ==, window);
  g_assert_cmpuint (f.engine->plan.replan_at, ==, WINDOW + 3);
  link->state = PMSS_LINK_UP;
  plan (&f);
  g_assert_cmpuint (f.engine->plan.replan_at, ==, WINDOW + 2 + window / 8);
  receive_all ();
  end_read (&f);
  teardown (&f);
}

/* --- What there is to wake up for --- */

static gint64
get_tick (Fixture * f)
{
  g_mutex_lock (&f->engine->lock);
  pmss_engine_set_tick (f->engine);
  g_mutex_unlock (&f->engine->lock);
  return f->engine->tick_at;
}

/* A node that is not there costs a wake-up when it is asked again, and none while
 * nothing is to be asked at all. */
static void
test_tick (void)
{
  g_autoptr (GError) error = g_error_new (PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
      "refused");
  Fixture f = { 0, };
  PmssLink *link;

  setup (&f);
  f.engine->links.backoff_max = 60.0;
  plan (&f);
  receive_all ();
  g_assert_cmpint (get_tick (&f), ==, -1);
  link = f.engine->links.all->pdata[0];
  g_mutex_lock (&f.engine->lock);
  for (guint i = 0; i < 8; i++)
    pmss_engine_link_failed (f.engine, link, G_MAXINT64, error);
  g_mutex_unlock (&f.engine->lock);
  g_assert_cmpint (get_tick (&f), ==, link->retry_at);
  g_assert_cmpint (link->retry_at, >, g_get_monotonic_time () +
      G_TIME_SPAN_SECOND);
  f.engine->paused = TRUE;
  g_assert_cmpint (get_tick (&f), ==, -1);
  f.engine->paused = FALSE;
  g_assert_cmpint (get_tick (&f), ==, link->retry_at);
  f.engine->state = PMSS_ENGINE_FAILED;
  g_assert_cmpint (get_tick (&f), ==, -1);
  teardown (&f);
}

/* Who waits while the reader is paused gets his bytes; then it rests. */
static void
test_paused (void)
{
  Fixture f = { 0, };

  setup (&f);
  begin_read (&f, PLACE, 2);
  pmss_engine_pause (f.engine);
  g_main_context_iteration (pmss_io_get_context (f.engine->io), FALSE);
  for (guint i = 0; i < fake_streams.live->len; i++)
    g_assert_false (fake_stream_is_cancelled (fake_streams.live->pdata[i]));
  receive_all ();
  end_read (&f);
  plan (&f);
  g_assert_cmpuint (fake_streams.live->len, ==, 0);
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jump/near", test_near);
  g_test_add_func ("/jump/far", test_far);
  g_test_add_func ("/jump/together", test_together);
  g_test_add_func ("/jump/lost", test_lost);
  g_test_add_func ("/jump/no-tail", test_no_tail);
  g_test_add_func ("/jump/turns", test_turns);
  g_test_add_func ("/jump/called-back", test_called_back);
  g_test_add_func ("/jump/left", test_left);
  g_test_add_func ("/jump/tick", test_tick);
  g_test_add_func ("/jump/paused", test_paused);
  return g_test_run ();
}
