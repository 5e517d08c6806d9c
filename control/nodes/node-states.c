/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The states of nodes. Any thread. */
#include "control/nodes/nodes-private.h"

#include "control/database/database.h"
#include "control/events/events.h"
#include "daemon/pmss-haste.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/pmss-token.h"

/* Heartbeats, silence, and what follows from them: the nodes' states. */

/* Others are refused without a word in the log. */
#define MAX_UNKNOWN 64

/* What is written of one. */
typedef struct
{
  guint id;
  PmssNodeState state;
  gint64 since;
} StateRow;

/* One heartbeat, and what is to be done about it. */
typedef struct
{
  guint id;
  const PmssNodeBeat *beat;
  PmssNodeClaim claim;
  gboolean ask, changed;
  char *problem;
} BeatCall;

void
pmss_nodes_set_watch (PmssNodes * self, PmssNodesWatch watch,
    gpointer user_data)
{
  g_mutex_lock (&self->watch_lock);
  self->watch = watch;
  self->watch_data = user_data;
  g_mutex_unlock (&self->watch_lock);
}

static PmssNodeState
state_after (gint64 silence)
{
  if (silence >= pmss_haste (PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC))
    return PMSS_NODE_DOWN;
  if (silence >= pmss_haste (PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC))
    return PMSS_NODE_SUSPECT;
  return PMSS_NODE_UP;
}

static PmssNodeState
state_at (const PmssNodeEntry * entry, gint64 now)
{
  PmssNodeState heard, reached = PMSS_NODE_UP;

  if (entry->leaving || entry->last_seen == 0)
    return PMSS_NODE_DOWN;
  heard = state_after (now - entry->heard);
  if (entry->unreachable != 0)
    reached = MIN (state_after (now - entry->unreachable), PMSS_NODE_SUSPECT);
  if (!entry->reads_tokens || entry->claim.address != NULL
      || pmss_node_clock_is_wrong (entry->skew))
    reached = MIN (reached, PMSS_NODE_SUSPECT);
  return MIN (heard, reached);
}

/* With what may be the cause: its trouble, or the faults that it had then. */
static char *
explain_silence (const PmssNodeEntry * entry)
{
  g_autofree char *seen = pmss_json_format_time (entry->last_seen);
  const char *cause = entry->trouble != NULL ? entry->trouble : entry->faults;

  return g_strconcat ("no heartbeat since ", seen, cause != NULL ?
      "; its last word was: " : NULL, cause, NULL);
}

static char *
explain (const PmssNodeEntry * entry, gint64 now)
{
  if (entry->leaving)
    return g_strdup ("it said that it stops");
  if (state_after (now - entry->heard) < PMSS_NODE_UP)
    return explain_silence (entry);
  if (entry->claim.address != NULL)
    return entry->claim_problem != NULL ? g_strdup (entry->claim_problem)
        : g_strdup_printf ("it is asked to prove that it is at %s, port %u",
        entry->claim.address, entry->claim.port);
  if (entry->unreachable == 0 && !entry->reads_tokens)
    return g_strdup_printf ("it does not read tokens of format %d: upgrade it",
        PMSS_TOKEN_FORMAT);
  if (entry->unreachable == 0 && pmss_node_clock_is_wrong (entry->skew))
    return pmss_node_describe_clock (entry->skew);
  return g_strdup_printf ("%u reader%s cannot reach it, and neither can "
      "control: %s", entry->readers, entry->readers == 1 ? "" : "s",
      entry->failure);
}

/* With the lock held: brings the state up to date; whether it has changed. */
static gboolean
update_state (PmssNodeEntry * entry, gint64 now)
{
  PmssNodeState state = state_at (entry, now);

  if (state == entry->state) {
    /* what is wrong may have become another thing */
    if (state == PMSS_NODE_SUSPECT) {
      g_free (entry->reason);
      entry->reason = explain (entry, now);
    }
    return FALSE;
  }
  entry->state = state;
  entry->since = g_get_real_time () / G_USEC_PER_SEC;
  entry->began = g_get_monotonic_time ();
  g_free (entry->reason);
  entry->reason = state == PMSS_NODE_UP ? NULL : explain (entry, now);
  return TRUE;
}

