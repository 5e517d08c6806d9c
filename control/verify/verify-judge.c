/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nothing here does I/O. */
#include "control/verify/verify-extent.h"

#include <string.h>

typedef struct
{
  PmssVerifyExtent *extent;
  PmssErasure *erasure;
  guint k, m;
  guint8 *good[PMSS_MAX_SHARDS];        /* by row; NULL: nothing of that shard was read */
  guint8 *spare[PMSS_MAX_SHARDS];       /* a unit each: what is computed or filled up */
  PmssVerifyPayload payload;
  gpointer user_data;
} Judge;

/* One row. */
typedef struct
{
  guint32 number;
  guint32 length;               /* of its longest unit */
  PmssRecordHeader records[PMSS_MAX_SHARDS];
  guint32 members;              /* bit s: shard s has a good record, */
  guint32 winners;              /* and it says what most say */
  guint first;                  /* the first winner */
} Row;

/* Records by themselves */

static void
note_row (guint32 row, const guint32 crc[PMSS_MAX_SHARDS], gpointer user_data)
{
  guint8 *good = user_data;

  good[row] = crc != NULL;
}

static void
survey (Judge * judge, guint index)
{
  PmssVerifyExtent *extent = judge->extent;
  PmssVerifyShard *shard = &extent->shards[index];
  char name[PMSS_SHARD_NAME_SIZE];
  g_autoptr (PmssShardChecker) checker = NULL;
  g_autoptr (GError) error = NULL;

  if (shard->look != PMSS_LOOK_READ)
    return;
  judge->good[index] = g_malloc0 (pmss_extent_geometry_rows (&extent->geometry)
      + 1);
  pmss_shard_name_write (&extent->geometry.version, extent->geometry.extent,
      index, name);
  checker = pmss_shard_checker_new (name);
  pmss_shard_checker_survey (checker, &extent->geometry, note_row,
      judge->good[index]);
  if (pmss_shard_checker_feed (checker, shard->bytes->data, shard->bytes->len,
          &error))
    pmss_shard_checker_finish (checker, &error);
  shard->bad = error || shard->too_long || shard->unreadable;
  if (error != NULL && !shard->reason)
    shard->reason = g_strdup (error->message);
}

static void
convict (Judge * judge, guint index, guint32 row, const char *reason)
{
  PmssVerifyShard *shard = &judge->extent->shards[index];

  judge->good[index][row] = FALSE;
  shard->bad = TRUE;
  if (!shard->reason)
    shard->reason = g_strdup_printf ("Record %u: %s", row, reason);
}

/* Records against each other */

static guint32
length_of (Judge * judge, guint32 row, guint index)
{
  return pmss_extent_geometry_unit_length (&judge->extent->geometry, row,
      index);
}

static const guint8 *
unit_of (Judge * judge, guint32 row, guint index)
{
  return judge->extent->shards[index].bytes->data + PMSS_RECORD_HEADER_SIZE
      + pmss_extent_geometry_record_offset (&judge->extent->geometry, row);
}

static void
find_members (Judge * judge, Row * row)
{
  for (guint i = 0; i < judge->extent->n; i++) {
    if (!judge->good[i] || length_of (judge, row->number, i) == 0
        || !judge->good[i][row->number])
      continue;
    /* it was parsed before: it is good */
    pmss_record_header_parse (unit_of (judge, row->number, i)
        - PMSS_RECORD_HEADER_SIZE, &row->records[i], NULL);
    row->members |= 1u << i;
  }
}

static guint32
find_like (const Row * row, guint index)
{
  guint32 like = 0;

  for (guint i = 0; i < PMSS_MAX_SHARDS; i++)
    if ((row->members & 1u << i)
        && memcmp (row->records[i].crc, row->records[index].crc,
            sizeof row->records[i].crc) == 0)
      like |= 1u << i;
  return like;
}

static guint
count (guint32 set)
{
  return (guint) __builtin_popcount (set);
}

/* A record may be whole and speak of other units than those that were written. What most records of a row say is believed; where there is no majority, nobody is
 * convicted. */
static void
find_winners (Judge * judge, Row * row)
{
  gboolean tie = FALSE;

  for (guint i = 0; i < judge->extent->n; i++) {
    guint32 like;

    if (!(row->members & 1u << i))
      continue;
    like = find_like (row, i);
    if (count (like) > count (row->winners)) {
      row->winners = like;
      row->first = i;
      tie = FALSE;
    } else if (like != row->winners && count (like) == count (row->winners)) {
      tie = TRUE;
    }
  }
  judge->extent->contradictions += tie;
  for (guint i = 0; i < judge->extent->n && !tie; i++)
    if (row->members & ~row->winners & 1u << i)
      convict (judge, i, row->number,
          "its checksums contradict those of the others");
}

