/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks nodes whether they answer, and for proofs. On a thread of its own. */
#include "control/nodes/node-probe.h"

#include "control/keys.h"
#include "control/nodes/nodes.h"
#include "daemon/pmss-daemon.h"
#include "libpmss/node/pmss-node-client.h"

#define DEADLINE 2              /* seconds that a node has to answer */
#define PAUSE_MS 1000
#define MAX_READERS 100         /* that are counted */

struct _PmssNodeProbe
{
  PmssControlContext *context;
  GThread *thread;
  GMainContext *main_context;
  GMainLoop *loop;
  GCancellable *cancellable;

  /* on the thread */
  GHashTable *doubts;           /* node id -> Doubt */
  guint asking;                 /* probes under way */
};

/* A node that somebody cannot reach:  asking ──▶ pausing ──▶ asking … or gone */
typedef struct
{
  PmssNodeProbe *probe;
  guint node;
  GHashTable *readers;          /* ids of sessions */
  gboolean reached;             /* and it was, when asked last */
  GSource *pause;               /* NULL: it is being asked */
} Doubt;

typedef struct
{
  PmssNodeProbe *probe;
  guint node;
  char *session;
} Ask;

static void
clear_pause (Doubt * doubt)
{
  if (doubt->pause != NULL)
    g_source_destroy (doubt->pause);
  g_clear_pointer (&doubt->pause, g_source_unref);
}

static void
doubt_free (gpointer data)
{
  Doubt *doubt = data;

  clear_pause (doubt);
  g_hash_table_unref (doubt->readers);
  g_free (doubt);
}

static void ask_node (Doubt * doubt);

/* Whoever has doubts after it was reached has to say so anew. One that sends no heartbeats is down for that, and is heard of when it is back. */
static gboolean
is_settled (const Doubt * doubt)
{
  g_autoptr (PmssNodeInfo) info =
      pmss_nodes_peek (doubt->probe->context->nodes, doubt->node);
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (info == NULL)
    return TRUE;
  if (doubt->reached)
    return g_hash_table_size (doubt->readers) == 0;
  return now - info->last_seen >= PMSS_NODE_DOWN_AFTER;
}

static gboolean
on_pause_over (gpointer data)
{
  Doubt *doubt = data;

  clear_pause (doubt);
  if (is_settled (doubt))
    g_hash_table_remove (doubt->probe->doubts, GUINT_TO_POINTER (doubt->node));
  else
    ask_node (doubt);
  return G_SOURCE_REMOVE;
}

static void
begin_pause (Doubt * doubt)
{
  doubt->pause = g_timeout_source_new (PAUSE_MS);
  g_source_set_callback (doubt->pause, on_pause_over, doubt, NULL);
  g_source_attach (doubt->pause, doubt->probe->main_context);
}

static void
on_answer (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Doubt *doubt = user_data;
  PmssNodeProbe *self = doubt->probe;
  g_autoptr (GError) error = NULL;

  doubt->reached = pmss_node_client_probe_finish (PMSS_NODE_CLIENT (source),
      result, &error);
  self->asking--;
  if (g_cancellable_is_cancelled (self->cancellable)) {
    if (self->asking == 0)
      g_main_loop_quit (self->loop);
    return;
  }
  if (!doubt->reached)
    g_info ("Node %u: %s", doubt->node, error->message);
  pmss_nodes_note_probe (self->context->nodes, doubt->node,
      g_hash_table_size (doubt->readers), error);
  if (doubt->reached)
    g_hash_table_remove_all (doubt->readers);
  begin_pause (doubt);
}

/* A client for each question: a connection that was open before proves nothing. */
static void
ask_node (Doubt * doubt)
{
  PmssNodeProbe *self = doubt->probe;
  g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (self->context->nodes,
      doubt->node);
  g_autoptr (PmssNodeClient) client = NULL;

  if (info == NULL) {
    g_hash_table_remove (self->doubts, GUINT_TO_POINTER (doubt->node));
    return;
  }
  client = pmss_node_client_new (&info->node, DEADLINE,
      self->context->tls_database);
  self->asking++;
  pmss_node_client_probe_async (client, self->cancellable, on_answer, doubt);
}

static void
ask_free (gpointer data)
{
  Ask *ask = data;

  g_free (ask->session);
  g_free (ask);
}

