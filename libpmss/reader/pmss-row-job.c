/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-row-job.h"

#include <string.h>

#include "libpmss/pmss-error.h"

/* Data units that do not exist (the file's end) are known: nothing but
 * zeros. They count as had. */
struct _PmssRowJob
{
  guint64 number;               /* of the row */
  PmssExtentGeometry geometry;
  guint32 row;                  /* in the extent */
  guint32 spared;
  guint32 crc[PMSS_MAX_SHARDS];
  PmssBlockPool *pool;
  PmssBlock *zeros;             /* nullable */
  PmssBlock *sources[PMSS_MAX_SHARDS];  /* that `units` are of; nullable */
  guint8 have[PMSS_MAX_SHARDS];
  const guint8 *units[PMSS_MAX_SHARDS];
  guint n_have;
  guint8 want[PMSS_MAX_SHARDS];
  guint8 *out[PMSS_MAX_SHARDS];
  PmssBlock *blocks[PMSS_MAX_SHARDS];   /* that `out` is of */
  guint n_want;
  gsize length;                 /* of the row's longest unit */
  GError *error;                /* what was made is wrong, or there is no memory for it */
};

static void
add_have (PmssRowJob * job, guint index, PmssBlock * block)
{
  job->have[job->n_have] = index;
  job->units[job->n_have] = pmss_block_get_unit (block);
  job->sources[job->n_have++] = pmss_block_ref (block);
}

/* Returns: (nullable): NULL: there is no memory, and the job ends with that */
static PmssBlock *
take_block (PmssRowJob * job)
{
  PmssBlock *block = pmss_block_pool_take (job->pool);

  if (block == NULL && job->error == NULL)
    g_set_error (&job->error, PMSS_ERROR, PMSS_ERROR_FAILED,
        "extent %u row %u: there is no memory to rebuild it",
        job->geometry.extent, job->row);
  return block;
}

static void
add_zeros (PmssRowJob * job, guint index)
{
  if (job->zeros == NULL) {
    job->zeros = take_block (job);
    if (job->zeros == NULL)
      return;
    memset (pmss_block_get_unit (job->zeros), 0, job->length);
  }
  add_have (job, index, job->zeros);
}

static void
collect (PmssRowJob * job, PmssRow * row)
{
  guint i, k = job->geometry.redundancy.k, m = job->geometry.redundancy.m;

  for (i = 0; i < k + m; i++) {
    if (i < k && (row->missing & (1u << i)))
      job->want[job->n_want++] = i;
    else if (job->n_have == k)
      continue;
    else if (pmss_extent_geometry_unit_length (&job->geometry, job->row, i)
        == 0)
      add_zeros (job, i);
    else if (row->slots[i].state == PMSS_UNIT_READY)
      add_have (job, i, row->slots[i].block);
  }
}

PmssRowJob *
pmss_row_job_begin (PmssRows * rows, PmssRow * row, PmssBlockPool * pool)
{
  PmssRowJob *job = g_new0 (PmssRowJob, 1);

  job->number = row->number;
  job->row = row->row;
  job->spared = row->spared;
  memcpy (job->crc, row->crc, sizeof job->crc);
  pmss_rows_geometry (rows, row, &job->geometry);
  job->length = pmss_extent_geometry_unit_length (&job->geometry, job->row, 0);
  job->pool = pool;
  collect (job, row);
  g_assert (job->error != NULL || job->n_have == rows->redundancy.k);
  row->job = job;
  row->coming = row->missing;
  return job;
}

PmssRowJob *
pmss_row_job_try_begin (PmssRows * rows, PmssRow * row, PmssBlockPool * pool)
{
  guint i, had, k = rows->redundancy.k;
  PmssExtentGeometry geometry;

  if (row->missing == 0 || row->job != NULL)
    return NULL;
  pmss_rows_geometry (rows, row, &geometry);
  had = pmss_rows_count_ready (rows, row);
  for (i = 0; i < k; i++)
    had += pmss_extent_geometry_unit_length (&geometry, row->row, i) == 0;
  return had < k ? NULL : pmss_row_job_begin (rows, row, pool);
}

guint64
pmss_row_job_get_row (PmssRowJob * job)
{
  return job->number;
}

