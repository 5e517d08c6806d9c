/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader's plan as a model: random layouts, reads, losses and arrivals,
 * and what has to be true whatever happens. The streams are the test's own: it
 * decides what comes, and when. `--seed` repeats a run. */
#include <string.h>

#include "fake-rebuilder.h"
#include "fake-stream.h"
#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"
#include "libpmss/reader/pmss-engine.h"

#define UNIT 4096u
#define MAX_EXTENTS 5
#define MANY_CASES 150
#define FEW_CASES 30
#define STEPS 200
/* Records until nobody wants anything more. */
#define ENOUGH 10000

static guint cases = MANY_CASES;

typedef struct
{
  PmssRedundancy redundancy;
  guint n;
  guint64 size;
  guint8 *bytes;
  PmssLayout *layout;
  GBytes *shards[MAX_EXTENTS][PMSS_MAX_SHARDS];
  PmssEngine *engine;
  guint64 unit;                 /* that was read last */
  gboolean well;                /* nothing is lost, fails or jumps */
} Model;

/* --- What is asked --- */

/* Whether something is to be asked is judged here: it is wanted, it is not
 * there, and no stream is counted on to bring it. */
static void
check_request (const PmssStreamRange * range, gpointer user_data)
{
  PmssEngine *engine = ((Model *) user_data)->engine;
  PmssCursor *cursor = engine->cursors.active;
  guint64 base = range->geometry.extent * engine->rows.rows_per_extent;
  guint extra = 0;

  g_assert_cmpuint (range->n_rows, >, 0);
  for (guint32 row = range->first_row; row < range->first_row + range->n_rows;
      row++) {
    PmssRow *entry = pmss_rows_get (&engine->rows, base + row);

    g_assert_nonnull (entry);
    g_assert_true (entry->slots[range->index].wanted);
    g_assert_cmpint (entry->slots[range->index].state, ==, PMSS_UNIT_NONE);
    g_assert_cmpuint (pmss_extent_geometry_unit_length (&range->geometry, row,
            range->index), >, 0);
    extra += pmss_rows_count_claimed (&engine->rows, entry) >=
        engine->rows.redundancy.k;
    /* in the window, or the file's tail */
    g_assert_true (base + row == engine->rows.n_rows - 1
        || (base + row >= cursor->row
            && base + row < cursor->row + cursor->window));
  }
  g_assert_cmpuint (extra, <=, pmss_budget_get_units (&engine->plan.budget));
  g_assert_cmpuint (cursor->window, <=, engine->cursors.max_window);
}

static GBytes *
get_shard (guint32 extent, guint index, gpointer user_data)
{
  Model *m = user_data;

  return m->shards[extent][index];
}

/* --- The model --- */

static guint
random_below (guint end)
{
  return g_test_rand_int_range (0, end);
}

static gboolean
one_in (guint n)
{
  return random_below (n) == 0;
}

static void
place_extent (Model * m, guint32 extent, guint n_nodes)
{
  gint places[PMSS_MAX_SHARDS];
  guint first = random_below (n_nodes);

  for (guint i = 0; i < m->n; i++)
    places[i] = !m->well && one_in (40) ? -1 : (gint) ((first + i) % n_nodes);
  pmss_layout_set_extent (m->layout, extent, places);
}

static void
make_medium (Model * m)
{
  guint32 extent_size;
  PmssVersionId version;
  g_autoptr (PmssErasure) erasure = NULL;
  guint n_nodes;

  m->redundancy.k = 1 + random_below (6);
  m->redundancy.m = random_below (4);
  m->n = m->redundancy.k + m->redundancy.m;
  extent_size = (1 + random_below (6)) * m->redundancy.k * UNIT;
  m->size = 1 + random_below (MAX_EXTENTS * extent_size);
  m->bytes = g_malloc (m->size);
  for (guint64 i = 0; i < m->size; i++)
    m->bytes[i] = i * 31 + (i >> 12);
  pmss_version_id_generate (&version);
  m->layout = pmss_layout_new (&version, m->size, m->redundancy, UNIT,
      extent_size, NULL);
  n_nodes = m->n + random_below (4);
  for (guint i = 0; i < n_nodes; i++) {
    PmssNode node = { i + 1, (char *) "127.0.0.1", 1 + i, FALSE, NULL };

    pmss_layout_add_node (m->layout, &node);
  }
  erasure = pmss_erasure_new (m->redundancy);
  for (guint32 i = 0; i < pmss_layout_get_n_extents (m->layout); i++) {
    PmssExtentGeometry geometry;

    place_extent (m, i, n_nodes);
    pmss_layout_get_geometry (m->layout, i, &geometry);
    pmss_striper_run (erasure, &geometry,
        m->bytes + (guint64) i * extent_size, m->shards[i]);
  }
}

