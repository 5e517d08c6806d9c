/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nodes that have joined. Any thread. */
#include "control/nodes/nodes-private.h"

#include <sodium.h>
#include <string.h>

#include "control/accounts/secret.h"
#include "control/database/database.h"
#include "daemon/pmss-haste.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

/* What a function on the database thread needs and gives. */
typedef struct
{
  PmssNodes *nodes;
  PmssNode *node;
  guint id;
  guint64 capacity;
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  guint8 join_hash[PMSS_SECRET_HASH_SIZE];
  const char *zone;
  char *given_zone;
  gint64 expires;
  GPtrArray *list;
} NodeCall;

const char *
pmss_node_state_to_string (PmssNodeState state)
{
  static const char *const names[] = {
    [PMSS_NODE_DOWN] = "down",
    [PMSS_NODE_SUSPECT] = "suspect",
    [PMSS_NODE_UP] = "up",
  };

  return names[state];
}

static PmssNodeEntry *
entry_new (void)
{
  PmssNodeEntry *entry = g_new0 (PmssNodeEntry, 1);

  pmss_node_stats_clear (&entry->stats);
  return entry;
}

static void
entry_free (gpointer data)
{
  PmssNodeEntry *entry = data;

  g_free (entry->node.address);
  g_free (entry->node.zone);
  g_free (entry->claim.address);
  g_free (entry->claim_problem);
  g_free (entry->reason);
  g_free (entry->trouble);
  g_free (entry->figures_fault);
  g_free (entry->faults);
  g_free (entry->failure);
  g_free (entry);
}

void
pmss_node_info_free (PmssNodeInfo * info)
{
  g_free (info->node.address);
  g_free (info->node.zone);
  g_free (info->reason);
  g_free (info->warning);
  g_free (info->faults);
  g_free (info);
}

static void
copy_node (PmssNode * to, const PmssNode * from)
{
  *to = *from;
  to->address = g_strdup (from->address);
  to->zone = g_strdup (from->zone);
}

/* A twin as long as it beats, and a little longer. A clock that makes it suspect is told as the reason for that. */
static char *
warn_of (const PmssNodeEntry * entry)
{
  if (entry->twin_refused == 0 || g_get_monotonic_time () - entry->twin_refused
      >= pmss_haste (PMSS_NODE_DOWN_AFTER * G_USEC_PER_SEC)) {
    if (entry->trouble != NULL)
      return g_strdup (entry->trouble);
    if (entry->figures_fault != NULL)
      return g_strdup_printf ("its figures are not believed: %s: look at its "
          "machine, and upgrade it", entry->figures_fault);
    if (pmss_node_clock_is_wrong (entry->skew))
      return NULL;
    return pmss_node_describe_clock (entry->skew);
  }
  return g_strdup ("another server has its identity, as a copy of its data "
      "folder has, and is refused");
}

/* 0: not known */
static guint64
to_bytes (double figure)
{
  return isnan (figure) ? 0 : (guint64) figure;
}

static PmssNodeInfo *
entry_to_info (const PmssNodeEntry * entry)
{
  PmssNodeInfo *info = g_new0 (PmssNodeInfo, 1);

  copy_node (&info->node, &entry->node);
  info->state = entry->state;
  info->since = entry->since;
  info->lasted = (g_get_monotonic_time () - entry->began) / G_USEC_PER_SEC;
  info->reason = g_strdup (entry->reason);
  info->read_only = entry->trouble != NULL;
  info->warning = warn_of (entry);
  info->faults = g_strdup (entry->faults);
  info->last_seen = entry->last_seen;
  info->heard = entry->heard;
  info->skew = entry->skew;
  info->clock_told = pmss_node_clock_is_notable (entry->skew);
  info->capacity = entry->capacity;
  info->used = to_bytes (entry->stats.used);
  info->free = to_bytes (entry->stats.free);
  info->stats = entry->stats;
  info->reads_origins = entry->reads_origins;
  info->promised = entry->promised;
  return info;
}

