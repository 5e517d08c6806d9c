/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes missing shards of an extent from the others. Its owner's thread. */
#include "control/repair/rebuild.h"

#include <string.h>

#include "libpmss/pmss-error.h"

struct _PmssRebuild
{
  PmssErasure *erasure;
  PmssExtentGeometry geometry;
  guint k, n;
  guint32 n_rows;
  GBytes *shards[PMSS_MAX_SHARDS];      /* that were added; nullable */
  guint32 *sound;               /* by row: bit i: shard i's record is good by itself */
  guint32 *good;                /* by row: bit i: and it is one of those that are believed */
  gboolean judged;              /* whether `good` knows of all that was added */
};

PmssRebuild *
pmss_rebuild_new (PmssErasure * erasure, const PmssExtentGeometry * geometry)
{
  PmssRebuild *self = g_new0 (PmssRebuild, 1);

  self->erasure = pmss_erasure_ref (erasure);
  self->geometry = *geometry;
  self->k = geometry->redundancy.k;
  self->n = self->k + geometry->redundancy.m;
  self->n_rows = pmss_extent_geometry_rows (geometry);
  self->sound = g_new0 (guint32, self->n_rows);
  self->good = g_new0 (guint32, self->n_rows);
  return self;
}

void
pmss_rebuild_free (PmssRebuild * self)
{
  for (guint i = 0; i < self->n; i++)
    g_clear_pointer (&self->shards[i], g_bytes_unref);
  pmss_erasure_unref (self->erasure);
  g_free (self->sound);
  g_free (self->good);
  g_free (self);
}

/* Judging what was read */

typedef struct
{
  PmssRebuild *self;
  guint index;
} Survey;

static void
note_row (guint32 row, const guint32 * crc, gpointer user_data)
{
  Survey *survey = user_data;

  if (crc != NULL)
    survey->self->sound[row] |= 1u << survey->index;
}

gboolean
pmss_rebuild_add (PmssRebuild * self, guint index, GBytes * bytes)
{
  Survey survey = { self, index };
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (PmssShardChecker) checker = NULL;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);
  gboolean good;

  g_return_val_if_fail (index < self->n && !self->shards[index], FALSE);
  self->shards[index] = g_bytes_ref (bytes);
  self->judged = FALSE;
  pmss_shard_name_write (&self->geometry.version, self->geometry.extent, index,
      name);
  checker = pmss_shard_checker_new (name);
  pmss_shard_checker_survey (checker, &self->geometry, note_row, &survey);
  good = pmss_shard_checker_feed (checker, data, size, NULL);
  return pmss_shard_checker_finish (checker, NULL) && good;
}

static const guint8 *
get_record (PmssRebuild * self, guint32 row, guint index)
{
  const guint8 *bytes = g_bytes_get_data (self->shards[index], NULL);

  return bytes + pmss_extent_geometry_record_offset (&self->geometry, row);
}

/* The checksums of all of the row's units, as the sound record of @index says. */
static void
get_crc (PmssRebuild * self, guint32 row, guint index,
    guint32 crc[PMSS_MAX_SHARDS])
{
  PmssRecordHeader record;

  pmss_record_header_parse (get_record (self, row, index), &record, NULL);
  memcpy (crc, record.crc, sizeof record.crc);
}

/* Those of @sound that say the same of their row as @index. */
static guint32
find_agreeing (PmssRebuild * self, guint32 row, guint32 sound, guint index)
{
  guint32 own[PMSS_MAX_SHARDS], crc[PMSS_MAX_SHARDS], agreeing = 0;

  get_crc (self, row, index, own);
  for (guint i = 0; i < self->n; i++) {
    if (!(sound & (1u << i)))
      continue;
    get_crc (self, row, i, crc);
    if (memcmp (own, crc, sizeof own) == 0)
      agreeing |= 1u << i;
  }
  return agreeing;
}

/* The largest group of records that say the same; none, where there are two of that size. */
static guint32
find_believed (PmssRebuild * self, guint32 row)
{
  guint32 rest = self->sound[row], best = 0;
  int most = 0;

  while (rest) {
    guint32 group = find_agreeing (self, row, rest, __builtin_ctz (rest));
    int size = __builtin_popcount (group);

    if (size >= most)
      best = size > most ? group : 0;
    most = MAX (most, size);
    rest &= ~group;
  }
  return best;
}

static void
judge (PmssRebuild * self)
{
  if (self->judged)
    return;
  for (guint32 row = 0; row < self->n_rows; row++)
    self->good[row] = find_believed (self, row);
  self->judged = TRUE;
}

/* Data units behind the end of the file are known without being stored. */
static guint32
find_empty (PmssRebuild * self, guint32 row)
{
  guint32 empty = 0;

  for (guint i = 0; i < self->k; i++)
    if (pmss_extent_geometry_unit_length (&self->geometry, row, i) == 0)
      empty |= 1u << i;
  return empty;
}

static gboolean
is_readable (PmssRebuild * self, guint32 row)
{
  return self->good[row] && (guint)
      __builtin_popcount (self->good[row] | find_empty (self, row)) >= self->k;
}

guint32
pmss_rebuild_count_lost (PmssRebuild * self)
{
  guint32 lost = 0;

  judge (self);
  for (guint32 row = 0; row < self->n_rows; row++)
    lost += !is_readable (self, row);
  return lost;
}

gboolean
pmss_rebuild_is_enough (PmssRebuild * self)
{
  return pmss_rebuild_count_lost (self) == 0;
}

