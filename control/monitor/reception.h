/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/sessions/measures.h"

G_BEGIN_DECLS

/**
 * PmssReception:
 *
 * How each node serves its viewers, by what their readers tell with renewals (docs/monitoring.md,
 * What viewers see). Viewers may lie: each is one, whatever number of sessions tells something for
 * it, and its figures count as long as a line could carry them. Its memory is bounded.
 *
 * Pure: times are the caller's (us, one clock, more than 0). Threads: its owner's, which locks it.
 */
typedef struct _PmssReception PmssReception;

/* Distinct viewers that have to complain of a node, */
#define PMSS_RECEPTION_COMPLAINTS 3
/* within this time, us. */
#define PMSS_RECEPTION_MEMORY G_TIME_SPAN_MINUTE
/* Viewers of a node, and in all, that are told apart. Further ones are not counted. */
#define PMSS_RECEPTION_MAX_VIEWERS 10000
#define PMSS_RECEPTION_MAX 200000
/* bit/s that a viewer may tell of a node. */
#define PMSS_RECEPTION_MAX_RATE 1e10

/* One node as its viewers see it. */
typedef struct
{
  guint node;
  guint viewers;                /* that read from it */
  guint complaints;             /* viewers that complained of late */
  gboolean slow;                /* enough of them, and most */
  double rate;                  /* bit/s, of all viewers */
  double late, rebuilt;         /* 1/s, units */
  double time;                  /* s that a unit takes, median of the viewers; PMSS_UNKNOWN */
} PmssReceptionView;

/* @reach: us for which a viewer counts as one that reads after it has told so; at least
 * PMSS_RECEPTION_MEMORY. */
PmssReception *pmss_reception_new  (gint64 reach);
void           pmss_reception_free (PmssReception *reception);
/* The reader of @viewer tells @nodes (of PmssNodeMeasure). Nodes that are not in @layout (of guint,
 * ascending), or that it names again, are left out. */
void           pmss_reception_note (PmssReception *reception, const char *viewer,
    const GArray *nodes, const GArray *layout, gint64 now);
/* Forgets what is old. Array of PmssReceptionView of the nodes that have viewers, by id. */
GArray        *pmss_reception_look (PmssReception *reception, gint64 now);
/* How many pairs of viewer and node are remembered. */
guint          pmss_reception_count (PmssReception *reception);

G_END_DECLS
