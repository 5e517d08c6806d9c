/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/nodes/node-stats.h"
#include "libpmss/format/pmss-layout.h"
#include "libpmss/node/pmss-proof.h"

G_BEGIN_DECLS

/**
 * PmssNodes:
 *
 * The storage servers: identity in the database, state and statistics in memory (they come anew
 * with every heartbeat).
 *
 *          heartbeat                 heartbeat
 *      ┌──────────────┐      ┌──────────────────────┐
 *      ▼   3 s none   │      │        15 s none     │
 *     up ─────────▶ suspect ─┴───────▶ down ────────┘
 *      └──────────────┴─────────────────▲
 *         a last heartbeat: it leaves
 *
 * Heartbeats alone do not make a node up. If readers say that it is unreachable, and control cannot
 * reach it itself (node-probe.h), it is suspect at once, and down after 15 s. After a start of
 * control all nodes are down until their first heartbeat: since the start, or since they went down
 * before it. For that, states are written to the database when they change. Threads: any.
 */

typedef enum { PMSS_NODE_DOWN, PMSS_NODE_SUSPECT, PMSS_NODE_UP } PmssNodeState;
#define PMSS_NODE_N_STATES (PMSS_NODE_UP + 1)

#define PMSS_NODE_SUSPECT_AFTER 3       /* seconds */
#define PMSS_NODE_DOWN_AFTER 15
#define PMSS_NODE_HEARTBEAT_INTERVAL 1
#define PMSS_JOIN_TOKEN_LIFETIME 3600
#define PMSS_INSTANCE_LENGTH 32 /* hex digits */

/* A node's words about itself in each heartbeat. The strings are the caller's. */
typedef struct
{
  const char *address;
  guint16 port;
  gboolean tls;
  gboolean leaving;             /* it is about to stop, and counts as down at once */
  const char *instance;         /* (nullable) id of its start */
  const char *trouble;          /* (nullable) why it takes no writes */
  gint64 time;                  /* of its clock, seconds since 1970; 0: it does not say */
  /* of the format that control signs; where not, it is suspect: it can serve no viewer */
  gboolean reads_tokens;
  gboolean reads_origins;       /* of tokens for pages of other origins */
  gboolean is_gateway;          /* it plays media over plain HTTP */
  PmssNodeStats stats;
  /* (nullable) why its figures are not believed; `stats` has none then */
  const char *figures_fault;
} PmssNodeBeat;

/* One node at one moment. */
typedef struct
{
  PmssNode node;                /* id, address, port, tls, zone */
  PmssNodeState state;
  gint64 since;                 /* in this state; seconds since 1970 */
  /* seconds that it is in this state, by the monotonic clock; for the time before control started,
   * by the wall clock */
  gint64 lasted;
  char *reason;                 /* in words, times in it as ISO 8601 in UTC; NULL: it is up */
  gboolean read_only;           /* it takes no writes; `warning` says why */
  /* (nullable) a fault that an administrator should look at, though it may be up */
  char *warning;
  /* (nullable) faults that were found by its figures, or by viewers, and last */
  char *faults;
  gint64 last_seen;             /* seconds since 1970; 0: not since control started */
  gint64 heard;                 /* monotonic, of its last heartbeat; 0: the same */
  gint64 skew;                  /* seconds that its clock was ahead of ours then */
  gboolean clock_told;          /* `warning` or `reason` has it already */
  guint64 capacity;             /* bytes that it offers */
  guint64 used, free;           /* as of the last heartbeat; 0 where not known */
  guint64 shards;               /* that the catalog has on it, pending deletions included */
  guint64 bad_shards;           /* of them, as far as is known */
  gboolean repair;              /* it is down, and is not to be waited for */
  gboolean reads_origins;       /* as it said last */
  PmssNodeStats stats;
  /* bit/s of viewers who were sent to it just now, and are not in `stats` yet */
  guint64 promised;
} PmssNodeInfo;

void          pmss_node_info_free (PmssNodeInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssNodeInfo, pmss_node_info_free)
const char   *pmss_node_state_to_string (PmssNodeState state);

PmssNodes    *pmss_nodes_new  (PmssDatabase *database, GError **error);
void          pmss_nodes_free (PmssNodes *nodes);

/* How many are in each state, as far as memory says; waits for nothing. */
void          pmss_nodes_count_states (PmssNodes *nodes, guint count[PMSS_NODE_N_STATES]);
/* All nodes by id: an array of #PmssNodeInfo that frees them. */
GPtrArray    *pmss_nodes_list (PmssNodes *nodes, GError **error);
/* PMSS_ERROR_NOT_FOUND */
PmssNodeInfo *pmss_nodes_get  (PmssNodes *nodes, guint id, GError **error);
/* How many have joined, in any state. From memory. */
guint         pmss_nodes_count (PmssNodes *nodes);
/* The address that a request goes to, from memory alone. FALSE: no such node. Free with
 * pmss_node_info_free(). The counts of the database are not filled in. */
PmssNodeInfo *pmss_nodes_peek (PmssNodes *nodes, guint id);

