/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of units: rebuilt, believed or not, kept or dropped. */
#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-striper.h"
#include "libpmss/reader/pmss-rebuilder.h"

#define UNIT 4096u
#define K 4u
#define M 2u
#define N (K + M)

typedef struct
{
  guint64 payload;              /* of the only extent */
  guint8 *bytes;
  PmssLayout *layout;
  PmssErasure *erasure;
  PmssBlockPool *pool;
  PmssRows rows;
  PmssExtentGeometry geometry;
  GBytes *shards[PMSS_MAX_SHARDS];
} Fixture;

static void
set_up (Fixture * f, guint64 payload)
{
  static const PmssRedundancy redundancy = { K, M };
  PmssVersionId version;
  gint nodes[N];
  guint64 i;

  pmss_version_id_generate (&version);
  f->payload = payload;
  f->bytes = g_malloc (payload);
  for (i = 0; i < payload; i++)
    f->bytes[i] = g_test_rand_int ();
  f->layout = pmss_layout_new (&version, payload, redundancy, UNIT,
      8 * K * UNIT, NULL);
  for (i = 0; i < N; i++) {
    PmssNode node =
        { i + 1, (char *) "127.0.0.1", 8471 + i, FALSE, (char *) "" };

    nodes[i] = pmss_layout_add_node (f->layout, &node);
  }
  pmss_layout_set_extent (f->layout, 0, nodes);
  pmss_layout_get_geometry (f->layout, 0, &f->geometry);
  f->erasure = pmss_erasure_new (redundancy);
  f->pool = pmss_block_pool_new (UNIT);
  pmss_striper_run (f->erasure, &f->geometry, f->bytes, f->shards);
  pmss_rows_init (&f->rows, f->layout, NULL);
}

static void
tear_down (Fixture * f)
{
  guint i;

  pmss_rows_clear (&f->rows);
  for (i = 0; i < N; i++)
    g_bytes_unref (f->shards[i]);
  pmss_block_pool_free (f->pool);
  pmss_erasure_unref (f->erasure);
  pmss_layout_unref (f->layout);
  g_free (f->bytes);
}

static gboolean
exists (Fixture * f, guint row, guint index)
{
  return pmss_extent_geometry_unit_length (&f->geometry, row, index) > 0;
}

static PmssBlock *
new_block (Fixture * f, guint row, guint index)
{
  PmssBlock *block = pmss_block_pool_take (f->pool);
  const guint8 *shard = g_bytes_get_data (f->shards[index], NULL);

  memcpy (pmss_block_get_record (block),
      shard + pmss_extent_geometry_record_offset (&f->geometry, row),
      PMSS_RECORD_HEADER_SIZE +
      pmss_extent_geometry_unit_length (&f->geometry, row, index));
  return block;
}

static void
give (Fixture * f, PmssRow * row, guint index)
{
  PmssBlock *block = new_block (f, row->row, index);

  g_assert_true (pmss_rows_check_crc (&f->rows, row, block));
  pmss_rows_set_ready (&f->rows, row, index, block);
}

static void
check_row (Fixture * f, PmssRow * row)
{
  guint j;

  for (j = 0; j < K; j++) {
    guint length = pmss_extent_geometry_unit_length (&f->geometry, row->row, j);

    if (length == 0)
      continue;
    g_assert_cmpint (row->slots[j].state, ==, PMSS_UNIT_READY);
    g_assert_cmpmem (pmss_block_get_unit (row->slots[j].block), length,
        f->bytes + ((guint64) row->row * K + j) * UNIT, length);
  }
}

/* The units that were made. */
static guint32
rebuild (Fixture * f, PmssRow * row, GError ** error)
{
  PmssRowJob *job = pmss_row_job_begin (&f->rows, row, f->pool);
  guint32 spared;

  pmss_row_job_run (job, f->erasure);
  return pmss_row_job_end (job, &f->rows, &spared, error);
}

