/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/stream-plan.h"

G_BEGIN_DECLS

/* Media that a seed makes: films of variable and of constant rate, and sound; 4+2, extents of
 * 16 MiB, placed as a deck of the nodes is dealt. */
#define SIM_K 4
#define SIM_M 2
#define SIM_EXTENT (16 * 1024 * 1024)
/* Headers of records, and what goes with each packet. */
#define SIM_OVERHEAD 1.01

typedef struct
{
  guint slots;
  guint64 *before;              /* bytes before each slot; slots + 1 of them */
  guint64 size;
  guint64 buffer;
  PmssEnvelope *envelope;
  guint32 *places;              /* SIM_K + SIM_M ids of each extent */
  guint extents;
} SimMedium;

/* In a catalogue, one of three is of variable rate, one of constant rate, one sound. */
GPtrArray      *sim_media_new         (GRand *rand, guint n_media, guint n_nodes);
/* As it is demanded. */
PmssStreamPlan *sim_medium_plan       (const SimMedium *medium);
/* The same nodes at the same times, all the time at one rate: bytes in a slot. */
PmssStreamPlan *sim_medium_plan_at    (const SimMedium *medium, guint64 rate);
guint64         sim_medium_get_average (const SimMedium *medium);
/* Of its fastest slot. */
guint64         sim_medium_get_peak   (const SimMedium *medium);
/* The lowest rate that a buffer filled beforehand makes do. */
guint64         sim_medium_get_bucket (const SimMedium *medium);

G_END_DECLS
