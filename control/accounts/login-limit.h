/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssLoginLimit:
 *
 * Token buckets against guessing of passwords: one for each address (an IPv6 /64 counts as one) and one for each user name. An attempt takes from
 * both; a login that succeeds gives back what it took. Memory is bounded: names beyond a number share one bucket. Threads: any.
 */
typedef struct _PmssLoginLimit PmssLoginLimit;

#define PMSS_LOGIN_BURST_ADDRESS 20     /* attempts at once */
#define PMSS_LOGIN_BURST_USER 10
#define PMSS_LOGIN_REFILL_ADDRESS 3     /* seconds for one more */
#define PMSS_LOGIN_REFILL_USER 6

PmssLoginLimit *pmss_login_limit_new  (void);
void            pmss_login_limit_free (PmssLoginLimit *limit);

/* @now as of g_get_monotonic_time(). FALSE: too many; @retry_after: seconds until the next one may be made. */
gboolean        pmss_login_limit_take (PmssLoginLimit *limit, const char *address, const char *user, gint64 now, guint *retry_after);
void            pmss_login_limit_give_back (PmssLoginLimit *limit, const char *address, const char *user, gint64 now);

G_END_DECLS
