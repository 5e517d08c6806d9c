/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssSha256:
 *
 * SHA-256 of a stream, with the processor's instructions for it where it has them (GnuTLS): GLib's
 * GChecksum is several times slower. Threads: one at a time.
 */
typedef struct _PmssSha256 PmssSha256;

PmssSha256 *pmss_sha256_new    (void);
void        pmss_sha256_update (PmssSha256 *sha256, const void *data, gsize length);
/* Ends it: frees @sha256 and returns 64 hexadecimal digits in lower case. Free with g_free. */
char       *pmss_sha256_finish (PmssSha256 *sha256);
void        pmss_sha256_free   (PmssSha256 *sha256);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssSha256, pmss_sha256_free)

G_END_DECLS
