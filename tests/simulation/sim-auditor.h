/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-reader.h"
#include "sim-servers.h"

G_BEGIN_DECLS

/**
 * SimAuditor:
 *
 * Holds a run against what the reader promises. It knows the scenario, so it knows which shards
 * may have been in trouble when; what it finds first is kept as text.
 */
typedef struct _SimAuditor SimAuditor;

SimAuditor *sim_auditor_new  (const SimScenario *scenario);
void        sim_auditor_free (SimAuditor *auditor);
/* (nullable): what is wrong. */
const char *sim_auditor_get_finding (SimAuditor *auditor);

/* A SimAskedFunc. */
void sim_auditor_asked     (guint node, guint32 extent, guint shard, guint32 first_row,
    guint n_rows, gpointer auditor);
/* A SimSentFunc. */
void sim_auditor_sent      (guint node, gpointer auditor);
/* A read of @max bytes at @offset, asked for at @began, has ended now with @bytes or @error. */
void sim_auditor_read      (SimAuditor *auditor, guint64 offset, gsize max, gint64 began,
    GBytes *bytes, const GError *error);
/* It was cancelled at @cancelled, us since the beginning. */
void sim_auditor_cancelled (SimAuditor *auditor, gint64 cancelled, GBytes *bytes,
    const GError *error);
void sim_auditor_opened    (SimAuditor *auditor, gint64 began, const GError *error);
/* Looks at all readers, now and then. */
void sim_auditor_look      (SimAuditor *auditor, SimReader **readers);
/* The reader was paused from @from until now, and woke up @wakeups times. */
void sim_auditor_rested    (SimAuditor *auditor, gint64 from, guint64 wakeups);
/* All readers were told to close at @from. */
void sim_auditor_closed    (SimAuditor *auditor, gint64 from, gboolean are_closed,
    SimServers *servers);
/* The simulation itself did not come to its end. */
void sim_auditor_stuck     (SimAuditor *auditor, const char *what);
/* us: longest read while no more shards were in trouble than redundancy makes up for. */
gint64 sim_auditor_get_longest (SimAuditor *auditor);

G_END_DECLS