static gboolean
write_states (PmssDatabase * database, gpointer data, GError ** error)
{
  GArray *states = data;

  for (guint i = 0; i < states->len; i++) {
    const StateRow *row = &g_array_index (states, StateRow, i);

    if (!pmss_database_exec (database, error,
            "UPDATE node SET state = ?2, since = ?3,"
            " repair = repair AND ?2 <> 'up' WHERE id = ?1",
            PMSS_INT (row->id),
            PMSS_TEXT (pmss_node_state_to_string (row->state)),
            PMSS_INT (row->since)))
      return FALSE;
  }
  return TRUE;
}

/* Liveness does not wait for the database. The rows are handed in under the lock: of two threads that saw changes the later one's are written later. What is lost
 * is only since when, should control be started anew. */
static void
hand_in_states (PmssNodes * self, const GArray * ids)
{
  GArray *states = g_array_new (FALSE, FALSE, sizeof (StateRow));

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < ids->len; i++) {
    guint id = g_array_index (ids, guint, i);
    PmssNodeEntry *entry = g_hash_table_lookup (self->entries,
        GUINT_TO_POINTER (id));

    if (entry != NULL) {
      StateRow row = { id, entry->state, entry->since };

      g_array_append_val (states, row);
    }
  }
  pmss_database_transact_within (self->database, 0, write_states, states,
      (GDestroyNotify) g_array_unref, NULL);
  g_mutex_unlock (&self->lock);
}

void
pmss_nodes_set_events (PmssNodes * self, PmssEvents * events)
{
  self->events = events;
}

static void
note_state (PmssNodes * self, const PmssNodeInfo * info)
{
  static const char *const actions[] = {
    [PMSS_NODE_DOWN] = "node down",
    [PMSS_NODE_SUSPECT] = "node suspect",
    [PMSS_NODE_UP] = "node up",
  };
  char object[16];
  const PmssEvent event = {
    .action = actions[info->state],.object = object,.detail = info->reason,
    /* one that comes and goes displaces nobody's deeds */
    .minor = TRUE
  };

  g_snprintf (object, sizeof (object), "%u", info->node.id);
  pmss_events_note (self->events, &event);
}

static void
tell_watch (PmssNodes * self, guint id)
{
  g_autoptr (PmssNodeInfo) info = pmss_nodes_peek (self, id);

  if (info == NULL)
    return;
  note_state (self, info);
  g_mutex_lock (&self->watch_lock);
  if (self->watch != NULL)
    self->watch (id, info->state, self->watch_data);
  g_mutex_unlock (&self->watch_lock);
}

static void
tell_changes (PmssNodes * self, GArray * ids)
{
  if (ids->len == 0)
    return;
  hand_in_states (self, ids);
  for (guint i = 0; i < ids->len; i++)
    tell_watch (self, g_array_index (ids, guint, i));
}

/* Heartbeats */

/* What is written of one. */
typedef struct
{
  guint id;
  char instance[PMSS_INSTANCE_LENGTH + 1];
} InstanceRow;

static gboolean
write_instance (PmssDatabase * database, gpointer data, GError ** error)
{
  const InstanceRow *row = data;

  return pmss_database_exec (database, error,
      "UPDATE node SET instance = ?2 WHERE id = ?1", PMSS_INT (row->id),
      PMSS_TEXT (row->instance));
}

/* With the lock held, as states are handed in, and for the same reason. */
static void
hand_in_instance (PmssNodes * self, PmssNodeEntry * entry)
{
  InstanceRow *row = g_new0 (InstanceRow, 1);

  row->id = entry->node.id;
  g_strlcpy (row->instance, entry->instance, sizeof (row->instance));
  entry->new_instance = FALSE;
  pmss_database_transact_within (self->database, 0, write_instance, row, g_free,
      NULL);
}

