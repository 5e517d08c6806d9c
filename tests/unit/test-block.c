/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks, and the pool that their memory comes from. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpmss/format/pmss-shard.h"
#include "libpmss/reader/pmss-block.h"

#define UNIT 4096u

/* Blocks do not share memory, come back, and adjacent ones are adjacent. */
static void
test_adjacent (void)
{
  g_autoptr (PmssBlockPool) pool = pmss_block_pool_new (UNIT);
  const gsize record = PMSS_RECORD_HEADER_SIZE + UNIT;
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  PmssBlock *blocks[5000];
  guint n = 0;

  while (n < G_N_ELEMENTS (blocks)) {
    /* the macro may evaluate its arguments twice */
    guint wanted = g_test_rand_int_range (1, 8);
    guint most = MIN (wanted, G_N_ELEMENTS (blocks) - n);
    guint got = pmss_block_pool_take_adjacent (pool, blocks + n, most);

    g_assert_cmpuint (got, >=, 1);
    g_assert_cmpuint (got, <=, most);
    for (guint i = 0; i < got; i++) {
      guint8 *memory = pmss_block_get_record (blocks[n + i]);

      g_assert_true (memory == pmss_block_get_record (blocks[n]) + i * record);
      g_assert_true (g_hash_table_add (seen, memory));
      memset (memory, i, record);
    }
    n += got;
  }
  for (guint i = 0; i < n; i++)
    pmss_block_unref (blocks[i]);
  for (guint i = 0; i < n; i++) {
    blocks[i] = pmss_block_pool_take (pool);
    g_assert_true (g_hash_table_remove (seen,
            pmss_block_get_record (blocks[i])));
  }
  for (guint i = 0; i < n; i++)
    pmss_block_unref (blocks[i]);
}

static gboolean
is_mapped (guint8 * memory)
{
  gsize page = sysconf (_SC_PAGESIZE);
  unsigned char resident;

  return mincore ((guint8 *) ((gsize) memory & ~(page - 1)), page,
      &resident) == 0;
}

/* When the owner has gone, a block that somebody holds does not keep all that
 * ever was in use. */
static void
test_left (void)
{
  enum
  { FIRST, KEPT, LATER, N_BLOCKS };
  PmssBlockPool *pool = pmss_block_pool_new (PMSS_MAX_UNIT);
  PmssBlock *blocks[N_BLOCKS];
  guint8 *memory[N_BLOCKS];

  /* a unit as large as this has a piece of memory of its own */
  for (guint i = 0; i < N_BLOCKS; i++) {
    blocks[i] = pmss_block_pool_take (pool);
    memory[i] = pmss_block_get_record (blocks[i]);
    memory[i][0] = i;
  }
  pmss_block_unref (blocks[FIRST]);
  g_assert_true (is_mapped (memory[FIRST]));
  pmss_block_pool_free (pool);
  g_assert_false (is_mapped (memory[FIRST]));
  g_assert_true (is_mapped (memory[LATER]));
  pmss_block_unref (blocks[LATER]);
  g_assert_false (is_mapped (memory[LATER]));
  g_assert_cmpuint (memory[KEPT][0], ==, KEPT);
  pmss_block_unref (blocks[KEPT]);
}

/* Free blocks have memory as long as it is to be kept; what is taken is not touched. */
static void
test_spare (void)
{
  enum
  { N_BLOCKS = 4, N_FREE = 3 };
  g_autoptr (PmssBlockPool) pool = pmss_block_pool_new (PMSS_DEFAULT_UNIT);
  PmssBlock *blocks[N_BLOCKS];

  g_assert_cmpuint (pmss_block_pool_take_adjacent (pool, blocks, N_BLOCKS), ==,
      N_BLOCKS);
  for (guint i = 0; i < N_BLOCKS; i++)
    memset (pmss_block_get_unit (blocks[i]), 1 + i, PMSS_DEFAULT_UNIT);
  for (guint i = 0; i < N_FREE; i++)
    pmss_block_unref (blocks[i]);
  g_assert_cmpuint (pmss_block_pool_get_spare (pool), ==, N_FREE);
  pmss_block_pool_set_spare (pool, 1);
  g_assert_cmpuint (pmss_block_pool_get_spare (pool), ==, 1);
  pmss_block_unref (blocks[N_FREE]);
  g_assert_cmpuint (pmss_block_pool_get_spare (pool), ==, 1);
  g_assert_cmpuint (pmss_block_pool_take_adjacent (pool, blocks, N_BLOCKS), ==,
      N_BLOCKS);
  g_assert_cmpuint (pmss_block_pool_get_spare (pool), ==, 0);
  for (guint i = 0; i < N_BLOCKS; i++)
    g_assert_cmpuint (pmss_block_get_unit (blocks[i])[PMSS_DEFAULT_UNIT / 2],
        ==, i == 0 ? 1 : 0);
  for (guint i = 0; i < N_BLOCKS; i++)
    pmss_block_unref (blocks[i]);
}

/* A pool that has grown, where the kernel may give huge pages: what is given back is given back, and
 * what lies beside it stays. */
static void
test_grown (void)
{
  enum
  { N_BLOCKS = 160, KEPT = 3 };
  g_autoptr (PmssBlockPool) pool = pmss_block_pool_new (PMSS_DEFAULT_UNIT);
  PmssBlock *blocks[N_BLOCKS];

  for (guint i = 0; i < N_BLOCKS; i++) {
    blocks[i] = pmss_block_pool_take (pool);
    memset (pmss_block_get_unit (blocks[i]), 1 + i, PMSS_DEFAULT_UNIT);
  }
  pmss_block_pool_set_spare (pool, 0);
  for (guint i = 0; i < N_BLOCKS; i++) {
    if (i % KEPT != 0)
      pmss_block_unref (blocks[i]);
  }
  g_assert_cmpuint (pmss_block_pool_get_spare (pool), ==, 0);
  for (guint i = 0; i < N_BLOCKS; i++) {
    if (i % KEPT != 0)
      blocks[i] = pmss_block_pool_take (pool);
    g_assert_cmpuint (pmss_block_get_unit (blocks[i])[PMSS_DEFAULT_UNIT / 2],
        ==, i % KEPT != 0 ? 0 : 1 + i);
  }
  for (guint i = 0; i < N_BLOCKS; i++)
    pmss_block_unref (blocks[i]);
}

/* More than there is: nothing, and no more than that. */
static void
test_empty (void)
{
  g_autoptr (PmssBlockPool) pool = pmss_block_pool_new ((gsize) 1 << 60);
  PmssBlock *blocks[2];

  g_assert_null (pmss_block_pool_take (pool));
  g_assert_cmpuint (pmss_block_pool_take_adjacent (pool, blocks, 2), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/block/adjacent", test_adjacent);
  g_test_add_func ("/block/left", test_left);
  g_test_add_func ("/block/spare", test_spare);
  g_test_add_func ("/block/grown", test_grown);
  g_test_add_func ("/block/empty", test_empty);
  return g_test_run ();
}
