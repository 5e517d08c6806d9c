/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/secret.h"
#include "control/nodes/nodes.h"

G_BEGIN_DECLS

/* Shared by nodes.c (the list of nodes), node-states.c (their states) and the other node-*.c. */

typedef struct
{
  PmssNode node;
  guint8 secret[PMSS_SECRET_HASH_SIZE];
  guint64 capacity;

  PmssNodeState state;
  gint64 since;                 /* seconds since 1970 */
  gint64 began;                 /* the same, monotonic */
  char *reason;                 /* NULL: it is up */

  /* which server it is: node-identity.c */
  char instance[PMSS_INSTANCE_LENGTH + 1];      /* of its start; "": not known */
  gboolean new_instance;        /* and that is not in the database yet */
  gint64 own_heard;             /* monotonic, of the last heartbeat with it */
  gboolean own_left;            /* that one said that it stops */
  char contender[PMSS_INSTANCE_LENGTH + 1];     /* another one with the same identity; "": none */
  gint64 contender_since;       /* monotonic */
  gint64 twin_refused;          /* monotonic, when it was refused last; 0: never */
  /* where it says that it is, and is not known to be; address NULL: nowhere else */
  PmssNode claim;
  /* monotonic, when it was last asked to prove such a thing; 0: not yet */
  gint64 asked;
  char *claim_problem;          /* (nullable) why it is not believed */
  /* and the result of the question: for administrators alone, or control would tell nodes what
   * answers in its network */
  gboolean unproved;

  /* the causes of the state */
  gint64 heard;                 /* monotonic, of the last heartbeat */
  gint64 last_seen;             /* the same in seconds since 1970; 0: never */
  gboolean leaving;             /* the last heartbeat said so */
  gboolean reads_tokens;        /* and these */
  gboolean reads_origins;
  gboolean is_gateway;
  /* seconds that its clock was ahead of ours then; less than 0: behind */
  gint64 skew;
  char *trouble;                /* (nullable) why it takes no writes, as it says */
  char *faults;                 /* (nullable) PmssNodeInfo.faults */
  char *figures_fault;          /* (nullable) why the figures that it sends are not believed */
  /* monotonic, since when control has not reached it; 0: no reason to think so */
  gint64 unreachable;
  guint readers;                /* that cannot reach it either */
  char *failure;                /* why control could not, when it tried last; NULL: it could */

  PmssNodeStats stats;
  /* bit/s, halved with each heartbeat: what comes of it is measured */
  guint64 promised;
} PmssNodeEntry;

struct _PmssNodes
{
  PmssDatabase *database;
  PmssEvents *events;           /* nullable */
  /* protects what follows; not held over a wait for the database, or the watch */
  GMutex lock;
  GHashTable *entries;          /* id -> PmssNodeEntry */
  GHashTable *unknown;          /* set of ids that were refused, and the log has said so: bounded */
  /* protects these two, and is held while the watch runs: an object that has taken it away may be
   * freed */
  GMutex watch_lock;
  PmssNodesWatch watch;
  gpointer watch_data;
  PmssNodesProve prove;         /* NULL: control asks for no proofs */
  gpointer prove_data;
};

/* node-identity.c, with the lock held: the fault of its claim, for the node itself; NULL: none. */
char          *pmss_node_tell_claim (const PmssNodeEntry *entry);
/* node-clock.c: whether a node whose clock is @skew seconds ahead of ours refuses our tokens. */
gboolean       pmss_node_clock_is_wrong (gint64 skew);
/* Whether the difference is worth a warning. */
gboolean       pmss_node_clock_is_notable (gint64 skew);
/* In words, with the remedy; NULL: no difference worth a warning. */
char          *pmss_node_describe_clock (gint64 skew);

typedef enum { PMSS_NODE_CLAIM_GOOD, PMSS_NODE_CLAIM_WAITS, PMSS_NODE_CLAIM_REFUSED } PmssNodeClaim;
/* Lock held. Whether a heartbeat with @instance (nullable: it says nothing) is the node's. WAITS:
 * it is to be told whether the server before it is gone. */
PmssNodeClaim pmss_node_judge_instance (PmssNodeEntry *entry, const char *instance, gint64 now);
/* Notes where the node says that it is. TRUE: it is to be asked for a proof of entry->claim. */
gboolean       pmss_nodes_note_place_locked (PmssNodes *nodes, PmssNodeEntry *entry,
    const PmssNodeBeat *beat, gint64 now);
/* Another node than @except that is there and not down. */
PmssNodeEntry *pmss_nodes_find_at_locked (PmssNodes *nodes, guint except, const char *address,
    guint16 port);
/* An address is one node's: PMSS_ERROR_CONFLICT where such a one is at @place. */
gboolean       pmss_nodes_check_place (PmssNodes *nodes, guint except, const PmssNode *place,
    GError **error);
/* Brings one state up to date, and tells of a change. */
void           pmss_nodes_update (PmssNodes *nodes, guint id);

G_END_DECLS
