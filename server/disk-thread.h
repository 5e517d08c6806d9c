/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "access.h"
#include "store.h"

G_BEGIN_DECLS

/**
 * PmssDiskThread:
 *
 * Does once a second what may wait for the disk and belongs to no request. It looks how much room
 * there is, and keeps the revocations. A disk that does not answer holds up this alone: heartbeats
 * and /metrics go on with what was seen last, and pmss_store_explain() says so.
 *
 * Threads: one of its own.
 */
typedef struct _PmssDiskThread PmssDiskThread;

/* Both outlive it. */
PmssDiskThread *pmss_disk_thread_new  (PmssStore *store, PmssAccess *access);
/* There is something to be kept. Does not wait. Any thread. */
void            pmss_disk_thread_wake (PmssDiskThread *thread);
/* What was to be kept is kept. It waits for the disk. */
void            pmss_disk_thread_free (PmssDiskThread *thread);

G_END_DECLS
