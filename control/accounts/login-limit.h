/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssLoginLimit:
 *
 * Token buckets against guessing of passwords. An IPv6 /64 counts as one address.
 *
 *   who tries                                        | takes from
 *   an address that logged in as this user before    | a bucket of its own for this user
 *   any other address                                | one for it and this user, one for it and all
 *                                                    | users, one for this user and all such
 *                                                    | addresses
 *
 * So a stranger's guesses shut out that stranger. Those of many strangers shut out newcomers, never
 * an address that logged in before. A login that succeeds gives back its attempt. The known
 * addresses end with the process. Memory is bounded: names beyond a number share one bucket, and
 * the last PMSS_LOGIN_KNOWN_ADDRESSES addresses of a user are known. Threads: any.
 */
typedef struct _PmssLoginLimit PmssLoginLimit;

#define PMSS_LOGIN_BURST 10             /* attempts at once, of one address as one user */
#define PMSS_LOGIN_REFILL 6             /* seconds for one more */
#define PMSS_LOGIN_BURST_ADDRESS 20     /* of one address, for all users */
#define PMSS_LOGIN_REFILL_ADDRESS 3
#define PMSS_LOGIN_BURST_USER 100       /* of all strangers as one user */
#define PMSS_LOGIN_REFILL_USER 1
#define PMSS_LOGIN_KNOWN_ADDRESSES 16

PmssLoginLimit *pmss_login_limit_new  (void);
void            pmss_login_limit_free (PmssLoginLimit *limit);

/* @now as of g_get_monotonic_time(). FALSE: too many; @retry_after: seconds until the next one may
 * be made. */
gboolean        pmss_login_limit_take (PmssLoginLimit *limit, const char *address,
    const char *user, gint64 now, guint *retry_after);
/* The password was not looked at: gives the attempt back. */
void            pmss_login_limit_give_back (PmssLoginLimit *limit, const char *address,
    const char *user, gint64 now);
/* Whether @address logged in as @user before. */
gboolean        pmss_login_limit_knows (PmssLoginLimit *limit, const char *address,
    const char *user);
/* The password was right: gives back, and knows the address from now on. */
void            pmss_login_limit_succeed (PmssLoginLimit *limit, const char *address,
    const char *user, gint64 now);

G_END_DECLS