/* Nobody has been heard of yet. Who was down stays so since then. Before any other thread knows of the object: without the lock. */
static gboolean
load_entries (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssNodes *self = data;
  const gint64 seconds = g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *now = pmss_json_format_time (seconds);
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = NULL;

  if (!pmss_database_exec (database, error,
          "UPDATE node SET state = 'down', since = unixepoch ()"
          " WHERE state <> 'down' OR since = 0"))
    return FALSE;
  rows = pmss_database_query (database,
      "SELECT id, address, port, tls, zone, capacity, secret, since, instance"
      " FROM node");
  while (pmss_rows_next (rows, &local)) {
    PmssNodeEntry *entry = entry_new ();
    gsize length;
    const void *secret = pmss_rows_blob (rows, 6, &length);

    entry->node.id = (guint) pmss_rows_int (rows, 0);
    entry->node.address = g_strdup (pmss_rows_text (rows, 1));
    entry->node.port = (guint16) pmss_rows_int (rows, 2);
    entry->node.tls = pmss_rows_int (rows, 3) != 0;
    entry->node.zone = g_strdup (pmss_rows_text (rows, 4));
    entry->capacity = (guint64) pmss_rows_int (rows, 5);
    memcpy (entry->secret, secret, MIN (length, sizeof (entry->secret)));
    entry->since = pmss_rows_int (rows, 7);
    g_strlcpy (entry->instance, pmss_rows_text (rows, 8),
        sizeof (entry->instance));
    entry->began = g_get_monotonic_time ()
        - MAX (seconds - entry->since, 0) * G_USEC_PER_SEC;
    entry->reason = g_strdup_printf ("not heard of since control started at "
        "%s", now);
    g_hash_table_insert (self->entries, GUINT_TO_POINTER (entry->node.id),
        entry);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

PmssNodes *
pmss_nodes_new (PmssDatabase * database, GError ** error)
{
  PmssNodes *self = g_new0 (PmssNodes, 1);

  g_mutex_init (&self->lock);
  g_mutex_init (&self->watch_lock);
  self->database = database;
  self->entries = g_hash_table_new_full (NULL, NULL, NULL, entry_free);
  self->unknown = g_hash_table_new (NULL, NULL);
  if (pmss_database_transact (database, load_entries, self, error))
    return self;
  pmss_nodes_free (self);
  return NULL;
}

void
pmss_nodes_free (PmssNodes * self)
{
  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->unknown);
  g_mutex_clear (&self->watch_lock);
  g_mutex_clear (&self->lock);
  g_free (self);
}

PmssNodeInfo *
pmss_nodes_peek (PmssNodes * self, guint id)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  PmssNodeEntry *entry =
      g_hash_table_lookup (self->entries, GUINT_TO_POINTER (id));

  return entry != NULL ? entry_to_info (entry) : NULL;
}

guint
pmss_nodes_find_by_secret (PmssNodes * self, const char *secret)
{
  guint8 hash[PMSS_SECRET_HASH_SIZE];
  GHashTableIter iter;
  gpointer value;
  guint found = 0;

  if (secret == NULL)
    return 0;
  pmss_secret_hash (secret, hash);
  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const PmssNodeEntry *entry = value;

    if (sodium_memcmp (hash, entry->secret, sizeof (hash)) == 0)
      found = entry->node.id;
  }
  g_mutex_unlock (&self->lock);
  return found;
}

GPtrArray *
pmss_nodes_list_known (PmssNodes * self)
{
  GPtrArray *list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_node_info_free);
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (list, entry_to_info (value));
  g_mutex_unlock (&self->lock);
  return list;
}

void
pmss_nodes_set_faults (PmssNodes * self, GHashTable * texts)
{
  GHashTableIter iter;
  gpointer id, value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, &id, &value)) {
    PmssNodeEntry *entry = value;
    const char *text = g_hash_table_lookup (texts, id);

    if (g_strcmp0 (text, entry->faults) == 0)
      continue;
    g_free (entry->faults);
    entry->faults = g_strdup (text);
  }
  g_mutex_unlock (&self->lock);
}

