/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Random secrets that are handed out once and of which only a hash is kept: API tokens, join
 * tokens, the nodes' secrets. Having 256 random bits they need no slow hash: BLAKE2b. */

#define PMSS_SECRET_HASH_SIZE 32

/* 256 random bits in base64url, 43 characters. Free with g_free. */
char    *pmss_secret_new   (void);
void     pmss_secret_hash  (const char *secret, guint8 hash[PMSS_SECRET_HASH_SIZE]);
/* Whether @hash is @secret's, in constant time. */
gboolean pmss_secret_check (const char *secret, const guint8 hash[PMSS_SECRET_HASH_SIZE]);

/* 128 random bits as 32 hex digits: ids that cannot be guessed. */
char    *pmss_secret_new_id (void);
/* Whether @text has that form. */
gboolean pmss_secret_is_id  (const char *text);

G_END_DECLS
