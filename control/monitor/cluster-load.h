/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/monitor/series.h"
#include "control/context.h"

G_BEGIN_DECLS

/**
 * PmssClusterLoad:
 *
 * The figures of the cluster that are no storage server's: who plays, what is amiss, and what
 * control itself takes. Waits for nothing: who plays is counted on the database thread when that
 * has time, and is unknown where it had none for long. One thread.
 */
typedef struct _PmssClusterLoad PmssClusterLoad;

PmssClusterLoad *pmss_cluster_load_new  (PmssDatabase *database);
void             pmss_cluster_load_free (PmssClusterLoad *load);
/* Once a second. @now: monotonic, µs. Fills in the series that it knows. */
void             pmss_cluster_load_look (PmssClusterLoad *load, gint64 now,
    double values[PMSS_N_SERIES]);

G_END_DECLS
