/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verifies a shard while it passes by, in pieces of any size. */

#include "pmss-shard.h"

#include <string.h>

#include "pmss-erasure.h"
#include "libpmss/pmss-error.h"

/*
 *            ┌──────────── another record ────────────┐
 *            ▼                                        │
 *   HEADER ─▶ RECORD ─▶ UNIT ─────────────────────────┤
 *      │                                              ▼
 *      └──────────────── no records ───────────────▶ END
 *   any of them ─▶ FAILED
 */
typedef enum
{
  CHECK_HEADER,
  CHECK_RECORD,
  CHECK_UNIT,
  CHECK_END,
  CHECK_FAILED,
} CheckState;

struct _PmssShardChecker
{
  CheckState state;
  /* from the name */
  PmssVersionId version;
  guint32 extent;
  guint index;
  gboolean name_valid;

  PmssShardHeader header;
  gboolean have_header;
  guint32 row;
  guint32 records;
  PmssRecordHeader record;

  /* of the header or record header that is coming */
  guint8 head[PMSS_SHARD_HEADER_SIZE];
  /* bytes of the head or unit that have come */
  guint32 filled;
  /* of the unit so far */
  guint32 crc;

  /* a survey: bad records are noted, not fatal */
  PmssShardRowFunc func;
  gpointer func_data;
  gboolean have_geometry;
  PmssExtentGeometry geometry;
  /* the record at hand is bad: its unit is let pass */
  gboolean record_bad;
  /* the first thing that was bad, and how many records were */
  GError *first;
  guint bad;
};

G_STATIC_ASSERT (PMSS_SHARD_HEADER_SIZE == PMSS_RECORD_HEADER_SIZE);

PmssShardChecker *
pmss_shard_checker_new (const char *name)
{
  PmssShardChecker *checker = g_new0 (PmssShardChecker, 1);

  checker->name_valid = pmss_shard_name_parse (name, &checker->version,
      &checker->extent, &checker->index);
  return checker;
}

void
pmss_shard_checker_free (PmssShardChecker * checker)
{
  g_clear_error (&checker->first);
  g_free (checker);
}

void
pmss_shard_checker_survey (PmssShardChecker * checker,
    const PmssExtentGeometry * geometry, PmssShardRowFunc func,
    gpointer user_data)
{
  g_return_if_fail (checker->state == CHECK_HEADER && checker->filled == 0);

  checker->func = func;
  checker->func_data = user_data;
  checker->have_geometry = geometry != NULL;
  if (geometry != NULL)
    checker->geometry = *geometry;
}

const PmssShardHeader *
pmss_shard_checker_get_header (PmssShardChecker * checker)
{
  return checker->have_header ? &checker->header : NULL;
}

guint64
pmss_shard_checker_get_expected_size (PmssShardChecker * checker)
{
  if (!checker->have_header)
    return 0;
  return pmss_extent_geometry_shard_size (&checker->header.geometry,
      checker->header.index);
}

static gboolean
corrupt (GError ** error, const char *what)
{
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT, what);
  return FALSE;
}

static void
begin_record (PmssShardChecker * checker, guint32 row)
{
  checker->row = row;
  checker->filled = 0;
  checker->record_bad = FALSE;
  checker->state = row < checker->records ? CHECK_RECORD : CHECK_END;
}

static void
end_record (PmssShardChecker * checker)
{
  if (checker->func)
    checker->func (checker->row,
        checker->record_bad ? NULL : checker->record.crc, checker->func_data);
  begin_record (checker, checker->row + 1);
}

/* Takes @error. TRUE: a survey, which goes on. */
static gboolean
note_bad (PmssShardChecker * checker, GError * problem, GError ** error)
{
  if (!checker->func) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  if (!checker->first)
    checker->first = problem;
  else
    g_error_free (problem);
  return TRUE;
}

static gboolean
note_bad_record (PmssShardChecker * checker, GError * problem, GError ** error)
{
  checker->record_bad = TRUE;
  checker->bad++;
  return note_bad (checker, problem, error);
}

static gboolean
parse_header (PmssShardChecker * checker, GError ** error)
{
  PmssShardHeader *header = &checker->header;
  const PmssExtentGeometry *expected = &checker->geometry;

  if (!pmss_shard_header_parse (checker->head, header, error))
    return FALSE;
  if (header->index != checker->index
      || header->geometry.extent != checker->extent
      || !pmss_version_id_equal (&header->geometry.version, &checker->version))
    return corrupt (error, "The shard is not the one that its name says");
  if (checker->have_geometry
      && (header->geometry.redundancy.k != expected->redundancy.k
          || header->geometry.redundancy.m != expected->redundancy.m
          || header->geometry.unit != expected->unit
          || header->geometry.payload != expected->payload))
    return corrupt (error, "The shard is not of the shape that it has to be");
  return TRUE;
}

/* The header is bad, or cannot be had. */
static gboolean
go_on_without_header (PmssShardChecker * checker, GError * problem,
    GError ** error)
{
  if (!checker->have_geometry) {
    g_propagate_error (error, problem);
    return FALSE;
  }
  checker->header.geometry = checker->geometry;
  checker->header.index = checker->index;
  return note_bad (checker, problem, error);
}

static void
begin_records (PmssShardChecker * checker)
{
  checker->have_header = TRUE;
  checker->records =
      pmss_extent_geometry_records (&checker->header.geometry,
      checker->header.index);
  begin_record (checker, 0);
}

static gboolean
header_complete (PmssShardChecker * checker, GError ** error)
{
  GError *problem = NULL;

  if (!checker->name_valid)
    return corrupt (error, "The shard has a name that is none");
  if (!parse_header (checker, &problem)
      && !go_on_without_header (checker, problem, error))
    return FALSE;
  begin_records (checker);
  return TRUE;
}

