/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssCliDigest:
 *
 * SHA-256 in a thread of its own, so that hashing and transfer go on side by side. At most 64 MiB wait to be hashed; a caller that is ahead waits.
 */
typedef struct _PmssCliDigest PmssCliDigest;

/* Of what pmss_cli_digest_push() gives. */
PmssCliDigest *pmss_cli_digest_new      (void);
/* Of a file, which is read by the thread. */
PmssCliDigest *pmss_cli_digest_new_file (const char *file, GCancellable *cancellable);
void           pmss_cli_digest_push     (PmssCliDigest *digest, GBytes *bytes);
/* Ends it without a result, at once. Frees @digest. */
void           pmss_cli_digest_abandon  (PmssCliDigest *digest);
/* Waits for the end; hex digits. Frees @digest. An error only from reading a file. */
char          *pmss_cli_digest_finish   (PmssCliDigest *digest, GError **error);

G_END_DECLS