/* Not before they are needed: a job that waits its turn takes no room. */
static gboolean
take_blocks (PmssRowJob * job)
{
  guint i;

  for (i = 0; i < job->n_want && job->error == NULL; i++) {
    job->blocks[i] = take_block (job);
    if (job->blocks[i] != NULL)
      job->out[i] = pmss_block_get_unit (job->blocks[i]);
  }
  return job->error == NULL;
}

/* What is shorter than the longest is followed by zeros. Nobody else looks
 * behind a unit's end. */
static void
pad_sources (PmssRowJob * job)
{
  guint i;

  for (i = 0; i < job->n_have; i++) {
    guint32 length = pmss_extent_geometry_unit_length (&job->geometry, job->row,
        job->have[i]);

    if (job->sources[i] != job->zeros)
      memset (pmss_block_get_unit (job->sources[i]) + length, 0,
          job->length - length);
  }
}

/* As its own node would have given it: other readers may take it. */
static void
write_record (PmssRowJob * job, guint i, guint32 length)
{
  PmssRecordHeader record = {.row = job->row,.length = length,.index =
        job->want[i],.version = job->geometry.version,.extent =
        job->geometry.extent
  };

  memcpy (record.crc, job->crc, sizeof record.crc);
  pmss_record_header_write (&record, pmss_block_get_record (job->blocks[i]));
}

static void
check (PmssRowJob * job)
{
  guint i;

  for (i = 0; i < job->n_want && job->error == NULL; i++) {
    guint index = job->want[i];
    guint32 length =
        pmss_extent_geometry_unit_length (&job->geometry, job->row, index);

    if (pmss_crc32c (job->out[i], length) != job->crc[index])
      g_set_error (&job->error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
          "extent %u row %u: unit %u, rebuilt from the others, does not have"
          " the checksum that was stored for it", job->geometry.extent,
          job->row, index);
    else
      write_record (job, i, length);
  }
}

void
pmss_row_job_run (PmssRowJob * job, PmssErasure * erasure)
{
  if (!take_blocks (job))
    return;
  pad_sources (job);
  pmss_erasure_decode (erasure, job->have, job->units, job->want, job->n_want,
      job->out, job->length);
  check (job);
}

/* The parity units have served. */
static void
drop_parity (PmssRows * rows, PmssRow * row)
{
  guint i;

  for (i = rows->redundancy.k; i < rows->redundancy.k + rows->redundancy.m; i++) {
    if (row->slots[i].state == PMSS_UNIT_READY)
      pmss_rows_set_empty (rows, row, i, PMSS_UNIT_NONE);
    row->slots[i].wanted = FALSE;
  }
}

static guint32
deliver (PmssRowJob * job, PmssRows * rows, PmssRow * row)
{
  guint32 delivered = 0;
  guint i;

  for (i = 0; i < job->n_want; i++) {
    guint index = job->want[i];

    /* its own node may have been faster */
    if (row->slots[index].state == PMSS_UNIT_READY)
      continue;
    pmss_rows_set_ready (rows, row, index, g_steal_pointer (&job->blocks[i]));
    delivered |= 1u << index;
  }
  if (row->missing == 0)
    drop_parity (rows, row);
  return delivered;
}

guint32
pmss_row_job_end (PmssRowJob * job, PmssRows * rows, guint32 * spared,
    GError ** error)
{
  PmssRow *row = pmss_rows_get (rows, job->number);
  guint32 delivered = 0;

  *spared = job->spared;
  if (row != NULL && row->job == job) {
    row->job = NULL;
    row->coming = 0;
    if (job->error == NULL)
      delivered = deliver (job, rows, row);
    else
      g_propagate_error (error, g_steal_pointer (&job->error));
  }
  pmss_row_job_free (job);
  return delivered;
}

void
pmss_row_job_free (PmssRowJob * job)
{
  guint i;

  for (i = 0; i < job->n_have; i++)
    pmss_block_unref (job->sources[i]);
  for (i = 0; i < job->n_want; i++)
    g_clear_pointer (&job->blocks[i], pmss_block_unref);
  g_clear_pointer (&job->zeros, pmss_block_unref);
  g_clear_error (&job->error);
  g_free (job);
}
