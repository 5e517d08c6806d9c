/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many requests to many nodes at once. On the caller's thread, which it blocks.
 * */
#include "control/nodes/node-calls.h"

#include "control/keys.h"
#include "control/nodes/avoidance.h"
#include "control/nodes/nodes.h"
#include "libpmss/pmss-error.h"

#define PER_NODE 4
#define TIMEOUT 15              /* seconds without progress */

/* The requests of one node. */
typedef struct
{
  PmssNodeCalls *calls;
  guint node;
  PmssNodeClient *client;       /* NULL until the first request, and when the node's address has changed */
  GQueue waiting;               /* Call */
  guint active;
  GError *unreachable;          /* found in this run, or earlier and not forgotten */
  PmssAvoidance avoidance;
} Lane;

struct _PmssNodeCalls
{
  PmssControlContext *context;
  GMainContext *main_context;
  GHashTable *lanes;            /* node id -> Lane */
  guint outstanding;            /* calls that are not over */
  gboolean added;               /* calls that no lane has looked at */
  /* of the run at hand */
  PmssNodeCallDone done;
  gpointer user_data;
  GCancellable *cancellable;
};

typedef enum
{ CALL_DELETE, CALL_COMPARE, CALL_PUT, CALL_REPLACE, CALL_GET } CallKind;

typedef struct
{
  Lane *lane;
  CallKind kind;
  char *shard;
  GBytes *bytes;                /* compare, put, replace */
  GByteArray *into;             /* get: where the bytes go, */
  gsize max;                    /* and how many at most */
  guint tag;
} Call;

static void
call_free (Call * call)
{
  g_clear_pointer (&call->bytes, g_bytes_unref);
  g_clear_pointer (&call->into, g_byte_array_unref);
  g_free (call->shard);
  g_free (call);
}

static void
lane_free (Lane * lane)
{
  g_queue_clear_full (&lane->waiting, (GDestroyNotify) call_free);
  g_clear_object (&lane->client);
  g_clear_error (&lane->unreachable);
  g_free (lane);
}

PmssNodeCalls *
pmss_node_calls_new (PmssControlContext * context)
{
  PmssNodeCalls *self = g_new0 (PmssNodeCalls, 1);

  self->context = context;
  self->main_context = g_main_context_new ();
  self->lanes = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) lane_free);
  return self;
}

void
pmss_node_calls_free (PmssNodeCalls * self)
{
  /* the clients' sessions belong to this context */
  g_main_context_push_thread_default (self->main_context);
  g_hash_table_unref (self->lanes);
  while (g_main_context_iteration (self->main_context, FALSE));
  g_main_context_pop_thread_default (self->main_context);
  g_main_context_unref (self->main_context);
  g_free (self);
}

static Lane *
get_lane (PmssNodeCalls * self, guint node)
{
  Lane *lane = g_hash_table_lookup (self->lanes, GUINT_TO_POINTER (node));

  if (lane == NULL) {
    lane = g_new0 (Lane, 1);
    lane->calls = self;
    lane->node = node;
    g_queue_init (&lane->waiting);
    g_hash_table_insert (self->lanes, GUINT_TO_POINTER (node), lane);
  }
  return lane;
}

static Call *
add_call (PmssNodeCalls * self, CallKind kind, guint node, const char *shard,
    GBytes * bytes, guint tag)
{
  Call *call = g_new0 (Call, 1);

  call->lane = get_lane (self, node);
  call->kind = kind;
  call->shard = g_strdup (shard);
  call->bytes = bytes != NULL ? g_bytes_ref (bytes) : NULL;
  call->tag = tag;
  g_queue_push_tail (&call->lane->waiting, call);
  self->outstanding++;
  self->added = TRUE;
  return call;
}

void
pmss_node_calls_delete (PmssNodeCalls * self, guint node, const char *shard,
    guint tag)
{
  add_call (self, CALL_DELETE, node, shard, NULL, tag);
}

void
pmss_node_calls_compare (PmssNodeCalls * self, guint node, const char *shard,
    GBytes * expected, guint tag)
{
  add_call (self, CALL_COMPARE, node, shard, expected, tag);
}