/* Once for each: who is refused asks again each second, and anybody may. */
static void
note_unknown_locked (PmssNodes * self, guint id, gboolean known)
{
  if (g_hash_table_size (self->unknown) >= MAX_UNKNOWN
      || !g_hash_table_add (self->unknown, GUINT_TO_POINTER (id)))
    return;
  if (known)
    g_message ("Something that calls itself storage server %u was refused: "
        "its secret is not that server's", id);
  else
    g_message ("Something that calls itself storage server %u was refused: the "
        "catalog, which has %u, does not know it. If it is a storage server "
        "of this cluster that was not removed, this is not its catalog: stop "
        "pmss-control and put the right one back (docs/operations.md)", id,
        g_hash_table_size (self->entries));
}

gboolean
pmss_nodes_check (PmssNodes * self, guint id, const char *secret,
    GError ** error)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  PmssNodeEntry *entry = g_hash_table_lookup (self->entries,
      GUINT_TO_POINTER (id));

  if (entry != NULL && pmss_secret_check (secret, entry->secret))
    return TRUE;
  note_unknown_locked (self, id, entry != NULL);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
      "The catalog does not know storage server %u, or not by this secret. If "
      "the catalog is a new or another one, put the right one back. If the "
      "server was removed, give it an empty data folder and a join token", id);
  return FALSE;
}

/* With the lock held. */
static void
note_trouble (PmssNodeEntry * entry, const char *trouble)
{
  if (trouble != NULL && entry->trouble == NULL)
    g_warning ("Node %u takes no writes: %s", entry->node.id, trouble);
  else if (trouble == NULL && entry->trouble != NULL)
    g_message ("Node %u takes writes again", entry->node.id);
  g_free (entry->trouble);
  entry->trouble = g_strdup (trouble);
}

/* With the lock held. */
static void
note_figures (PmssNodeEntry * entry, const PmssNodeBeat * beat)
{
  if (beat->figures_fault != NULL && entry->figures_fault == NULL)
    g_warning ("The figures of node %u are not believed: %s", entry->node.id,
        beat->figures_fault);
  else if (beat->figures_fault == NULL && entry->figures_fault != NULL)
    g_message ("The figures of node %u are believed again", entry->node.id);
  g_free (entry->figures_fault);
  entry->figures_fault = g_strdup (beat->figures_fault);
  entry->stats = beat->stats;
}

/* With the lock held: it is the node's, or may be. */
static void
note_liveness (PmssNodeEntry * entry, gint64 now)
{
  /* it was gone, and begins anew: whoever cannot reach it still will say so */
  if (entry->leaving || state_after (now - entry->heard) == PMSS_NODE_DOWN)
    entry->unreachable = 0;
  entry->heard = now;
  entry->last_seen = g_get_real_time () / G_USEC_PER_SEC;
}

/* With the lock held: how it is. Who is not known yet to be the node may say that it leaves, and makes room for nobody: or a copy of the node's data folder would,
 * and be taken for the node a moment later. */
static void
note_words (PmssNodeEntry * entry, const BeatCall * call)
{
  const PmssNodeBeat *beat = call->beat;

  entry->leaving = beat->leaving;
  if (call->claim == PMSS_NODE_CLAIM_GOOD)
    entry->own_left = beat->leaving;
  entry->reads_tokens = beat->reads_tokens;
  entry->reads_origins = beat->reads_origins;
  entry->is_gateway = beat->is_gateway;
  entry->skew = beat->time != 0 ? beat->time - entry->last_seen : 0;
  note_trouble (entry, beat->trouble);
  note_figures (entry, beat);
  entry->promised /= 2;
}

