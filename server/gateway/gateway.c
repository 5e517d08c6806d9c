/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gateway: its client, its thread, and their ends. */
#include "gateway-private.h"

/* Control answers at once or is away: viewers are told soon. */
#define CONTROL_TIMEOUT 5       /* seconds */
/* Each reader has its least of the memory, 2.5 MiB of 4+2, however many there are. */
#define MAX_PLAYS 300
/* A reader has up to two connections to each storage server of its medium, and few of them at a
 * time. Of its two shards on this server's disk the place of the viewer's own connection has one. */
#define CONNECTIONS_EACH 7
#define SHARDS_EACH 1
/* The rest is for those who connect. */
#define PART_OF_FILES 4

typedef struct
{
  void (*func) (gpointer data);
  gpointer data;
} Call;

static gboolean
run_call (gpointer data)
{
  Call *call = data;

  call->func (call->data);
  return G_SOURCE_REMOVE;
}

void
pmss_gateway_post (PmssGateway * gateway, void (*func) (gpointer data),
    gpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  Call *call = g_new0 (Call, 1);

  call->func = func;
  call->data = data;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, run_call, call, g_free);
  g_source_attach (source, gateway->context);
}

static gpointer
run_thread (gpointer data)
{
  PmssGateway *gateway = data;

  g_main_context_push_thread_default (gateway->context);
  g_main_loop_run (gateway->loop);
  /* reads that were given up have something left to do */
  while (g_main_context_iteration (gateway->context, FALSE));
  g_main_context_pop_thread_default (gateway->context);
  return NULL;
}

static PmssClient *
make_client (const char *control, const char *ca_file, GError ** error)
{
  g_autoptr (PmssClient) client = pmss_client_new (control, error);

  if (client == NULL
      || (ca_file != NULL && !pmss_client_set_ca_file (client, ca_file, error)))
    return NULL;
  g_object_set (client, "timeout", CONTROL_TIMEOUT, NULL);
  return g_steal_pointer (&client);
}

static void
free_unstarted (PmssGateway * gateway)
{
  g_main_loop_unref (gateway->loop);
  g_main_context_unref (gateway->context);
  g_hash_table_unref (gateway->plays);
  g_object_unref (gateway->cancellable);
  g_object_unref (gateway->client);
  g_free (gateway);
}

void
pmss_gateway_bounds_init (PmssGatewayBounds * bounds, guint64 files)
{
  const guint each = CONNECTIONS_EACH + SHARDS_EACH;

  bounds->plays = CLAMP (files / PART_OF_FILES / each, 1, MAX_PLAYS);
  bounds->connections = bounds->plays * CONNECTIONS_EACH;
  bounds->descriptors = bounds->plays * each;
}

PmssGateway *
pmss_gateway_new (const char *control, const char *ca_file,
    const PmssGatewayBounds * bounds, PmssAccess * access, PmssStore * store,
    PmssSelf * self, GError ** error)
{
  PmssClient *client = make_client (control, ca_file, error);
  PmssGateway *gateway;

  if (client == NULL)
    return NULL;
  pmss_client_bound_connections (client, bounds->connections);
  gateway = g_new0 (PmssGateway, 1);
  gateway->max_plays = bounds->plays;
  gateway->access = access;
  gateway->own.store = store;
  gateway->own.access = access;
  gateway->own.self = self;
  gateway->client = client;
  pmss_client_wrap_transport (client, &pmss_own_transport, &gateway->own);
  gateway->context = g_main_context_new ();
  gateway->loop = g_main_loop_new (gateway->context, FALSE);
  gateway->cancellable = g_cancellable_new ();
  g_queue_init (&gateway->all_plays);
  gateway->plays = g_hash_table_new (g_str_hash, g_str_equal);
  gateway->thread = g_thread_try_new ("gateway", run_thread, gateway, error);
  if (gateway->thread == NULL)
    g_clear_pointer (&gateway, free_unstarted);
  return gateway;
}

void
pmss_gateway_become (PmssGateway * gateway, const char *secret)
{
  pmss_client_set_credentials (gateway->client, secret, NULL, NULL);
}

static void
look_at_plays (gpointer data)
{
  pmss_plays_look (data);
}

void
pmss_gateway_hear (PmssGateway * gateway)
{
  if (atomic_load (&gateway->n_plays) > 0)
    pmss_gateway_post (gateway, look_at_plays, gateway);
}

static void
cancel_openings (gpointer data)
{
  PmssGateway *gateway = data;

  g_cancellable_cancel (gateway->cancellable);
}

void
pmss_gateway_stop (PmssGateway * gateway)
{
  pmss_gateway_post (gateway, cancel_openings, gateway);
}

static void
end_thread (gpointer data)
{
  PmssGateway *gateway = data;

  gateway->ends = TRUE;
  pmss_plays_close (gateway);
}

void
pmss_gateway_free (PmssGateway * gateway)
{
  pmss_gateway_post (gateway, end_thread, gateway);
  g_thread_join (gateway->thread);
  free_unstarted (gateway);
}

void
pmss_gateway_get_stats (PmssGateway * gateway, PmssGatewayStats * stats)
{
  stats->plays = atomic_load (&gateway->n_plays);
  stats->answers = atomic_load (&gateway->n_answers);
  stats->bytes = atomic_load (&gateway->bytes);
  stats->own_bytes = atomic_load (&gateway->own.bytes);
  stats->failed = atomic_load (&gateway->failed);
}
