/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pmss-types.h"

G_BEGIN_DECLS

/* The head of a version: its first bytes, which the control server keeps, so that a reader has something to give before it knows the storage servers.
 * In the form of a record (docs/protocol.md section 3) of extent 0, row 0, shard 0, cut off: of the checksums only the first is set, that of these bytes. */
#define PMSS_HEAD_SIZE (64 * 1024)

/* @length: 1..PMSS_HEAD_SIZE */
GBytes *pmss_head_new   (const PmssVersionId *version, const guint8 *data, gsize length);
/* The bytes of a head as it came from a peer; NULL: PMSS_ERROR_CORRUPT, or it is not of @version, which has @size bytes. */
GBytes *pmss_head_parse (GBytes *head, const PmssVersionId *version, guint64 size, GError **error);

G_END_DECLS