GPtrArray *
pmss_nodes_list_gateways (PmssNodes * self)
{
  GPtrArray *list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_node_info_free);
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const PmssNodeEntry *entry = value;

    if (entry->is_gateway && entry->state == PMSS_NODE_UP)
      g_ptr_array_add (list, entry_to_info (entry));
  }
  g_mutex_unlock (&self->lock);
  return list;
}

void
pmss_nodes_promise (PmssNodes * self, guint id, guint64 rate)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  PmssNodeEntry *entry = g_hash_table_lookup (self->entries,
      GUINT_TO_POINTER (id));

  if (entry != NULL)
    entry->promised += MIN (rate, PMSS_MAX_NETWORK_LIMIT - entry->promised);
}

guint
pmss_nodes_count (PmssNodes * self)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);

  return g_hash_table_size (self->entries);
}

void
pmss_nodes_count_states (PmssNodes * self, guint count[PMSS_NODE_N_STATES])
{
  GHashTableIter iter;
  gpointer entry;

  memset (count, 0, PMSS_NODE_N_STATES * sizeof (guint));
  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    count[((PmssNodeEntry *) entry)->state]++;
  g_mutex_unlock (&self->lock);
}

void
pmss_nodes_visit (PmssNodes * self, PmssNodesVisit visit, gpointer user_data)
{
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const PmssNodeEntry *entry = value;

    visit (entry->node.id, entry->state, &entry->stats, entry->heard,
        user_data);
  }
  g_mutex_unlock (&self->lock);
}

/* The database says which nodes there are and what they hold, the memory what they told. */
static gboolean
list_nodes (PmssDatabase * database, gpointer data, GError ** error)
{
  NodeCall *call = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id, shards, bad_shards, repair FROM node"
      " WHERE ?1 = 0 OR id = ?1 ORDER BY id", PMSS_INT (call->id));

  while (pmss_rows_next (rows, &local)) {
    PmssNodeInfo *info = pmss_nodes_peek (call->nodes,
        (guint) pmss_rows_int (rows, 0));

    /* joining in another thread at this moment */
    if (info == NULL)
      continue;
    info->shards = (guint64) pmss_rows_int (rows, 1);
    info->bad_shards = (guint64) pmss_rows_int (rows, 2);
    info->repair = pmss_rows_int (rows, 3) != 0;
    g_ptr_array_add (call->list, info);
  }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static GPtrArray *
list_some (PmssNodes * self, guint id, GError ** error)
{
  g_autoptr (GPtrArray) list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) pmss_node_info_free);
  NodeCall call = {.nodes = self,.id = id,.list = list };

  if (!pmss_database_transact (self->database, list_nodes, &call, error))
    return NULL;
  return g_steal_pointer (&list);
}

GPtrArray *
pmss_nodes_list (PmssNodes * self, GError ** error)
{
  return list_some (self, 0, error);
}

PmssNodeInfo *
pmss_nodes_get (PmssNodes * self, guint id, GError ** error)
{
  g_autoptr (GPtrArray) list = id != 0 ? list_some (self, id, error) : NULL;

  if (list != NULL && list->len > 0)
    return g_ptr_array_steal_index (list, 0);
  if (list != NULL || id == 0)
    g_set_error (error, PMSS_ERROR, PMSS_ERROR_NOT_FOUND,
        "There is no node %u", id);
  return NULL;
}

/* Joining */

static gboolean
add_join_token (PmssDatabase * database, gpointer data, GError ** error)
{
  NodeCall *call = data;

  return pmss_database_exec (database, error,
      "DELETE FROM join_token WHERE expires <= unixepoch ()")
      && pmss_database_exec (database, error,
      "INSERT INTO join_token (hash, zone, created, expires)"
      " VALUES (?1, ?2, unixepoch (), ?3)",
      PMSS_BLOB (call->join_hash, sizeof (call->join_hash)),
      PMSS_TEXT (call->zone), PMSS_INT (call->expires));
}