void
pmss_node_calls_put (PmssNodeCalls * self, guint node, const char *shard,
    GBytes * bytes, guint tag)
{
  add_call (self, CALL_PUT, node, shard, bytes, tag);
}

void
pmss_node_calls_replace (PmssNodeCalls * self, guint node, const char *shard,
    GBytes * bytes, guint tag)
{
  add_call (self, CALL_REPLACE, node, shard, bytes, tag);
}

void
pmss_node_calls_get (PmssNodeCalls * self, guint node, const char *shard,
    GByteArray * into, gsize max, guint tag)
{
  Call *call = add_call (self, CALL_GET, node, shard, NULL, tag);

  call->into = g_byte_array_ref (into);
  call->max = max;
}

static gboolean
same_address (const PmssNode * a, const PmssNode * b)
{
  return a->port == b->port && a->tls == b->tls
      && g_str_equal (a->address, b->address);
}

static gboolean
prepare_client (Lane * lane, GError ** error)
{
  PmssControlContext *context = lane->calls->context;
  g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (context->nodes, lane->node);

  if (info == NULL || info->state == PMSS_NODE_DOWN) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE,
        "Node %u is %s", lane->node, info != NULL ? "down" : "unknown");
    return FALSE;
  }
  if (lane->client
      && !same_address (pmss_node_client_get_node (lane->client), &info->node))
    g_clear_object (&lane->client);
  if (!lane->client)
    lane->client = pmss_node_client_new (&info->node, TIMEOUT,
        context->tls_database);
  return TRUE;
}

static void pump (Lane * lane);

static gboolean
is_unreachable (const GError * error)
{
  return g_error_matches (error, PMSS_ERROR, PMSS_ERROR_UNREACHABLE)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TLS)
      || g_error_matches (error, PMSS_ERROR, PMSS_ERROR_MISDIRECTED);
}

static void
end_call (Call * call, const GError * error)
{
  PmssNodeCalls *self = call->lane->calls;

  self->outstanding--;
  if (self->done)
    self->done (call->lane->node, call->shard, call->tag, error,
        self->user_data);
  call_free (call);
}

static void
note_answer (Lane * lane, const GError * error)
{
  if (g_error_matches (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT))
    pmss_avoidance_note_timeout (&lane->avoidance, g_get_monotonic_time (),
        g_get_real_time () / G_USEC_PER_SEC);
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    pmss_avoidance_note_answer (&lane->avoidance);
  if (is_unreachable (error) && !lane->unreachable)
    lane->unreachable = g_error_copy (error);
}

/* At the beginning of a run. */
static void
forget_unreachable (Lane * lane)
{
  g_autoptr (PmssNodeInfo) info = NULL;

  if (!lane->unreachable)
    return;
  info = pmss_nodes_peek (lane->calls->context->nodes, lane->node);
  if (!pmss_avoidance_holds (&lane->avoidance, g_get_monotonic_time (),
          info && info->state == PMSS_NODE_UP ? info->since : 0))
    g_clear_error (&lane->unreachable);
}

static void
on_answer (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Call *call = user_data;
  Lane *lane = call->lane;
  PmssNodeClient *client = PMSS_NODE_CLIENT (source);
  g_autoptr (GError) error = NULL;

  if (call->kind == CALL_DELETE)
    pmss_node_client_delete_finish (client, result, &error);
  else if (call->kind == CALL_COMPARE)
    pmss_node_client_compare_finish (client, result, &error);
  else if (call->kind == CALL_GET)
    pmss_node_client_get_finish (client, result, &error);
  else
    pmss_node_client_put_finish (client, result, &error);

  lane->active--;
  note_answer (lane, error);
  end_call (call, error);
  pump (lane);
}

