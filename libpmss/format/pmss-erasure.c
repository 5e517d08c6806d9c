/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Reed-Solomon code, by ISA-L. Any thread. */

#include "pmss-erasure.h"

#include <string.h>

#include <isa-l/crc.h>
#include <isa-l/erasure_code.h>

/* Decoders in the cache of one codec. A reader meets few have-sets at a
 * time: those of the nodes that fail now, in the roles of each extent; 4+2 has
 * 15 of them in all. */
#define CACHE_SIZE 64

/* Bytes that ec_init_tables() is promised for each coefficient. How it fills
 * them depends on the processor: tables are made for one set of rows and used
 * whole. */
#define TABLE_SIZE 32

/* How to get some units of a row from the k of one have-set. */
typedef struct
{
  guint32 have;                 /* bit i: unit i */
  guint8 n_want;
  guint8 want[PMSS_MAX_M];      /* in the order of the tables' rows */
  guint64 used;                 /* when, in calls of the cache */
  guint8 tables[];              /* n_want rows of k */
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

/* Row @unit of the code's matrix times @inverse: how to get that unit from
 * those that are there. */
static void
multiply_row (PmssErasure * erasure, guint unit, const guint8 * inverse,
    guint8 * row)
{
  guint k = erasure->k;

  for (guint j = 0; j < k; j++) {
    row[j] = 0;
    for (guint l = 0; l < k; l++)
      row[j] ^= gf_mul (erasure->matrix[unit * k + l], inverse[l * k + j]);
  }
}

static Decoder *
decoder_new (PmssErasure * erasure, guint32 have_set, const guint8 * have,
    const guint8 * want, guint n_want)
{
  guint k = erasure->k;
  guint8 rows[PMSS_MAX_K * PMSS_MAX_K];
  guint8 inverse[PMSS_MAX_K * PMSS_MAX_K];
  guint8 wanted[PMSS_MAX_M * PMSS_MAX_K];
  Decoder *decoder = g_malloc0 (sizeof (*decoder) + n_want * k * TABLE_SIZE);

  decoder->have = have_set;
  decoder->n_want = n_want;
  memcpy (decoder->want, want, n_want);

  for (guint i = 0; i < k; i++)
    memcpy (rows + i * k, erasure->matrix + have[i] * k, k);
  /* a test tries every set within the limits: any k rows are independent */
  if (gf_invert_matrix (rows, inverse, k) != 0)
    g_error ("erasure code %u+%u: rows %#x are dependent", k, erasure->m,
        have_set);

  for (guint i = 0; i < n_want; i++)
    multiply_row (erasure, want[i], inverse, wanted + i * k);
  ec_init_tables (k, n_want, wanted, decoder->tables);
  return decoder;
}

static gboolean
decoder_serves (const Decoder * decoder, guint32 have_set, const guint8 * want,
    guint n_want)
{
  return decoder->have == have_set && decoder->n_want == n_want
      && memcmp (decoder->want, want, n_want) == 0;
}

/* Where the decoder is, or else where it may go: an empty place or that of the
 * one that was not used for the longest time. */
static guint
find_place (PmssErasure * erasure, guint32 have_set, const guint8 * want,
    guint n_want)
{
  guint best = 0;

  for (guint i = 0; i < CACHE_SIZE; i++) {
    Decoder *decoder = erasure->cache[i];

    if (decoder == NULL)
      return i;
    if (decoder_serves (decoder, have_set, want, n_want))
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
  guint32 have_set = 0;
  Decoder **place;

  for (guint i = 0; i < erasure->k; i++)
    have_set |= 1u << have[i];

  g_mutex_lock (&erasure->lock);
  place = &erasure->cache[find_place (erasure, have_set, want, n_want)];
  if (*place == NULL || !decoder_serves (*place, have_set, want, n_want)) {
    g_free (*place);
    *place = decoder_new (erasure, have_set, have, want, n_want);
  }
  (*place)->used = ++erasure->clock;
  memcpy (tables, (*place)->tables, n_want * erasure->k * TABLE_SIZE);
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
