/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides when the layout is asked for, and which is taken over. Pure. */
#include "libpmss/reader/pmss-refresh-state.h"

#include "libpmss/format/pmss-layout-part.h"

/* us between requests while too few shards can be had. */
#define FIRST_PAUSE (500 * G_TIME_SPAN_MILLISECOND)
#define MAX_SHIFT 2

void
pmss_refresh_state_began (PmssRefreshState * state, gint64 now)
{
  state->asking = TRUE;
  state->began = now;
}

void
pmss_refresh_state_ended (PmssRefreshState * state, gint64 now)
{
  state->asking = FALSE;
  state->heard = state->began;
  state->next = now + (FIRST_PAUSE << MIN (state->tries, MAX_SHIFT));
  state->tries++;
}

gint64
pmss_refresh_state_get_due (const PmssRefreshState * state)
{
  return state->asking ? G_MAXINT64 : state->next;
}

gboolean
pmss_refresh_state_may_help (const PmssRefreshState * state, gint64 since)
{
  return state->heard < since;
}

PmssRefreshVerdict
pmss_refresh_state_judge_renewal (PmssLayout * ours,
    const PmssRenewal * renewal, const char **why)
{
  if (renewal->generation == 0)
    return PMSS_REFRESH_KEEP;
  if (!pmss_version_id_equal (&renewal->version,
          pmss_layout_get_version (ours))) {
    *why = "control's is of another version";
    return PMSS_REFRESH_REFUSE;
  }
  return renewal->generation > pmss_layout_get_generation (ours)
      ? PMSS_REFRESH_TAKE : PMSS_REFRESH_KEEP;
}

PmssRefreshVerdict
pmss_refresh_state_judge_layout (PmssRefreshState * state, PmssLayout * ours,
    PmssLayout * layout, gboolean may_be_older, char **why)
{
  guint64 before = pmss_layout_get_generation (ours);
  guint64 generation = pmss_layout_get_generation (layout);
  g_autoptr (GError) error = NULL;

  if (!pmss_layout_check_same_geometry (ours, layout, &error)) {
    *why = g_strdup (error->message);
    return PMSS_REFRESH_REFUSE;
  }
  if (!may_be_older && generation < before) {
    *why = g_strdup ("control's is older");
    return PMSS_REFRESH_REFUSE;
  }
  if (before != 0 && generation == before)
    return PMSS_REFRESH_KEEP;
  state->tries = 0;
  return PMSS_REFRESH_TAKE;
}
