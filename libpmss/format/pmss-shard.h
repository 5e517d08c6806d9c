/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/* The shard file format: docs/protocol.md sections 1 to 3. Nothing here does I/O. */

#define PMSS_SHARD_HEADER_SIZE 128
#define PMSS_RECORD_HEADER_SIZE 128
/* 32 hex + '-' + 8 hex + '.' + 2 digits + NUL */
#define PMSS_SHARD_NAME_SIZE 45

/* Where one extent's bytes lie: everything follows from these. */
typedef struct
{
  PmssVersionId version;
  guint32 extent;               /* number of the extent in its version */
  PmssRedundancy redundancy;
  guint32 unit;                 /* bytes */
  guint64 payload;              /* bytes of the extent, 1..256 MiB */
} PmssExtentGeometry;

gboolean pmss_extent_geometry_check       (const PmssExtentGeometry *geometry, GError **error);
guint32  pmss_extent_geometry_rows        (const PmssExtentGeometry *geometry);
/* Bytes of the unit that shard @index holds of @row: 0 if none. */
guint32  pmss_extent_geometry_unit_length (const PmssExtentGeometry *geometry, guint32 row,
    guint index);
/* Number of records in shard @index. */
guint32  pmss_extent_geometry_records     (const PmssExtentGeometry *geometry, guint index);
guint64  pmss_extent_geometry_shard_size  (const PmssExtentGeometry *geometry, guint index);
/* Where record @row begins in a shard file; record @row ends at this + PMSS_RECORD_HEADER_SIZE +
 * unit length. */
guint64  pmss_extent_geometry_record_offset (const PmssExtentGeometry *geometry, guint32 row);

typedef struct
{
  PmssExtentGeometry geometry;
  guint8 index;
} PmssShardHeader;

void     pmss_shard_header_write (const PmssShardHeader *header,
    guint8 out[PMSS_SHARD_HEADER_SIZE]);
gboolean pmss_shard_header_parse (const guint8 in[PMSS_SHARD_HEADER_SIZE], PmssShardHeader *header,
    GError **error);

typedef struct
{
  guint32 row;
  guint32 length;
  guint8 index;
  guint32 crc[PMSS_MAX_SHARDS];
  PmssVersionId version;
  guint32 extent;
} PmssRecordHeader;

void     pmss_record_header_write (const PmssRecordHeader *record,
    guint8 out[PMSS_RECORD_HEADER_SIZE]);
gboolean pmss_record_header_parse (const guint8 in[PMSS_RECORD_HEADER_SIZE],
    PmssRecordHeader *record, GError **error);
/* Parses, and checks that it is the record of @row of shard @index of that extent, with the length
 * it must have. */
gboolean pmss_record_header_parse_expected (const guint8 in[PMSS_RECORD_HEADER_SIZE],
    const PmssExtentGeometry *geometry, guint32 row, guint index, PmssRecordHeader *record,
    GError **error);

/* "{version}-{number}.{index}" */
void     pmss_shard_name_write (const PmssVersionId *version, guint32 extent, guint index,
    char out[PMSS_SHARD_NAME_SIZE]);
gboolean pmss_shard_name_parse (const char *name, PmssVersionId *version, guint32 *extent,
    guint *index);

/**
 * PmssShardChecker:
 *
 * Verifies a shard's bytes as they come, in pieces of any size: header, then each record with its
 * checksum, then the end. Memory is bounded. The storage server uses it on PUT and scrub, control
 * to read shards back and to verify them.
 */
typedef struct _PmssShardChecker PmssShardChecker;

/* @name: the shard's name; its header has to agree. */
PmssShardChecker *pmss_shard_checker_new    (const char *name);
void              pmss_shard_checker_free   (PmssShardChecker *checker);
gboolean          pmss_shard_checker_feed   (PmssShardChecker *checker, const void *data,
    gsize length, GError **error);
/* Whether all of the shard has come, and all of it was good. */
gboolean          pmss_shard_checker_finish (PmssShardChecker *checker, GError **error);

/* A survey finds all bad records, not only the first. A bad record is then no error of feed() but
 * of finish(), and the records behind it are looked for at their offsets. feed(), leave_out() and
 * finish() call @func for each row that the shard has to have, in order. @crc: the checksums that
 * its record has of all units of the row. NULL: the record is bad, or did not come.
 * @geometry: (nullable): the form that the shard has to have. With it alone records behind a bad
 * header are looked at, too. To be called before the first byte. */
typedef void (*PmssShardRowFunc) (guint32 row, const guint32 crc[PMSS_MAX_SHARDS],
    gpointer user_data);
void              pmss_shard_checker_survey (PmssShardChecker *checker,
    const PmssExtentGeometry *geometry, PmssShardRowFunc func, gpointer user_data);
/* The next bytes cannot be read: leaves out the rest of the record (or header) that they are in,
 * which counts as bad. Returns the number of bytes left out. 0: it is not known what is there.
 * Surveys only. */
guint64           pmss_shard_checker_leave_out (PmssShardChecker *checker);
/* Size that the header promises; 0 before the header has come. */
guint64           pmss_shard_checker_get_expected_size (PmssShardChecker *checker);
/* Valid after the header has come. */
const PmssShardHeader *pmss_shard_checker_get_header (PmssShardChecker *checker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssShardChecker, pmss_shard_checker_free)

G_END_DECLS
