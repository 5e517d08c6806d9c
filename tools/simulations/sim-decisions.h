/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint nodes;
  guint streams;                /* that run all the time */
  guint rounds;
  guint32 seed;
  gboolean survive_failure;
} SimDecisions;

/* How many decisions a second of CPU time the calendar makes: with room for a stream more, and
 * full. Prints a table. */
void sim_decisions_run (const SimDecisions *options);

G_END_DECLS
