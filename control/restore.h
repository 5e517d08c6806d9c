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
 *   check      lists files without a row, and rows whose files are missing; changes nothing but the
 *              schema
 *   restore    makes the catalog the one that counts. It skips ids that may have been handed out
 *              since. It pauses open jobs but repair, ends unfinished uploads (their files are set
 *              aside), and ends all logins, join tokens and sessions. Until the end, control
 *              deletes no unknown shard from a storage server. With end-streams, the storage
 *              servers refuse all tokens of viewers that were signed so far
 *   end        unknown shards and files may be deleted again
 */
typedef enum { PMSS_RESTORE_CHECK, PMSS_RESTORE, PMSS_RESTORE_END_STREAMS,
    PMSS_RESTORE_END } PmssRestoreStep;

gboolean pmss_restore_run (PmssControlConfig *config, PmssRestoreStep step, GError **error);

G_END_DECLS