static void
open_engine (Model * m)
{
  static const PmssNewsFuncs funcs = { NULL };
  guint row = m->redundancy.k * UNIT;
  PmssEngineSettings settings = {.max_connections = 1 + random_below (3),
    .max_extra = 5 * random_below (3),
    .cache_size = (2 + random_below (20)) * row,.retries = 3,
    .timeout = 15 * G_TIME_SPAN_SECOND
  };
  g_autoptr (PmssClient) client = pmss_client_new ("http://127.0.0.1:1", NULL);
  PmssSession *session = g_new0 (PmssSession, 1);

  settings.read_ahead = random_below (20) * row;
  /* the shortest makes a player of everybody, even of who never sleeps */
  settings.read_ahead_time = one_in (2) ? 0 : 1;
  session->id = g_strdup ("s");
  session->token = g_strdup ("t");
  session->lease = 60;
  session->layout = pmss_layout_ref (m->layout);
  m->engine = pmss_engine_new (client, "m", &settings, &funcs, NULL, g_free);
  m->engine->state = PMSS_ENGINE_OPENING;
  pmss_engine_opened (m->engine, session);
  /* what late nodes owe is needed now, or soon enough */
  m->engine->late.hedge_time = one_in (2) ? 3600 * G_TIME_SPAN_SECOND : 0;
}

static void
model_clear (Model * m)
{
  fake_streams_clear ();
  pmss_engine_free (m->engine);
  for (guint32 i = 0; i < pmss_layout_get_n_extents (m->layout); i++)
    for (guint j = 0; j < m->n; j++)
      g_bytes_unref (m->shards[i][j]);
  pmss_layout_unref (m->layout);
  g_free (m->bytes);
}

/* --- What has to be true --- */

/* The node can be asked for it, the shard is not known to be bad. */
static gboolean
can_be_asked (Model * m, PmssRow * row, guint index, gboolean late_too)
{
  PmssLink *link =
      pmss_links_get_shard_link (&m->engine->links, row->extent, index);

  return link != NULL && row->slots[index].state != PMSS_UNIT_BAD
      && !pmss_bad_shards_is_bad (m->engine->links.bad_shards, row->extent,
      index)
      && (link->state == PMSS_LINK_UP || (late_too
          && link->state == PMSS_LINK_LATE));
}

/* Units of the row that are there, need not be, or can be asked. */
static guint
count_sources (Model * m, PmssRow * row, gboolean late_too)
{
  PmssExtentGeometry geometry;
  guint n = 0;

  pmss_rows_geometry (&m->engine->rows, row, &geometry);
  for (guint i = 0; i < m->n; i++)
    n += row->slots[i].state == PMSS_UNIT_READY
        || pmss_extent_geometry_unit_length (&geometry, row->row, i) == 0
        || can_be_asked (m, row, i, late_too);
  return n;
}

