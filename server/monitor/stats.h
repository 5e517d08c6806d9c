/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "httpd/pmss-httpd.h"
#include "machine.h"
#include "server/scrub.h"
#include "server/store.h"

G_BEGIN_DECLS

/**
 * PmssStats:
 *
 * The figures of heartbeats, as docs/monitoring.md lists them. Rates are over the time since the
 * last sample. Figures that are not known are left out. Never waits for a disk. Threads: the main
 * thread alone.
 */
typedef struct _PmssStats PmssStats;

/* What the server's other parts know. */
typedef struct
{
  gint64 now;                   /* monotonic us */
  PmssHttpdStats httpd;
  PmssStoreUsage usage;
  PmssStoreReads reads;
  const PmssScrubStats *scrub;  /* NULL: there is none */
  guint64 network_limit;        /* bit/s; 0: not known */
  gint64 certificate;           /* its end, seconds since 1970; 0: no TLS */
} PmssStatsInput;

/* @machine: outlives it. @loopback: the server listens on a loopback address. The machine's network
 * cards see none of its traffic then, so it counts its own. @now: monotonic us. */
PmssStats *pmss_stats_new    (const PmssMachine *machine, gboolean loopback, gint64 now);
void       pmss_stats_free   (PmssStats *stats);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssStats, pmss_stats_free)

/* The `stats` of a heartbeat. Within half a second of the last rates it has the same ones again:
 * counters that moved hardly at all say nothing. */
JsonNode  *pmss_stats_sample (PmssStats *stats, const PmssStatsInput *input);

G_END_DECLS
