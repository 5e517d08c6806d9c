/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks for the layout anew. On the I/O thread. */
#include "libpmss/reader/pmss-refresh.h"

#include "libpmss/pmss-error.h"
#include "libpmss/format/pmss-layout-part.h"
#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-patience.h"

/* ms for all of it: 16 answers for a medium of 1 TB. */
#define PATIENCE 5000
/* us between requests while too few shards can be had. */
#define FIRST_PAUSE (500 * G_TIME_SPAN_MILLISECOND)
#define MAX_SHIFT 2

static void ask (PmssEngine * engine);

/* Said once, however often control says the same. */
static void
refuse (PmssEngine * engine, const char *why)
{
  if (g_strcmp0 (engine->refresh.refused, why) == 0)
    return;
  g_free (engine->refresh.refused);
  engine->refresh.refused = g_strdup (why);
  g_message ("%s goes on with the layout that it has: %s", engine->medium, why);
}

/* Lock held. What is older than ours is of use only where ours is of none. */
static gboolean
is_acceptable (PmssEngine * engine, PmssLayout * layout, gboolean may_be_older)
{
  g_autoptr (GError) error = NULL;
  PmssLayout *ours = engine->rows.layout;

  if (!pmss_layout_check_same_geometry (ours, layout, &error)) {
    refuse (engine, error->message);
    return FALSE;
  }
  if (may_be_older || pmss_layout_get_generation (layout) >=
      pmss_layout_get_generation (ours))
    return TRUE;
  refuse (engine, "control's is older");
  return FALSE;
}

/* Lock held. */
static void
take (PmssEngine * engine, PmssLayout * layout, gboolean may_be_older)
{
  guint64 before = pmss_layout_get_generation (engine->rows.layout);

  if (!is_acceptable (engine, layout, may_be_older))
    return;
  if (before != 0 && pmss_layout_get_generation (layout) == before)
    return;
  engine->refresh.tries = 0;
  pmss_takeover_run (engine, layout);
}

static void
layout_came (GObject * client, GAsyncResult * result, gpointer user_data)
{
  PmssEngine *engine = user_data;
  PmssRefresh *refresh = &engine->refresh;
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssLayout) layout =
      pmss_client_refresh_layout_finish (PMSS_CLIENT (client), result, &error);

  pmss_patience_end (g_steal_pointer (&refresh->patience), &error);
  g_mutex_lock (&engine->lock);
  refresh->heard = refresh->began;
  refresh->next = pmss_loop_now (engine->loop) +
      (FIRST_PAUSE << MIN (refresh->tries, MAX_SHIFT));
  refresh->tries++;
  if (layout == NULL)
    g_debug ("%s: the layout was not learnt of: %s", engine->medium,
        error->message);
  else if (!engine->closing)
    take (engine, layout, engine->stuck);
  /* what waited for this is looked at again */
  engine->stuck_until = 0;
  g_mutex_unlock (&engine->lock);
  pmss_engine_release (engine);
}

static void
ask (PmssEngine * engine)
{
  PmssRefresh *refresh = &engine->refresh;
  PmssPatience *patience;

  if (refresh->patience != NULL || engine->closing || engine->transport == NULL)
    return;
  patience = pmss_patience_new (engine->loop,
      pmss_lease_get_cancellable (engine->lease), PATIENCE);
  refresh->patience = patience;
  refresh->began = pmss_loop_now (engine->loop);
  pmss_engine_hold (engine);
  pmss_client_refresh_layout_async (engine->client,
      pmss_lease_get_session (engine->lease),
      engine->rows.layout, pmss_patience_get_cancellable (patience),
      layout_came, engine);
}

void
pmss_refresh_hear (PmssEngine * engine, const PmssRenewal * renewal)
{
  PmssLayout *ours = engine->rows.layout;

  if (renewal->generation == 0)
    return;
  if (!pmss_version_id_equal (&renewal->version,
          pmss_layout_get_version (ours)))
    refuse (engine, "control's is of another version");
  else if (renewal->generation > pmss_layout_get_generation (ours))
    ask (engine);
}

void
pmss_refresh_take (PmssEngine * engine, PmssLayout * layout)
{
  g_mutex_lock (&engine->lock);
  take (engine, layout, TRUE);
  g_mutex_unlock (&engine->lock);
}

void
pmss_refresh_need (PmssEngine * engine, gint64 now)
{
  if (now >= engine->refresh.next)
    ask (engine);
}

gboolean
pmss_refresh_may_help (PmssEngine * engine, gint64 since)
{
  return engine->transport != NULL && engine->refresh.heard < since;
}

gint64
pmss_refresh_get_due (PmssEngine * engine)
{
  return engine->transport == NULL
      || engine->refresh.patience != NULL ? G_MAXINT64 : engine->refresh.next;
}
