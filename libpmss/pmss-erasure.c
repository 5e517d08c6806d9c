/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pmss-erasure.h"

#include <string.h>

#include <isa-l/crc.h>
#include <isa-l/erasure_code.h>

/* Decoding tables in the cache of one codec. A reader meets few have-sets at a
 * time: those of the nodes that fail now, in the roles of each extent; 4+2 has
 * 15 of them in all. */
#define CACHE_SIZE 64

/* bytes that ISA-L's multiplication tables take for each coefficient */
#define TABLE_SIZE 32

/* How to get all n units of a row from the k of one have-set. */
typedef struct
{
  guint32 have;                 /* bit i: unit i */
  guint64 used;                 /* when, in calls of the cache */
  guint8 tables[];              /* n rows of k * TABLE_SIZE */
} Decoder;

struct _PmssErasure
{
  gatomicrefcount refs;
  guint k, m;
  /* the code's matrix: n rows of k; the upper k are the identity */
  guint8 matrix[PMSS_MAX_SHARDS * PMSS_MAX_K];
  guint8 parity_tables[PMSS_MAX_M * PMSS_MAX_K * TABLE_SIZE];

  /* protects what follows */
  GMutex lock;
  Decoder *cache[CACHE_SIZE];
  guint64 clock;
};

PmssErasure *
pmss_erasure_new (PmssRedundancy redundancy)
{
  PmssErasure *erasure;

  g_return_val_if_fail (pmss_redundancy_check (redundancy), NULL);

  erasure = g_new0 (PmssErasure, 1);
  g_atomic_ref_count_init (&erasure->refs);
  g_mutex_init (&erasure->lock);
  erasure->k = redundancy.k;
  erasure->m = redundancy.m;
  gf_gen_rs_matrix (erasure->matrix, redundancy.k + redundancy.m, redundancy.k);
  if (redundancy.m > 0)
    ec_init_tables (redundancy.k, redundancy.m,
        erasure->matrix + redundancy.k * redundancy.k, erasure->parity_tables);
  return erasure;
}

PmssErasure *
pmss_erasure_ref (PmssErasure * erasure)
{
  g_atomic_ref_count_inc (&erasure->refs);
  return erasure;
}

void
pmss_erasure_unref (PmssErasure * erasure)
{
  if (!g_atomic_ref_count_dec (&erasure->refs))
    return;
  for (guint i = 0; i < CACHE_SIZE; i++)
    g_free (erasure->cache[i]);
  g_mutex_clear (&erasure->lock);
  g_free (erasure);
}

/* ISA-L's prototypes know no const; it writes to the outputs only. */
static void
multiply (guint k, guint rows, guint8 * tables, const guint8 * const *in,
    guint8 * const *out, gsize length)
{
  const guint8 *from[PMSS_MAX_K];
  guint8 *to[PMSS_MAX_SHARDS];

  memcpy (from, in, k * sizeof (*from));
  memcpy (to, out, rows * sizeof (*to));

  while (length > 0) {
    /* its lengths are ints */
    gsize n = MIN (length, (gsize) 1 << 30);

    ec_encode_data (n, k, rows, tables, (guint8 **) from, to);
    for (guint i = 0; i < k; i++)
      from[i] += n;
    for (guint i = 0; i < rows; i++)
      to[i] += n;
    length -= n;
  }
}

void
pmss_erasure_encode (PmssErasure * erasure, const guint8 * const *data,
    guint8 * const *parity, gsize length)
{
  if (erasure->m == 0)
    return;
  if (erasure->k == 1) {
    /* all coefficients are 1: replicas */
    for (guint i = 0; i < erasure->m; i++)
      memcpy (parity[i], data[0], length);
    return;
  }
  multiply (erasure->k, erasure->m, erasure->parity_tables, data, parity,
      length);
}

