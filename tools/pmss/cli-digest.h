/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssCliDigest:
 *
 * SHA-256 in a thread of its own, so that hashing and transfer go on side by side. At most 64 MiB
 * wait to be hashed; a caller that is ahead waits.
 */
typedef struct _PmssCliDigest PmssCliDigest;

/* Of what pmss_cli_digest_push() gives. */
PmssCliDigest *pmss_cli_digest_new      (void);
void           pmss_cli_digest_push     (PmssCliDigest *digest, GBytes *bytes);
/* Waits for the end; hex digits. Frees @digest. */
char          *pmss_cli_digest_finish   (PmssCliDigest *digest);

G_END_DECLS
