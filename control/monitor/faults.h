/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/nodes/node-stats.h"

G_BEGIN_DECLS

/**
 * PmssFaults:
 *
 * Finds what is wrong with nodes, and with control, by figures and time (docs/monitoring.md,
 * Events). Each fault begins at one threshold and ends at another. One that has ended does not
 * begin again within a minute: a heartbeat that lies cannot fill the log.
 *
 *             over its threshold for a while
 *      absent ──────────────────────────────▶ lasts
 *        ▲                                      │
 *        └── below the other one for a while, ──┘
 *            or the node is down
 *
 * Pure: times are the caller's (us, one clock, more than 0). Threads: its owner's, which locks it.
 */
typedef struct _PmssFaults PmssFaults;

typedef enum
{
  PMSS_FAULT_DISK_LOW,
  PMSS_FAULT_DISK_SLOW,
  PMSS_FAULT_CPU,
  PMSS_FAULT_MEMORY,
  PMSS_FAULT_LINK,
  PMSS_FAULT_SLOW,              /* for viewers */
  PMSS_FAULT_BAD_SHARDS,
  PMSS_FAULT_CLOCK,
  PMSS_FAULT_CERTIFICATE,
} PmssFaultKind;
#define PMSS_N_FAULTS (PMSS_FAULT_CERTIFICATE + 1)

/* What is known of a node now. A figure that is not known is PMSS_UNKNOWN: nothing begins or ends
 * by it. */
typedef struct
{
  guint node;                   /* 0: control itself */
  gboolean down;                /* only its disk's room, shards and certificate still matter */
  const PmssNodeStats *stats;   /* (nullable) of a heartbeat that is not old */
  double skew;                  /* s that its clock is ahead of control's */
  double bad_shards;            /* that are known to be bad */
  double certificate;           /* seconds since 1970 at which it ends */
  guint viewers, complaints;    /* PmssReceptionView */
  gboolean slow;
} PmssFaultFacts;
void        pmss_fault_facts_clear (PmssFaultFacts *facts);

typedef struct
{
  PmssFaultKind kind;
  guint node;                   /* 0: control itself */
  gint64 began;                 /* us, as of the caller's clock */
  gint64 since;                 /* the same, seconds since 1970 */
  /* Free bytes; seconds; a fraction; complaints; bad shards; seconds; days that are left. */
  double figure;
  /* Free fraction; fraction of time that it is busy; -; viewers; -; -; the end since 1970 */
  double other;
  char subject[PMSS_DEVICE_SIZE];       /* the disk; "": none */
} PmssFault;

typedef enum
{
  PMSS_FAULT_BEGINS,
  PMSS_FAULT_GROWS,             /* a certificate ends even sooner */
  PMSS_FAULT_ENDS,
} PmssFaultTurn;

typedef struct
{
  PmssFaultTurn turn;
  PmssFault fault;
} PmssFaultChange;

PmssFaults *pmss_faults_new    (void);
void        pmss_faults_free   (PmssFaults *faults);
/* Appends what begins and ends to @changes (of PmssFaultChange). @now: us. @wall: seconds since
 * 1970. */
void        pmss_faults_look   (PmssFaults *faults, const PmssFaultFacts *facts, gint64 now,
    gint64 wall, GArray *changes);
/* Forgets the nodes that were not looked at since @now: they were removed. */
void        pmss_faults_prune  (PmssFaults *faults, gint64 now);
/* Array of PmssFault: those that last, by node and kind. */
GArray     *pmss_faults_list   (PmssFaults *faults);

G_END_DECLS
