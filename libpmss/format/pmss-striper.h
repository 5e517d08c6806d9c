/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pmss-erasure.h"
#include "pmss-shard.h"

G_BEGIN_DECLS

/* Turns one extent's bytes into its n shard files, in memory. @payload has geometry->payload bytes.
 * @erasure: made for the same redundancy. Memory: the shards, and two units of padding for an
 * extent that is not whole rows.
 * @shards: filled with n new #GBytes, complete shard files (headers, records, checksums). */
void pmss_striper_run (PmssErasure *erasure, const PmssExtentGeometry *geometry,
    const guint8 *payload, GBytes *shards[PMSS_MAX_SHARDS]);

G_END_DECLS