static void
begin_unit (PmssShardChecker * checker)
{
  /* a bad record does not say it, or says it wrong */
  checker->record.length =
      pmss_extent_geometry_unit_length (&checker->header.geometry,
      checker->row, checker->header.index);
  checker->crc = 0;
  checker->filled = 0;
  checker->state = CHECK_UNIT;
}

static gboolean
record_complete (PmssShardChecker * checker, GError ** error)
{
  GError *problem = NULL;

  if (!pmss_record_header_parse_expected (checker->head,
          &checker->header.geometry, checker->row, checker->header.index,
          &checker->record, &problem)) {
    g_prefix_error (&problem, "Record %u: ", checker->row);
    if (!note_bad_record (checker, problem, error))
      return FALSE;
  }
  begin_unit (checker);
  return TRUE;
}

/* Takes bytes of the header or record header; returns how many. */
static gsize
take_head (PmssShardChecker * checker, const guint8 * data, gsize length)
{
  gsize n = MIN (length, PMSS_SHARD_HEADER_SIZE - checker->filled);

  memcpy (checker->head + checker->filled, data, n);
  checker->filled += n;
  return n;
}

static gboolean
feed_head (PmssShardChecker * checker, const guint8 * data, gsize length,
    gsize * taken, GError ** error)
{
  *taken = take_head (checker, data, length);
  if (checker->filled < PMSS_SHARD_HEADER_SIZE)
    return TRUE;
  return checker->state == CHECK_HEADER ? header_complete (checker, error)
      : record_complete (checker, error);
}

static gboolean
feed_unit (PmssShardChecker * checker, const guint8 * data, gsize length,
    gsize * taken, GError ** error)
{
  gsize n = MIN (length, checker->record.length - checker->filled);

  *taken = n;
  checker->filled += n;
  if (!checker->record_bad)
    checker->crc = pmss_crc32c_update (checker->crc, data, n);
  if (checker->filled < checker->record.length)
    return TRUE;
  if (!checker->record_bad
      && checker->crc != checker->record.crc[checker->header.index]
      && !note_bad_record (checker, g_error_new (PMSS_ERROR, PMSS_ERROR_CORRUPT,
              "Record %u: the checksum is wrong", checker->row), error))
    return FALSE;
  end_record (checker);
  return TRUE;
}

static gboolean
feed_some (PmssShardChecker * checker, const guint8 * data, gsize length,
    gsize * taken, GError ** error)
{
  switch (checker->state) {
    case CHECK_HEADER:
    case CHECK_RECORD:
      return feed_head (checker, data, length, taken, error);
    case CHECK_UNIT:
      return feed_unit (checker, data, length, taken, error);
    case CHECK_END:
      return corrupt (error, "The shard is longer than its header says");
    case CHECK_FAILED:
      return corrupt (error, "The shard was found to be damaged before");
  }
  g_return_val_if_reached (FALSE);
}

gboolean
pmss_shard_checker_feed (PmssShardChecker * checker, const void *data,
    gsize length, GError ** error)
{
  const guint8 *rest = data;

  while (length > 0) {
    gsize taken = 0;

    if (!feed_some (checker, rest, length, &taken, error)) {
      checker->state = CHECK_FAILED;
      return FALSE;
    }
    rest += taken;
    length -= taken;
  }
  return TRUE;
}

static guint64
leave_out_header (PmssShardChecker * checker)
{
  guint64 length = PMSS_SHARD_HEADER_SIZE - checker->filled;

  if (!checker->name_valid || !checker->have_geometry)
    return 0;
  go_on_without_header (checker, g_error_new_literal (PMSS_ERROR,
          PMSS_ERROR_CORRUPT, "The header cannot be read"), NULL);
  begin_records (checker);
  return length;
}

static guint64
leave_out_record (PmssShardChecker * checker)
{
  guint64 length = 0;

  if (checker->state == CHECK_RECORD) {
    length = PMSS_RECORD_HEADER_SIZE - checker->filled;
    begin_unit (checker);
  }
  length += checker->record.length - checker->filled;
  if (!checker->record_bad)
    note_bad_record (checker, g_error_new (PMSS_ERROR, PMSS_ERROR_CORRUPT,
            "Record %u: cannot be read", checker->row), NULL);
  end_record (checker);
  return length;
}

guint64
pmss_shard_checker_leave_out (PmssShardChecker * checker)
{
  g_return_val_if_fail (checker->func, 0);

  switch (checker->state) {
    case CHECK_HEADER:
      return leave_out_header (checker);
    case CHECK_RECORD:
    case CHECK_UNIT:
      return leave_out_record (checker);
    default:
      return 0;
  }
}

/* What did not come is bad, too. */
static void
finish_survey (PmssShardChecker * checker)
{
  while (checker->state == CHECK_RECORD || checker->state == CHECK_UNIT) {
    checker->bad += !checker->record_bad;
    checker->record_bad = TRUE;
    end_record (checker);
  }
}

gboolean
pmss_shard_checker_finish (PmssShardChecker * checker, GError ** error)
{
  CheckState state = checker->state;

  if (state == CHECK_FAILED)
    return corrupt (error, "The shard was found to be damaged before");
  if (checker->func)
    finish_survey (checker);
  if (checker->first) {
    g_propagate_error (error, g_error_copy (checker->first));
    if (checker->bad > 1)
      g_prefix_error (error, "%u bad records; the first: ", checker->bad);
    return FALSE;
  }
  if (state != CHECK_END)
    return corrupt (error, "The shard is shorter than it has to be");
  return TRUE;
}
