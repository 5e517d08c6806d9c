/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "store.h"

G_BEGIN_DECLS

/**
 * PmssScrub:
 *
 * Reads all shards through, again and again, to find those that have gone bad on the disk. A pass
 * takes a period, and has the rest of it free when there is little to read. Its place survives a
 * restart (DATA/scrub.json). It reads past the page cache, so that it sees the disk and takes no
 * room from served shards.
 *
 * Findings wait until control knows of them. Their number is bounded; then reading waits, too.
 * After a crash nothing is forgotten, only found again.
 *
 * Threads: one of its own. Each function names the threads that may call it.
 */
typedef struct _PmssScrub PmssScrub;

/* @folder: the data folder. @period: seconds. @report: the caller will ask for the findings; else
 * they are in the log only. Keeps @store. */
PmssScrub *pmss_scrub_new  (PmssStore *store, const char *folder, guint period, gboolean report);
/* Stops it. Waits only for a read that a disk is just doing. */
void       pmss_scrub_free (PmssScrub *scrub);

/* For a heartbeat, as docs/protocol.md says: the first findings, as many as one carries; NULL:
 * none. The main thread alone, as the next one. */
JsonNode  *pmss_scrub_get_findings    (PmssScrub *scrub);
/* Control knows the findings that were got last. Returns whether there are more. */
gboolean   pmss_scrub_forget_findings (PmssScrub *scrub);

typedef struct
{
  guint64 bytes, shards, bad;   /* since the start of the server */
  gint64 pass_start;            /* seconds since 1970 */
  double progress;              /* of the pass: 0..1 */
} PmssScrubStats;
/* Any thread. */
void       pmss_scrub_get_stats (PmssScrub *scrub, PmssScrubStats *stats);

G_END_DECLS