/* Good for this call alone. */
static void
set_token (Lane * lane, const Call * call)
{
  static const PmssTokenOps operations[] = {
    [CALL_DELETE] = PMSS_TOKEN_DELETE,
    [CALL_COMPARE] = PMSS_TOKEN_READ,
    [CALL_PUT] = PMSS_TOKEN_WRITE,
    [CALL_REPLACE] = PMSS_TOKEN_WRITE | PMSS_TOKEN_DELETE,
    [CALL_GET] = PMSS_TOKEN_READ,
  };
  g_autofree char *token = pmss_keys_mint_for_shard (lane->calls->context->keys,
      lane->node, operations[call->kind], call->shard);

  pmss_node_client_set_token (lane->client, token);
}

static void
start_call (Lane * lane, Call * call)
{
  GCancellable *cancellable = lane->calls->cancellable;

  lane->active++;
  set_token (lane, call);
  if (call->kind == CALL_DELETE)
    pmss_node_client_delete_async (lane->client, call->shard, cancellable,
        on_answer, call);
  else if (call->kind == CALL_COMPARE)
    pmss_node_client_compare_async (lane->client, call->shard, call->bytes,
        cancellable, on_answer, call);
  else if (call->kind == CALL_GET)
    pmss_node_client_get_async (lane->client, call->shard, call->into,
        call->max, cancellable, on_answer, call);
  else if (call->kind == CALL_REPLACE)
    pmss_node_client_replace_async (lane->client, call->shard, call->bytes,
        cancellable, on_answer, call);
  else
    pmss_node_client_put_async (lane->client, call->shard, call->bytes,
        cancellable, on_answer, call);
}

static void
pump (Lane * lane)
{
  while (lane->active < PER_NODE && !g_queue_is_empty (&lane->waiting)) {
    Call *call = g_queue_pop_head (&lane->waiting);
    g_autoptr (GError) error = NULL;

    if (g_cancellable_set_error_if_cancelled (lane->calls->cancellable, &error))
      end_call (call, error);
    else if (lane->unreachable)
      end_call (call, lane->unreachable);
    else if (!prepare_client (lane, &error))
      end_call (call, error);
    else
      start_call (lane, call);
  }
}

/* Again for those that are added by the results of others. */
static void
pump_all (PmssNodeCalls * self)
{
  while (self->added) {
    g_autoptr (GList) lanes = g_hash_table_get_values (self->lanes);

    self->added = FALSE;
    for (GList * l = lanes; l; l = l->next)
      pump (l->data);
  }
}

gboolean
pmss_node_calls_run (PmssNodeCalls * self, PmssNodeCallDone done,
    gpointer user_data, GCancellable * cancellable, GError ** error)
{
  GHashTableIter iter;
  gpointer lane;

  self->done = done;
  self->user_data = user_data;
  self->cancellable = cancellable;
  g_main_context_push_thread_default (self->main_context);
  g_hash_table_iter_init (&iter, self->lanes);
  while (g_hash_table_iter_next (&iter, NULL, &lane))
    forget_unreachable (lane);
  pump_all (self);
  while (self->outstanding > 0) {
    g_main_context_iteration (self->main_context, TRUE);
    pump_all (self);
  }
  g_main_context_pop_thread_default (self->main_context);
  self->cancellable = NULL;
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

static void
keep_result (GObject * source, GAsyncResult * result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

GPtrArray *
pmss_node_calls_list (PmssNodeCalls * self, guint node, const char *after,
    gboolean * more, GCancellable * cancellable, GError ** error)
{
  Lane *lane = get_lane (self, node);
  g_autoptr (GAsyncResult) result = NULL;
  GPtrArray *names = NULL;

  g_main_context_push_thread_default (self->main_context);
  if (prepare_client (lane, error)) {
    g_autofree char *token = pmss_keys_mint_for_list (self->context->keys,
        node);
    g_autofree char *instance = pmss_nodes_get_instance (self->context->nodes,
        node);

    pmss_node_client_set_token (lane->client, token);
    pmss_node_client_list_async (lane->client, after, instance, cancellable,
        keep_result, &result);
    while (result == NULL)
      g_main_context_iteration (self->main_context, TRUE);
    names = pmss_node_client_list_finish (lane->client, result, more, error);
  }
  g_main_context_pop_thread_default (self->main_context);
  return names;
}
