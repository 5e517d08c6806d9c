/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-row-job.h"

G_BEGIN_DECLS

/**
 * PmssRebuilder:
 *
 * The thread that makes units which no node gives, so that the I/O thread can
 * go on receiving. Decoding a row of 1 MiB takes it some 0.2 ms.
 */
typedef struct _PmssRebuilder PmssRebuilder;

/* On the thread, without a lock: @job has been run. Takes it. */
typedef void (*PmssRebuilderFunc) (PmssRowJob *job, gpointer user_data);

PmssRebuilder *pmss_rebuilder_new (PmssErasure *erasure,
    PmssRebuilderFunc done, gpointer user_data);
/* Ends the thread; jobs that are not done never will be. No lock held that @done
 * takes. */
void pmss_rebuilder_free (PmssRebuilder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssRebuilder, pmss_rebuilder_free)

/* Whether this is the thread of any rebuilder: none is to be freed here. */
gboolean pmss_rebuilder_is_own_thread (void);

/* Takes @job; @first: before all others. */
void pmss_rebuilder_push (PmssRebuilder *self, PmssRowJob *job,
    gboolean first);

G_END_DECLS