/* Every pattern of lost units, in full rows and in the one at the end. */
static void
test_rebuild (gconstpointer data)
{
  Fixture f = { 0, };
  guint lost, r, i;

  set_up (&f, GPOINTER_TO_SIZE (data));
  for (lost = 0; lost < 1u << N; lost++) {
    if (__builtin_popcount (lost) != M)
      continue;
    for (r = 0; r < f.rows.n_rows; r++) {
      PmssRow *row = pmss_rows_ensure (&f.rows, r);

      for (i = 0; i < N; i++) {
        if (!exists (&f, r, i))
          continue;
        if (!(lost & (1u << i)))
          give (&f, row, i);
        else if (i < K)
          row->missing |= 1u << i;
      }
      if (row->missing != 0)
        g_assert_cmpuint (rebuild (&f, row, NULL), ==, lost & ((1u << K) - 1)
            & (exists (&f, r, 3) ? 15u : exists (&f, r, 2) ? 7u
                : exists (&f, r, 1) ? 3u : 1u));
      check_row (&f, row);
    }
    pmss_rows_evict (&f.rows, G_MAXUINT64, G_MAXUINT64, 0);
    g_assert_cmpuint (f.rows.n_blocks, ==, 0);
  }
  tear_down (&f);
}

/* A unit whose record is right and whose bytes are not makes the rebuilt one
 * wrong: nobody may get it. */
static void
test_rebuild_checks (void)
{
  Fixture f = { 0, };
  g_autoptr (GError) error = NULL;
  PmssRow *row;
  guint i;

  set_up (&f, K * UNIT);
  row = pmss_rows_ensure (&f.rows, 0);
  for (i = 1; i <= K; i++)
    give (&f, row, i);
  pmss_block_get_unit (row->slots[2].block)[17] ^= 1;
  row->missing = 1;
  g_assert_cmpuint (rebuild (&f, row, &error), ==, 0);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT);
  g_assert_cmpint (row->slots[0].state, ==, PMSS_UNIT_NONE);
  tear_down (&f);
}

/* The record of unit @index, which says of unit 0 what the others do not. */
static PmssBlock *
new_lie (Fixture * f, guint index)
{
  PmssBlock *block = new_block (f, 0, index);
  PmssRecordHeader record;

  g_assert_true (pmss_record_header_parse (pmss_block_get_record (block),
          &record, NULL));
  record.crc[0] ^= 1;
  pmss_record_header_write (&record, pmss_block_get_record (block));
  return block;
}

static gboolean
check_crc (Fixture * f, PmssRow * row, PmssBlock * block)
{
  gboolean good = pmss_rows_check_crc (&f->rows, row, block);

  pmss_block_unref (block);
  return good;
}

static void
test_contradiction (void)
{
  Fixture f = { 0, };
  PmssRow *row;

  set_up (&f, K * UNIT);
  row = pmss_rows_ensure (&f.rows, 0);
  give (&f, row, 0);
  g_assert_false (check_crc (&f, row, new_lie (&f, 1)));
  g_assert_cmpint (row->slots[0].state, ==, PMSS_UNIT_READY);
  g_assert_cmpint (row->slots[1].state, ==, PMSS_UNIT_BAD);
  give (&f, row, 2);
  tear_down (&f);
}

/* A lie that came first is believed until two have contradicted it. */
static void
test_outnumbered (void)
{
  Fixture f = { 0, };
  PmssRow *row;
  PmssBlock *lie;
  guint i;

  set_up (&f, K * UNIT);
  row = pmss_rows_ensure (&f.rows, 0);
  lie = new_lie (&f, 1);
  g_assert_true (pmss_rows_check_crc (&f.rows, row, lie));
  pmss_rows_set_ready (&f.rows, row, 1, lie);
  g_assert_false (check_crc (&f, row, new_block (&f, 0, 2)));
  g_assert_cmpint (row->slots[2].state, ==, PMSS_UNIT_BAD);
  g_assert_false (check_crc (&f, row, new_block (&f, 0, 3)));
  g_assert_cmpint (row->slots[1].state, ==, PMSS_UNIT_BAD);
  g_assert_cmpint (row->slots[2].state, ==, PMSS_UNIT_NONE);
  g_assert_cmpint (row->slots[3].state, ==, PMSS_UNIT_NONE);

  for (i = 0; i < N; i++)
    if (i != 1 && i != 5)
      give (&f, row, i);
  row->missing = 1u << 1;
  g_assert_cmpuint (rebuild (&f, row, NULL), ==, 1u << 1);
  check_row (&f, row);
  tear_down (&f);
}

