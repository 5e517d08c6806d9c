/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-engine.h"
#include "libpmss/reader/pmss-wait.h"

/* What happens because time passes: silence, retries, deadlines. */

/* Sooner when a node may be late before, but not sooner than this. */
#define MIN_TICK (5 * G_TIME_SPAN_MILLISECOND)
/* A late node's connection is given up after a third of the reader's
 * timeout, within these. */
#define MIN_DEAD (1 * G_TIME_SPAN_SECOND)
#define MAX_DEAD (5 * G_TIME_SPAN_SECOND)

static gint64
dead_after (PmssEngine * engine)
{
  if (engine->settings.timeout == 0)
    return MAX_DEAD;
  return CLAMP (engine->settings.timeout / 3, MIN_DEAD, MAX_DEAD);
}

/* Streams wait for whole records: of those that are slow we want to know what
 * has come. */
static void
tick_streams (PmssEngine * engine, gint64 now)
{
  guint i, j;

  for (i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);

    for (j = 0; j < link->streams->len; j++)
      pmss_stream_look (link->streams->pdata[j], now - PMSS_TICK);
  }
}

static void
tick_silence (PmssEngine * engine, gint64 now)
{
  guint i;

  for (i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);

    if (pmss_link_get_silence (link, now) > dead_after (engine))
      pmss_engine_cancel_streams (engine, link, PMSS_ERROR,
          PMSS_ERROR_TIMED_OUT, "does not answer");
  }
}

static void
tick_retries (PmssEngine * engine, gint64 now)
{
  guint i;

  for (i = 0; i < engine->links.all->len; i++) {
    PmssLink *link = pmss_links_get (&engine->links, i);

    if (pmss_links_is_probe_due (link, now, engine->stuck))
      pmss_engine_probe_link (engine, link);
  }
}

gboolean
pmss_engine_is_resting (PmssEngine * engine)
{
  return engine->state != PMSS_ENGINE_OPEN
      || (engine->paused && !pmss_waits_is_any_read (&engine->waits));
}

/* When there is something to look at, not before @soon; G_MAXINT64: never. What
 * is under way may become late; what somebody waits for, and nobody is asked
 * for, is about to be asked for, or is stuck. All else comes with an event. */
static gint64
find_due (PmssEngine * engine, gint64 now, gint64 soon)
{
  gint64 due = pmss_waits_get_deadline (&engine->waits);

  if (pmss_engine_is_resting (engine))
    return due;
  if (engine->links.n_streams > 0)
    return MIN (due, CLAMP (engine->late.look_at, soon, now + PMSS_TICK));
  if (engine->stuck)
    due = MIN (due, engine->stuck_until);
  else if (pmss_waits_is_any_read (&engine->waits))
    due = MIN (due, now + PMSS_TICK);
  due = MIN (due, pmss_links_get_due (&engine->links, engine->stuck));
  return MAX (due, soon);
}

void
pmss_engine_set_tick (PmssEngine * engine)
{
  gint64 now = pmss_loop_now (engine->loop);
  gint64 due = engine->closing ? G_MAXINT64 : find_due (engine, now,
      now + MIN_TICK);

  if (due == G_MAXINT64)
    due = PMSS_ALARM_NEVER;
  else if (engine->tick_at != PMSS_ALARM_NEVER && engine->tick_at <= due)
    return;
  if (due == engine->tick_at)
    return;
  engine->tick_at = due;
  pmss_alarm_set (engine->tick, due);
}

void
pmss_engine_on_tick (gpointer user_data)
{
  PmssEngine *engine = user_data;
  gint64 now = pmss_loop_now (engine->loop);
  GList *ended;

  g_mutex_lock (&engine->lock);
  engine->tick_at = PMSS_ALARM_NEVER;
  if (!pmss_engine_is_resting (engine)) {
    tick_streams (engine, now);
    pmss_engine_check_late (engine, now);
    tick_silence (engine, now);
    tick_retries (engine, now);
    pmss_engine_plan (engine);
    pmss_engine_check_hopeless (engine, now);
  }
  ended = pmss_wait_check (engine, now);
  pmss_engine_set_tick (engine);
  g_mutex_unlock (&engine->lock);
  pmss_news_tell (engine->news);
  pmss_wait_answer (ended);
}