static gboolean
on_ask (gpointer data)
{
  Ask *ask = data;
  PmssNodeProbe *self = ask->probe;
  Doubt *doubt = g_hash_table_lookup (self->doubts,
      GUINT_TO_POINTER (ask->node));
  gboolean fresh = doubt == NULL;

  if (g_cancellable_is_cancelled (self->cancellable))
    return G_SOURCE_REMOVE;
  if (fresh) {
    doubt = g_new0 (Doubt, 1);
    doubt->probe = self;
    doubt->node = ask->node;
    doubt->readers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
        NULL);
    g_hash_table_insert (self->doubts, GUINT_TO_POINTER (ask->node), doubt);
  }
  if (g_hash_table_size (doubt->readers) < MAX_READERS)
    g_hash_table_add (doubt->readers, g_strdup (ask->session));
  if (fresh)
    ask_node (doubt);
  return G_SOURCE_REMOVE;
}

/* To the thread, even if that does not run yet (g_main_context_invoke() would call at once). */
static void
post (PmssNodeProbe * self, GSourceFunc func, gpointer data,
    GDestroyNotify destroy)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, self->main_context);
}

void
pmss_node_probe_ask (PmssNodeProbe * self, guint node, const char *session)
{
  Ask *ask = g_new0 (Ask, 1);

  ask->probe = self;
  ask->node = node;
  ask->session = g_strdup (session);
  post (self, on_ask, ask, ask_free);
}

/* Proofs of addresses */

typedef struct
{
  PmssNodeProbe *probe;
  PmssNode place;
} Proof;

static void
proof_free (gpointer data)
{
  Proof *proof = data;

  g_free (proof->place.address);
  g_free (proof);
}

static void
on_proof (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Proof *proof = user_data;
  PmssNodeProbe *self = proof->probe;
  g_autoptr (GError) error = NULL;

  pmss_node_client_identify_finish (PMSS_NODE_CLIENT (source), result, &error);
  self->asking--;
  if (!g_cancellable_is_cancelled (self->cancellable))
    pmss_nodes_note_proof (self->context->nodes, &proof->place, error);
  else if (self->asking == 0)
    g_main_loop_quit (self->loop);
  proof_free (proof);
}

static gboolean
on_prove (gpointer data)
{
  Proof *proof = data;
  PmssNodeProbe *self = proof->probe;
  guint8 key[PMSS_PROOF_KEY_SIZE];
  g_autoptr (PmssNodeClient) client = NULL;

  if (g_cancellable_is_cancelled (self->cancellable)
      || !pmss_nodes_copy_key (self->context->nodes, proof->place.id, key)) {
    proof_free (proof);
    return G_SOURCE_REMOVE;
  }
  client = pmss_node_client_new (&proof->place, DEADLINE,
      self->context->tls_database);
  self->asking++;
  pmss_node_client_identify_async (client,
      pmss_keys_get_cluster (self->context->keys), key, self->cancellable,
      on_proof, proof);
  return G_SOURCE_REMOVE;
}

void
pmss_node_probe_prove (PmssNodeProbe * self, const PmssNode * place)
{
  Proof *proof = g_new0 (Proof, 1);

  proof->probe = self;
  proof->place.id = place->id;
  proof->place.address = g_strdup (place->address);
  proof->place.port = place->port;
  proof->place.tls = place->tls;
  post (self, on_prove, proof, NULL);
}

static gpointer
run (gpointer data)
{
  PmssNodeProbe *self = data;

  g_main_context_push_thread_default (self->main_context);
  g_main_loop_run (self->loop);
  g_hash_table_remove_all (self->doubts);
  while (g_main_context_iteration (self->main_context, FALSE));
  g_main_context_pop_thread_default (self->main_context);
  return NULL;
}

static void
prove (const PmssNode * place, gpointer user_data)
{
  pmss_node_probe_prove (user_data, place);
}

PmssNodeProbe *
pmss_node_probe_start (PmssControlContext * context)
{
  PmssNodeProbe *self = g_new0 (PmssNodeProbe, 1);

  self->context = context;
  self->main_context = g_main_context_new ();
  self->loop = g_main_loop_new (self->main_context, FALSE);
  self->cancellable = g_cancellable_new ();
  self->doubts = g_hash_table_new_full (NULL, NULL, NULL, doubt_free);
  self->thread = pmss_daemon_thread_new ("probe", run, self);
  pmss_nodes_set_prove (context->nodes, prove, self);
  return self;
}

static gboolean
on_stop (gpointer data)
{
  PmssNodeProbe *self = data;

  g_cancellable_cancel (self->cancellable);
  if (self->asking == 0)
    g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

void
pmss_node_probe_stop (PmssNodeProbe * self)
{
  pmss_nodes_set_prove (self->context->nodes, NULL, NULL);
  post (self, on_stop, self, NULL);
  g_thread_join (self->thread);
  g_hash_table_unref (self->doubts);
  g_object_unref (self->cancellable);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->main_context);
  g_free (self);
}
