/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What control's answers change in the reader. On the I/O thread. */
#include "libpmss/reader/pmss-engine.h"

static void
session_opened (PmssSession * session, gint64 took, gpointer user_data)
{
  PmssEngine *engine = user_data;

  engine->opened_in = took;
  pmss_engine_opened (engine, session);
}

/* Lock held: what waited for a new token can go on. */
static void
take_token (PmssEngine * engine, const char *token)
{
  pmss_engine_set_token (engine, token);
  pmss_engine_retry_refused (engine);
  pmss_engine_kick (engine);
}

static void
session_renewed (const PmssRenewal * renewal, gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_mutex_lock (&engine->lock);
  take_token (engine, renewal->token);
  g_mutex_unlock (&engine->lock);
  pmss_refresh_hear (engine, renewal);
}

static void
session_reopened (const PmssSession * session, gpointer user_data)
{
  PmssEngine *engine = user_data;

  g_mutex_lock (&engine->lock);
  g_free (engine->session->id);
  engine->session->id = g_strdup (session->id);
  take_token (engine, session->token);
  g_mutex_unlock (&engine->lock);
  pmss_refresh_take (engine, session->layout);
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
  gboolean served = FALSE;

  g_mutex_lock (&engine->lock);
  for (guint i = 0; i < engine->links->len; i++) {
    PmssLink *link = engine->links->pdata[i];

    served = served || (pmss_link_is_usable (link) && link->refusals == 0
        && link->counters.units > 0);
  }
  g_mutex_unlock (&engine->lock);
  return served;
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

PmssLease *
pmss_engine_new_lease (PmssEngine * engine)
{
  static const PmssLeaseFuncs funcs = {
    session_opened, session_renewed, session_reopened, session_failed,
    is_served, hold, release
  };
  const PmssLeaseSettings settings = {.retries = engine->settings.retries,
    .backoff_factor = engine->settings.backoff_factor,
    .backoff_max = engine->settings.backoff_max
  };

  return pmss_lease_new (engine->loop, engine->client, engine->medium,
      &settings, &funcs, engine);
}
