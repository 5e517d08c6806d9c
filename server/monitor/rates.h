/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

G_BEGIN_DECLS

/* Rates, from counters at two moments. Pure. A figure that is not known is NAN: a counter was not
 * known, or went back, as when a card is taken out. */

#define PMSS_MAX_TOLD_INTERFACES 16     /* in a heartbeat */

/* What the server counts itself, since its start. */
typedef struct
{
  guint64 bytes_in, bytes_out;  /* over TCP */
  guint64 requests;
  guint64 cache_hits, cache_misses, late;
  guint64 scrubbed;             /* bytes */
} PmssServerCounters;

typedef struct
{
  gint64 time;                  /* monotonic us */
  PmssMachineCounters machine;
  PmssServerCounters server;
} PmssCounters;

typedef struct
{
  char name[PMSS_INTERFACE_NAME_SIZE];
  double in, out;               /* bytes/s */
  double errors;                /* errors and drops, 1/s */
} PmssInterfaceRates;

typedef struct
{
  double cpu, user, system, iowait, irq, steal; /* 0..1 of all processors */
  double process_cpu;           /* processors */
  double disk_read, disk_write; /* bytes/s */
  double disk_reads, disk_writes;       /* 1/s */
  double disk_latency;          /* s, mean of the requests that ended; NAN: none did */
  double disk_busy;             /* 0..1 */
  double net_in, net_out;       /* bytes/s, over all interfaces that were there at both moments */
  double own_in, own_out;       /* bytes/s over TCP */
  double requests, cache_hits, cache_misses, late;      /* 1/s */
  double scrub;                 /* bytes/s */
  guint n_interfaces;
  PmssInterfaceRates interfaces[PMSS_MAX_TOLD_INTERFACES];
} PmssRates;

/* All figures NAN, no interfaces. */
void                      pmss_rates_clear          (PmssRates *rates);
void                      pmss_rates_compute        (const PmssCounters *before,
    const PmssCounters *now, PmssRates *rates);
/* NULL: there is none of that name. */
const PmssInterfaceRates *pmss_rates_find_interface (const PmssRates *rates, const char *name);

G_END_DECLS
