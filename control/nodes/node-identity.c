/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who a heartbeat is from, and where its node is to be reached. A heartbeat has
 * the node's secret; a copy of the node's data folder has it, too, and an
 * address proves nothing. Any thread. */

#include "control/nodes/nodes-private.h"

#include <string.h>

#include "control/database/database.h"
#include "control/nodes/same-host.h"
#include "daemon/pmss-haste.h"
#include "libpmss/pmss-error.h"

#define SILENCE pmss_haste (PMSS_NODE_SUSPECT_AFTER * G_USEC_PER_SEC)
/* Of one node, whatever it claims: control is no port scanner. */
#define ASK_AGAIN pmss_haste (5 * G_USEC_PER_SEC)

/* Instances: which of two servers with one identity is the node
 *
 *                     another one beats
 *   (one instance) ────────────────────▶ (a contender)
 *         ▲                                │       │ the first one beats
 *         │ the first one left, or is      │       ▼
 *         └──── silent for 3 s ◀───────────┴── the contender is refused
 */

static void
adopt (PmssNodeEntry * entry, const char *instance)
{
  g_strlcpy (entry->instance, instance, sizeof (entry->instance));
  entry->contender[0] = '\0';
  entry->own_left = FALSE;
  entry->new_instance = TRUE;
}

static gboolean
is_silent (const PmssNodeEntry * entry, gint64 now)
{
  return entry->own_left
      || now - MAX (entry->own_heard, entry->contender_since) >= SILENCE;
}

PmssNodeClaim
pmss_node_judge_instance (PmssNodeEntry * entry, const char *instance,
    gint64 now)
{
  if (instance == NULL || entry->instance[0] == '\0'
      || g_str_equal (instance, entry->instance)) {
    if (instance != NULL && entry->instance[0] == '\0')
      adopt (entry, instance);
    entry->own_heard = now;
    return PMSS_NODE_CLAIM_GOOD;
  }
  if (!g_str_equal (instance, entry->contender)) {
    g_strlcpy (entry->contender, instance, sizeof (entry->contender));
    entry->contender_since = now;
  }
  if (is_silent (entry, now)) {
    adopt (entry, instance);
    entry->own_heard = now;
    return PMSS_NODE_CLAIM_GOOD;
  }
  if (entry->own_heard <= entry->contender_since)
    return PMSS_NODE_CLAIM_WAITS;
  entry->twin_refused = now;
  return PMSS_NODE_CLAIM_REFUSED;
}

/* Places: what a heartbeat says, against what is known */

static gboolean
same_place (const PmssNode * node, const PmssNodeBeat * beat)
{
  return g_str_equal (node->address, beat->address) && node->port == beat->port
      && !node->tls == !beat->tls;
}

static void
set_place (PmssNode * node, const PmssNode * to)
{
  g_free (node->address);
  node->address = g_strdup (to->address);
  node->port = to->port;
  node->tls = to->tls;
}

PmssNodeEntry *
pmss_nodes_find_at_locked (PmssNodes * self, guint except,
    const char *address, guint16 port)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    PmssNodeEntry *other = value;

    if (other->node.id != except && other->state != PMSS_NODE_DOWN
        && other->node.port == port
        && pmss_same_host (other->node.address, address))
      return other;
  }
  return NULL;
}

static void
refuse_place (PmssNodeEntry * entry, char *why)
{
  if (g_strcmp0 (why, entry->claim_problem) != 0)
    g_message ("Node %u: %s", entry->node.id, why);
  g_free (entry->claim_problem);
  entry->claim_problem = why;
}

static char *
describe_claim (const PmssNodeEntry * entry, const char *but)
{
  return g_strdup_printf ("it says that it is at %s, port %u, and %s",
      entry->claim.address, entry->claim.port, but);
}

/* What needs no question is refused at once; TRUE: it is to be asked. */
static gboolean
judge_claim_locked (PmssNodes * self, PmssNodeEntry * entry)
{
  PmssNodeEntry *other = pmss_nodes_find_at_locked (self, entry->node.id,
      entry->claim.address, entry->claim.port);
  g_autofree char *there = NULL;

  if (entry->node.tls && !entry->claim.tls) {
    refuse_place (entry, describe_claim (entry, "has no TLS any more: give it "
            "its certificate back"));
    return FALSE;
  }
  if (other == NULL)
    return TRUE;
  there =
      g_strdup_printf ("that is where node %u is: correct “advertise” of "
      "one of them", other->node.id);
  refuse_place (entry, describe_claim (entry, there));
  return FALSE;
}

static void
forget_claim (PmssNodeEntry * entry)
{
  g_clear_pointer (&entry->claim.address, g_free);
  g_clear_pointer (&entry->claim_problem, g_free);
  entry->unproved = FALSE;
}

