/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-loop.h"
#include "libpmss/reader/pmss-row-job.h"

G_BEGIN_DECLS

/**
 * PmssRebuilder:
 *
 * Rebuilds the units of one reader that no node gives, in a thread that all readers of the process
 * share. So the I/O thread can go on receiving. Decoding a row of 1 MiB takes it some 0.2 ms.
 */
typedef struct _PmssRebuilder PmssRebuilder;

/* On the thread, without a lock: @job has been run. Takes it. */
typedef void (*PmssRebuilderFunc) (PmssRowJob *job, gpointer user_data);

/* @loop: runs in the thread that pushes. */
PmssRebuilder *pmss_rebuilder_new (PmssLoop *loop, PmssErasure *erasure,
    PmssRebuilderFunc done, gpointer user_data);
/* Drops waiting jobs, and waits for one that is being done. In the loop's thread, or in the
 * callback of its own job. No lock held that @done takes. */
void pmss_rebuilder_free (PmssRebuilder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssRebuilder, pmss_rebuilder_free)

/* Whether this is the thread that rebuilds. */
gboolean pmss_rebuilder_is_own_thread (void);

/* Takes @job; @first: before all others. */
void pmss_rebuilder_push (PmssRebuilder *self, PmssRowJob *job,
    gboolean first);

G_END_DECLS
