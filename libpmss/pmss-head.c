/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pmss-head.h"

#include <string.h>

#include "pmss-erasure.h"
#include "pmss-error.h"
#include "pmss-shard.h"

GBytes *
pmss_head_new (const PmssVersionId * version, const guint8 * data, gsize length)
{
  PmssRecordHeader record = {.length = length,.version = *version };
  guint8 *head;

  g_return_val_if_fail (length > 0 && length <= PMSS_HEAD_SIZE, NULL);
  head = g_malloc (PMSS_RECORD_HEADER_SIZE + length);
  record.crc[0] = pmss_crc32c (data, length);
  pmss_record_header_write (&record, head);
  memcpy (head + PMSS_RECORD_HEADER_SIZE, data, length);
  return g_bytes_new_take (head, PMSS_RECORD_HEADER_SIZE + length);
}

static gboolean
is_first_of (const PmssRecordHeader * record, const PmssVersionId * version)
{
  return record->extent == 0 && record->row == 0 && record->index == 0
      && pmss_version_id_equal (&record->version, version);
}

GBytes *
pmss_head_parse (GBytes * head, const PmssVersionId * version, guint64 size,
    GError ** error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (head, &length);
  const guint8 *bytes = data + PMSS_RECORD_HEADER_SIZE;
  PmssRecordHeader record;
  const char *wrong = NULL;

  if (length <= PMSS_RECORD_HEADER_SIZE) {
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT,
        "A head is too short");
    return NULL;
  }
  if (!pmss_record_header_parse (data, &record, error))
    return NULL;
  length -= PMSS_RECORD_HEADER_SIZE;
  if (!is_first_of (&record, version))
    wrong = "A head is of another version";
  else if (record.length != length || length > MIN (PMSS_HEAD_SIZE, size))
    wrong = "A head has a length that it cannot have";
  else if (pmss_crc32c (bytes, length) != record.crc[0])
    wrong = "The checksum of a head is wrong";
  if (wrong == NULL)
    return g_bytes_new_from_bytes (head, PMSS_RECORD_HEADER_SIZE, length);
  g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_CORRUPT, wrong);
  return NULL;
}
