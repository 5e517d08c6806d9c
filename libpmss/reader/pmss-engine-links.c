/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-engine.h"

/* What becomes of the links to the nodes. */

#define PROBE_PATIENCE 2000     /* ms */
/* While there is nobody else to ask: packets that were lost are not waited for,
 * the next probe follows. In any case so many times what it took once. */
#define URGENT_PATIENCE 500     /* ms */
#define URGENT_RTTS 8

/* Where a shard has moved and that was not tried, the place before does as
 * long as the new one cannot be asked. */
PmssLink *
pmss_engine_get_shard_link (PmssEngine * engine, guint32 extent, guint index)
{
  gint current = pmss_places_get (&engine->places, extent, index);
  gint former = pmss_places_get_former (&engine->places, extent, index);
  PmssLink *link = current < 0 ? NULL : engine->links->pdata[current];
  PmssLink *before;

  if (former < 0 || (link != NULL && link->state == PMSS_LINK_UP))
    return link;
  before = engine->links->pdata[former];
  return link == NULL || before->state == PMSS_LINK_UP ? before : link;
}

gint
pmss_engine_get_link_shard (PmssEngine * engine, PmssLink * link,
    guint32 extent)
{
  guint i, n = engine->rows.redundancy.k + engine->rows.redundancy.m;

  for (i = 0; i < n; i++) {
    if (pmss_engine_get_shard_link (engine, extent, i) == link)
      return i;
  }
  return -1;
}

PmssSource
pmss_engine_get_source (PmssEngine * engine, PmssRow * row, guint index)
{
  PmssLink *link = pmss_engine_get_shard_link (engine, row->extent, index);

  if (link == NULL || row->slots[index].state == PMSS_UNIT_BAD
      || pmss_bad_shards_is_bad (engine->bad_shards, row->extent, index))
    return PMSS_SOURCE_NONE;
  if (link->state == PMSS_LINK_UP)
    return PMSS_SOURCE_GOOD;
  return link->state == PMSS_LINK_LATE ? PMSS_SOURCE_LATE : PMSS_SOURCE_NONE;
}

static void
count_missing (PmssEngine * engine)
{
  pmss_news_count_missing (engine->news, engine->links,
      engine->rows.redundancy.m);
}

void
pmss_engine_link_good (PmssEngine * engine, PmssLink * link)
{
  pmss_link_note_good (link, pmss_loop_now (engine->loop));
  pmss_lease_note_taken (engine->lease);
  pmss_io_note_well (engine->io, link->peer);
  if (!link->reported)
    return;
  link->reported = FALSE;
  pmss_news_add_back (engine->news, link);
  count_missing (engine);
}

/* A node that answers, whatever it says, can be reached. */
static gboolean
is_unreachable (const GError * error)
{
  const PmssErrorDetails *details = pmss_error_get_details (error);

  return details == NULL || details->http_status == 0;
}

void
pmss_engine_link_failed (PmssEngine * engine, PmssLink * link, gint64 began,
    const GError * error)
{
  link->counters.errors++;
  if (link->retired)
    link->state = PMSS_LINK_UP;
  if (link->retired || began <= link->failed_at)
    return;
  pmss_link_note_failure (link, pmss_loop_now (engine->loop), error,
      engine->settings.backoff_factor, engine->settings.backoff_max,
      engine->stuck);
  /* A single reset is a closed connection or a restarted server until the
   * probe, which follows at once, says otherwise. */
  if (link->failures < 2 || link->reported)
    return;
  link->reported = TRUE;
  g_debug ("node %u (%s) is lost: %s", link->node.id, link->peer,
      error->message);
  pmss_news_add_lost (engine->news, link, error);
  count_missing (engine);
  if (!is_unreachable (error))
    return;
  pmss_io_note_lost (engine->io, link->peer, error);
  pmss_engine_report_node (engine, link);
}

/* Whether a node other than @link takes our tokens, or may do so: it was asked,
 * and has not refused one. A near node says no before far ones say yes. */
static gboolean
is_trusted_elsewhere (PmssEngine * engine, PmssLink * link)
{
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *other = engine->links->pdata[i];

    if (other != link && other->refusals == 0
        && (other->counters.units > 0 || other->streams->len > 0))
      return TRUE;
  }
  return FALSE;
}

/* The first time it may be the token's age: a new one is asked for, and the
 * others give what they can meanwhile. A node that refuses that one, too, has
 * a clock or a key of its own: then it is a node that does not work, and no
 * reason to ask control again and again. */
void
pmss_engine_link_refused (PmssEngine * engine, PmssLink * link,
    PmssStream * stream, const GError * error)
{
  gboolean trusted = is_trusted_elsewhere (engine, link);

  if (pmss_pass_note_refused (&link->pass, pmss_stream_get_token (stream),
          engine->token_number)) {
    g_debug ("node %u (%s) refuses a token and is shown another: %s",
        link->node.id, link->peer, error->message);
    return;
  }
  if (link->refusals == 0 || link->refused_token != engine->token_number)
    link->refusals++;
  link->refused_token = engine->token_number;
  pmss_engine_link_failed (engine, link, pmss_stream_get_started (stream),
      error);
  if ((link->refusals == 1 || !trusted)
      && !pmss_lease_refuse (engine->lease, trusted))
    pmss_engine_fail (engine, error);
}

void
pmss_engine_retry_refused (PmssEngine * engine)
{
  guint i;

  for (i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    if (link->state != PMSS_LINK_LOST || link->refusals == 0
        || (link->refusals > 1 && is_trusted_elsewhere (engine, link)))
      continue;
    link->state = PMSS_LINK_UP;
    link->failures = link->pauses = 0;
  }
}

typedef struct
{
  PmssEngine *engine;
  PmssLink *link;
  gint64 began;
} Probe;

static void
probe_answered (const GError * error, gpointer user_data)
{
  Probe *probe = user_data;
  PmssEngine *engine = probe->engine;

  g_mutex_lock (&engine->lock);
  g_clear_object (&probe->link->probe);
  if (error == NULL)
    pmss_link_note_probe (probe->link);
  else if (!engine->closing)
    pmss_engine_link_failed (engine, probe->link, probe->began, error);
  pmss_engine_kick (engine);
  g_mutex_unlock (&engine->lock);
  pmss_engine_release (engine);
  g_free (probe);
}

static guint
probe_patience (PmssEngine * engine, PmssLink * link)
{
  if (!engine->stuck || link->least_rtt == 0)
    return PROBE_PATIENCE;
  return CLAMP (URGENT_RTTS * link->least_rtt / G_TIME_SPAN_MILLISECOND,
      URGENT_PATIENCE, PROBE_PATIENCE);
}

void
pmss_engine_probe_link (PmssEngine * engine, PmssLink * link)
{
  Probe *probe = g_new0 (Probe, 1);

  link->state = PMSS_LINK_PROBING;
  link->probe = g_cancellable_new ();
  probe->engine = engine;
  probe->link = link;
  probe->began = pmss_loop_now (engine->loop);
  pmss_engine_hold (engine);
  pmss_transport_probe (engine->transport, link->base, link->peer,
      probe_patience (engine, link), link->probe, probe_answered, probe);
}
