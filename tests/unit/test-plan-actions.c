/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plan decides, with no engine: state and time in, actions out. */
#include "libpmss/reader/pmss-plan.h"

#define NOW (1000 * G_TIME_SPAN_SECOND)
#define UNIT 262144u
#define K 2
#define N 3
#define ROWS 8
#define WINDOW 4

/* A medium of one extent, 2+1, whose shard i is at node i. The first row is read, and waited
 * for. */
typedef struct
{
  PmssRows rows;
  PmssLinks links;
  PmssCursors cursors;
  PmssWaits waits;
  PmssAwaited wait;
  PmssPlan plan;
  PmssPlanScene scene;
} Fixture;

static PmssLayout *
make_layout (void)
{
  const PmssRedundancy redundancy = { K, N - K };
  const gint places[PMSS_MAX_SHARDS] = { 0, 1, 2 };
  const PmssVersionId version = { {1} };
  PmssLayout *layout = pmss_layout_new (&version, ROWS * K * UNIT, redundancy,
      UNIT, ROWS * K * UNIT, NULL);

  for (guint i = 0; i < N; i++) {
    PmssNode node = { i + 1, (char *) "127.0.0.1", 1 + i, FALSE, NULL };

    pmss_layout_add_node (layout, &node);
  }
  pmss_layout_set_extent (layout, 0, places);
  return layout;
}

static void
read_row (Fixture * f, guint64 row)
{
  const PmssCursorsRead read = {.row = row,.now = NOW };

  if (pmss_cursors_note_read (&f->cursors, &read) == PMSS_CURSORS_JUMPED)
    f->plan.jumped = TRUE;
  f->wait.row = row;
}

static void
setup (Fixture * f)
{
  g_autoptr (PmssLayout) layout = make_layout ();
  const PmssPlan parts = {.rows = &f->rows,.cursors = &f->cursors,.links =
        &f->links,.waits = &f->waits,.pool =
        pmss_block_pool_new (UNIT),.max_connections = 2
  };

  pmss_rows_init (&f->rows, layout, NULL);
  pmss_links_init (&f->links, 0, 60);
  pmss_links_set_layout (&f->links, layout);
  pmss_cursors_init (&f->cursors, &f->rows, WINDOW, WINDOW, 0, 0);
  pmss_plan_init (&f->plan, &parts, 0);
  /* the medium's end is no concern of these tests */
  f->plan.tail_asked = TRUE;
  f->scene = (PmssPlanScene) {
  .now = NOW,.share_blocks = 100,.behind = 20,.enough = 100};
  g_queue_init (&f->waits.queue);
  g_queue_push_tail (&f->waits.queue, &f->wait);
  read_row (f, 0);
}

static void
teardown (Fixture * f)
{
  PmssBlockPool *pool = f->plan.pool;

  for (guint i = 0; i < N; i++) {
    PmssLink *link = pmss_links_get (&f->links, i);

    for (guint j = 0; j < link->streams->len; j++)
      pmss_stream_free (link->streams->pdata[j]);
  }
  g_queue_clear (&f->waits.queue);
  pmss_plan_clear (&f->plan);
  pmss_links_clear (&f->links);
  pmss_rows_clear (&f->rows);
  pmss_block_pool_free (pool);
}

static const PmssPlanAction *
get_action (Fixture * f, guint i)
{
  return &g_array_index (f->plan.actions, PmssPlanAction, i);
}

static void
assert_asks (Fixture * f, guint i, guint shard, guint32 first, guint32 n_rows)
{
  const PmssPlanAction *action = get_action (f, i);
  const PmssStreamRange *range;

  g_assert_cmpint (action->kind, ==, PMSS_PLAN_ASK);
  range = pmss_stream_get_range (action->stream);
  g_assert_true (pmss_stream_get_owner (action->stream) ==
      pmss_links_get (&f->links, shard));
  g_assert_cmpuint (range->index, ==, shard);
  g_assert_cmpuint (range->first_row, ==, first);
  g_assert_cmpuint (range->n_rows, ==, n_rows);
}