static Decoder *
decoder_new (PmssErasure * erasure, guint32 have_set, const guint8 * have)
{
  guint k = erasure->k, n = k + erasure->m;
  guint8 rows[PMSS_MAX_K * PMSS_MAX_K];
  guint8 inverse[PMSS_MAX_K * PMSS_MAX_K];
  guint8 product[PMSS_MAX_SHARDS * PMSS_MAX_K];
  Decoder *decoder = g_malloc (sizeof (*decoder) + n * k * TABLE_SIZE);

  decoder->have = have_set;

  for (guint i = 0; i < k; i++)
    memcpy (rows + i * k, erasure->matrix + have[i] * k, k);
  /* a test tries every set within the limits: any k rows are independent */
  if (gf_invert_matrix (rows, inverse, k) != 0)
    g_error ("erasure code %u+%u: rows %#x are dependent", k, erasure->m,
        have_set);

  for (guint i = 0; i < n; i++) {
    for (guint j = 0; j < k; j++) {
      guint8 sum = 0;

      for (guint l = 0; l < k; l++)
        sum ^= gf_mul (erasure->matrix[i * k + l], inverse[l * k + j]);
      product[i * k + j] = sum;
    }
  }
  ec_init_tables (k, n, product, decoder->tables);
  return decoder;
}

/* Where the decoder of @have_set is, or else where it may go: an empty place
 * or that of the one that was not used for the longest time. */
static guint
find_place (PmssErasure * erasure, guint32 have_set)
{
  guint best = 0;

  for (guint i = 0; i < CACHE_SIZE; i++) {
    Decoder *decoder = erasure->cache[i];

    if (decoder == NULL)
      return i;
    if (decoder->have == have_set)
      return i;
    if (decoder->used < erasure->cache[best]->used)
      best = i;
  }
  return best;
}

/* Copies the tables of the wanted units, at most 8 KiB, so that no decoder is
 * used outside the lock. */
static void
get_tables (PmssErasure * erasure, const guint8 * have, const guint8 * want,
    guint n_want, guint8 * tables)
{
  gsize row = erasure->k * TABLE_SIZE;
  guint32 have_set = 0;
  Decoder **place;

  for (guint i = 0; i < erasure->k; i++)
    have_set |= 1u << have[i];

  g_mutex_lock (&erasure->lock);
  place = &erasure->cache[find_place (erasure, have_set)];
  if (*place == NULL || (*place)->have != have_set) {
    g_free (*place);
    *place = decoder_new (erasure, have_set, have);
  }
  (*place)->used = ++erasure->clock;
  for (guint i = 0; i < n_want; i++)
    memcpy (tables + i * row, (*place)->tables + want[i] * row, row);
  g_mutex_unlock (&erasure->lock);
}

void
pmss_erasure_decode (PmssErasure * erasure, const guint8 * have,
    const guint8 * const *units, const guint8 * want, guint n_want,
    guint8 * const *out, gsize length)
{
  guint8 tables[PMSS_MAX_M * PMSS_MAX_K * TABLE_SIZE];

  g_return_if_fail (n_want <= erasure->m);
  if (n_want == 0)
    return;
  if (erasure->k == 1) {
    for (guint i = 0; i < n_want; i++)
      memcpy (out[i], units[0], length);
    return;
  }

  get_tables (erasure, have, want, n_want, tables);
  multiply (erasure->k, n_want, tables, units, out, length);
}

guint32
pmss_crc32c_update (guint32 crc, const void *data, gsize length)
{
  const guint8 *from = data;

  /* ISA-L leaves both inversions to the caller */
  crc = ~crc;
  while (length > 0) {
    gsize n = MIN (length, (gsize) 1 << 30);

    crc = crc32_iscsi ((guint8 *) from, n, crc);
    from += n;
    length -= n;
  }
  return ~crc;
}

guint32
pmss_crc32c (const void *data, gsize length)
{
  return pmss_crc32c_update (0, data, length);
}
