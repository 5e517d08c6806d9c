/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/overview/cluster-facts.h"

G_BEGIN_DECLS

/* Judges the cluster by its facts: a sentence, and what needs attention with its remedy. Pure. */

/* From good to bad: of several the worst is the larger. */
typedef enum
{
  PMSS_CLUSTER_OK,
  PMSS_CLUSTER_ATTENTION,       /* something is to be done */
  /* media cannot be played or stored, or some of them perhaps not */
  PMSS_CLUSTER_BAD,
} PmssClusterState;

typedef struct
{
  PmssClusterState severity;
  const char *kind;             /* "node-down": docs/protocol.md has the list */
  char *subject;                /* id of a node, or "" */
  char *text;                   /* what is wrong: a sentence */
  const char *advice;           /* what is to be done: a sentence */
  gint64 count, bytes;          /* that it is about; -1: none */
  gint64 since;                 /* seconds since 1970; 0: not known */
  char *reason;                 /* nullable */
  /* the request that does it, below /api/v1; NULL: none does */
  const char *label, *method;
  char *path;
  gint64 confirm;               /* its body: {"confirm_cleanup": N}; 0: it has none */
} PmssClusterItem;

typedef struct
{
  PmssClusterState state;
  char *sentence;
  GPtrArray *items;             /* of PmssClusterItem, the worst first */
} PmssClusterHealth;

const char        *pmss_cluster_state_to_string (PmssClusterState state);
PmssClusterHealth *pmss_cluster_health_judge (const PmssClusterFacts *facts);
void               pmss_cluster_health_free  (PmssClusterHealth *health);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssClusterHealth, pmss_cluster_health_free)

G_END_DECLS
