/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks for the layout anew. On the I/O thread. */
#include "libpmss/reader/pmss-refresh.h"

#include "libpmss/reader/pmss-patience.h"

/* ms for all of it: 16 answers for a medium of 1 TB. */
#define PATIENCE 5000

struct _PmssRefresh
{
  PmssLoop *loop;
  PmssLease *lease;
  char *medium;
  PmssRefreshFunc came;
  gpointer user_data;
  PmssRefreshState state;
  PmssPatience *patience;       /* NULL: nothing is asked */
  char *refused;                /* (nullable): why a layout was, the last time */
};

/* Said once, however often control says the same. */
static void
refuse (PmssRefresh * refresh, const char *why)
{
  if (g_strcmp0 (refresh->refused, why) == 0)
    return;
  g_free (refresh->refused);
  refresh->refused = g_strdup (why);
  g_message ("%s goes on with the layout that it has: %s", refresh->medium,
      why);
}

gboolean
pmss_refresh_accepts (PmssRefresh * refresh, PmssLayout * ours,
    PmssLayout * layout, gboolean may_be_older)
{
  g_autofree char *why = NULL;
  PmssRefreshVerdict verdict = pmss_refresh_state_judge_layout (&refresh->state,
      ours, layout, may_be_older, &why);

  if (verdict == PMSS_REFRESH_REFUSE)
    refuse (refresh, why);
  return verdict == PMSS_REFRESH_TAKE;
}

static void
layout_came (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssRefresh *refresh = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssLayout) layout =
      pmss_client_refresh_layout_finish (PMSS_CLIENT (client), result, &error);

  pmss_patience_end (g_steal_pointer (&refresh->patience), &error);
  pmss_refresh_state_ended (&refresh->state, pmss_loop_now (refresh->loop));
  if (layout == NULL)
    g_debug ("%s: the layout was not learnt of: %s", refresh->medium,
        error->message);
  refresh->came (layout, refresh->user_data);
  pmss_lease_release (refresh->lease);
}

static void
ask (PmssRefresh * refresh, PmssLayout * ours)
{
  const char *session = pmss_lease_get_session (refresh->lease);

  if (refresh->state.asking || session == NULL
      || pmss_lease_is_ended (refresh->lease))
    return;
  refresh->patience = pmss_patience_new (refresh->loop,
      pmss_lease_get_cancellable (refresh->lease), PATIENCE);
  pmss_refresh_state_began (&refresh->state, pmss_loop_now (refresh->loop));
  pmss_lease_hold (refresh->lease);
  pmss_client_refresh_layout_async (pmss_lease_get_client (refresh->lease),
      session, ours, pmss_patience_get_cancellable (refresh->patience),
      layout_came, refresh);
}

void
pmss_refresh_hear (PmssRefresh * refresh, PmssLayout * ours,
    const PmssRenewal * renewal)
{
  const char *why = NULL;

  switch (pmss_refresh_state_judge_renewal (ours, renewal, &why)) {
    case PMSS_REFRESH_KEEP:
      break;
    case PMSS_REFRESH_TAKE:
      ask (refresh, ours);
      break;
    case PMSS_REFRESH_REFUSE:
      refuse (refresh, why);
      break;
  }
}

void
pmss_refresh_need (PmssRefresh * refresh, PmssLayout * ours, gint64 now)
{
  if (now >= pmss_refresh_state_get_due (&refresh->state))
    ask (refresh, ours);
}

gboolean
pmss_refresh_may_help (PmssRefresh * refresh, gint64 since)
{
  return pmss_lease_get_session (refresh->lease) != NULL
      && pmss_refresh_state_may_help (&refresh->state, since);
}

gint64
pmss_refresh_get_due (PmssRefresh * refresh)
{
  return pmss_lease_get_session (refresh->lease) == NULL ? G_MAXINT64
      : pmss_refresh_state_get_due (&refresh->state);
}

PmssRefresh *
pmss_refresh_new (PmssLoop * loop, PmssLease * lease, const char *medium,
    PmssRefreshFunc came, gpointer user_data)
{
  PmssRefresh *refresh = g_new0 (PmssRefresh, 1);

  refresh->loop = loop;
  refresh->lease = lease;
  refresh->medium = g_strdup (medium);
  refresh->came = came;
  refresh->user_data = user_data;
  return refresh;
}

void
pmss_refresh_free (PmssRefresh * refresh)
{
  g_free (refresh->refused);
  g_free (refresh->medium);
  g_free (refresh);
}
