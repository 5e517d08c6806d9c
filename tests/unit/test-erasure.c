/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/format/pmss-erasure.h"

/* odd, and long enough for ISA-L's wide kernels and their tails */
#define LENGTH 161

typedef struct
{
  PmssErasure *erasure;
  guint k, n;
  gsize length;
  guint8 *units[PMSS_MAX_SHARDS];
} Row;

static void
row_init (Row * row, guint k, guint m, gsize length)
{
  GRand *rand = g_rand_new_with_seed (1000 * k + m);

  row->erasure = pmss_erasure_new ((PmssRedundancy) {
      k, m});
  row->k = k;
  row->n = k + m;
  row->length = length;
  for (guint i = 0; i < row->n; i++) {
    row->units[i] = g_malloc (length);
    for (gsize j = 0; j < length; j++)
      row->units[i][j] = i < k ? g_rand_int (rand) : 0xee;
  }
  pmss_erasure_encode (row->erasure, (const guint8 **) row->units,
      row->units + k, length);
  g_rand_free (rand);
}

static void
row_clear (Row * row)
{
  for (guint i = 0; i < row->n; i++)
    g_free (row->units[i]);
  pmss_erasure_unref (row->erasure);
}

/* Rebuilds all that is not in @have_set. */
static void
check_loss (Row * row, guint32 have_set)
{
  guint8 have[PMSS_MAX_K] = { 0 }, want[PMSS_MAX_M] = { 0 };
  const guint8 *in[PMSS_MAX_K] = { 0 };
  guint8 buffer[PMSS_MAX_M][LENGTH + 1];
  guint8 *out[PMSS_MAX_M] = { 0 };
  guint n_have = 0, n_want = 0;

  for (guint i = 0; i < row->n; i++) {
    if (have_set & 1u << i) {
      in[n_have] = row->units[i];
      have[n_have++] = i;
    } else {
      out[n_want] = buffer[n_want];
      want[n_want++] = i;
    }
  }
  memset (buffer, 0x55, sizeof (buffer));
  pmss_erasure_decode (row->erasure, have, in, want, n_want, out, row->length);
  for (guint i = 0; i < n_want; i++) {
    g_assert_cmpmem (out[i], row->length, row->units[want[i]], row->length);
    g_assert_cmpuint (out[i][row->length], ==, 0x55);
  }
}

static void
test_every_loss (void)
{
  for (guint k = 1; k <= PMSS_MAX_K; k++) {
    for (guint m = 0; m <= PMSS_MAX_M; m++) {
      Row row;

      row_init (&row, k, m, LENGTH);
      for (guint32 set = 0; set < 1u << row.n; set++) {
        if ((guint) __builtin_popcount (set) == k)
          check_loss (&row, set);
      }
      row_clear (&row);
    }
  }
}

static void
test_lengths (void)
{
  for (gsize length = 1; length <= LENGTH; length++) {
    Row row;

    row_init (&row, 4, 2, length);
    check_loss (&row, 0x3c);
    check_loss (&row, 0x2b);
    row_clear (&row);
  }
}

/* Any one wanted alone, the others of the lost ones not asked for. */
static void
test_one_of_many (void)
{
  Row row;

  row_init (&row, 6, 3, LENGTH);
  for (guint8 want = 0; want < 3; want++) {
    guint8 have[] = { 3, 4, 5, 6, 7, 8 };
    guint8 buffer[LENGTH];
    guint8 *out = buffer;

    pmss_erasure_decode (row.erasure, have, (const guint8 **) row.units + 3,
        &want, 1, &out, LENGTH);
    g_assert_cmpmem (buffer, LENGTH, row.units[want], LENGTH);
  }
  row_clear (&row);
}

static void
test_replicas (void)
{
  Row row;

  row_init (&row, 1, 4, LENGTH);
  for (guint i = 1; i < 5; i++)
    g_assert_cmpmem (row.units[i], LENGTH, row.units[0], LENGTH);
  row_clear (&row);
}

/* Multiplication over GF(2^8) modulo 0x11d, on its own. */
static guint8
multiply (guint8 a, guint8 b)
{
  guint8 product = 0;

  for (; b != 0; b >>= 1) {
    if (b & 1)
      product ^= a;
    a = a << 1 ^ (a & 0x80 ? 0x1d : 0);
  }
  return product;
}

/* The parity is the one that docs/protocol.md describes, so that another
 * implementation can read what this one wrote. */
static void
test_matrix (void)
{
  Row row;

  row_init (&row, 5, 3, LENGTH);
  for (guint i = 0; i < 3; i++) {
    for (gsize at = 0; at < LENGTH; at++) {
      guint8 sum = 0, coefficient = 1;

      for (guint j = 0; j < 5; j++) {
        sum ^= multiply (coefficient, row.units[j][at]);
        coefficient = multiply (coefficient, 1 << i);
      }
      g_assert_cmphex (row.units[5 + i][at], ==, sum);
    }
  }
  row_clear (&row);
}

static gpointer
decode_many (gpointer data)
{
  Row *row = data;

  /* more sets than the cache holds, in an order of each thread's own */
  for (guint round = 0; round < 3; round++) {
    for (guint32 set = 0; set < 1u << row->n; set++) {
      if ((guint) __builtin_popcount (set) == row->k)
        check_loss (row, set);
    }
  }
  return NULL;
}

static void
test_threads (void)
{
  GThread *threads[4];
  Row row;

  row_init (&row, 6, 3, LENGTH);
  for (guint i = 0; i < 4; i++)
    threads[i] = g_thread_new ("decode", decode_many, &row);
  for (guint i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  row_clear (&row);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/erasure/every-loss", test_every_loss);
  g_test_add_func ("/erasure/lengths", test_lengths);
  g_test_add_func ("/erasure/one-of-many", test_one_of_many);
  g_test_add_func ("/erasure/replicas", test_replicas);
  g_test_add_func ("/erasure/matrix", test_matrix);
  g_test_add_func ("/erasure/threads", test_threads);
  return g_test_run ();
}