static void
check_slots (Model * m, PmssRow * row)
{
  gsize unit_size = m->redundancy.k * (gsize) UNIT;
  guint64 extent_start = (guint64) row->extent *
      pmss_layout_get_extent_size (m->layout);
  PmssExtentGeometry geometry;

  pmss_rows_geometry (&m->engine->rows, row, &geometry);
  for (guint i = 0; i < m->n; i++) {
    PmssUnitSlot *slot = &row->slots[i];

    g_assert_true ((slot->state == PMSS_UNIT_READY) == (slot->block != NULL));
    if (slot->state == PMSS_UNIT_ASKED)
      g_assert_true (fake_stream_brings (slot->stream, row->extent, i, row->row)
          || fake_stream_is_cancelled (slot->stream));
    if (slot->state == PMSS_UNIT_READY && i < m->redundancy.k)
      g_assert_cmpint (memcmp (pmss_block_get_unit (slot->block),
              m->bytes + extent_start + row->row * unit_size + i * UNIT,
              pmss_extent_geometry_unit_length (&geometry, row->row, i)), ==,
          0);
  }
}

static gboolean
has_late_node (Model * m, PmssRow * row)
{
  for (guint i = 0; i < m->n; i++) {
    PmssLink *link =
        pmss_links_get_shard_link (&m->engine->links, row->extent, i);

    if (link != NULL && link->state == PMSS_LINK_LATE)
      return TRUE;
  }
  return FALSE;
}

/* Of a row that k nodes can give, k units are there, on their way or wanted,
 * or all that is needed of it is. Only the next rows do not wait for a node
 * that is late. */
static void
check_window_row (Model * m, PmssRow * row, guint first)
{
  gboolean next = row->number < m->engine->cursors.active->row + 2;
  PmssExtentGeometry geometry;
  guint had = 0;
  gboolean complete = TRUE;

  pmss_rows_geometry (&m->engine->rows, row, &geometry);
  for (guint i = 0; i < m->n; i++) {
    PmssUnitSlot *slot = &row->slots[i];
    gboolean has = slot->state == PMSS_UNIT_READY
        || slot->state == PMSS_UNIT_ASKED || slot->wanted
        || pmss_extent_geometry_unit_length (&geometry, row->row, i) == 0;

    had += has;
    complete = complete && (has || i >= m->redundancy.k || i < first);
  }
  if (count_sources (m, row, FALSE) >= m->redundancy.k
      && (next || !has_late_node (m, row))) {
    g_assert_true (complete || had >= m->redundancy.k);
    g_assert_cmpint (row->stuck_since, ==, 0);
  }
}

static void
check_everything (Model * m)
{
  PmssEngine *engine = m->engine;
  PmssCursor *cursor = engine->cursors.active;
  GHashTableIter iter;
  gpointer row;
  gsize blocks = 0;

  g_hash_table_iter_init (&iter, engine->rows.table);
  while (g_hash_table_iter_next (&iter, NULL, &row)) {
    check_slots (m, row);
    for (guint i = 0; i < m->n; i++)
      blocks += ((PmssRow *) row)->slots[i].state == PMSS_UNIT_READY
          || ((PmssRow *) row)->slots[i].state == PMSS_UNIT_ASKED;
  }
  g_assert_cmpuint (blocks, ==, engine->rows.n_blocks);
  for (guint i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = engine->links.all->pdata[i];

    g_assert_cmpuint (link->streams->len, <=, engine->settings.max_connections);
  }
  for (guint64 number = cursor->row;
      number < pmss_cursors_get_window_end (&engine->cursors, cursor); number++)
    check_window_row (m, pmss_rows_get (&engine->rows, number),
        number == cursor->row ? cursor->index : 0);
}

/* --- What happens --- */

static void
plan (Model * m)
{
  g_mutex_lock (&m->engine->lock);
  pmss_engine_plan (m->engine);
  check_everything (m);
  g_mutex_unlock (&m->engine->lock);
}

/* Somebody reads unit @unit of the file. Whether it is there. */
static gboolean
read_unit (Model * m, guint64 unit)
{
  PmssEngine *engine = m->engine;
  guint index;
  gsize skip;
  guint64 number;
  PmssRow *row;
  gboolean hit;

  m->unit = unit;
  g_mutex_lock (&engine->lock);
  number = pmss_rows_at (&engine->rows, unit * UNIT, &index, &skip);
  row = pmss_rows_get (&engine->rows, number);
  hit = row != NULL && row->slots[index].state == PMSS_UNIT_READY;
  pmss_engine_note_read (engine, number, index, hit);
  g_mutex_unlock (&engine->lock);
  plan (m);
  return hit;
}