/* Those whose word did not hold are not believed any more, if enough others may
 * be asked in their place. */
static void
test_disbelieved (void)
{
  Fixture f = { 0, };
  PmssRow *row, *other;
  PmssBlock *lie;
  guint i;

  set_up (&f, 2 * K * UNIT);
  row = pmss_rows_ensure (&f.rows, 0);
  lie = new_lie (&f, 1);
  g_assert_true (pmss_rows_check_crc (&f.rows, row, lie));
  pmss_rows_set_ready (&f.rows, row, 1, lie);
  g_assert_true (pmss_rows_disbelieve (&f.rows, row));
  g_assert_cmpint (row->slots[1].state, ==, PMSS_UNIT_BAD);
  for (i = 2; i < N; i++)
    give (&f, row, i);

  other = pmss_rows_ensure (&f.rows, 1);
  for (i = 0; i <= N - K; i++)
    give (&f, other, i);
  g_assert_false (pmss_rows_disbelieve (&f.rows, other));
  g_assert_cmpint (other->slots[0].state, ==, PMSS_UNIT_READY);
  tear_down (&f);
}

/* A job whose row changes meanwhile leaves it as it is. */
static void
test_overtaken (void)
{
  Fixture f = { 0, };
  PmssRowJob *job;
  PmssBlock *own;
  PmssRow *row;
  guint32 spared;
  guint i;

  set_up (&f, K * UNIT);
  row = pmss_rows_ensure (&f.rows, 0);
  for (i = 1; i <= K; i++)
    give (&f, row, i);
  row->missing = 1;
  job = pmss_row_job_begin (&f.rows, row, f.pool);
  pmss_rows_evict (&f.rows, 1, 1, 0);
  g_assert_true (pmss_rows_get (&f.rows, 0) == row);
  give (&f, row, 0);
  own = row->slots[0].block;
  pmss_row_job_run (job, f.erasure);
  g_assert_cmpuint (pmss_row_job_end (job, &f.rows, &spared, NULL), ==, 0);
  g_assert_true (row->slots[0].block == own);
  g_assert_null (row->job);
  g_assert_cmpuint (row->coming, ==, 0);
  tear_down (&f);
}

/* So does one made with the help of a lie that is not believed any more: and
 * the one that was begun in its place is not disturbed. */
static void
test_overruled (void)
{
  Fixture f = { 0, };
  PmssRowJob *wrong, *job;
  PmssBlock *lie;
  PmssRow *row;
  GError *error = NULL;
  guint32 spared;
  guint i;

  set_up (&f, K * UNIT);
  row = pmss_rows_ensure (&f.rows, 0);
  lie = new_lie (&f, 1);
  g_assert_true (pmss_rows_check_crc (&f.rows, row, lie));
  pmss_rows_set_ready (&f.rows, row, 1, lie);
  for (i = 2; i <= K; i++)
    pmss_rows_set_ready (&f.rows, row, i, new_block (&f, 0, i));
  row->missing = 1;
  wrong = pmss_row_job_begin (&f.rows, row, f.pool);
  pmss_row_job_run (wrong, f.erasure);
  for (i = 2; i <= 3; i++)
    check_crc (&f, row, new_block (&f, 0, i));
  for (i = 2; i < N; i++)
    give (&f, row, i);
  row->missing = 3;
  job = pmss_row_job_begin (&f.rows, row, f.pool);
  g_assert_cmpuint (pmss_row_job_end (wrong, &f.rows, &spared, &error), ==, 0);
  g_assert_no_error (error);
  g_assert_true (row->job == job);
  pmss_row_job_run (job, f.erasure);
  g_assert_cmpuint (pmss_row_job_end (job, &f.rows, &spared, &error), ==, 3);
  g_assert_no_error (error);
  check_row (&f, row);
  tear_down (&f);
}