GArray *
pmss_rebuild_list_bad (PmssRebuild * self, guint index)
{
  GArray *rows = g_array_new (FALSE, FALSE, sizeof (guint32));

  judge (self);
  for (guint32 row = 0; row < self->n_rows; row++)
    if (pmss_extent_geometry_unit_length (&self->geometry, row, index) > 0
        && !(self->good[row] & (1u << index)))
      g_array_append_val (rows, row);
  return rows;
}

/* Making */

/* One run. A row's units are all as long as its first one while they are calculated with: what is shorter, which is in the last row alone, is so in `scratch`. */
typedef struct
{
  PmssRebuild *self;
  guint32 want;
  guint8 *files[PMSS_MAX_SHARDS];       /* of those that are wanted */
  guint8 *scratch[PMSS_MAX_SHARDS];     /* a unit each, nullable */
} Run;

static guint8 *
get_scratch (Run * run, guint index)
{
  if (!run->scratch[index])
    run->scratch[index] = g_malloc (run->self->geometry.unit);
  return run->scratch[index];
}

static guint8 *
get_place (Run * run, guint32 row, guint index)
{
  return run->files[index] + PMSS_RECORD_HEADER_SIZE
      + pmss_extent_geometry_record_offset (&run->self->geometry, row);
}

/* A unit that there is, with zeros up to @length. */
static const guint8 *
get_padded (Run * run, guint32 row, guint index, guint32 length)
{
  PmssRebuild *self = run->self;
  guint32 own = pmss_extent_geometry_unit_length (&self->geometry, row, index);
  guint8 *scratch;

  if (own == length)
    return get_record (self, row, index) + PMSS_RECORD_HEADER_SIZE;
  scratch = get_scratch (run, index);
  if (own > 0)
    memcpy (scratch, get_record (self, row, index) + PMSS_RECORD_HEADER_SIZE,
        own);
  memset (scratch + own, 0, length - own);
  return scratch;
}

/* Calculates the units of @want, none of which is there, into `scratch`. */
static void
decode_row (Run * run, guint32 row, guint32 want)
{
  PmssRebuild *self = run->self;
  guint32 length = pmss_extent_geometry_unit_length (&self->geometry, row, 0);
  guint32 there = self->good[row] | find_empty (self, row);
  guint8 have[PMSS_MAX_SHARDS], wanted[PMSS_MAX_SHARDS];
  const guint8 *units[PMSS_MAX_SHARDS];
  guint8 *out[PMSS_MAX_SHARDS];
  guint n_have = 0, n_wanted = 0;

  for (guint i = 0; i < self->n; i++) {
    if (want & (1u << i)) {
      wanted[n_wanted] = i;
      out[n_wanted++] = get_scratch (run, i);
    } else if ((there & (1u << i)) && n_have < self->k) {
      have[n_have] = i;
      units[n_have++] = get_padded (run, row, i, length);
    }
  }
  pmss_erasure_decode (self->erasure, have, units, wanted, n_wanted, out,
      length);
}

static gboolean
write_record (Run * run, guint32 row, guint index, PmssRecordHeader * record,
    const guint8 * unit, GError ** error)
{
  guint8 *place = get_place (run, row, index);

  if (pmss_crc32c (unit, record->length) != record->crc[index]) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "Extent %u, row %u: unit %u, rebuilt from the others, does not have "
        "the checksum that was stored for it", record->extent, row, index);
    return FALSE;
  }
  record->index = index;
  pmss_record_header_write (record, place - PMSS_RECORD_HEADER_SIZE);
  memcpy (place, unit, record->length);
  return TRUE;
}

static gboolean
make_row (Run * run, guint32 row, GError ** error)
{
  PmssRebuild *self = run->self;
  guint32 good = self->good[row];
  guint32 missing = run->want & ~good & ~find_empty (self, row);
  PmssRecordHeader record = {
    .row = row,
    .version = self->geometry.version,
    .extent = self->geometry.extent,
  };

  if (!is_readable (self, row)) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_TOO_FEW_SHARDS,
        "Extent %u, row %u: %u of %u units are good, and %u are needed",
        self->geometry.extent, row, __builtin_popcount (good), self->n,
        self->k);
    return FALSE;
  }
  get_crc (self, row, __builtin_ctz (good), record.crc);
  if (missing)
    decode_row (run, row, missing);
  for (guint i = 0; i < self->n; i++) {
    record.length = pmss_extent_geometry_unit_length (&self->geometry, row, i);
    if ((run->want & (1u << i)) && record.length > 0
        && !write_record (run, row, i, &record, good & (1u << i) ?
            get_record (self, row, i) + PMSS_RECORD_HEADER_SIZE
            : run->scratch[i], error))
      return FALSE;
  }
  return TRUE;
}

static void
begin_files (Run * run)
{
  PmssRebuild *self = run->self;

  for (guint i = 0; i < self->n; i++) {
    PmssShardHeader header = {.geometry = self->geometry,.index = i };

    if (!(run->want & (1u << i)))
      continue;
    run->files[i] =
        g_malloc (pmss_extent_geometry_shard_size (&self->geometry, i));
    pmss_shard_header_write (&header, run->files[i]);
  }
}

gboolean
pmss_rebuild_run (PmssRebuild * self, guint32 want,
    GBytes * shards[PMSS_MAX_SHARDS], GError ** error)
{
  Run run = { self, want };
  gboolean made = TRUE;

  judge (self);
  begin_files (&run);
  for (guint32 row = 0; made && row < self->n_rows; row++)
    made = make_row (&run, row, error);
  for (guint i = 0; i < self->n; i++) {
    g_free (run.scratch[i]);
    if (made && run.files[i])
      shards[i] = g_bytes_new_take (g_steal_pointer (&run.files[i]),
          pmss_extent_geometry_shard_size (&self->geometry, i));
    g_free (run.files[i]);
  }
  return made;
}
