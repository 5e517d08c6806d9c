/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verifies a shard while it passes by, in pieces of any size. */

#include "pmss-shard.h"

#include <string.h>

#include "pmss-erasure.h"
#include "pmss-error.h"

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
  g_free (checker);
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
next_record (PmssShardChecker * checker, guint32 row)
{
  checker->row = row;
  checker->filled = 0;
  checker->state = row < checker->records ? CHECK_RECORD : CHECK_END;
}

static gboolean
header_complete (PmssShardChecker * checker, GError ** error)
{
  PmssShardHeader *header = &checker->header;

  if (!checker->name_valid)
    return corrupt (error, "The shard has a name that is none");
  if (!pmss_shard_header_parse (checker->head, header, error))
    return FALSE;
  if (header->index != checker->index
      || header->geometry.extent != checker->extent
      || !pmss_version_id_equal (&header->geometry.version, &checker->version))
    return corrupt (error, "The shard is not the one that its name says");

  checker->have_header = TRUE;
  checker->records = pmss_extent_geometry_records (&header->geometry,
      header->index);
  next_record (checker, 0);
  return TRUE;
}

static gboolean
record_complete (PmssShardChecker * checker, GError ** error)
{
  if (!pmss_record_header_parse_expected (checker->head,
          &checker->header.geometry, checker->row, checker->header.index,
          &checker->record, error)) {
    g_prefix_error (error, "Record %u: ", checker->row);
    return FALSE;
  }
  checker->crc = 0;
  checker->filled = 0;
  checker->state = CHECK_UNIT;
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
  checker->crc = pmss_crc32c_update (checker->crc, data, n);
  checker->filled += n;
  if (checker->filled < checker->record.length)
    return TRUE;
  if (checker->crc != checker->record.crc[checker->header.index]) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "Record %u: the checksum is wrong", checker->row);
    return FALSE;
  }
  next_record (checker, checker->row + 1);
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

gboolean
pmss_shard_checker_finish (PmssShardChecker * checker, GError ** error)
{
  if (checker->state == CHECK_FAILED)
    return corrupt (error, "The shard was found to be damaged before");
  if (checker->state != CHECK_END)
    return corrupt (error, "The shard is shorter than it has to be");
  return TRUE;
}