/* With the lock held. */
static void
note_heartbeat (PmssNodes * self, PmssNodeEntry * entry, BeatCall * call)
{
  gint64 now = g_get_monotonic_time ();

  call->claim = pmss_node_judge_instance (entry, call->beat->instance, now);
  if (call->claim == PMSS_NODE_CLAIM_REFUSED)
    return;
  note_liveness (entry, now);
  note_words (entry, call);
  if (entry->new_instance)
    hand_in_instance (self, entry);
  if (call->claim == PMSS_NODE_CLAIM_GOOD && !call->beat->leaving)
    call->ask = pmss_nodes_note_place_locked (self, entry, call->beat, now);
  call->problem = pmss_node_tell_claim (entry);
  if (call->problem == NULL)
    call->problem = pmss_node_describe_clock (entry->skew);
  call->changed = update_state (entry, now);
}

/* What follows, without the lock. */
static gboolean
follow_heartbeat (PmssNodes * self, BeatCall * call, GError ** error)
{
  g_autoptr (GArray) changed = g_array_new (FALSE, FALSE, sizeof (guint));

  if (call->claim == PMSS_NODE_CLAIM_REFUSED) {
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
        "Another server is node %u, and alive: this one has a copy of its "
        "data folder. Stop it, or give it an empty folder and a join token",
        call->id);
    return FALSE;
  }
  if (call->changed)
    g_array_append_val (changed, call->id);
  tell_changes (self, changed);
  if (call->ask && self->prove != NULL) {
    const PmssNode place = {
      .id = call->id,.address = (char *) call->beat->address,
      .port = call->beat->port,.tls = call->beat->tls
    };

    self->prove (&place, self->prove_data);
  }
  return TRUE;
}

gboolean
pmss_nodes_heartbeat (PmssNodes * self, guint id, const char *secret,
    const PmssNodeBeat * beat, PmssNodeState * state, char **problem,
    GError ** error)
{
  BeatCall call = {.id = id,.beat = beat };
  PmssNodeEntry *entry;

  *state = PMSS_NODE_DOWN;
  *problem = NULL;
  if (!pmss_nodes_check (self, id, secret, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, GUINT_TO_POINTER (id));
  if (entry != NULL) {
    note_heartbeat (self, entry, &call);
    *state = entry->state;
  }
  g_mutex_unlock (&self->lock);
  *problem = call.problem;
  return follow_heartbeat (self, &call, error);
}

void
pmss_nodes_set_prove (PmssNodes * self, PmssNodesProve prove,
    gpointer user_data)
{
  self->prove = prove;
  self->prove_data = user_data;
}

void
pmss_nodes_update (PmssNodes * self, guint id)
{
  g_autoptr (GArray) changed = g_array_new (FALSE, FALSE, sizeof (guint));
  PmssNodeEntry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, GUINT_TO_POINTER (id));
  if (entry != NULL && update_state (entry, g_get_monotonic_time ()))
    g_array_append_val (changed, id);
  g_mutex_unlock (&self->lock);
  tell_changes (self, changed);
}

void
pmss_nodes_note_probe (PmssNodes * self, guint id, guint readers,
    const GError * failure)
{
  g_autoptr (GArray) changed = g_array_new (FALSE, FALSE, sizeof (guint));
  gint64 now = g_get_monotonic_time ();
  PmssNodeEntry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, GUINT_TO_POINTER (id));
  if (entry != NULL) {
    if (failure == NULL)
      entry->unreachable = 0;
    else if (entry->unreachable == 0)
      entry->unreachable = now;
    entry->readers = readers;
    g_free (entry->failure);
    entry->failure = failure != NULL ? g_strdup (failure->message) : NULL;
    if (update_state (entry, now))
      g_array_append_val (changed, id);
  }
  g_mutex_unlock (&self->lock);
  tell_changes (self, changed);
}

void
pmss_nodes_tick (PmssNodes * self, gint64 now)
{
  g_autoptr (GArray) changed = g_array_new (FALSE, FALSE, sizeof (guint));
  GHashTableIter iter;
  gpointer id, value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, &id, &value)) {
    guint number = GPOINTER_TO_UINT (id);

    if (update_state (value, now))
      g_array_append_val (changed, number);
  }
  g_mutex_unlock (&self->lock);
  tell_changes (self, changed);
}