static void
read_somewhere (Model * m)
{
  guint64 n = pmss_layout_get_n_units (m->layout);

  if (one_in (5))
    read_unit (m, random_below (n));
  else
    read_unit (m, MIN (m->unit + 1, n - 1));
}

static GError *
new_failure (void)
{
  GError *error;

  if (!one_in (4))
    return g_error_new (PMSS_ERROR, PMSS_ERROR_UNREACHABLE, "gone");
  error = g_error_new (PMSS_ERROR, PMSS_ERROR_NOT_FOUND, "no such shard");
  pmss_error_get_details (error)->http_status = 404;
  return error;
}

static void
change_link (Model * m)
{
  PmssLink *link =
      m->engine->links.all->pdata[random_below (m->engine->links.all->len)];

  link->state = one_in (2) ? PMSS_LINK_UP : one_in (2) ? PMSS_LINK_LATE :
      PMSS_LINK_LOST;
}

static void
step (Model * m)
{
  PmssStream *stream =
      fake_streams.live->len >
      0 ? fake_streams.live->pdata[random_below (fake_streams.
          live->len)] : NULL;
  guint what = random_below (20);

  if (what < 5)
    read_somewhere (m);
  else if (what == 5)
    change_link (m);
  else if (what == 6 && stream != NULL && one_in (4))
    fake_stream_end (stream, new_failure ());
  else if (what < 9)
    fake_rebuilder_go_on ();
  else if (stream != NULL)
    fake_stream_go_on (stream, one_in (50));
  plan (m);
}

/* With all that is under way come, whoever waits has got his unit if it can be
 * had at all. */
static void
check_end (Model * m)
{
  PmssEngine *engine = m->engine;
  guint index;
  gsize skip;
  PmssRow *row;
  gboolean hit = read_unit (m, m->unit);

  for (guint i = 0; fake_rebuilder_go_on () || fake_streams.live->len > 0; i++) {
    g_assert_cmpuint (i, <, ENOUGH);
    if (fake_streams.live->len > 0)
      fake_stream_go_on (fake_streams.live->pdata[0], FALSE);
    plan (m);
  }
  if (hit)
    return;
  row = pmss_rows_get (&engine->rows, pmss_rows_at (&engine->rows,
          m->unit * UNIT, &index, &skip));
  if (count_sources (m, row, TRUE) >= m->redundancy.k)
    g_assert_cmpint (row->slots[index].state, ==, PMSS_UNIT_READY);
  else if (row->slots[index].state != PMSS_UNIT_READY
      && !can_be_asked (m, row, index, TRUE))
    g_assert_cmpint (row->stuck_since, !=, 0);
}

static void
test_model (void)
{
  for (guint i = 0; i < cases; i++) {
    Model m = { 0, };

    fake_streams_init (get_shard, &m);
    fake_streams.asked = check_request;
    make_medium (&m);
    open_engine (&m);
    read_unit (&m, 0);
    for (guint j = 0; j < STEPS; j++)
      step (&m);
    check_end (&m);
    model_clear (&m);
  }
}

/* --- The end of the medium --- */

/* Records that @link has to give, under way or wanted. */
static guint
link_load (Model * m, PmssLink * link)
{
  PmssEngine *engine = m->engine;
  guint load = 0;

  for (guint i = 0; i < link->streams->len; i++) {
    PmssStream *stream = link->streams->pdata[i];
    const PmssStreamRange *range = pmss_stream_get_range (stream);

    load += range->first_row + range->n_rows - pmss_stream_get_row (stream);
  }
  for (guint64 number = engine->cursors.active->row;
      number < engine->rows.n_rows; number++) {
    PmssRow *row = pmss_rows_get (&engine->rows, number);
    gint index = pmss_links_get_link_shard (&engine->links, link, row->extent);

    load += index >= 0 && row->slots[index].wanted
        && row->slots[index].state == PMSS_UNIT_NONE;
  }
  return load;
}

