/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/client/pmss-client.h"

G_BEGIN_DECLS

/**
 * PmssRefreshState:
 *
 * Decides when control is asked for the layout anew, and which layouts take the place of the
 * reader's. PmssRefresh does it (pmss-refresh.h).
 *
 * Pure: no clock, no I/O. Times are in us on the clock of its owner. Threads: its owner's.
 */
typedef struct
{
  gboolean asking;              /* control is being asked, */
  gint64 began;                 /* since then */
  gint64 heard;                 /* when the last request that ended began; 0: none */
  gint64 next;                  /* while too few shards can be had: not before */
  guint tries;                  /* in a row that brought nothing */
} PmssRefreshState;

typedef enum
{
  PMSS_REFRESH_KEEP,            /* it is the layout that the reader has */
  PMSS_REFRESH_TAKE,            /* it is a newer one: it is to be asked for, or taken over */
  PMSS_REFRESH_REFUSE,          /* the reader cannot use it */
} PmssRefreshVerdict;

/* A request begins; it has ended, with or without a layout. */
void pmss_refresh_state_began (PmssRefreshState *state, gint64 now);
void pmss_refresh_state_ended (PmssRefreshState *state, gint64 now);

/* When it may be asked for because too few shards can be had: at once, and then with pauses;
 * G_MAXINT64: it is being asked for. */
gint64 pmss_refresh_state_get_due (const PmssRefreshState *state);
/* Whether nothing has been heard that was asked for after @since. */
gboolean pmss_refresh_state_may_help (const PmssRefreshState *state,
    gint64 since);

/* What a renewal says of the present layout. @why: (out): with REFUSE; a static text. */
PmssRefreshVerdict pmss_refresh_state_judge_renewal (PmssLayout *ours,
    const PmssRenewal *renewal, const char **why);
/* A layout that came. @may_be_older: ours is of no use. @why: (out) (transfer full): with
 * REFUSE. */
PmssRefreshVerdict pmss_refresh_state_judge_layout (PmssRefreshState *state,
    PmssLayout *ours, PmssLayout *layout, gboolean may_be_older, char **why);

G_END_DECLS