#define THREAD_ROWS 5

typedef struct
{
  Fixture base;
  GMutex lock;                  /* protects the rows and what is below */
  GCond cond;
  guint made;
} Threaded;

static void
note_made (PmssRowJob * job, gpointer data)
{
  Threaded *t = data;
  guint32 spared;

  g_assert_true (pmss_rebuilder_is_own_thread ());
  g_mutex_lock (&t->lock);
  pmss_row_job_end (job, &t->base.rows, &spared, NULL);
  t->made++;
  g_cond_signal (&t->cond);
  g_mutex_unlock (&t->lock);
}

static void
push_row (Threaded * t, PmssRebuilder * rebuilder, guint number)
{
  Fixture *f = &t->base;
  PmssRow *row;
  guint i;

  g_mutex_lock (&t->lock);
  row = pmss_rows_ensure (&f->rows, number);
  for (i = 1; i <= K; i++)
    give (f, row, i);
  row->missing = 1;
  pmss_rebuilder_push (rebuilder, pmss_row_job_begin (&f->rows, row, f->pool),
      number % 2);
  g_mutex_unlock (&t->lock);
}

static void
test_thread (void)
{
  Threaded t = { {0,}, };
  PmssRebuilder *rebuilder;
  PmssLoop *loop;
  guint r;

  set_up (&t.base, (THREAD_ROWS + 1) * K * UNIT);
  g_mutex_init (&t.lock);
  g_cond_init (&t.cond);
  loop = pmss_loop_new (NULL);
  rebuilder = pmss_rebuilder_new (loop, t.base.erasure, note_made, &t);
  g_assert_false (pmss_rebuilder_is_own_thread ());
  for (r = 0; r < THREAD_ROWS; r++)
    push_row (&t, rebuilder, r);
  g_mutex_lock (&t.lock);
  while (t.made < THREAD_ROWS)
    g_cond_wait (&t.cond, &t.lock);
  for (r = 0; r < THREAD_ROWS; r++)
    check_row (&t.base, pmss_rows_get (&t.base.rows, r));
  g_mutex_unlock (&t.lock);
  /* done or not, it goes */
  push_row (&t, rebuilder, THREAD_ROWS);
  pmss_rebuilder_free (rebuilder);
  pmss_loop_free (loop);
  g_mutex_clear (&t.lock);
  g_cond_clear (&t.cond);
  tear_down (&t.base);
}

static void
test_places (void)
{
  Fixture f = { 0, };
  guint index;
  gsize skip;

  set_up (&f, 3 * K * UNIT + 5);
  g_assert_cmpuint (f.rows.n_rows, ==, 4);
  g_assert_cmpuint (pmss_rows_at (&f.rows, 0, &index, &skip), ==, 0);
  g_assert_cmpuint (pmss_rows_at (&f.rows, K * UNIT + UNIT + 7, &index, &skip),
      ==, 1);
  g_assert_cmpuint (index, ==, 1);
  g_assert_cmpuint (skip, ==, 7);
  tear_down (&f);
}

/* Rows that are read again stay, rows in the window and rows under way stay. */
static void
test_evict (void)
{
  Fixture f = { 0, };
  PmssRow *row;
  guint r;

  set_up (&f, 6 * K * UNIT);
  for (r = 0; r < 6; r++)
    give (&f, pmss_rows_ensure (&f.rows, r), 0);
  pmss_rows_set_asked (&f.rows, pmss_rows_get (&f.rows, 1), 1, NULL);
  pmss_rows_get (&f.rows, 0)->used = ++f.rows.clock;
  pmss_rows_evict (&f.rows, 4, 5, 5);
  g_assert_nonnull (pmss_rows_get (&f.rows, 0));
  g_assert_nonnull (pmss_rows_get (&f.rows, 1));
  g_assert_null (pmss_rows_get (&f.rows, 2));
  g_assert_null (pmss_rows_get (&f.rows, 3));
  row = pmss_rows_get (&f.rows, 1);
  pmss_rows_evict (&f.rows, 4, 5, 0);
  g_assert_true (pmss_rows_get (&f.rows, 1) == row);
  g_assert_null (pmss_rows_get (&f.rows, 0));
  tear_down (&f);
}

