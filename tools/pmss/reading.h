/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/**
 * PmssReading:
 *
 * One medium read from beginning to end through a PmssReader, and checked against the SHA-256 that the catalog has of it: what `get` does.
 */
typedef struct {
  char *name;
  guint64 size;                 /* bytes */
  char *expected;               /* SHA-256 of the catalog, NULL if it has none */
  char *found;                  /* SHA-256 of what was read */
  double seconds;
  GVariant *stats;              /* of pmss_reader_get_stats() */
} PmssReading;

/* Where the bytes go. FALSE ends the reading. */
typedef gboolean (*PmssReadingSink) (gpointer user_data, GBytes *bytes, GError **error);

/* PMSS_ERROR_CORRUPT when the sums differ. */
PmssReading *pmss_reading_run   (PmssCli *cli, const char *name, PmssReadingSink sink, gpointer user_data, GError **error);
void         pmss_reading_free  (PmssReading *reading);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssReading, pmss_reading_free)

/* {"name", "size", "sha256", "verified", "seconds", "stats"} */
JsonNode    *pmss_reading_to_json (const PmssReading *reading);
/* What each storage server gave, as a table on standard output (or standard error). */
void         pmss_reading_print_stats (GVariant *stats, double seconds);

G_END_DECLS
