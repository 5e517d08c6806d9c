/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sim-media.h"

G_BEGIN_DECLS

#define SIM_BIN 300             /* slots: ten minutes */

typedef enum
{
  SIM_POLICY_ON,                /* the calendar with envelopes, and work ahead */
  SIM_POLICY_PEAK,              /* the rate of the fastest slot, all the time */
  SIM_POLICY_BUCKET,            /* the rate that a token bucket of the buffer's size needs */
  SIM_POLICY_AVERAGE,
  SIM_POLICY_MEASURED,          /* as long as nodes were seen to have room */
  SIM_POLICY_OFF,
  SIM_N_POLICIES,
} SimPolicy;

typedef struct
{
  guint slot;
  guint medium;
  double part;                  /* of it that is watched */
} SimArrival;

typedef struct
{
  guint nodes;
  double capacity;              /* bytes of each node in a slot */
  double reserve;
  gboolean survive_failure;
  guint slots;
  guint wait;                   /* slots that a viewer waits for a start */
  GPtrArray *media;
  GArray *arrivals;             /* of SimArrival */
  double *expected;             /* arrivals of each slot */
  double erlang_refused;        /* 0..1: if all streams had the same rate, and any node's room was
                                 * worth the same */
} SimDay;

typedef struct
{
  guint offered, admitted, later;
  double waited;                /* slots, all together */
  guint hurt;                   /* viewers that stood still */
  guint still;                  /* slots that they did so */
  double used, busiest;         /* of all capacity; in the busiest hour */
  guint n_bins;
  double *running, *standing;   /* viewers in each ten minutes; of them, still, on average */
} SimResult;

const char *sim_policy_to_string (SimPolicy policy);
/* @load: what is asked for at the peak, of all capacity. Arrivals are the same for all policies. */
void        sim_day_fill    (SimDay *day, GRand *rand, double load);
void        sim_day_run     (const SimDay *day, SimPolicy policy, SimResult *result);

G_END_DECLS
