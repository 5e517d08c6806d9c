/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the pool to the I/O thread. Calls that come while that is busy are
 * carried out together: it is woken for the first of them alone. */
#include "pmss-http-soup.h"

typedef struct
{
  PmssSoupCall *call;
  PmssSoupWork func;
  gboolean back;                /* with the stream, which was lent */
} Hop;

typedef struct
{
  GSource source;               /* first */
  PmssHttpEngine *engine;
} Landing;

static void
take_stream_back (PmssSoupCall * call)
{
  call->lent = FALSE;
  pmss_http_stream_take_back (call->link->stream);
  /* it was over, and waited for that */
  if (!call->msg)
    pmss_soup_call_finish (call);
}

static void
land (Hop * hop)
{
  PmssSoupCall *call = hop->call;

  if (hop->back)
    take_stream_back (call);
  /* else it is over: nobody waits for anything */
  if (call->msg || call->feeding)
    hop->func (call);
}

static void
free_hop (gpointer data)
{
  Hop *hop = data;

  pmss_soup_call_unref (hop->call);
  g_free (hop);
}

static gboolean
is_awaited (PmssHttpEngine * engine)
{
  gboolean awaited;

  g_mutex_lock (&engine->hops_lock);
  awaited = engine->hops.length > 0;
  g_mutex_unlock (&engine->hops_lock);
  return awaited;
}

static gboolean
prepare (GSource * source, int *timeout)
{
  *timeout = -1;
  return is_awaited (((Landing *) source)->engine);
}

static gboolean
check (GSource * source)
{
  return is_awaited (((Landing *) source)->engine);
}

static GQueue
take_hops (PmssHttpEngine * engine)
{
  GQueue hops;

  g_mutex_lock (&engine->hops_lock);
  hops = engine->hops;
  g_queue_init (&engine->hops);
  g_mutex_unlock (&engine->hops_lock);
  return hops;
}

static gboolean
dispatch (GSource * source, GSourceFunc callback, gpointer data)
{
  GQueue hops = take_hops (((Landing *) source)->engine);
  Hop *hop;

  while ((hop = g_queue_pop_head (&hops)) != NULL) {
    land (hop);
    free_hop (hop);
  }
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs landing_funcs = { prepare, check, dispatch };

void
pmss_soup_hops_begin (PmssHttpEngine * engine)
{
  GSource *source = g_source_new (&landing_funcs, sizeof (Landing));

  g_mutex_init (&engine->hops_lock);
  g_queue_init (&engine->hops);
  ((Landing *) source)->engine = engine;
  engine->landing = source;
  g_source_attach (source, engine->context);
}

void
pmss_soup_hops_end (PmssHttpEngine * engine)
{
  g_source_destroy (engine->landing);
  g_clear_pointer (&engine->landing, g_source_unref);
  g_queue_clear_full (&engine->hops, free_hop);
  g_mutex_clear (&engine->hops_lock);
}

static void
hop (PmssSoupCall * call, PmssSoupWork func, gboolean back)
{
  PmssHttpEngine *engine = call->link->httpd->engine;
  Hop *hop = g_new (Hop, 1);
  gboolean first;

  g_atomic_ref_count_inc (&call->refs);
  *hop = (Hop) {
  call, func, back};
  g_mutex_lock (&engine->hops_lock);
  first = engine->hops.length == 0;
  g_queue_push_tail (&engine->hops, hop);
  g_mutex_unlock (&engine->hops_lock);
  if (first)
    g_main_context_wakeup (engine->context);
}

void
pmss_soup_hop (PmssSoupCall * call, PmssSoupWork func)
{
  hop (call, func, FALSE);
}

void
pmss_soup_hop_back (PmssSoupCall * call, PmssSoupWork func)
{
  hop (call, func, TRUE);
}
