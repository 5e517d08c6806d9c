/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "store.h"

G_BEGIN_DECLS

/**
 * PmssScrub:
 *
 * Reads all shards through, again and again, to find what has gone bad on a disk while nobody
 * looked. A pass takes a period, and has the rest of it free when there is little to read; where it
 * is survives a restart (DATA/scrub.json). It reads past the page cache, so that it sees the disk
 * and takes no room from what is served.
 *
 * What it finds waits until control knows of it (a bounded number, then reading waits, too): after
 * a crash nothing is forgotten, only found again.
 *
 * Threads: one of its own; each function says who may call it.
 */
typedef struct _PmssScrub PmssScrub;

/* @folder: the data folder. @period: seconds. @report: somebody will ask for what is found; else it
 * is in the log only. Keeps @store. */
PmssScrub *pmss_scrub_new  (PmssStore *store, const char *folder, guint period, gboolean report);
/* Stops it, at once but for what a disk is just reading. */
void       pmss_scrub_free (PmssScrub *scrub);

/* For a heartbeat, as docs/protocol.md says: the first of what was found, so much as one carries;
 * NULL: nothing. The main thread alone, as the next one. */
JsonNode  *pmss_scrub_get_findings    (PmssScrub *scrub);
/* Control knows what was last got. Returns whether there is more. */
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
