/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "byte-range.h"
#include "cli.h"
#include "target.h"

G_BEGIN_DECLS

/**
 * PmssReading:
 *
 * Reads a medium, or a range of it, through a PmssReader into a target, for `get`. A whole medium
 * is checked against the catalog's SHA-256. Every unit is checked against its own checksum in
 * either case.
 */
typedef struct
{
  char *name;
  guint64 size;                 /* bytes of the medium */
  guint64 start, end;           /* bytes that were asked for: from start on and before end */
  gboolean whole;
  guint64 resumed;              /* bytes that were there from earlier */
  char *expected;               /* SHA-256 of the catalog, NULL if it has none */
  char *found;                  /* SHA-256 of the range */
  double seconds;
  GVariant *stats;              /* of pmss_reader_get_stats() */
} PmssReading;

/* @range: (nullable): all. PMSS_ERROR_CORRUPT when the sums differ. The bytes in @target's partial
 * file are read from there. If a whole medium turns out bad, all is fetched. */
PmssReading *pmss_reading_run   (PmssCli *cli, const char *name, const PmssByteRange *range,
    PmssTarget *target, GError **error);
void         pmss_reading_free  (PmssReading *reading);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssReading, pmss_reading_free)

/* {"name", "size", "first", "length", "resumed", "sha256", "verified", "seconds", "stats"} */
JsonNode    *pmss_reading_to_json (const PmssReading *reading);
/* The bytes of each storage server, as a table on standard output (or standard error). */
void         pmss_reading_print_stats (GVariant *stats, double seconds);

G_END_DECLS
