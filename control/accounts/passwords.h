/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/password-places.h"

G_BEGIN_DECLS

/**
 * PmssPasswords:
 *
 * Argon2id by libsodium, a bounded number at once. Each takes 64 MiB and some 0.1 s of a processor,
 * so a crowd of logins must not run together. Threads: any. Callers that find no place wait for a
 * bounded time, and no more than 16 strangers do (password-places.h).
 */
typedef struct _PmssPasswords PmssPasswords;

/* @parallel: how many at once */
PmssPasswords *pmss_passwords_new   (guint parallel);
void           pmss_passwords_free  (PmssPasswords *passwords);

/* The string to store, for a caller that has a login. PMSS_ERROR_BUSY when no place came free,
 * PMSS_ERROR_FAILED when there is no memory. */
char          *pmss_passwords_hash  (PmssPasswords *passwords, const char *password,
    GError **error);
/* @hash: the stored hash; NULL (an unknown user) takes as long and never matches. FALSE with
 * @error: could not be checked. */
gboolean       pmss_passwords_check (PmssPasswords *passwords, const char *hash,
    const char *password, PmssPasswordClass class, gboolean *matches, GError **error);

G_END_DECLS