/* A slice outlives row, rows and pool. */
static void
test_slice (void)
{
  Fixture f = { 0, };
  g_autoptr (GBytes) slice = NULL;
  PmssRow *row;
  guint8 first;

  set_up (&f, K * UNIT);
  row = pmss_rows_ensure (&f.rows, 0);
  give (&f, row, 0);
  slice = pmss_block_slice (row->slots[0].block, 1, 2);
  first = f.bytes[1];
  tear_down (&f);
  g_assert_cmpint (*(const guint8 *) g_bytes_get_data (slice, NULL), ==, first);
}

/* What cannot be rebuilt for want of memory is an error of its row, and can be tried again. */
static void
test_no_memory (void)
{
  /* the last row has units that are not there, for which zeros are taken */
  static const guint64 payloads[] = { 8 * K * UNIT, K * UNIT + 1 };

  for (guint p = 0; p < G_N_ELEMENTS (payloads); p++) {
    g_autoptr (PmssBlockPool) none = pmss_block_pool_new ((gsize) 1 << 60);
    g_autoptr (GError) error = NULL;
    Fixture f = { 0, };
    PmssRow *row;
    PmssRowJob *job;
    guint32 spared;

    set_up (&f, payloads[p]);
    row = pmss_rows_ensure (&f.rows, p);
    pmss_rows_set_empty (&f.rows, row, 0, PMSS_UNIT_BAD);
    row->missing = 1;
    for (guint i = 1; i < K + 1; i++)
      if (exists (&f, row->row, i))
        give (&f, row, i);
    job = pmss_row_job_begin (&f.rows, row, none);
    pmss_row_job_run (job, f.erasure);
    g_assert_cmpuint (pmss_row_job_end (job, &f.rows, &spared, &error), ==, 0);
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_FAILED);
    g_clear_error (&error);
    job = pmss_row_job_begin (&f.rows, row, f.pool);
    pmss_row_job_run (job, f.erasure);
    g_assert_cmpuint (pmss_row_job_end (job, &f.rows, &spared, &error), ==, 1);
    g_assert_no_error (error);
    tear_down (&f);
  }
}

int
main (int argc, char **argv)
{
  static const guint64 payloads[] = { 1, UNIT, UNIT + 1, K * UNIT,
    K * UNIT + 1, 2 * K * UNIT + 3 * UNIT + 100, 8 * K * UNIT
  };
  guint i;

  g_test_init (&argc, &argv, NULL);
  for (i = 0; i < G_N_ELEMENTS (payloads); i++) {
    g_autofree char *path =
        g_strdup_printf ("/rows/rebuild/%" G_GUINT64_FORMAT, payloads[i]);

    g_test_add_data_func (path, GSIZE_TO_POINTER (payloads[i]), test_rebuild);
  }
  g_test_add_func ("/rows/rebuild-checks", test_rebuild_checks);
  g_test_add_func ("/rows/contradiction", test_contradiction);
  g_test_add_func ("/rows/outnumbered", test_outnumbered);
  g_test_add_func ("/rows/disbelieved", test_disbelieved);
  g_test_add_func ("/rows/overtaken", test_overtaken);
  g_test_add_func ("/rows/overruled", test_overruled);
  g_test_add_func ("/rows/thread", test_thread);
  g_test_add_func ("/rows/places", test_places);
  g_test_add_func ("/rows/evict", test_evict);
  g_test_add_func ("/rows/slice", test_slice);
  g_test_add_func ("/rows/no-memory", test_no_memory);
  return g_test_run ();
}
