/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/cluster-load.h"
#include "control/monitor/history.h"
#include "control/monitor/interval.h"
#include "control/monitor/monitor.h"
#include "control/monitor/ring.h"
#include "control/monitor/steady-time.h"

G_BEGIN_DECLS

/* Shared by monitor.c (the seconds as they pass) and load.c (what is told live). */

/* A node, or the cluster. */
typedef struct
{
  guint node;
  PmssRing *ring;               /* NULL: there were too many already */
  gint64 last;                  /* the last second with figures */
  PmssViewerFigures viewers;
  gboolean has_viewers;
  PmssInterval interval;        /* the one that is under way */
} PmssSubject;

struct _PmssMonitor
{
  PmssControlContext *context;
  PmssClusterLoad *load;        /* the main thread's */
  PmssHistory *history;         /* NULL: there is none */

  /* protects the rest */
  GMutex lock;
  PmssSteadyTime time;
  gint64 closed;                /* the last second that has passed, monotonic; 0: none yet */
  gint64 minute;                /* the minute that the subjects add up, of the wall clock */
  gint64 began;                 /* the first one; 0: none yet */
  GHashTable *subjects;         /* node -> PmssSubject */
  guint n_rings;
};

G_END_DECLS
