/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "server/store.h"

G_BEGIN_DECLS

/**
 * PmssDiskWatch:
 *
 * Looks once a second how much room the store's disk has. A disk that does not answer holds up this
 * alone: heartbeats and /metrics have what was seen last, and pmss_store_explain() says so.
 *
 * Threads: one of its own.
 */
typedef struct _PmssDiskWatch PmssDiskWatch;

/* @store: outlives it. */
PmssDiskWatch *pmss_disk_watch_new  (PmssStore *store);
/* Stops it. Waits for a look that is under way. */
void           pmss_disk_watch_free (PmssDiskWatch *watch);

G_END_DECLS
