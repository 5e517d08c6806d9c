/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/reader/pmss-lease.h"
#include "libpmss/reader/pmss-refresh-state.h"

G_BEGIN_DECLS

/**
 * PmssRefresh:
 *
 * Asks control for the layout anew, within the session of a PmssLease, and says which layouts take
 * the place of the reader's. PmssRefreshState decides. The reader's own layout is not known here:
 * callers pass it (@ours).
 *
 * Threads: all of it is the I/O thread's, but new() and free(). Takes no lock.
 */
typedef struct _PmssRefresh PmssRefresh;

/* A request has ended, and the reader's lock is not held. @layout: (nullable): NULL: it brought
 * none. */
typedef void (*PmssRefreshFunc) (PmssLayout *layout, gpointer user_data);

/* @lease: outlives it. @medium: for messages */
PmssRefresh *pmss_refresh_new (PmssLoop *loop, PmssLease *lease,
    const char *medium, PmssRefreshFunc came, gpointer user_data);
/* Any thread, when no request is under way. */
void pmss_refresh_free (PmssRefresh *refresh);

/* A renewal tells which layout is the present one. Asks if it is newer than ours. */
void pmss_refresh_hear (PmssRefresh *refresh, PmssLayout *ours,
    const PmssRenewal *renewal);
/* Too few shards can be had. Asks at once, and then with pauses. */
void pmss_refresh_need (PmssRefresh *refresh, PmssLayout *ours, gint64 now);
/* Whether nothing has been heard that was asked for after @since. */
gboolean pmss_refresh_may_help (PmssRefresh *refresh, gint64 since);
/* When need() asks again; G_MAXINT64: it is asked just now, or there is no session. */
gint64 pmss_refresh_get_due (PmssRefresh *refresh);

/* Whether @layout is to be taken over. Says why not, but the same only once. */
gboolean pmss_refresh_accepts (PmssRefresh *refresh, PmssLayout *ours,
    PmssLayout *layout, gboolean may_be_older);

G_END_DECLS