/* Each node's last figures, from memory, with the nodes' lock held: @visit is short, and calls
 * nothing of the nodes. @heard: monotonic, µs, when they came; 0: not yet. */
typedef void (*PmssNodesVisit) (guint id, PmssNodeState state, const PmssNodeStats *stats,
    gint64 heard, gpointer user_data);
void          pmss_nodes_visit (PmssNodes *nodes, PmssNodesVisit visit, gpointer user_data);

/* All nodes from memory, in no order. The counts of the database are not filled in. An array of
 * #PmssNodeInfo that frees them. */
GPtrArray    *pmss_nodes_list_known (PmssNodes *nodes);
/* Their `faults` from now on: id -> text (nullable). */
void          pmss_nodes_set_faults (PmssNodes *nodes, GHashTable *texts);

/* One-time join tokens. @zone: (nullable) the zone of the joining node, even if it names another
 * one. */
char         *pmss_nodes_create_join_token (PmssNodes *nodes, const char *zone, gint64 *expires,
    GError **error);
/* Uses up @join_token. Fills in node->id; returns the node's secret. PMSS_ERROR_NOT_AUTHORIZED for
 * an unknown, used or expired token. */
char         *pmss_nodes_join (PmssNodes *nodes, const char *join_token, PmssNode *node,
    guint64 capacity, GError **error);
/* PMSS_ERROR_NOT_AUTHORIZED for a wrong secret, for an unknown node, too; PMSS_ERROR_CONFLICT when
 * another server with the same identity is alive. A changed address counts once it has been proved.
 * Until then the node is suspect. @problem: (out) (nullable) the text for the node. */
gboolean      pmss_nodes_heartbeat (PmssNodes *nodes, guint id, const char *secret,
    const PmssNodeBeat *beat, PmssNodeState *state, char **problem, GError **error);
/* The node that @secret (nullable) is of; 0: none. From memory. */
guint         pmss_nodes_find_by_secret (PmssNodes *nodes, const char *secret);
/* Those that are up and play media over plain HTTP, from memory, in no order: an array of
 * #PmssNodeInfo that frees them. */
GPtrArray    *pmss_nodes_list_gateways (PmssNodes *nodes);
/* A viewer was sent there who will take @rate bit/s. */
void          pmss_nodes_promise (PmssNodes *nodes, guint id, guint64 rate);
/* Whether @secret is the node's: as heartbeat() does. */
gboolean      pmss_nodes_check     (PmssNodes *nodes, guint id, const char *secret, GError **error);
/* Control has tried to reach the node; @readers have told before that they cannot. @failure:
 * (nullable) why it could not either. */
void          pmss_nodes_note_probe (PmssNodes *nodes, guint id, guint readers,
    const GError *failure);
/* An administrator does not want to wait for the node: `repair` until it is up. PMSS_ERROR_CONFLICT
 * while it is. */
gboolean      pmss_nodes_ask_repair (PmssNodes *nodes, guint id, GError **error);
/* PMSS_ERROR_CONFLICT while the catalog has shards on it; those that only wait to be deleted from a
 * node that is down go with it. */
gboolean      pmss_nodes_remove (PmssNodes *nodes, guint id, GError **error);

/* Asks the server at @place, where node place->id says that it is, for a proof, without waiting.
 * The result goes to note_proof(). Called on any thread with no lock held. */
typedef void (*PmssNodesProve) (const PmssNode *place, gpointer user_data);
void          pmss_nodes_set_prove  (PmssNodes *nodes, PmssNodesProve prove, gpointer user_data);
/* @failure: (nullable) why there is no proof. */
void          pmss_nodes_note_proof (PmssNodes *nodes, const PmssNode *place,
    const GError *failure);
/* An administrator says where the node is. PMSS_ERROR_CONFLICT: another one is there, and not
 * down. */
gboolean      pmss_nodes_set_place  (PmssNodes *nodes, guint id, const PmssNode *place,
    GError **error);
/* The key of the node's proofs (pmss-proof.h). FALSE: no such node. */
gboolean      pmss_nodes_copy_key   (PmssNodes *nodes, guint id, guint8 key[PMSS_PROOF_KEY_SIZE]);
/* Id of the node's last start; NULL: not known, or it may have been started again just now. Free
 * with g_free(). */
char         *pmss_nodes_get_instance (PmssNodes *nodes, guint id);

/* Brings the states up to date. Called by a timer twice a second; @now as of
 * g_get_monotonic_time(). */
void          pmss_nodes_tick (PmssNodes *nodes, gint64 now);

/* Changes of states are noted there. Before the first one. */
void          pmss_nodes_set_events (PmssNodes *nodes, PmssEvents *events);
/* One watcher: told of each change of a node's state, on whichever thread saw it, with no lock
 * held. It must not block and must not set the watch: it wakes its own thread. */
typedef void (*PmssNodesWatch) (guint id, PmssNodeState state, gpointer user_data);
/* Where another watch is running it waits for that one's end. */
void          pmss_nodes_set_watch (PmssNodes *nodes, PmssNodesWatch watch, gpointer user_data);

G_END_DECLS
