/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/accounts.h"

G_BEGIN_DECLS

/* The logins of a user, for people to look through and to end. When a login was last used is
 * remembered in memory and written now and then: a server that is killed forgets some minutes of
 * it. Threads: any; all of it blocks. */

#define PMSS_LOGIN_ID_SIZE 17   /* with its NUL */
#define PMSS_MAX_LISTED_LOGINS 1000

typedef struct
{
  /* the first 64 bits of the token's hash, in hex: they tell nothing of the token */
  char id[PMSS_LOGIN_ID_SIZE];
  gint64 created, last_used, expires;   /* seconds since 1970 */
  char *address;                /* (nullable) from which it was made */
  char *client;                 /* (nullable) which made it: User-Agent */
  gboolean current;             /* the caller's */
} PmssLoginRow;
void       pmss_login_row_free (PmssLoginRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLoginRow, pmss_login_row_free)

/* The newest ones of @user that are good, the newest first: an array that frees them. @token:
 * (nullable) the caller's. */
GPtrArray *pmss_logins_list          (PmssAccounts *accounts, const char *user, const char *token,
    GError **error);
/* Ends one, with all that was opened with it. PMSS_ERROR_NOT_FOUND: it is none of @user's. */
gboolean   pmss_logins_remove        (PmssAccounts *accounts, const char *user, const char *id,
    GError **error);
/* Ends all but that of @token. */
gboolean   pmss_logins_remove_others (PmssAccounts *accounts, const char *user, const char *token,
    GError **error);

/* Inside a transaction that makes the login of @hash: what is known of it. @client: nullable. */
gboolean   pmss_logins_describe      (PmssDatabase *database, const guint8 *hash,
    const char *address, const char *client, GError **error);
/* Writes when logins were last used. A failure is logged. */
void       pmss_logins_write_uses    (PmssAccounts *accounts);

G_END_DECLS
