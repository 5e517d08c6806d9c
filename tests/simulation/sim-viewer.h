/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-auditor.h"

G_BEGIN_DECLS

/**
 * SimViewer:
 *
 * Reads as its scenario says: one read after the other, each audited.
 */
typedef struct _SimViewer SimViewer;

SimViewer *sim_viewer_new     (const SimScenario *scenario, guint number, SimReader *reader,
    SimAuditor *auditor);
/* Not while a read is under way. */
void       sim_viewer_free    (SimViewer *viewer);
/* Begins to read; it goes on until stop(). */
void       sim_viewer_start   (SimViewer *viewer);
/* Reads no more, but for what is under way. */
void       sim_viewer_stop    (SimViewer *viewer);
gboolean   sim_viewer_is_busy (SimViewer *viewer);
/* It has read all that it wants. */
gboolean   sim_viewer_is_done (SimViewer *viewer);
/* When the read under way began, us since the beginning; G_MAXINT64: none is. */
gint64     sim_viewer_get_began (SimViewer *viewer);
guint64    sim_viewer_get_bytes (SimViewer *viewer);

G_END_DECLS
