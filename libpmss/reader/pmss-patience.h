/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "libpmss/reader/pmss-loop.h"

G_BEGIN_DECLS

/**
 * PmssPatience:
 *
 * Bounds the wait for one request, independent of its client's timeout. It has a cancellable, which
 * is cancelled when the time is over and when an outer one is. Lives in its loop's thread, between
 * the request and its answer.
 */
typedef struct _PmssPatience PmssPatience;

/* @outer: (nullable) */
PmssPatience *pmss_patience_new (PmssLoop *loop, GCancellable *outer,
    guint ms);
GCancellable *pmss_patience_get_cancellable (PmssPatience *patience);
/* The answer is here: frees @patience. An @error that says that the request was
 * cancelled becomes a PMSS_ERROR_TIMED_OUT where it was the time. */
void pmss_patience_end (PmssPatience *patience, GError **error);

G_END_DECLS