/* Units against each other */

/* Units that are there, of one length; a unit beyond the payload's end is zeros. */
static guint
gather (Judge * judge, const Row * row, guint8 * have, const guint8 ** units)
{
  guint n = 0;

  for (guint i = 0; i < judge->extent->n; i++) {
    guint32 length = length_of (judge, row->number, i);

    if (length > 0 && !(row->winners & 1u << i))
      continue;
    if (length == row->length) {
      units[n] = unit_of (judge, row->number, i);
    } else {
      if (length > 0)
        memcpy (judge->spare[i], unit_of (judge, row->number, i), length);
      memset (judge->spare[i] + length, 0, row->length - length);
      units[n] = judge->spare[i];
    }
    have[n++] = i;
  }
  return n;
}

/* FALSE: what comes out is not what the checksums say. */
static gboolean
rebuild (Judge * judge, const Row * row, const guint8 * have,
    const guint8 ** units, const guint8 ** data)
{
  guint8 want[PMSS_MAX_SHARDS], *out[PMSS_MAX_SHARDS];
  guint n_want = 0;

  for (guint j = 0; j < judge->k; j++) {
    if (data[j])
      continue;
    want[n_want] = j;
    out[n_want++] = judge->spare[j];
    data[j] = judge->spare[j];
  }
  if (n_want == 0)
    return TRUE;
  pmss_erasure_decode (judge->erasure, have, units, want, n_want, out,
      row->length);
  for (guint i = 0; i < n_want; i++)
    if (pmss_crc32c (out[i], length_of (judge, row->number, want[i]))
        != row->records[row->first].crc[want[i]])
      return FALSE;
  return TRUE;
}

static void
check_parity (Judge * judge, const Row * row, const guint8 ** data)
{
  if (judge->m == 0)
    return;
  pmss_erasure_encode (judge->erasure, data, judge->spare + judge->k,
      row->length);
  for (guint i = judge->k; i < judge->extent->n; i++)
    if ((row->winners & 1u << i) && memcmp (judge->spare[i],
            unit_of (judge, row->number, i), row->length) != 0)
      convict (judge, i, row->number, "it is not the parity of its row");
}

static void
tell_payload (Judge * judge, const Row * row, const guint8 ** data)
{
  for (guint j = 0; j < judge->k; j++) {
    guint32 length = length_of (judge, row->number, j);

    if (length > 0)
      judge->payload (data != NULL ? data[j] : NULL, length, judge->user_data);
  }
}

static void
judge_row (Judge * judge, guint32 number)
{
  Row row = {.number = number,.length = length_of (judge, number, 0) };
  guint8 have[PMSS_MAX_SHARDS];
  const guint8 *units[PMSS_MAX_SHARDS];
  const guint8 *data[PMSS_MAX_SHARDS] = { NULL };
  guint n;

  find_members (judge, &row);
  find_winners (judge, &row);
  n = gather (judge, &row, have, units);
  for (guint i = 0; i < n && have[i] < judge->k; i++)
    data[have[i]] = units[i];
  if (n < judge->k) {
    tell_payload (judge, &row, NULL);
  } else if (!rebuild (judge, &row, have, units, data)) {
    judge->extent->contradictions++;
    tell_payload (judge, &row, NULL);
  } else {
    check_parity (judge, &row, data);
    tell_payload (judge, &row, data);
  }
}

/* The judgement */

static void
list_bad_rows (Judge * judge, guint index)
{
  PmssVerifyShard *shard = &judge->extent->shards[index];
  guint32 records = pmss_extent_geometry_records (&judge->extent->geometry,
      index);

  if (!shard->bad)
    return;
  shard->rows = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (guint32 row = 0; row < records; row++)
    if (!judge->good[index][row])
      g_array_append_val (shard->rows, row);
}

void
pmss_verify_judge (PmssVerifyExtent * extent, PmssErasure * erasure,
    PmssVerifyPayload payload, gpointer user_data)
{
  Judge judge = {
    .extent = extent,
    .erasure = erasure,
    .k = extent->geometry.redundancy.k,
    .m = extent->geometry.redundancy.m,
    .payload = payload,
    .user_data = user_data,
  };

  for (guint i = 0; i < extent->n; i++) {
    judge.spare[i] = g_malloc (extent->geometry.unit);
    survey (&judge, i);
  }
  for (guint32 row = 0; row < pmss_extent_geometry_rows (&extent->geometry);
      row++)
    judge_row (&judge, row);
  for (guint i = 0; i < extent->n; i++) {
    list_bad_rows (&judge, i);
    g_free (judge.good[i]);
    g_free (judge.spare[i]);
  }
}
