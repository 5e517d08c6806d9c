/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/secret.h"
#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssAccounts:
 *
 * Users, their passwords (Argon2id), the API tokens that a login gives, and the limits on guessing.
 * Threads: any; checking a password takes some 0.1 s and 64 MiB, so only so many run at once and
 * the others wait.
 */

/* Each one may do what the ones before it may. */
typedef enum { PMSS_ROLE_NONE, PMSS_ROLE_VIEWER, PMSS_ROLE_OPERATOR, PMSS_ROLE_ADMIN } PmssRole;
const char   *pmss_role_to_string (PmssRole role);
gboolean      pmss_role_parse     (const char *text, PmssRole *role, GError **error);

#define PMSS_MIN_PASSWORD 8     /* bytes */
#define PMSS_MAX_PASSWORD 1024
#define PMSS_MAX_USER 64

typedef struct
{
  char *name;
  PmssRole role;
  /* still has the password that it was made with at the first start */
  gboolean one_time;
  gint64 created;
} PmssUser;
void          pmss_user_free (PmssUser *user);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssUser, pmss_user_free)

/* @token_lifetime: seconds */
PmssAccounts *pmss_accounts_new  (PmssDatabase *database, guint token_lifetime);
void          pmss_accounts_free (PmssAccounts *accounts);

/* The result of a login. */
typedef struct
{
  char *token;                  /* 256 random bits, base64url */
  char *user;
  PmssRole role;
  gint64 expires;
  /* the password has to be changed before the token is good for anything else */
  gboolean one_time;
} PmssLogin;
void          pmss_login_free (PmssLogin *login);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLogin, pmss_login_free)

/* PMSS_ERROR_NOT_AUTHORIZED for a wrong user or password (in equal time), PMSS_ERROR_BUSY and
 * @retry_after (seconds) when @address or @user has tried too often. @client: (nullable) what logs
 * in calls itself. */
PmssLogin    *pmss_accounts_login  (PmssAccounts *accounts, const char *user, const char *password,
    const char *address, const char *client, guint *retry_after, GError **error);
/* The user of @token; PMSS_ERROR_NOT_AUTHORIZED if it is unknown or expired. */
PmssUser     *pmss_accounts_authenticate (PmssAccounts *accounts, const char *token,
    GError **error);
gboolean      pmss_accounts_logout (PmssAccounts *accounts, const char *token, GError **error);

/* A login that something goes on with, by its token's hash. */
typedef struct
{
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  gint64 expires;               /* seconds since 1970; 0: it is not good */
  PmssRole role;                /* of its user, as it is now; NONE: it is not good */
} PmssLoginCheck;
guint         pmss_login_check_hash  (gconstpointer login);
gboolean      pmss_login_check_equal (gconstpointer a, gconstpointer b);
/* Fills in the other members of each of @n logins. FALSE: it could not be looked. */
gboolean      pmss_accounts_check_logins (PmssAccounts *accounts, PmssLoginCheck *const *logins,
    guint n, GError **error);

GPtrArray    *pmss_accounts_list_users   (PmssAccounts *accounts, GError **error);
PmssUser     *pmss_accounts_get_user     (PmssAccounts *accounts, const char *name, GError **error);
/* PMSS_ERROR_EXISTS, PMSS_ERROR_INVALID (name or password). */
gboolean      pmss_accounts_add_user     (PmssAccounts *accounts, const char *name,
    const char *password, PmssRole role, gboolean one_time, GError **error);
/* PMSS_ERROR_CONFLICT for the last administrator. Tokens and sessions go with the user. */
gboolean      pmss_accounts_remove_user  (PmssAccounts *accounts, const char *name, GError **error);
/* PMSS_ERROR_CONFLICT for the last administrator. Logins have the new role with their next request;
 * sessions end. */
gboolean      pmss_accounts_set_role     (PmssAccounts *accounts, const char *name, PmssRole role,
    GError **error);
/* Ends all of the user's logins, save @keep_token (nullable). */
gboolean      pmss_accounts_set_password (PmssAccounts *accounts, const char *name,
    const char *password, const char *keep_token, GError **error);
/* Whether @password is @name's: for changing one's own. The limits of login apply. */
gboolean      pmss_accounts_check_password (PmssAccounts *accounts, const char *name,
    const char *password, const char *address, guint *retry_after, GError **error);

/* Drops expired tokens, and writes when the others were last used; called by a timer. */
void          pmss_accounts_tick (PmssAccounts *accounts);

G_END_DECLS