/* A request a node for all that it is to give of the window, once. */
static void
test_ask (void)
{
  Fixture f = { 0, };

  setup (&f);
  pmss_plan_begin (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, 0);
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, K);
  assert_asks (&f, 0, 0, 0, WINDOW);
  assert_asks (&f, 1, 1, 0, WINDOW);
  g_assert_cmpint (get_action (&f, 0)->priority, <,
      get_action (&f, 1)->priority);
  g_assert_cmpint (get_action (&f, 1)->priority, <, G_PRIORITY_DEFAULT);
  g_assert_cmpuint (f.links.n_streams, ==, K);
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, 0);
  teardown (&f);
}

/* In place of a lost node the parity is asked for. When two units of the row are there, the
 * missing one is made, once. */
static void
test_rebuild (void)
{
  Fixture f = { 0, };
  PmssRow *row;

  setup (&f);
  pmss_links_get (&f.links, 0)->state = PMSS_LINK_LOST;
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, K);
  assert_asks (&f, 0, 1, 0, WINDOW);
  assert_asks (&f, 1, 2, 0, WINDOW);
  row = pmss_rows_get (&f.rows, 0);
  g_assert_cmpuint (row->missing, ==, 1);
  for (guint i = 1; i < N; i++)
    pmss_rows_set_ready (&f.rows, row, i, pmss_block_pool_take (f.plan.pool));
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, 1);
  g_assert_cmpint (get_action (&f, 0)->kind, ==, PMSS_PLAN_REBUILD);
  g_assert_true (get_action (&f, 0)->is_awaited);
  g_assert_true (row->job == get_action (&f, 0)->job);
  pmss_row_job_free (row->job);
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, 0);
  row->job = NULL;
  teardown (&f);
}

/* A node fewer than it takes: nothing is missing that could be made, and the row is stuck. */
static void
test_stuck (void)
{
  Fixture f = { 0, };

  setup (&f);
  for (guint i = 0; i < K; i++)
    pmss_links_get (&f.links, i)->state = PMSS_LINK_LOST;
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpint (pmss_rows_get (&f.rows, 0)->stuck_since, ==, NOW);
  for (guint i = 0; i < f.plan.actions->len; i++)
    g_assert_cmpint (get_action (&f, i)->kind, ==, PMSS_PLAN_ASK);
  teardown (&f);
}

/* The requests of a window that was left end, and their units are free at once. The medium's
 * beginning stays: demuxers come back to it. */
static void
test_jump (void)
{
  Fixture f = { 0, };

  setup (&f);
  f.cursors.first_window = f.cursors.max_window = f.cursors.room = 1;
  f.cursors.active->window = 1;
  read_row (&f, 2);
  pmss_plan_begin (&f.plan, &f.scene);
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, K);
  f.scene.behind = 0;
  read_row (&f, 6);
  pmss_plan_begin (&f.plan, &f.scene);
  g_assert_cmpuint (f.plan.actions->len, ==, K);
  for (guint i = 0; i < K; i++) {
    g_assert_cmpint (get_action (&f, i)->kind, ==, PMSS_PLAN_END);
    g_assert_cmpint (pmss_rows_get (&f.rows, 2)->slots[i].state, ==,
        PMSS_UNIT_NONE);
  }
  g_assert_false (f.plan.jumped);
  teardown (&f);
}

/* Only as much is asked for as there is memory for; what is waited for is, in any case. */
static void
test_memory (void)
{
  Fixture f = { 0, };

  setup (&f);
  f.scene.share_blocks = f.scene.enough = 3;
  pmss_plan_run (&f.plan, &f.scene);
  g_assert_cmpuint (f.rows.n_blocks, <=, 4);
  g_assert_cmpint (pmss_rows_get (&f.rows, 0)->slots[0].state, ==,
      PMSS_UNIT_ASKED);
  g_assert_cmpint (pmss_rows_get (&f.rows, 0)->slots[1].state, ==,
      PMSS_UNIT_ASKED);
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plan-actions/ask", test_ask);
  g_test_add_func ("/plan-actions/rebuild", test_rebuild);
  g_test_add_func ("/plan-actions/stuck", test_stuck);
  g_test_add_func ("/plan-actions/jump", test_jump);
  g_test_add_func ("/plan-actions/memory", test_memory);
  return g_test_run ();
}