char *
pmss_nodes_create_join_token (PmssNodes * self, const char *zone,
    gint64 * expires, GError ** error)
{
  g_autofree char *token = pmss_secret_new ();
  NodeCall call = {.zone = zone };

  call.expires = g_get_real_time () / G_USEC_PER_SEC + PMSS_JOIN_TOKEN_LIFETIME;
  pmss_secret_hash (token, call.join_hash);
  if (!pmss_database_transact (self->database, add_join_token, &call, error))
    return NULL;
  *expires = call.expires;
  return g_steal_pointer (&token);
}

/* Deletes the token, so that it is good once; gives the zone that it was made for. */
static gboolean
use_join_token (PmssDatabase * database, NodeCall * call, GError ** error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "DELETE FROM join_token WHERE hash = ?1 AND expires > unixepoch ()"
      " RETURNING zone", PMSS_BLOB (call->join_hash, sizeof (call->join_hash)));

  if (pmss_rows_next (rows, &local)) {
    call->given_zone = g_strdup (pmss_rows_text (rows, 0));
    return TRUE;
  }
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error_literal (error, PMSS_ERROR, PMSS_ERROR_NOT_AUTHORIZED,
        "The join token is unknown, used or expired: make a new one");
  return FALSE;
}

static gboolean
add_node (PmssDatabase * database, gpointer data, GError ** error)
{
  NodeCall *call = data;
  PmssNode *node = call->node;

  if (!use_join_token (database, call, error))
    return FALSE;
  if (!pmss_database_exec (database, error,
          "INSERT INTO node (address, port, tls, zone, capacity, secret,"
          " created, since)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, unixepoch (), unixepoch ())",
          PMSS_TEXT (node->address), PMSS_INT (node->port),
          PMSS_INT (node->tls ? 1 : 0),
          PMSS_TEXT (call->given_zone != NULL ? call->given_zone
              : node->zone), PMSS_INT (call->capacity),
          PMSS_BLOB (call->hash, sizeof (call->hash))))
    return FALSE;
  node->id = (guint) pmss_database_get_last_id (database);
  return TRUE;
}

char *
pmss_nodes_join (PmssNodes * self, const char *join_token, PmssNode * node,
    guint64 capacity, GError ** error)
{
  g_autofree char *secret = pmss_secret_new ();
  NodeCall call = {.node = node,.capacity = capacity };
  g_autofree char *zone = NULL;
  PmssNodeEntry *entry;

  pmss_secret_hash (join_token, call.join_hash);
  pmss_proof_key (secret, call.hash);
  if (!pmss_nodes_check_place (self, 0, node, error))
    return NULL;
  if (!pmss_database_transact (self->database, add_node, &call, error)) {
    g_free (call.given_zone);
    return NULL;
  }
  zone = call.given_zone;
  entry = entry_new ();
  copy_node (&entry->node, node);
  if (zone != NULL) {
    g_free (entry->node.zone);
    entry->node.zone = g_strdup (zone);
  }
  memcpy (entry->secret, call.hash, sizeof (call.hash));
  entry->capacity = capacity;
  entry->since = g_get_real_time () / G_USEC_PER_SEC;
  entry->began = g_get_monotonic_time ();
  entry->reason = g_strdup ("it has joined, and was not heard of yet");
  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->entries, GUINT_TO_POINTER (node->id), entry);
  g_mutex_unlock (&self->lock);
  g_message ("Node %u has joined: %s, port %u", node->id, node->address,
      node->port);
  return g_steal_pointer (&secret);
}

/* Leaving */

static gboolean
ask_repair (PmssDatabase * database, gpointer data, GError ** error)
{
  NodeCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE node SET repair = 1 WHERE id = ?1 AND state <> 'up'",
      PMSS_INT (call->id));
}

gboolean
pmss_nodes_ask_repair (PmssNodes * self, guint id, GError ** error)
{
  NodeCall call = {.id = id };
  g_autoptr (PmssNodeInfo) info = pmss_nodes_get (self, id, error);

  if (info == NULL)
    return FALSE;
  if (info->state != PMSS_NODE_UP)
    return pmss_database_transact (self->database, ask_repair, &call, error);
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "Node %u is up: what it lacks is repaired without being asked for", id);
  return FALSE;
}