/* Of a row, just as many units were asked for as it takes, or will be. */
static void
check_exact (Model * m, PmssRow * row)
{
  PmssExtentGeometry geometry;
  guint had = 0, rebuilt = 0, empty = 0;

  pmss_rows_geometry (&m->engine->rows, row, &geometry);
  for (guint i = 0; i < m->n; i++) {
    had += row->slots[i].state == PMSS_UNIT_READY
        || row->slots[i].state == PMSS_UNIT_ASKED || row->slots[i].wanted;
    rebuilt += i < m->redundancy.k && (row->missing & (1u << i));
    empty += pmss_extent_geometry_unit_length (&geometry, row->row, i) == 0;
  }
  g_assert_cmpuint (had + empty, ==, m->redundancy.k);
  g_assert_cmpuint (rebuilt, <=, m->redundancy.m);
}

/* No unit that can still be asked for elsewhere is wanted of a node that has two
 * records more to give. */
static void
check_even (Model * m, PmssRow * row)
{
  PmssExtentGeometry geometry;
  PmssLink *links[PMSS_MAX_SHARDS];

  pmss_rows_geometry (&m->engine->rows, row, &geometry);
  for (guint i = 0; i < m->n; i++)
    links[i] = pmss_links_get_shard_link (&m->engine->links, row->extent, i);
  for (guint i = 0; i < m->n; i++)
    for (guint j = 0; j < m->n; j++)
      if (row->slots[i].wanted && row->slots[i].state == PMSS_UNIT_NONE
          && !row->slots[j].wanted && row->slots[j].state == PMSS_UNIT_NONE
          && pmss_extent_geometry_unit_length (&geometry, row->row, i) == UNIT
          && pmss_extent_geometry_unit_length (&geometry, row->row, j) == UNIT)
        g_assert_cmpuint (link_load (m, links[i]), <=,
            link_load (m, links[j]) + 1);
}

static void
check_tail (Model * m)
{
  PmssEngine *engine = m->engine;
  guint64 first = engine->cursors.active->row + 1;

  if (pmss_cursors_get_window_end (&engine->cursors,
          engine->cursors.active) < engine->rows.n_rows)
    return;
  for (guint64 number = first; number < engine->rows.n_rows; number++) {
    check_exact (m, pmss_rows_get (&engine->rows, number));
    check_even (m, pmss_rows_get (&engine->rows, number));
  }
}

/* Whoever reads takes what there is. */
static void
read_on (Model * m)
{
  while (m->unit + 1 < pmss_layout_get_n_units (m->layout)
      && read_unit (m, m->unit))
    m->unit++;
}

/* All links are equally fast, and so end together: a record of each a turn. */
static void
test_tail (void)
{
  for (guint i = 0; i < cases; i++) {
    Model m = {.well = TRUE };
    guint records = 0;

    fake_streams_init (get_shard, &m);
    fake_streams.asked = check_request;
    make_medium (&m);
    open_engine (&m);
    /* It may have to go, and come again, where the cache is small. */
    m.engine->plan.tail_asked = TRUE;
    read_unit (&m, 0);
    while (fake_streams.live->len > 0) {
      for (guint j = 0; j < m.engine->links.all->len; j++) {
        PmssLink *link = m.engine->links.all->pdata[j];

        if (link->streams->len == 0)
          continue;
        fake_stream_go_on (link->streams->pdata[0], FALSE);
        while (fake_rebuilder_go_on ());
        records++;
        plan (&m);
        check_tail (&m);
      }
      read_on (&m);
      check_tail (&m);
    }
    g_assert_cmpuint (records, ==, pmss_layout_get_n_units (m.layout));
    g_assert_true (read_unit (&m, m.unit));
    model_clear (&m);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (g_getenv ("PMSS_TEST_FEW") != NULL)
    cases = FEW_CASES;
  g_test_add_func ("/plan/model", test_model);
  g_test_add_func ("/plan/tail", test_tail);
  return g_test_run ();
}
