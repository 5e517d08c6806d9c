/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/secret.h"
#include "control/nodes/nodes.h"

G_BEGIN_DECLS

/* Shared by nodes.c (who there is) and node-states.c (how they are). */

typedef struct {
  PmssNode node;
  guint8 secret[PMSS_SECRET_HASH_SIZE];
  guint64 capacity;

  PmssNodeState state;
  gint64 since;                 /* seconds since 1970 */
  gint64 began;                 /* the same, monotonic */
  char *reason;                 /* NULL: it is up */

  /* what the state follows from */
  gint64 heard;                 /* monotonic, of the last heartbeat */
  gint64 last_seen;             /* the same in seconds since 1970; 0: never */
  gboolean leaving;             /* the last heartbeat said so */
  gboolean reads_tokens;        /* and that */
  gint64 unreachable;           /* monotonic, since when control has not reached it; 0: no reason to think so */
  guint readers;                /* that cannot reach it either */
  char *failure;                /* why control could not, when it tried last; NULL: it could */

  PmssNodeStats stats;
} PmssNodeEntry;

struct _PmssNodes {
  PmssDatabase *database;
  GMutex lock;                  /* protects what follows; not held over the database or the watch */
  GHashTable *entries;          /* id -> PmssNodeEntry */
  PmssNodesWatch watch;
  gpointer watch_data;
};

G_END_DECLS
