/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One run of one seed. */
typedef struct
{
  char *finding;                /* (nullable): what is wrong */
  guint64 hash;                 /* of the log */
  gint64 simulated;             /* us */
  gint64 longest;               /* us: sim_auditor_get_longest() */
  guint64 bytes;                /* that viewers got */
} SimResult;

/* @verbose: prints the log. */
void sim_world_run      (guint64 seed, gboolean verbose, SimResult *result);
void sim_result_clear   (SimResult *result);

G_END_DECLS
