/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells PmssLinks what nodes answer, and does what follows. On the I/O thread, lock held. */
#include "libpmss/pmss-error.h"
#include "libpmss/reader/pmss-engine.h"

static void
count_missing (PmssEngine * engine)
{
  pmss_news_count_missing (engine->news, engine->links.all,
      engine->rows.redundancy.m);
}

void
pmss_engine_link_good (PmssEngine * engine, PmssLink * link)
{
  gboolean is_back = pmss_links_note_good (&engine->links, link,
      pmss_loop_now (engine->loop));

  pmss_lease_note_taken (engine->lease);
  pmss_io_note_well (engine->io, link->peer);
  if (!is_back)
    return;
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
  if (!pmss_links_note_failed (&engine->links, link,
          pmss_loop_now (engine->loop), began, error, engine->stuck))
    return;
  g_debug ("node %u (%s) is lost: %s", link->node.id, link->peer,
      error->message);
  pmss_news_add_lost (engine->news, link, error);
  count_missing (engine);
  if (!is_unreachable (error))
    return;
  pmss_io_note_lost (engine->io, link->peer, error);
  pmss_engine_report_node (engine, link);
}

void
pmss_engine_link_refused (PmssEngine * engine, PmssLink * link,
    PmssStream * stream, const GError * error)
{
  PmssLinksRefusal refusal = pmss_links_note_refused (&engine->links, link,
      pmss_stream_get_token (stream));

  if (refusal.is_answered) {
    g_debug ("node %u (%s) refuses a token and is shown another: %s",
        link->node.id, link->peer, error->message);
    return;
  }
  pmss_engine_link_failed (engine, link, pmss_stream_get_started (stream),
      error);
  if (refusal.ask_control
      && !pmss_lease_refuse (engine->lease, refusal.is_trusted))
    pmss_engine_fail (engine, error);
}

/* --- Signs of life --- */

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
      pmss_links_get_probe_patience (link, engine->stuck), link->probe,
      probe_answered, probe);
}
