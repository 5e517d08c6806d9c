/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What control's answers change in the reader. On the I/O thread. */
#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-takeover.h"
#include "libpmss/reader/pmss-wait.h"

/* us: a node that comes and goes is told of no more often. */
#define NODE_PAUSE (60 * G_TIME_SPAN_SECOND)

/* --- The session and the layout --- */

static void
session_opened (PmssSession * session, gint64 took, gpointer user_data)
{
  PmssEngine *engine = user_data;

  engine->links.opened_in = took;
  pmss_engine_opened (engine, session);
}

/* Whoever waits for the opening waits on: the time until control is asked again
 * does not count for the timeout. */
static void
session_waits (const PmssLeaseWait * wait, gpointer user_data)
{
  PmssEngine *engine = user_data;
  gint64 now = pmss_loop_now (engine->loop);

  g_mutex_lock (&engine->lock);
  pmss_wait_postpone (engine, wait->until);
  g_mutex_unlock (&engine->lock);
  pmss_news_tell_waiting (engine->news,
      wait->start > 0 ? 1000 * MAX (wait->start - now, 0) : -1, wait->granted,
      wait->refusal);
}

/* Lock held: what waited for a new token can go on. */
static void
take_token (PmssEngine * engine, const char *token)
{
  pmss_engine_set_token (engine, token);
  pmss_links_retry_refused (&engine->links);
  pmss_engine_kick (engine);
}

/* Lock held. */
static void
take_over (PmssEngine * engine, PmssLayout * layout)
{
  const PmssTakeover parts = { engine->links.all, &engine->links.places,
    &engine->rows, engine->links.bad_shards, engine->news
  };

  pmss_takeover_run (&parts, layout, pmss_loop_now (engine->loop));
  pmss_engine_kick (engine);
}

void
pmss_engine_take_layout (PmssEngine * engine, PmssLayout * layout,
    gboolean may_be_older)
{
  if (pmss_refresh_accepts (engine->refresh, engine->rows.layout, layout,
          may_be_older))
    take_over (engine, layout);
}

/* What is older than ours is of use only where ours is of none. */
static void
layout_came (PmssLayout * layout, gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_mutex_lock (&engine->lock);
  if (layout != NULL && !engine->closing)
    pmss_engine_take_layout (engine, layout, engine->stuck);
  /* what waited for this is looked at again */
  engine->stuck_until = 0;
  g_mutex_unlock (&engine->lock);
}

static void
session_renewed (const PmssRenewal * renewal, gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_mutex_lock (&engine->lock);
  take_token (engine, renewal->token);
  g_mutex_unlock (&engine->lock);
  pmss_refresh_hear (engine->refresh, engine->rows.layout, renewal);
}

static void
session_reopened (const PmssSession * session, gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_mutex_lock (&engine->lock);
  g_free (engine->session->id);
  engine->session->id = g_strdup (session->id);
  take_token (engine, session->token);
  pmss_engine_take_layout (engine, session->layout, TRUE);
  g_mutex_unlock (&engine->lock);
}

static void
session_failed (const GError * error, gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_mutex_lock (&engine->lock);
  pmss_engine_fail (engine, error);
  g_mutex_unlock (&engine->lock);
}

/* Whether playing goes on as it is: a node takes the token that we have. */
static gboolean
is_served (gpointer user_data)
{
  PmssEngine *engine = user_data;
  gboolean served;

  g_mutex_lock (&engine->lock);
  served = pmss_links_is_served (&engine->links);
  g_mutex_unlock (&engine->lock);
  return served;
}

static JsonNode *
measure (gpointer engine)
{
  return pmss_engine_measure (engine);
}

static void
hold (gpointer engine)
{
  pmss_engine_hold (engine);
}

static void
release (gpointer engine)
{
  pmss_engine_release (engine);
}

/* --- What control is told --- */

void
pmss_engine_report (PmssEngine * engine, PmssLink * link, guint32 extent,
    guint index, gint64 row, PmssReportKind kind)
{
  const PmssReport report = { extent, index, row, link->node.id, kind };

  pmss_reports_add (engine->reports, &report);
}

/* A report names a place: the next one, from where somebody reads, that the
 * node has. */
static gboolean
find_place (PmssEngine * engine, PmssLink * link, PmssReport * report)
{
  guint32 i, n = pmss_layout_get_n_extents (engine->rows.layout);
  guint32 first = engine->cursors.active == NULL ? 0 :
      engine->cursors.active->row / engine->rows.rows_per_extent;
  guint width = engine->rows.redundancy.k + engine->rows.redundancy.m;

  for (i = 0; i < n; i++) {
    report->extent = (first + i) % n;
    for (report->index = 0; report->index < width; report->index++) {
      if (pmss_links_get_shard_link (&engine->links, report->extent,
              report->index)
          == link)
        return TRUE;
    }
  }
  return FALSE;
}

void
pmss_engine_report_node (PmssEngine * engine, PmssLink * link)
{
  PmssReport report = {.row = -1,.node = link->node.id,.kind =
        PMSS_REPORT_UNREACHABLE
  };
  gint64 now = pmss_loop_now (engine->loop);

  if ((link->told_at != 0 && now - link->told_at < NODE_PAUSE)
      || !find_place (engine, link, &report))
    return;
  link->told_at = now;
  pmss_reports_add_always (engine->reports, &report);
}

/* --- Its life --- */

void
pmss_engine_init_control (PmssEngine * engine)
{
  static const PmssLeaseFuncs funcs = {
    session_opened, session_waits, session_renewed, session_reopened,
    session_failed,
    measure, is_served, hold, release
  };
  const PmssLeaseSettings settings = {.retries = engine->settings.retries,
    .backoff_factor = engine->settings.backoff_factor,
    .backoff_max = engine->settings.backoff_max,
    .max_wait = (gint64) (engine->settings.wait_for_admission / 1000),
    .seed = engine->settings.seed
  };
  const PmssSessionWish wish = {.id = engine->settings.session,
    .medium = engine->medium,.ticket = engine->settings.ticket,
    .bulk = engine->settings.bulk
  };

  engine->lease = pmss_lease_new (engine->loop, engine->client, &wish,
      &settings, &funcs, engine);
  /* the reader's, which may go before the I/O thread is done */
  engine->settings.ticket = engine->settings.session = NULL;
  engine->refresh = pmss_refresh_new (engine->loop, engine->lease,
      engine->medium, layout_came, engine);
  engine->reports = pmss_reports_new (engine->loop, engine->lease);
}

void
pmss_engine_clear_control (PmssEngine * engine)
{
  pmss_reports_free (engine->reports);
  pmss_refresh_free (engine->refresh);
  pmss_lease_free (engine->lease);
}
