/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "httpd/pmss-httpd.h"
#include "store.h"

G_BEGIN_DECLS

/**
 * PmssStats:
 *
 * The machine's load, for heartbeats. Rates are over the time since the last sample. Figures that
 * the kernel does not give are left out. Threads: the main thread alone.
 */
typedef struct _PmssStats PmssStats;

/* @folder: the folder whose disk counts. @loopback: the server listens on a loopback address. The
 * machine's network cards see none of its traffic then, so it counts its own. */
PmssStats *pmss_stats_new    (const char *folder, gboolean loopback);
void       pmss_stats_free   (PmssStats *stats);

/* The `stats` of a heartbeat (docs/protocol.md, section 6): fractions 0..1, bytes, bytes/s.
 * @network_limit: bit/s of the link; 0: not known. */
JsonNode  *pmss_stats_sample (PmssStats *stats, const PmssHttpdStats *httpd,
    const PmssStoreUsage *usage, guint64 network_limit);

G_END_DECLS
