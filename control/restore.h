/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"

G_BEGIN_DECLS

/**
 * Restoring an older catalog:
 *
 * Three commands of pmss-control, which do not serve. They hold the folder's lock, so no server
 * runs on it meanwhile. On the main thread.
 *
 *   check      says what the catalog does not know and what it promises in vain; changes nothing
 *              but the schema
 *   restore    makes the catalog the one that counts. Ids that may have been handed out since are
 *              skipped, open jobs but repair are paused, unfinished uploads end (their files are
 *              set aside), and all logins, join tokens and sessions end. Until the end, no shard
 *              that it does not know is deleted from a storage server. With end-streams, the
 *              storage servers refuse all tokens of viewers that were signed so far
 *   end        what it does not know may be deleted again
 */
typedef enum { PMSS_RESTORE_CHECK, PMSS_RESTORE, PMSS_RESTORE_END_STREAMS,
    PMSS_RESTORE_END } PmssRestoreStep;

gboolean pmss_restore_run (PmssControlConfig *config, PmssRestoreStep step, GError **error);

G_END_DECLS