char *
pmss_node_tell_claim (const PmssNodeEntry * entry)
{
  if (entry->claim.address != NULL && entry->unproved)
    return describe_claim (entry, "did not prove it there: control's log says "
        "what was answered");
  return g_strdup (entry->claim_problem);
}

gboolean
pmss_nodes_note_place_locked (PmssNodes * self, PmssNodeEntry * entry,
    const PmssNodeBeat * beat, gint64 now)
{
  const PmssNode told = {
    .address = (char *) beat->address,.port = beat->port,.tls = beat->tls
  };

  if (same_place (&entry->node, beat)) {
    forget_claim (entry);
    return FALSE;
  }
  if (entry->claim.address == NULL || !same_place (&entry->claim, beat)) {
    forget_claim (entry);
    set_place (&entry->claim, &told);
  }
  if (!judge_claim_locked (self, entry)
      || (entry->asked != 0 && now - entry->asked < ASK_AGAIN))
    return FALSE;
  entry->asked = now;
  return TRUE;
}

/* Answers */

typedef struct
{
  guint id;
  PmssNode place;
} PlaceCall;

static gboolean
write_place (PmssDatabase * database, gpointer data, GError ** error)
{
  PlaceCall *call = data;

  return pmss_database_exec (database, error,
      "UPDATE node SET address = ?2, port = ?3, tls = ?4 WHERE id = ?1",
      PMSS_INT (call->id), PMSS_TEXT (call->place.address),
      PMSS_INT (call->place.port), PMSS_INT (call->place.tls ? 1 : 0));
}

gboolean
pmss_nodes_check_place (PmssNodes * self, guint except, const PmssNode * place,
    GError ** error)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  PmssNodeEntry *other = pmss_nodes_find_at_locked (self, except,
      place->address, place->port);

  if (other == NULL)
    return TRUE;
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_CONFLICT,
      "Node %u is at %s, port %u, and not down: correct the address, or "
      "“advertise” of the server that has it", other->node.id,
      other->node.address, other->node.port);
  return FALSE;
}

gboolean
pmss_nodes_set_place (PmssNodes * self, guint id, const PmssNode * place,
    GError ** error)
{
  PlaceCall call = { id, *place };
  PmssNodeEntry *entry;

  if (!pmss_nodes_check_place (self, id, place, error)
      || !pmss_database_transact (self->database, write_place, &call, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, GUINT_TO_POINTER (id));
  if (entry != NULL) {
    set_place (&entry->node, place);
    forget_claim (entry);
  }
  g_mutex_unlock (&self->lock);
  g_message ("Node %u is at %s, port %u", id, place->address, place->port);
  return TRUE;
}

static gboolean
is_claim (const PmssNodeEntry * entry, const PmssNode * place)
{
  return entry->claim.address != NULL
      && g_str_equal (entry->claim.address, place->address)
      && entry->claim.port == place->port && !entry->claim.tls == !place->tls;
}

void
pmss_nodes_note_proof (PmssNodes * self, const PmssNode * place,
    const GError * failure)
{
  g_autoptr (GError) error = NULL;
  PmssNodeEntry *entry;
  gboolean proved = FALSE;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->entries, GUINT_TO_POINTER (place->id));
  if (entry != NULL && is_claim (entry, place)) {
    proved = failure == NULL && judge_claim_locked (self, entry);
    entry->unproved = failure != NULL;
    if (failure != NULL)
      refuse_place (entry, describe_claim (entry, failure->message));
  }
  g_mutex_unlock (&self->lock);
  if (proved && !pmss_nodes_set_place (self, place->id, place, &error))
    g_warning ("Cannot write the address of node %u: %s", place->id,
        error->message);
  pmss_nodes_update (self, place->id);
}

gboolean
pmss_nodes_copy_key (PmssNodes * self, guint id,
    guint8 key[PMSS_SECRET_HASH_SIZE])
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  PmssNodeEntry *entry = g_hash_table_lookup (self->entries,
      GUINT_TO_POINTER (id));

  if (entry != NULL)
    memcpy (key, entry->secret, PMSS_SECRET_HASH_SIZE);
  return entry != NULL;
}

char *
pmss_nodes_get_instance (PmssNodes * self, guint id)
{
  g_autoptr (GMutexLocker) G_GNUC_UNUSED locker =
      g_mutex_locker_new (&self->lock);
  PmssNodeEntry *entry = g_hash_table_lookup (self->entries,
      GUINT_TO_POINTER (id));

  /* a server that was killed and started again answers by its new one */
  if (entry == NULL || entry->instance[0] == '\0'
      || (entry->contender[0] != '\0'
          && entry->own_heard <= entry->contender_since))
    return NULL;
  return g_strdup (entry->instance);
}
