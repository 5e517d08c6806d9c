/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/nodes/node-stats.h"

G_BEGIN_DECLS

/**
 * PmssCapacity:
 *
 * What one storage server can send, by the figures of its heartbeats over time, and which of its
 * resources binds (docs/admission.md, What binds). A heartbeat may lie: it says something of its
 * own node alone, and nothing that it says comes to more than PMSS_CAPACITY_MOST.
 *
 * A value. Begins with pmss_capacity_init(). Pure: times are the caller's. Threads: its owner's.
 */
typedef enum
{
  PMSS_RESOURCE_NONE,           /* no limit is known */
  PMSS_RESOURCE_NETWORK,
  PMSS_RESOURCE_CPU,
  PMSS_RESOURCE_DISK,
  PMSS_RESOURCE_MEMORY,
} PmssResource;
#define PMSS_N_RESOURCES (PMSS_RESOURCE_MEMORY + 1)
/* "network"; NULL: none */
const char *pmss_resource_to_string (PmssResource resource);

/* Of a slot. Sums of what a thousand nodes have are far from the end of 64 bits. */
#define PMSS_CAPACITY_MOST (G_GUINT64_CONSTANT (1) << 50)
/* A link's bits that are payload, at an MTU of 1500. */
#define PMSS_CAPACITY_PAYLOAD 0.94
/* What viewers complain of takes no more than this from a node. */
#define PMSS_CAPACITY_LEAST_CORRECTION 0.25

/* What is asked of one resource for each byte that is sent. */
typedef struct
{
  double each;                  /* bytes sent for a unit of it; PMSS_UNKNOWN */
  double others;                /* units that others use */
  guint seconds;                /* of load that was seen */
} PmssCost;

typedef struct
{
  gint64 heard;                 /* us, of the last heartbeat; 0: none */
  PmssCost cpu, disk;
  double others_sent;           /* bytes/s over the link, by others */
  guint64 limit[PMSS_N_RESOURCES];      /* bytes of a slot; PMSS_CALENDAR_NO_LIMIT */
  double correction;            /* PMSS_CAPACITY_LEAST_CORRECTION..1 */
  guint good;                   /* seconds without a bad one */
} PmssCapacity;

void         pmss_capacity_init (PmssCapacity *capacity);
/* What was known of it before control was started: it counts until the first heartbeat. */
void         pmss_capacity_restore (PmssCapacity *capacity, PmssResource binds, guint64 bytes);
/* A heartbeat that came at @heard (us, more than 0); one that was seen already is passed over.
 * @promised: bytes/s of this slot. @slow: viewers find the node slow. */
void         pmss_capacity_note (PmssCapacity *capacity, const PmssNodeStats *stats, gint64 heard,
    double promised, gboolean slow);
/* Bytes that it can send in a slot, or PMSS_CALENDAR_NO_LIMIT: nothing is known of its link.
 * @binds: (out) (nullable) */
guint64      pmss_capacity_get  (const PmssCapacity *capacity, PmssResource *binds);

G_END_DECLS
